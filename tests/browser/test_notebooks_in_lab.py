"""Every notebook in JupyterLab in Chromium: run from the first cell to the last, then every control moved."""

from pathlib import Path

import pytest
from controls import move_everything
from lab import Notebook

NAMES = sorted(path.name for path in (Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", NAMES)
def test_runs_and_answers(lab, page, name):
    notebook = Notebook(page, lab, name)
    notebook.run_all()
    assert notebook.all_ran()
    assert notebook.failed_cells() == []
    before = notebook.images()
    if move_everything(notebook):
        assert notebook.images() != before or not before, "no picture changed although controls moved"
    assert notebook.failed_cells() == []
    assert notebook.errors == []
    notebook.close()
