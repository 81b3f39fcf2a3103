"""What an LSTM does at each step of a sequence: its gates, cell and hidden state over time."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lrcn_utils.plots.style import BLUE, DIVERGING, GREEN, GREY, ORANGE, PURPLE, SEQUENTIAL, VERMILION

GATES = ("input", "forget", "output")
STATES = ("candidate", "cell", "hidden")
SHOWN = 12  # units in one picture; more would be thin lines
COLOURS = dict(zip((*GATES, *STATES), (BLUE, ORANGE, GREEN, GREY, VERMILION, PURPLE), strict=True))


def _bare_axes(figure: Figure, box: Sequence[float], title: str = "") -> Axes:
    """Axes without spines and ticks: those take most of the time of drawing, and an explorer draws at every move."""
    axis = figure.add_axes(box)
    axis.set_axis_off()
    axis.set_title(title, y=1.01)  # a place of its own; finding one makes ticks
    return axis


def _words_below(axis: Axes, steps: Sequence[str]) -> None:
    for at, word in enumerate(steps):
        axis.annotate(
            word,
            (at, 0),
            (2, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=60,
            ha="right",
            va="top",
            rotation_mode="anchor",
        )


def gate_heatmaps(trace: Mapping[str, np.ndarray], steps: Sequence[str], unit: int | None = None) -> Figure:
    """Gates (0..1, left) and states (right) of some units over time; in each band a row is a unit, a column a step.

    Units are sorted by memory, the mean of their forget gate: those that keep longest stand on top of each band.
    Of more than twelve units twelve are shown, from the longest memory to the shortest in equal steps.

    ``trace``: "input", "forget", "output", "candidate", "cell", "hidden", each (time, hidden). ``steps``: the labels
    of the time steps. ``unit``: a unit to mark; it is always among those shown. Each row has its unit's number.
    The cell has a scale of its own, up to its largest value; every band has a colour bar.
    """
    chosen = _chosen_units(np.asarray(trace["forget"]).mean(axis=0), unit)
    trace = {name: np.asarray(values)[:, chosen] for name, values in trace.items()}
    marked = None if unit is None else int(np.flatnonzero(chosen == unit)[0])
    largest = max(1.0, float(np.abs(trace["cell"]).max()))
    # Two axes of three bands: six axes are slow to draw.
    figure = Figure(figsize=(11, 6.2), layout="none")
    sides = (
        (0.09, GATES, SEQUENTIAL, [(0, 1)] * 3, "gates"),
        (0.60, STATES, DIVERGING, [(-1, 1), (-largest, largest), (-1, 1)], "values"),
    )
    for left, names, cmap, limits, title in sides:
        axis = _bare_axes(figure, [left, 0.17, 0.36, 0.76], title)
        _bands(axis, trace, names, limits, cmap, chosen, marked)
        for band, name in enumerate(names):
            label = f"{name}\ngate" if name in GATES else name
            figure.text(left - 0.028, 0.93 - 0.76 * (band + 0.5) / 3, label, ha="right", va="center")
        _words_below(axis, steps)
    return figure


def _chosen_units(memory: np.ndarray, unit: int | None) -> np.ndarray:
    """Numbers of at most ``SHOWN`` units, longest memory first; ``unit`` takes the place of its nearest in rank."""
    order = memory.argsort(kind="stable")[::-1]
    places = np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int))
    if unit is not None:
        rank = int(np.flatnonzero(order == unit)[0])
        places[np.abs(places - rank).argmin()] = rank
    return order[places]


def _bands(axis: Axes, trace, names: Sequence[str], limits, cmap: str, units, marked: int | None) -> None:
    """Three pictures, one below the other, each with its limits, a narrow colour bar, and the units' numbers."""
    time, rows = trace[names[0]].shape
    right, wide = time - 0.5, 0.02 * time
    for band, (name, (low, high)) in enumerate(zip(names, limits, strict=True)):
        top, bottom = band * (rows + 1) - 0.5, band * (rows + 1) + rows - 0.5
        colours = {"aspect": "auto", "interpolation": "nearest", "cmap": cmap, "vmin": low, "vmax": high}
        axis.imshow(trace[name].T, extent=(-0.5, right, bottom, top), **colours)
        bar = np.linspace(high, low, 64)[:, None]
        axis.imshow(bar, extent=(right + wide, right + 2 * wide, bottom, top), **colours)
        for value, height, side in ((high, top, "top"), (low, bottom, "bottom")):
            axis.text(right + 2.5 * wide, height, f"{value:.2g}", va=side, fontsize=9)
        for row, number in enumerate(units):
            axis.text(-0.5 - 0.5 * wide, top + row + 0.5, str(number), ha="right", va="center", fontsize=7)
        if marked is not None:
            edge = top + marked
            axis.add_patch(Rectangle((-0.5, edge), time, 1, fill=False, edgecolor="black", linewidth=1.2))
    axis.set(xlim=(-0.5, right + 6 * wide), ylim=(3 * rows + 2 - 0.5, -0.5))


def unit_curves(trace: Mapping[str, np.ndarray], steps: Sequence[str], unit: int) -> Figure:
    """One unit over time: its three gates above, its candidate, cell and hidden value below."""
    figure = Figure(figsize=(11, 4.4), layout="none")
    largest = max(1, *(np.abs(np.asarray(trace[name])[:, unit]).max() for name in STATES))
    parts = ((0.6, GATES, "gate", (0, 0.5, 1)), (0.22, STATES, "value", (-largest, 0, largest)))
    for bottom, names, label, marks in parts:
        axis = _bare_axes(figure, [0.07, bottom, 0.8, 0.33], f"Unit {unit}" if names == GATES else "")
        margin = 0.05 * (marks[-1] - marks[0])
        axis.set(xlim=(-0.5, len(steps) - 0.5), ylim=(marks[0] - margin, marks[-1] + margin))
        axis.hlines(marks, -0.5, len(steps) - 0.5, color=GREY, linewidth=0.5)
        for mark in marks:
            height = (mark - marks[0] + margin) / (marks[-1] - marks[0] + 2 * margin)
            figure.text(0.063, bottom + 0.33 * height, f"{mark:.2g}", ha="right", va="center")
        figure.text(0.02, bottom + 0.165, label, rotation=90, ha="center", va="center")
        for name, marker, line in zip(names, "o^s", range(3), strict=True):
            values = np.asarray(trace[name])[:, unit]
            axis.plot(values, color=COLOURS[name], marker=marker, markersize=6, label=name)
            place = 0.8 - 0.3 * line
            axis.plot(1.02, place, marker=marker, color=COLOURS[name], transform=axis.transAxes, clip_on=False)
            figure.text(0.902, bottom + 0.33 * place, name, va="center")
        if names == STATES:
            _words_below(axis, steps)
    return figure
