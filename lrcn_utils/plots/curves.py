"""Curves and bars: probabilities over time, losses, accuracies, a confusion matrix. All draw into given axes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from lrcn_utils.plots.style import BLUE, GREEN, GREY, PALETTE, VERMILION, plain

WRONG = [VERMILION, BLUE, PALETTE[1], PALETTE[4]]  # the true class has green for itself


def class_colours(probabilities: ArrayLike, truth: int | None = None, top: int = 4) -> dict[int, str]:
    """The ``top`` classes of the highest mean probability over time, and the true one in any case: {class: colour}."""
    best = np.argsort(-np.asarray(probabilities).mean(axis=0), kind="stable")[:top].tolist()
    shown = best if truth is None or truth in best else [*best[:-1], truth]
    wrong = iter(WRONG * top)
    return {k: GREEN if k == truth else next(wrong) for k in shown}


def probability_curves(
    axes: Axes,
    probabilities: ArrayLike,
    classes: Sequence[str],
    *,
    truth: int | None = None,
    top: int = 4,
    legend: bool = True,
) -> Axes:
    """Probability of the leading classes over the frames: (time, classes), the true class green and thick."""
    probabilities = np.asarray(probabilities)
    marker = "o" if len(probabilities) == 1 else None
    for k, colour in class_colours(probabilities, truth, top).items():
        width = 3 if k == truth else 1.8
        axes.plot(probabilities[:, k], label=plain(classes[k]), marker=marker, color=colour, linewidth=width)
    axes.set(ylim=(-0.02, 1.02), yticks=(0, 0.5, 1), xlim=(0, max(len(probabilities) - 1, 1)))
    axes.set(xlabel="frame", ylabel="probability")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if legend:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return axes


def probability_bars(axes: Axes, probabilities: ArrayLike, classes: Sequence[str], colours: Mapping[int, str]) -> Axes:
    """The classes of ``colours`` of one distribution (classes,) as bars, most probable first; see ``class_colours``."""
    probabilities = np.asarray(probabilities)
    order = sorted(colours, key=lambda k: -probabilities[k])
    bars = axes.barh([plain(classes[k]) for k in order], probabilities[order], color=[colours[k] for k in order])
    axes.bar_label(bars, [f"{p:.2f}" for p in probabilities[order]], padding=3)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.15), xticks=(0, 0.5, 1), xlabel="probability")
    return axes


def class_bars(axes: Axes, values: Mapping[str, float], xlabel: str = "points") -> Axes:
    """A gain or loss per class as bars, the largest gain on top; gains are blue, losses vermilion."""
    names = sorted(values, key=lambda name: -values[name])
    heights = [values[name] for name in names]
    bars = axes.barh([*map(plain, names)], heights, color=[BLUE if height >= 0 else VERMILION for height in heights])
    axes.bar_label(bars, [f"{height:+.1f}" for height in heights], padding=3)
    axes.invert_yaxis()
    axes.axvline(0, color=GREY, linewidth=1)
    axes.margins(x=0.15)
    axes.set_xlabel(xlabel)
    return axes


def confusion_matrix(axes: Axes, counts: ArrayLike, classes: Sequence[str]) -> Axes:
    """Counts (classes, classes), row the truth and column the prediction; colour is the share of the row."""
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.6 else "black"
        axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=9)
    names = [plain(name) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.spines[:].set_visible(True)
    axes.set(xlabel="prediction", ylabel="truth")
    return axes


def lines(
    axes: Axes,
    series: Mapping[str, ArrayLike],
    *,
    x: ArrayLike | None = None,
    xlabel: str = "epoch",
    ylabel: str = "loss",
    marker: str | None = "o",
) -> Axes:
    """One line for each of ``series`` (name: values), against ``x`` or counted from 1: losses, accuracies."""
    for colour, (name, values) in zip(PALETTE * len(series), series.items(), strict=False):
        values = np.asarray(values)
        axes.plot(np.arange(1, len(values) + 1) if x is None else x, values, marker=marker, color=colour, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(series) > 1:
        axes.legend()
    return axes
