"""All rows, in the order of the table."""

from benchmarks.rows import activity, captioning, crf

ROWS = [row for topic in (activity, captioning, crf) for row in topic.TOPIC.rows]
