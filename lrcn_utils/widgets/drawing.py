"""What the views share: pictures as PNG bytes in an Image, so nothing flickers on a change."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ipywidgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

WRAP = {"flex_flow": "row wrap"}  # layout of a row that becomes a column where the page is narrow


def pixels(figure: Figure) -> np.ndarray:
    """The figure drawn: uint8 (height, width, 3). Make it with ``matplotlib.figure.Figure``, unknown to pyplot."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def png(picture: Figure | np.ndarray, size: tuple[int, int] | None = None) -> bytes:
    """PNG bytes of a figure, or of uint8 pixels (height, width, 3), enlarged to ``size`` (width, height).

    Hardly compressed: the bytes go to the reader's own browser, and packing them well takes longer than drawing.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels(picture) if isinstance(picture, Figure) else picture))
    buffer = io.BytesIO()
    (image.resize(size) if size else image).save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def sheet(image: ipywidgets.Image, width: str) -> ipywidgets.Box:
    """``image`` as wide as the page, at most at its own size, at least at ``width``: then it is scrolled.

    So it stays legible on a narrow page; "max-content" keeps it always at its own size.
    """
    image.layout = ipywidgets.Layout(max_width="100%", min_width=width, object_fit="contain")
    return ipywidgets.Box([image], layout=ipywidgets.Layout(overflow="auto"))


@contextmanager
def unheard(handler: Callable, *controls: ipywidgets.Widget) -> Iterator[None]:
    """Set the values of ``controls`` in the block without ``handler``, which observes them, being called."""
    for control in controls:
        control.unobserve(handler, "value")
    try:
        yield
    finally:
        for control in controls:
            control.observe(handler, "value")
