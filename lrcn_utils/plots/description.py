"""Static figures of video description: what a CRF believes of each slot, what its tables say, how scores fall."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from lrcn_utils.plots.style import BLUE, GREY, ORANGE, PALETTE, plain

# What the bars of a slot mean.
KEY = {GREY: "classifier alone", BLUE: "CRF marginal", ORANGE: "CRF marginal of the most probable tuple's state"}


def slot_bars(
    axes: Axes,
    words: Sequence[str],
    unary: np.ndarray,
    marginal: np.ndarray,
    *,
    best: int,
    truth: int | None = None,
    top: int = 5,
) -> Axes:
    """One slot: the classifier's probabilities (grey) and the CRF's marginals (blue), likeliest ``top`` states.

    ``unary``, ``marginal``: (states,), 0..1. The MAP state ``best`` is drawn orange, the true one has a tick.
    ``KEY`` says what the colours mean.
    """
    order = np.argsort(-np.maximum(unary, marginal), kind="stable")[:top]
    place = np.arange(len(order))
    colours = [ORANGE if k == best else BLUE for k in order]
    axes.barh(place - 0.2, unary[order], height=0.36, color=GREY)
    axes.barh(place + 0.2, marginal[order], height=0.36, color=colours)
    axes.set_yticks(place, [plain(words[k]) + (" \u2713" if k == truth else "") for k in order])
    axes.set(xlim=(0, 1), xticks=(0, 0.5, 1))
    axes.invert_yaxis()
    return axes


def pairwise_table(
    axes: Axes, table: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, limit: float | None = None
) -> Axes:
    """The learned scores of one edge, (rows, columns): blue where two states go together, red where they do not.

    ``limit``: the score at which both colours are full, by default the table's largest; give it to compare tables.
    """
    limit = limit or float(np.abs(table).max()) or 1.0
    image = axes.imshow(table, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(columns)), [*map(plain, columns)], rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), [*map(plain, rows)])
    axes.tick_params(length=0)
    axes.figure.colorbar(image, ax=axes, label="learned score")
    return axes


def scores_with_spread(axes: Axes, scores: dict[str, Sequence[float]], label: str = "BLEU-4 in %") -> Axes:
    """A row a model: a dot a seed, a bar to their mean, and the mean as a number."""
    for place, values in enumerate(scores.values()):
        mean = float(np.mean(values))
        axes.barh(place, mean, height=0.6, color=PALETTE[5], zorder=1)
        axes.plot(values, [place] * len(values), "o", color="black", markersize=4, zorder=2)
        axes.text(max(values) + 1, place, f"{mean:.1f}", va="center")
    axes.set_yticks(range(len(scores)), [*map(plain, scores)])
    axes.set_xlim(0, max(max(values) for values in scores.values()) * 1.15 + 1)
    axes.set_xlabel(label)
    axes.invert_yaxis()
    return axes


def falling_scores(axes: Axes, accuracy: dict[str, Sequence[float]], scores: dict[str, Sequence[float]]) -> Axes:
    """A curve a model: ``scores`` (per cent) against the accuracy (0..1) of the tuples that it was given."""
    for colour, (name, values) in zip(PALETTE, scores.items(), strict=False):
        axes.plot(100 * np.asarray(accuracy[name]), values, "o-", color=colour, label=name)
    axes.set(xlabel="right slots in %, fewer and fewer to the right", ylabel="BLEU-4 in %")
    axes.invert_xaxis()
    axes.legend()
    return axes
