"""The map of the course has every notebook, fits on its page, and marks where the reader is."""

import nbformat
import pytest
from drawn import assert_it_fits, words
from first_cell import NOTEBOOKS

from lrcn_utils.plots.course_map import LESSONS, course_map


@pytest.mark.parametrize("here", LESSONS)
def test_it_fits_and_marks_one_lesson(here):
    figure = course_map(here)
    assert_it_fits(figure)
    marked = [text.get_text() for text in figure.axes[0].texts if text.get_color() == "white"]
    assert len(marked) == 1 and marked[0].startswith(here)


def test_its_lessons_are_the_notebooks():
    titles = [nbformat.read(path, as_version=4).cells[0].source for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    letters = lambda text: "".join(filter(str.isalnum, text))  # noqa: E731
    assert [letters(text) for text in words(course_map("00"))] == [letters(title.splitlines()[0]) for title in titles]


def test_each_lesson_shows_where_it_is():
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        assert any(cell.source.startswith(f'course_map("{path.stem[:2]}")') for cell in cells), path.name


def test_another_number_is_named():
    with pytest.raises(ValueError, match="here: '99'"):
        course_map("99")
