"""What is stored of an executed notebook: small figures whole, large ones in 256 colours, nothing undrawn."""

import base64
import io

import nbformat
import numpy as np
from execute import LARGE, WIDGET, WIDGET_VIEW, clean, faults, shrink
from PIL import Image


def picture(side: int):
    """The output of a cell that shows random colours, which compress badly."""
    return shown(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))


def shown(pixels):
    file = io.BytesIO()
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


def test_rare_shades_of_a_large_figure_are_not_mixed_up():
    """A few red, orange and green shades at the edge of a large grey picture."""
    pixels = np.random.default_rng(0).integers((90, 100, 90), 230, (200, 200, 3), dtype=np.uint8)
    shade = np.linspace(0, 1, 60)[:, None]
    red, orange, green = (
        ((90, 15, 15), (230, 120, 110)),
        ((230, 140, 40), (250, 180, 90)),
        ((30, 100, 20), (120, 200, 90)),
    )
    for rows, (dark, light) in zip((slice(0, 20), slice(20, 26), slice(26, 30)), (red, orange, green), strict=True):
        pixels[rows, :60] = np.array(dark) * (1 - shade) + np.array(light) * shade
    output = shown(pixels)
    shrink(output)
    stored = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert stored.mode == "P"
    assert np.abs(np.array(stored.convert("RGB"), int) - pixels)[:30, :60].max() < 40


def test_a_figure_that_was_not_drawn_is_a_fault():
    drawn, undrawn = picture(40), picture(40)
    del undrawn.data["image/png"]
    assert faults(notebook(drawn)) == []
    assert faults(notebook(undrawn)) == ["cell 1 shows a figure as words: '<Figure size 80x80 with 1 Axes>'"]


def test_a_cell_that_shows_a_widget_gets_a_tag_and_loses_its_view():
    view = nbformat.v4.new_output("display_data", {WIDGET_VIEW: {"model_id": "1"}, "text/plain": "Explorer()"})
    before = notebook(view)
    before.cells[1].metadata["tags"] = ["kept"]
    for _ in range(2):  # executed once more, it is not tagged twice
        before.cells[1].outputs = [view]
        clean(before)
        assert before.cells[1].metadata == {"tags": ["kept", WIDGET]} and before.cells[1].outputs == []
    before.cells[1].outputs = [picture(8)]
    clean(before)
    assert before.cells[1].metadata == {"tags": ["kept"]}, "it shows a figure now"
