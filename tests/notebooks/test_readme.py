"""What the README says of the notebooks is what they say themselves."""

import pytest
from course_map import README, with_minutes
from first_cell import NOTEBOOKS

TEXT = README.read_text(encoding="utf-8")


def test_the_map_has_the_minutes_of_the_headers():
    assert with_minutes(TEXT) == TEXT, "run `python docs/tools/course_map.py`"


def test_every_lesson_is_on_the_map_once():
    for notebook in NOTEBOOKS.glob("0*.ipynb"):
        assert TEXT.count(f"(notebooks/{notebook.name})") == 1


def test_a_row_that_is_missing_is_named():
    with pytest.raises(ValueError, match="0 rows of the map begin with"):
        with_minutes(TEXT.replace("| [00 ", "| [zero "))
