"""Every lesson runs on the GPU: a real one, or the pretend one. A move that a lesson forgets stops it there."""

from pathlib import Path

import nbformat
import pytest
from first_cell import NOTEBOOKS
from nbclient import NotebookClient

TESTS = Path(__file__).resolve().parents[1]
ENTER = f"""
import sys
sys.path[:0] = [{str(TESTS.parent)!r}, {str(TESTS)!r}]
import pretend_gpu
_gpu = pretend_gpu.gpu()
_gpu.__enter__()
"""
THERE = "assert environment.device().type == 'cuda'"


@pytest.mark.device
@pytest.mark.timeout(4 * 3600)  # only what hangs: a busy machine has taken an hour for one
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_lesson_on_the_device(path, toy_kitchen):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(ENTER))
    notebook.cells.append(nbformat.v4.new_code_cell(THERE))
    folder = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=3 * 3600, kernel_name="python3", resources=folder).execute()
