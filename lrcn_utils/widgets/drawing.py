"""From a figure to a widget: plots are drawn to PNG bytes and put into an Image, so nothing flickers on a change."""

import io

import ipywidgets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes. Make it with ``matplotlib.figure.Figure``, which pyplot does not keep alive."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def image_of(figure: Figure | None = None, width: str = "auto") -> ipywidgets.Image:
    """An Image widget that shows ``figure``, never wider than the cell."""
    layout = ipywidgets.Layout(width=width, max_width="100%", object_fit="contain")
    value = png(figure) if figure is not None else b""
    return ipywidgets.Image(value=value, format="png", layout=layout)
