"""Every exercise cell passes as it is and not as a stub, and what stands around it is an exercise's card."""

import ast
import contextlib
import io
import re

import nbformat
import pytest
from exercises import imports_before, is_exercise, without_solutions
from first_cell import NOTEBOOKS

from lrcn_utils import checks
from lrcn_utils.checks.exercise import exercises_of

COMPLETE = {path: nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
STUBS = {path: without_solutions(notebook) for path, notebook in COMPLETE.items()}
PLACES = [(path, n) for path, book in COMPLETE.items() for n, cell in enumerate(book.cells) if is_exercise(cell)]
CARD = re.compile(
    r"### Exercise (\d+): .+\n+Difficulty [★☆]{3} · importance [★☆]{3} · \d+ minutes\n\n.+"
    r"<details><summary>Hint</summary>.+</details>",
    re.DOTALL,
)

each_exercise = pytest.mark.parametrize(
    ("path", "n"), PLACES, ids=[f"{path.stem}-{COMPLETE[path].cells[n].id}" for path, n in PLACES]
)


@pytest.fixture
def printed(tmp_path, monkeypatch):
    """What cell ``n`` prints when it is run after nothing but the imports before it."""
    monkeypatch.chdir(tmp_path)

    def run(notebook, n):
        names, out = {}, io.StringIO()
        exec(imports_before(notebook, n), names)
        with contextlib.redirect_stdout(out):
            exec(notebook.cells[n].source, names)
        return out.getvalue()

    return run


@each_exercise
def test_the_solution_passes_as_the_notebook_shows(printed, path, n):
    assert printed(COMPLETE[path], n) == "Passed.\n"
    cell = COMPLETE[path].cells[n]
    assert [output.text for output in cell.outputs] == ["Passed.\n"] and "nbval-check-output" in cell.metadata.tags


@each_exercise
def test_the_stub_does_not_pass(printed, path, n):
    assert printed(STUBS[path], n) == "Not yet: the function is still to be written.\n"


@each_exercise
def test_a_card_with_a_hint_stands_before_it(path, n):
    assert CARD.fullmatch(COMPLETE[path].cells[n - 1].source)


@each_exercise
def test_the_lesson_goes_on_without_the_students_function(path, n):
    cells = [cell for cell in COMPLETE[path].cells if cell.cell_type == "code"]
    defined = {node.name for node in ast.parse(COMPLETE[path].cells[n].source).body if hasattr(node, "name")}
    others = " ".join(cell.source for cell in cells if cell.id != COMPLETE[path].cells[n].id)
    assert defined and not defined & set(re.findall(r"\w+", others))


@pytest.mark.parametrize("path", COMPLETE, ids=lambda path: path.stem)
def test_exercises_are_numbered_in_their_order(path):
    cards = [COMPLETE[path].cells[n - 1].source for where, n in PLACES if where == path]
    assert [int(CARD.fullmatch(card)[1]) for card in cards] == list(range(1, len(cards) + 1))


@pytest.mark.parametrize("lesson", checks.__all__)
def test_every_exercise_is_asked_once_and_in_the_order_of_its_module(lesson):
    cells = [COMPLETE[path].cells[n].source for path, n in PLACES]
    asked = [name for cell in cells for name in re.findall(rf"^checks\.{lesson}\.(\w+)\(", cell, re.MULTILINE)]
    assert asked == exercises_of(getattr(checks, lesson))
