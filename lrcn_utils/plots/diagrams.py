"""Diagrams of networks in one style: boxes, circles and arrows, and the recurrent networks drawn with them.

Every drawing is made of the three primitives ``box``, ``circle`` and ``arrow`` on a ``canvas``.
Colours name the same things as in the plots of an LSTM's gates: what is blue there is blue here.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from lrcn_utils.plots.gates import COLOURS
from lrcn_utils.plots.style import BLUE, GREEN, GREY, PURPLE, SKY

INK = "#202020"
SIZE = 15  # points: readable from the last row of a lecture room
Point = tuple[float, float]


def canvas(width: float, height: float, inches: float = 0.72) -> Figure:
    """An empty figure with one bare axes of ``width`` x ``height`` units, ``inches`` of paper for each unit."""
    figure = Figure(figsize=(inches * width, inches * height), layout="none", facecolor="white")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axis.set_axis_off()
    return figure


def box(axis: Axes, at: Point, text: str, colour: str = GREY, size: Point = (1.2, 0.8)) -> None:
    """A rounded box with its centre ``at``, of ``size`` (width, height), pale inside for the ``text`` to be read."""
    corner = at[0] - size[0] / 2, at[1] - size[1] / 2
    style = "round,pad=0,rounding_size=0.12"
    axis.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, facecolor=pale(colour), edgecolor=colour, linewidth=2))
    axis.text(*at, text, ha="center", va="center", color=INK, fontsize=SIZE)


def circle(axis: Axes, at: Point, text: str, colour: str = INK, radius: float = 0.3) -> None:
    """A circle with its centre ``at``: an operation on numbers, such as a product or a sum."""
    axis.add_patch(Circle(at, radius, facecolor="white", edgecolor=colour, linewidth=2, zorder=3))
    axis.text(*at, text, ha="center", va="center", color=INK, fontsize=SIZE if len(text) == 1 else 11, zorder=4)


def arrow(axis: Axes, points: Sequence[Point], colour: str = INK) -> None:
    """Straight lines through ``points`` (at least two), with an arrow head at the last one."""
    xs, ys = zip(*points[:-1], strict=True)
    axis.plot(xs, ys, color=colour, linewidth=2, solid_capstyle="round", zorder=1)
    axis.add_patch(
        FancyArrowPatch(
            *points[-2:], arrowstyle="-|>", mutation_scale=16, color=colour, linewidth=2, shrinkA=0, shrinkB=0, zorder=1
        )
    )


def label(axis: Axes, at: Point, text: str, colour: str = INK, **options) -> None:
    """Words without a box; ``options`` are those of ``Axes.text``."""
    axis.text(*at, text, **{"ha": "center", "va": "center", "color": colour, "fontsize": SIZE, **options})


def pale(colour: str) -> tuple[float, ...]:
    """A light tint of ``colour``, as inside of boxes: red, green and blue in 0..1."""
    return tuple(1 - 0.22 * (1 - np.array(to_rgb(colour))))


def unrolled_rnn(steps: int = 4) -> Figure:
    """The same recurrent network twice: folded, as one cell with a loop, and unrolled over ``steps`` (at least 1)."""
    _at_least_one(steps)
    gap = 2.2
    figure = canvas(5.2 + gap * steps, 4.6)
    [axis] = figure.axes
    box(axis, (1.6, 2.3), "cell", BLUE)
    arrow(axis, [(1.6, 0.8), (1.6, 1.9)])
    arrow(axis, [(1.6, 2.7), (1.6, 3.8)])
    arrow(axis, [(2.2, 2.3), (2.75, 2.3), (2.75, 3.2), (0.45, 3.2), (0.45, 2.3), (1.0, 2.3)], COLOURS["hidden"])
    label(axis, (1.6, 0.5), "$x_t$")
    label(axis, (1.6, 4.1), "$h_t$", COLOURS["hidden"])
    label(axis, (3.4, 2.3), "=", fontsize=26)
    label(axis, (4.15, 2.3), "$h_0$", COLOURS["hidden"])
    for t in range(1, steps + 1):
        x = 3.4 + gap * t
        arrow(axis, [(x - (gap - 0.6 if t > 1 else 1.05), 2.3), (x - 0.6, 2.3)], COLOURS["hidden"])
        box(axis, (x, 2.3), "cell", BLUE)
        arrow(axis, [(x, 0.8), (x, 1.9)])
        arrow(axis, [(x, 2.7), (x, 3.8)])
        label(axis, (x, 0.5), f"$x_{{{t}}}$")
        label(axis, (x, 4.1), f"$h_{{{t}}}$", COLOURS["hidden"])
        if t < steps:
            label(axis, (x + gap / 2, 2.65), f"$h_{{{t}}}$", COLOURS["hidden"], fontsize=12)
    return figure


def lstm_cell(step: int = 3) -> Figure:
    """An LSTM cell, built up: 1 the cell is kept (forget gate), 2 it is written to, 3 it is shown as h.

    Each ``step`` holds the parts of those before it. Raises ValueError for a step other than 1, 2 or 3.
    """
    if step not in (1, 2, 3):
        raise ValueError(f"step: 1 (keep), 2 (write) or 3 (show), got {step}")
    figure = canvas(12.4, 6.6)
    [axis] = figure.axes
    _cell_line(axis, step)
    _gate(axis, 2.4, "forget", "$\\sigma$", "f", (2.4, 5.6))
    if step >= 2:
        _gate(axis, 4.4, "input", "$\\sigma$", "i", (5.2, 3.9))
        _gate(axis, 6.0, "candidate", "tanh", "g", (5.2, 3.9))
        circle(axis, (5.2, 3.9), "×")
        arrow(axis, [(5.2, 4.2), (5.2, 5.3)])
    if step == 3:
        _gate(axis, 8.0, "output", "$\\sigma$", "o", (9.4, 3.6))
        arrow(axis, [(9.4, 5.6), (9.4, 5.01)], COLOURS["cell"])
        circle(axis, (9.4, 4.65), "tanh", radius=0.36)
        arrow(axis, [(9.4, 4.29), (9.4, 3.9)])
        circle(axis, (9.4, 3.6), "×")
        arrow(axis, [(9.7, 3.6), (11.2, 3.6)], COLOURS["hidden"])
        label(axis, (11.7, 3.6), "$h_t$", COLOURS["hidden"])
    return figure


def _cell_line(axis: Axes, step: int) -> None:
    """The line of the cell above, and the line of the gates' inputs below."""
    colour = COLOURS["cell"]
    label(axis, (0.5, 5.6), "$c_{t-1}$", colour)
    arrow(axis, [(0.95, 5.6), (2.1, 5.6)], colour)
    circle(axis, (2.4, 5.6), "×")
    if step >= 2:
        arrow(axis, [(2.7, 5.6), (4.9, 5.6)], colour)
        circle(axis, (5.2, 5.6), "+")
    arrow(axis, [(5.5 if step >= 2 else 2.7, 5.6), (11.2, 5.6)], colour)
    label(axis, (11.7, 5.6), "$c_t$", colour)
    label(axis, (1.0, 0.7), "$x_t,\\; h_{t-1}$")
    axis.plot((1.7, (2.4, 6.0, 8.0)[step - 1]), (0.7, 0.7), color=INK, linewidth=2, zorder=1)


def _gate(axis: Axes, x: float, name: str, function: str, letter: str, target: Point) -> None:
    """One gate of the cell: its inputs from below, its value to the operation at ``target``."""
    colour = COLOURS[name]
    arrow(axis, [(x, 0.7), (x, 1.5)])
    box(axis, (x, 1.9), function, colour)
    label(axis, (x + 0.12, 1.02), name, fontsize=12, ha="left")
    turn = target[1] if x != target[0] else target[1] - 0.3
    end = target if x == target[0] else (target[0] - np.sign(target[0] - x) * 0.3, target[1])
    path = [(x, 2.3), (x, turn)] if x == target[0] else [(x, 2.3), (x, turn), end]
    arrow(axis, path, colour)
    label(axis, (x + 0.16, 2.75), f"${letter}_t$", colour, ha="left")


def unrolled_lrcn(labels: Sequence[str], frames: Sequence[np.ndarray] | None = None) -> Figure:
    """LRCN for activity recognition (Sec. 4 of the paper): frame, CNN, LSTM and label at each step, then the mean.

    ``labels``: the label that each step gives, at least one. ``frames``: pictures (height, width, 3) to show instead
    of the words "frame 1", "frame 2", ..., as many as labels. Raises ValueError for other numbers of them.
    """
    _at_least_one(len(labels))
    if frames is not None and len(frames) != len(labels):
        raise ValueError(f"frames: expected one for each of the {len(labels)} labels, got {len(frames)}")
    gap, last = 2.4, 1.3 + 2.4 * (len(labels) - 1)
    figure = canvas(last + 4.0, 7.0)
    [axis] = figure.axes
    for t, word in enumerate(labels):
        x = 1.3 + gap * t
        if frames is None:
            box(axis, (x, 0.8), f"frame {t + 1}", size=(1.9, 0.9))
        else:
            axis.imshow(frames[t], extent=(x - 0.7, x + 0.7, 0.1, 1.5), zorder=2)
        for bottom, y, name, colour in ((1.5, 2.5, "CNN", SKY), (2.9, 4.0, "LSTM", BLUE), (4.4, 5.5, word, GREEN)):
            arrow(axis, [(x, bottom), (x, y - 0.4)])
            box(axis, (x, y), name, colour, (1.9, 0.8))
        if t + 1 < len(labels):
            arrow(axis, [(x + 0.95, 4.0), (x + gap - 0.95, 4.0)], PURPLE)
        axis.plot((x, x), (5.9, 6.5), color=INK, linewidth=2, zorder=1)
    axis.set(xlim=(0, last + 4.0), ylim=(0, 7.0))
    arrow(axis, [(1.3, 6.5), (last + 1.4, 6.5)])
    box(axis, (last + 2.6, 6.5), "average", GREEN, (2.2, 0.8))
    return figure


def _at_least_one(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"steps: a drawing needs at least one, got {steps}")
