"""The exercises as nbgrader's source: valid for nbgrader, and its whole chain gives points for right answers alone."""

import os
import subprocess
import sys
from pathlib import Path

import assignments
import nbformat
import pytest
from course_map import lessons
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator

LESSON = "05_retrieval_and_evaluation"


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_nbgraders_own_validator_accepts_every_assignment(path):
    made, lesson = assignments.assignment(path), nbformat.read(path, as_version=4)
    nbformat.validate(made)
    MetadataValidator().validate_nb(made)
    marks = [cell.metadata.nbgrader for cell in made.cells]
    assert len({mark.grade_id for mark in marks}) == len(marks)
    asked = sum(map(assignments.is_exercise, lesson.cells))
    assert sum(mark.solution for mark in marks) == sum(mark.grade for mark in marks) == asked


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course folder, and a function that runs nbgrader in it, with the commands of this environment on the path."""
    assignments.write(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)

    def nbgrader(*words):
        done = subprocess.run([sys.executable, "-m", "nbgrader", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]

    return tmp_path, nbgrader


def hand_in(course, student: str, notebook) -> None:
    folder = course / "submitted" / student / LESSON
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{LESSON}.ipynb")


@pytest.mark.slow
def test_the_whole_chain_of_nbgrader_gives_points_for_right_answers_alone(course):
    root, nbgrader = course
    nbgrader("generate_assignment", LESSON)
    released = nbformat.read(root / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    assert not any("BEGIN SOLUTION" in cell.source for cell in released.cells)
    hand_in(root, "nobody", released)
    solved = {cell.id: cell.source for cell in assignments.assignment(assignments.NOTEBOOKS / f"{LESSON}.ipynb").cells}
    for cell in released.cells:
        if cell.metadata.nbgrader.solution:
            cell.source = solved[cell.id]
    hand_in(root, "somebody", released)
    nbgrader("autograde", LESSON)
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        somebody, nobody = (book.find_submission(LESSON, student) for student in ("somebody", "nobody"))
        assert somebody.score == somebody.max_score > 0
        assert nobody.score == 0 and not nobody.needs_manual_grade
