"""The teacher's page: its timetable is fresh, and what it names of the lessons is there."""

import re

import lesson_minutes
import nbformat
import pytest
from course_map import TEACHING, lessons, with_timetable
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

TEXT = TEACHING.read_text(encoding="utf-8")
OWN = TEXT[: TEXT.index("<!-- timetable -->")] + TEXT[TEXT.index("<!-- /timetable -->") :]
NOTEBOOKS = {path.stem[:2]: nbformat.read(path, as_version=4) for path in lessons()}


def headings(lesson: str) -> set[str]:
    text = "\n".join(cell.source for cell in NOTEBOOKS[lesson].cells if cell.cell_type == "markdown")
    return set(re.findall(r"^##+ (.+)$", text, re.MULTILINE))


def exercises(lesson: str) -> set[int]:
    return {e.number for part in lesson_minutes.sections(NOTEBOOKS[lesson]) for e in part.exercises}


def test_the_timetable_is_that_of_the_notebooks():
    assert with_timetable(TEXT) == TEXT, "run `make exercises`"


def test_every_section_that_the_page_names_is_in_its_lesson():
    named = re.findall(r"\b(0\d) “([^”]+)”", OWN)
    assert len(named) > 30 and TEXT.count("“") == len(named)
    assert [(lesson, title) for lesson, title in named if title not in headings(lesson)] == []


def test_the_page_names_exercises_that_are_there_and_an_objective_for_each():
    objectives = OWN[OWN.index("## Objectives") : OWN.index("## What students get wrong")]
    there = {(lesson, number) for lesson in NOTEBOOKS for number in exercises(lesson)}
    for text in (OWN, objectives):
        assert {(lesson, int(number)) for lesson, number in re.findall(r"\b(0\d)\.(\d+)\b", text)} == there


@pytest.fixture
def lesson():
    card = "### Exercise 1: add\n\nDifficulty ★★☆ · importance ★☆☆ · 7 minutes\n\n" + 300 * "word "
    picture = new_output("display_data", {"image/png": ""})
    return new_notebook(
        cells=[
            new_markdown_cell("# A lesson\n\nReading: 1 minutes."),
            new_markdown_cell("## Words\n\n" + 1198 * "word "),
            new_markdown_cell(card),
            new_code_cell("def add(): ...", metadata={"tags": ["exercise"]}),
            new_markdown_cell("## Code\n\n<details><summary></summary></details>"),
            new_code_cell(20 * "a = 1\n\n", outputs=[picture]),
        ]
    )


def test_reading_counts_words_lines_figures_and_questions_but_no_exercise(lesson):
    parts = {part.title: part.reading for part in lesson_minutes.sections(lesson)}
    assert parts["Words"] == pytest.approx(1200 / 150)
    assert parts["Code"] == pytest.approx(2 / 150 + 20 / 10 + 0.7 + 1.5)


def test_the_card_gives_the_minutes_of_the_exercise(lesson):
    assert lesson_minutes.sections(lesson)[1].exercises == [lesson_minutes.Exercise(1, "add", 2, 7)]


def test_the_header_is_written_once_and_again(lesson):
    for _ in range(2):
        lesson.cells[0].source = lesson_minutes.header(lesson)
        assert lesson.cells[0].source == "# A lesson\n\nReading: 10 minutes. Exercises: 7 minutes."
    lesson.cells[0].source = "# A lesson"
    with pytest.raises(ValueError, match="0 times"):
        lesson_minutes.header(lesson)
