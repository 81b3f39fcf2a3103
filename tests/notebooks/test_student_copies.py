"""The student copies are those that `make exercises` writes now, and lack nothing but outputs and solutions."""

import re
from urllib.parse import urlsplit

import nbformat
import pytest
from exercises import COPIES, is_exercise, student_copy
from first_cell import NOTEBOOKS

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
FOLD = re.compile(r"<details><summary>Solution</summary>\n\n```python\n(.*)\n```\n</details>", re.DOTALL)


def lines_of_code(cells) -> list[str]:
    """The lines of all code cells but empty ones and the marks of the solutions."""
    lines = [line for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    return [line for line in lines if line.strip() and "SOLUTION" not in line]


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def stored(path):
    return nbformat.read(COPIES / path.name, as_version=4)


def test_the_stored_copies_are_fresh(path, stored):
    assert stored == student_copy(path), "run `make exercises`"


def test_every_lesson_has_a_copy_and_nothing_else_is_there():
    assert sorted(COPIES.glob("*.ipynb")) == [COPIES / path.name for path in PATHS]


def test_nothing_is_solved_and_nothing_was_run(stored):
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert not any("SOLUTION" in cell.source for cell in code)


def test_with_the_solutions_pasted_back_it_is_the_complete_notebook(path, stored):
    cells = list(stored.cells)
    for n, cell in enumerate(cells):
        if is_exercise(cell):
            function = FOLD.fullmatch(cells[n + 1].source)[1]
            assert cell.source.startswith(function.splitlines()[0]) and "NotImplementedError" in cell.source
            cell.source = function + cell.source[cell.source.rindex("\n\n") :]
    assert lines_of_code(cells) == lines_of_code(nbformat.read(path, as_version=4).cells)


def test_links_lead_on_from_the_copys_folder(path, stored):
    text = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "markdown")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
        parts = urlsplit("".join(link))
        assert parts.scheme or not parts.path or (COPIES / parts.path).exists(), "".join(link)
