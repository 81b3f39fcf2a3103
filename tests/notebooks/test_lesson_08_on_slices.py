"""Lesson 08 trains on real films and photos where they are at hand: as far as those cells, on the slices."""

import nbformat
import pytest
from first_cell import NOTEBOOKS
from nbclient import NotebookClient

LAST = "ful08slice4"


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_lesson_trains_on_the_slices(real_data, toy_kitchen, monkeypatch):
    monkeypatch.setenv("LRCN_REAL_DATA", str(real_data))
    monkeypatch.setenv("TORCH_HOME", str(real_data / "torch_home"))
    notebook = nbformat.read(NOTEBOOKS / "08_full_scale.ipynb", as_version=4)
    last = next(number for number, cell in enumerate(notebook.cells) if cell.id == LAST)
    notebook.cells = notebook.cells[: last + 1]
    folder = {"metadata": {"path": str(NOTEBOOKS)}}
    NotebookClient(notebook, timeout=1200, kernel_name="python3", resources=folder).execute()
    films, photos = (
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.id in ("ful08slice2", LAST)
    )
    assert "lrcn-pool rgb seed 0: " in films
    assert "60 training images, 60 val images" in photos and "BLEU-1..4 with beam 3" in photos
