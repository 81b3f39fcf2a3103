"""All rows, in the order of the table."""

from benchmarks.rows import activity, captioning, commands, crf, data, growth, lessons, presets, processes, widgets

TOPICS = (activity, captioning, crf, lessons, data, processes, presets, growth, widgets, commands)
ROWS = [row for topic in TOPICS for row in topic.TOPIC.rows]
