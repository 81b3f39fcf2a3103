"""What every stored notebook must be: executed in order, clean, small, with the common first cell."""

import ast
import re

import lesson_minutes
import nbformat
import pytest
from execute import MEASURED, WIDGET, faults
from first_cell import NOTEBOOKS
from IPython.core.inputtransformer2 import TransformerManager

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def test_executed_once_from_top_to_bottom(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run `make notebooks`"


def test_nothing_is_stored_that_a_reader_should_not_see(notebook):
    assert faults(notebook) == []
    assert "widgets" not in notebook.metadata
    assert not any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", []))


def test_header_says_what_how_long_and_how_much(notebook):
    header = notebook.cells[0].source
    assert header.startswith("# ")
    assert "able to" in header
    assert "You need" in header
    assert header == lesson_minutes.header(notebook), "run `make exercises`"
    assert re.search(r"Computing: [\d.]+ minutes?", MEASURED.search(header).group())


def test_every_figure_has_words_for_those_who_cannot_see_it(code):
    for cell in code:
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            words = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert 60 <= len(words) <= 220, f"cell {cell.id}: metadata mystnb.image.alt says what the figure shows"


def test_cells_are_short_and_ids_unique(notebook, code):
    assert max(len(cell.source.splitlines()) for cell in code) <= 25
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_a_cell_that_shows_a_widget_is_known_by_its_tag(code):
    """It ends in a name, or in a call of a class, of which nothing is shown on paper."""
    ends_in_object = {cell.id for cell in code if shows_object(cell.source)}
    tagged = {cell.id for cell in code if WIDGET in cell.metadata.get("tags", [])}
    silent = {cell.id for cell in code if not cell.outputs} & ends_in_object
    assert silent <= tagged <= ends_in_object, "run `make notebooks`"


def shows_object(source: str) -> bool:
    last = ast.parse(TransformerManager().transform_cell(source)).body[-1]
    shown = last.value if isinstance(last, ast.Expr) else None
    if isinstance(shown, ast.Call):
        return isinstance(shown.func, ast.Name) and shown.func.id[0].isupper()
    return isinstance(shown, ast.Name)


def test_marks_of_the_tests_are_tags_which_students_do_not_see(code):
    assert not [cell.id for cell in code if "NBVAL_CHECK_OUTPUT" in cell.source]


def test_a_skipped_cell_gives_its_reason(code):
    for cell in code:
        if "NBVAL_SKIP" in cell.source or "NBVAL_IGNORE" in cell.source:
            assert re.search(r"# (reason|because)", cell.source), cell.source[:80]
