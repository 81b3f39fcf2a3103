"""What an LSTM does at each step of a sequence: its gates, cell and hidden state over time."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lrcn_utils.plots.style import BLUE, DIVERGING, GREEN, GREY, ORANGE, PURPLE, SEQUENTIAL, VERMILION

GATES = ("input", "forget", "output")
STATES = ("candidate", "cell", "hidden")
COLOURS = dict(zip((*GATES, *STATES), (BLUE, ORANGE, GREEN, GREY, VERMILION, PURPLE), strict=True))


def _words_below(axis, steps: Sequence[str]) -> None:
    axis.set_xticks(range(len(steps)), steps, rotation=60, ha="right", rotation_mode="anchor")


def gate_heatmaps(trace: Mapping[str, np.ndarray], steps: Sequence[str], unit: int | None = None) -> Figure:
    """Gates (0..1, left) and states (right) of all units over time; in each band a row is a unit, a column a step.

    Units are sorted by memory, the mean of their forget gate: those that keep longest stand on top of each band.

    ``trace``: "input", "forget", "output", "candidate", "cell", "hidden", each (time, hidden). ``steps``: the labels
    of the time steps. ``unit``: a unit to mark. A cell beyond +-1 is drawn as +-1.
    """
    order = np.asarray(trace["forget"]).mean(axis=0).argsort(kind="stable")[::-1]
    trace = {name: np.asarray(values)[:, order] for name, values in trace.items()}
    marked = None if unit is None else int(np.flatnonzero(order == unit)[0])
    # A fixed layout and two axes, each with three bands: automatic layout of six takes most of the time of a redraw.
    figure = Figure(figsize=(11, 6.2), layout="none")
    for left, names, cmap, (low, high) in ((0.08, GATES, SEQUENTIAL, (0, 1)), (0.58, STATES, DIVERGING, (-1, 1))):
        axis = figure.add_axes([left, 0.17, 0.35, 0.8])
        _bands(axis, trace, names, marked, cmap=cmap, vmin=low, vmax=high)
        _words_below(axis, steps)
        bar = figure.add_axes([left + 0.36, 0.17, 0.012, 0.8])
        figure.colorbar(axis.images[0], cax=bar, ticks=[low, (low + high) / 2, high])
    return figure


def _bands(axis, trace, names: Sequence[str], marked: int | None, **colours) -> None:
    hidden = trace[names[0]].shape[1]
    gap = max(1, hidden // 12)
    blank = np.full((gap, len(trace[names[0]])), np.nan)
    stack = [part for name in names for part in (trace[name].T, blank)][:-1]
    axis.imshow(np.concatenate(stack), aspect="auto", interpolation="nearest", **colours)
    tops = [band * (hidden + gap) for band in range(3)]
    axis.set_yticks([top + hidden / 2 for top in tops], [f"{n}\ngate" if n in GATES else n for n in names])
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    if marked is not None:
        for top in tops:
            axis.axhspan(top + marked - 0.5, top + marked + 0.5, fill=False, edgecolor="black", linewidth=1.2)


def unit_curves(trace: Mapping[str, np.ndarray], steps: Sequence[str], unit: int) -> Figure:
    """One unit over time: its three gates above, its candidate, cell and hidden value below."""
    figure = Figure(figsize=(11, 4.4), layout="none")
    above, below = figure.subplots(2, 1, sharex=True)
    figure.subplots_adjust(left=0.06, right=0.87, top=0.93, bottom=0.24, hspace=0.12)
    for axis, names, label in ((above, GATES, "gate"), (below, STATES, "value")):
        for name, marker in zip(names, "o^s", strict=True):
            values = np.asarray(trace[name])[:, unit]
            axis.plot(values, color=COLOURS[name], marker=marker, markersize=5, label=name)
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        axis.set_ylabel(label)
        axis.grid(axis="x", alpha=0.3)
    above.set_ylim(-0.05, 1.05)
    above.set_title(f"Unit {unit}")
    below.axhline(0, color=GREY, linewidth=0.8)
    _words_below(below, steps)
    return figure
