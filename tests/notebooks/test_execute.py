"""What is stored of an executed notebook: small figures whole, large ones in 256 colours, nothing undrawn."""

import base64
import io

import nbformat
import numpy as np
from execute import LARGE, faults, shrink
from PIL import Image


def picture(side: int):
    """The output of a cell that shows random colours, which compress badly."""
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, format="png")
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "<Figure size 80x80 with 1 Axes>"}
    return nbformat.v4.new_output("display_data", data)


def notebook(output):
    header = nbformat.v4.new_markdown_cell("# A lesson <!-- measured --><!-- /measured -->")
    return nbformat.v4.new_notebook(cells=[header, nbformat.v4.new_code_cell("figure", outputs=[output])])


def test_only_a_large_figure_loses_colours():
    small, large = picture(40), picture(200)
    before = [output.data["image/png"] for output in (small, large)]
    assert len(before[0]) < LARGE < len(before[1])
    shrink(small), shrink(large)
    assert small.data["image/png"] == before[0]
    assert len(large.data["image/png"]) < len(before[1]) / 2


def test_a_figure_that_was_not_drawn_is_a_fault():
    drawn, undrawn = picture(40), picture(40)
    del undrawn.data["image/png"]
    assert faults(notebook(drawn)) == []
    assert faults(notebook(undrawn)) == ["cell 1 shows a figure as words: '<Figure size 80x80 with 1 Axes>'"]
