"""What an LSTM does at each step of a sequence: its gates, cell and hidden state over time."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrcn_utils.plots.style import BLUE, DIVERGING, GREEN, GREY, ORANGE, PURPLE, SEQUENTIAL, VERMILION

GATES = ("input", "forget", "output")
STATES = ("candidate", "cell", "hidden")
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
    """Gates (0..1, left) and states (right) of all units over time; in each band a row is a unit, a column a step.

    Units are sorted by memory, the mean of their forget gate: those that keep longest stand on top of each band.

    ``trace``: "input", "forget", "output", "candidate", "cell", "hidden", each (time, hidden). ``steps``: the labels
    of the time steps. ``unit``: a unit to mark. A cell beyond +-1 is drawn as +-1.
    """
    order = np.asarray(trace["forget"]).mean(axis=0).argsort(kind="stable")[::-1]
    trace = {name: np.asarray(values)[:, order] for name, values in trace.items()}
    marked = None if unit is None else int(np.flatnonzero(order == unit)[0])
    # Two axes of three bands and words for colour bars: six axes are slow to draw.
    figure = Figure(figsize=(11, 6.2), layout="none")
    sides = (
        (0.08, GATES, SEQUENTIAL, 0, "gates: dark is 0 (shut), bright is 1 (open)"),
        (0.58, STATES, DIVERGING, -1, "values: blue is -1, white is 0, red is +1"),
    )
    for left, names, cmap, low, title in sides:
        axis = _bare_axes(figure, [left, 0.17, 0.41, 0.76], title)
        _bands(axis, trace, names, marked, cmap=cmap, vmin=low, vmax=1)
        for band, name in enumerate(names):
            label = f"{name}\ngate" if name in GATES else name
            figure.text(left - 0.008, 0.93 - 0.76 * (band + 0.5) / 3, label, ha="right", va="center")
        _words_below(axis, steps)
    return figure


def _bands(axis: Axes, trace, names: Sequence[str], marked: int | None, **colours) -> None:
    hidden = trace[names[0]].shape[1]
    gap = max(1, hidden // 12)
    blank = np.full((gap, len(trace[names[0]])), np.nan)
    stack = [part for name in names for part in (trace[name].T, blank)][:-1]
    axis.imshow(np.concatenate(stack), aspect="auto", interpolation="nearest", **colours)
    tops = [band * (hidden + gap) for band in range(3)]
    if marked is not None:
        for top in tops:
            axis.axhspan(top + marked - 0.5, top + marked + 0.5, fill=False, edgecolor="black", linewidth=1.2)


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
