"""Diagrams of convolutional networks: sliding window, padding and stride, channels, receptive field, row of layers.

They are drawn with the primitives of ``diagrams``. Pictures and kernels are small arrays (rows, columns) of numbers
that are printed into the cells; at most 6 x 6, so that they can be read.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import ArrayLike

from lrcn_utils.plots.diagrams import INK, SIZE, Point, arrow, box, canvas, circle, label, pale
from lrcn_utils.plots.style import BLUE, GREEN, GREY, ORANGE, SKY, VERMILION

CELL = 0.8  # side of one number's cell
LARGEST = 6


def sliding_window(picture: ArrayLike, kernel: ArrayLike) -> Figure:
    """A kernel at each of its places on a picture, and the answer as it grows; the window and its number are marked.

    ``picture`` (rows, columns) and a smaller ``kernel``, both at most 6 x 6 whole numbers.
    Raises ValueError for other shapes, or a kernel that does not fit.
    """
    picture, kernel = _numbers("picture", picture), _numbers("kernel", kernel)
    rows, columns = np.subtract(picture.shape, kernel.shape) + 1
    if rows < 1 or columns < 1:
        raise ValueError(f"kernel: {kernel.shape} does not fit into the picture of {picture.shape}")
    wide, high = CELL * picture.shape[1], CELL * picture.shape[0]
    gap = max(wide, 2.4) + 0.9
    below = 1.3 + CELL * rows  # top edge of the answers
    figure = canvas(CELL * kernel.shape[1] + 1.4 + gap * rows * columns, below + 1.1 + high)
    [axis] = figure.axes
    _grid(axis, (0.5, below + 0.5 + (high + CELL * kernel.shape[0]) / 2), kernel, ORANGE)
    label(axis, (0.5 + CELL * kernel.shape[1] / 2, below + 0.15), "kernel")
    answer = np.full((rows, columns), np.nan)
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        x = CELL * kernel.shape[1] + 1.4 + gap * place
        _grid(axis, (x, below + 0.5 + high), picture)
        corner = x + CELL * column, below + 0.5 + high - CELL * (row + kernel.shape[0])
        _frame(axis, corner, CELL * kernel.shape[1], CELL * kernel.shape[0])
        answer[row, column] = (picture[row:, column:][: kernel.shape[0], : kernel.shape[1]] * kernel).sum()
        middle = x + wide / 2
        arrow(axis, [(middle, below + 0.4), (middle, below + 0.05)])
        left = middle - CELL * columns / 2
        _grid(axis, (left, below - 0.1), answer, GREEN)
        _frame(axis, (left + CELL * column, below - 0.1 - CELL * (row + 1)), CELL, CELL)
        label(axis, (middle, 0.6), f"place {place + 1}")
    return figure


def windows_of_a_row(size: int, kernel: int, stride: int = 1, padding: int = 0) -> Figure:
    """One row of ``size`` pixels with its padding, and below it every window of ``kernel`` pixels that fits.

    Raises ValueError when no window fits, or an argument is out of range (size 1 to 12, stride at least 1).
    """
    if not 1 <= size <= 12 or stride < 1 or padding < 0 or not 1 <= kernel <= size + 2 * padding:
        raise ValueError(
            f"size={size}, kernel={kernel}, stride={stride}, padding={padding}: no row that can be drawn (size 1 to 12)"
        )
    count = (size + 2 * padding - kernel) // stride + 1
    figure = canvas(max(1.0 + CELL * (size + 2 * padding), 6.6), 1.9 + 0.55 * count)
    [axis] = figure.axes
    for pixel in range(size + 2 * padding):
        border = not padding <= pixel < size + padding
        corner = 0.5 + CELL * pixel, 0.9 + 0.55 * count
        axis.add_patch(
            Rectangle(corner, CELL, CELL, facecolor="white" if border else pale(BLUE), edgecolor=GREY, linewidth=1.5)
        )
        text = "0" if border else str(pixel - padding + 1)
        label(axis, (corner[0] + CELL / 2, corner[1] + CELL / 2), text, GREY if border else INK)
    for window in range(count):
        left, y = 0.5 + CELL * window * stride, 0.6 + 0.55 * (count - window - 0.2)
        axis.add_patch(Rectangle((left + 0.05, y), CELL * kernel - 0.1, 0.26, facecolor=VERMILION, linewidth=0))
    words = f"{count} window{'s' if count > 1 else ''}"
    label(axis, (0.5, 0.4), f"kernel {kernel}, stride {stride}, padding {padding}: {words}", ha="left")
    return figure


def channels(filters: int = 2) -> Figure:
    """A picture of three channels under ``filters`` filters of three slices: one map for each filter (1 to 4)."""
    if not 1 <= filters <= 4:
        raise ValueError(f"filters: 1 to 4 can be drawn, got {filters}")
    height = 0.7 + 2.3 * filters
    figure = canvas(13.2, height)
    [axis] = figure.axes
    colours = (VERMILION, GREEN, BLUE)
    middle = 0.5 + (height - 0.5) / 2
    _pile(axis, (0.6, middle - 0.95), 1.6, colours)
    label(axis, (1.75, middle - 1.4), "3 channels")
    for number in range(filters):
        y = height - 1.25 - 2.3 * number
        arrow(axis, [(3.2, middle), (4.2, y)])
        _pile(axis, (4.5, y - 0.55), 0.8, colours)
        label(axis, (5.1, y - 0.9), f"filter {number + 1}", fontsize=12)
        arrow(axis, [(6.3, y), (7.2, y)])
        circle(axis, (7.6, y), "+", radius=0.36)
        arrow(axis, [(8.0, y), (9.0, y)])
        _pile(axis, (9.3, y - 0.65), 1.3, (ORANGE,))
        label(axis, (11.8, y), f"map {number + 1}")
    return figure


def receptive_field(layers: Sequence[tuple[str, int, int]]) -> Figure:
    """What one unit of the last layer sees: rows of units, the input below, and the cone from that unit down to it.

    ``layers``: (name, kernel, stride) from the first to the last, without padding; at most 4 layers and 19 pixels.
    Raises ValueError where there is none, or they see more than can be drawn.
    """
    widths = [1]  # units that the last unit sees, from the last layer down to the input
    for _, kernel, stride in reversed(layers):
        widths.append((widths[-1] - 1) * stride + kernel)
    if not 1 <= len(layers) <= 4 or widths[-1] > 19:
        raise ValueError(f"layers: 1 to 4 that see at most 19 pixels can be drawn, got {len(layers)} of {widths[-1]}")
    names, widths = ["input", *(name for name, _, _ in layers)], widths[::-1]
    figure = canvas(5.4 + 0.62 * widths[0], 1.5 * len(names) - 0.2)
    [axis] = figure.axes
    places = 3.0 + 0.62 * np.arange(widths[0])
    label(axis, (0.3, 0.7), "input", ha="left")
    for level, name in enumerate(names):
        y = 0.7 + 1.5 * level
        if level:
            _, kernel, stride = layers[level - 1]
            below, firsts = places, np.arange(widths[level]) * stride
            places = np.array([below[first : first + kernel].mean() for first in firsts])
            for x, first in zip(places, firsts, strict=True):
                for end in (below[first], below[first + kernel - 1]):
                    axis.plot((x, end), (y - 0.22, y - 1.28), color=SKY, linewidth=1.5, zorder=1)
            label(axis, (0.3, y), name, ha="left")
        for x in places:
            circle(axis, (x, y), "", BLUE if level else GREY, radius=0.22)
        pixels = f"{widths[level]} " + ("pixels" if level == 0 else "units" if widths[level] > 1 else "unit")
        label(axis, (3.0 + 0.62 * widths[0] + 0.1, y), pixels, ha="left")
    return figure


def layers_in_a_row(rows: Sequence[tuple[str, str]]) -> Figure:
    """Layers as boxes from left to right: (name, what comes out of it), at most 10; convolutions blue, others green."""
    if not 1 <= len(rows) <= 10:
        raise ValueError(f"rows: 1 to 10 layers can be drawn, got {len(rows)}")
    gap = 1.9
    figure = canvas(0.5 + gap * len(rows), 2.6)
    [axis] = figure.axes
    for number, (name, out) in enumerate(rows):
        x = 1.1 + gap * number
        box(axis, (x, 1.7), name, BLUE if name.startswith("conv") else GREEN if number else GREY, (1.4, 0.9))
        label(axis, (x, 0.7), out, fontsize=12)
        if number + 1 < len(rows):
            arrow(axis, [(x + 0.7, 1.7), (x + gap - 0.7, 1.7)])
    return figure


def _numbers(name: str, values: ArrayLike) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not 1 <= min(values.shape) <= max(values.shape) <= LARGEST:
        raise ValueError(f"{name}: a table of at most {LARGEST} x {LARGEST} numbers can be drawn, got {values.shape}")
    return values


def _grid(axis: Axes, corner: Point, values: np.ndarray, colour: str = BLUE) -> None:
    """Numbers in cells, ``corner`` the upper left one; what is nan is left empty."""
    for (row, column), value in np.ndenumerate(values):
        left, bottom = corner[0] + CELL * column, corner[1] - CELL * (row + 1)
        empty = np.isnan(value)
        face = "white" if empty else pale(colour)
        axis.add_patch(Rectangle((left, bottom), CELL, CELL, facecolor=face, edgecolor=GREY, linewidth=1))
        if not empty:
            label(axis, (left + CELL / 2, bottom + CELL / 2), f"{value:g}", fontsize=SIZE)


def _frame(axis: Axes, corner: Point, width: float, height: float) -> None:
    axis.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=VERMILION, linewidth=4, zorder=3))


def _pile(axis: Axes, corner: Point, side: float, colours: Sequence[str]) -> None:
    """Squares one behind the other, the first in front; ``corner`` the lower left one of the first."""
    for depth in reversed(range(len(colours))):
        x, y = corner[0] + 0.3 * depth, corner[1] + 0.18 * depth
        square = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
        axis.add_patch(Polygon(square, facecolor=pale(colours[depth]), edgecolor=colours[depth], linewidth=2, zorder=2))
