"""The student's progress: counted from the file beside the notebook, lesson by lesson."""

from lrcn_utils import checks
from lrcn_utils.checks.exercise import exercises_of, record
from lrcn_utils.widgets.progress import Progress, standings


def test_before_the_first_exercise_the_first_one_is_next(tmp_path):
    found = standings(tmp_path)
    assert len(found) == len(checks.__all__)
    assert [one.passed for one in found] == [0] * len(found)
    assert found[0].title == "01 Convolutional networks" and found[0].following == "next: 1, windows"


def test_what_has_passed_counts_in_its_lesson_and_the_next_one_is_the_first_gap(tmp_path):
    names = exercises_of(checks.lstm)
    for name in (names[0], names[2], "an exercise of an older course"):
        record("lstm", name, tmp_path)
    before, lesson = standings(tmp_path)[:2]
    assert before.passed == 0 and lesson.passed == 2
    assert lesson.following == f"next: 2, {names[1].replace('_', ' ')}"


def test_bars_and_table_say_the_same(tmp_path):
    for name in exercises_of(checks.cnn):
        record("cnn", name, tmp_path)
    view = Progress(tmp_path)
    many = len(exercises_of(checks.cnn))
    title, bar, words = view.children[0].children
    assert (bar.value, bar.max, bar.bar_style) == (many, many, "success")
    assert words.value == f"{many} of {many}; all passed"
    assert f"| {title.value} | {many} of {many} | all passed |" in str(view.table())
