"""Human judgements as a figure: mean ranks with their intervals."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from lrcn_utils.plots.style import PALETTE, plain


def mean_ranks(axes: Axes, ranks: Mapping[str, Mapping[str, tuple[float, float, float]]], worst: int = 6) -> Axes:
    """Mean ranks as dots with whiskers, a row a method, a colour a criterion; the best rank, 1, is on the left.

    ``ranks``: {method: {criterion: (mean, low, high)}}.
    """
    criteria = list(next(iter(ranks.values())))
    rows = np.arange(len(ranks))[::-1]
    for number, (criterion, colour) in enumerate(zip(criteria, PALETTE, strict=False)):
        mean, low, high = np.array([by_criterion[criterion] for by_criterion in ranks.values()]).T
        y = rows + 0.22 * ((len(criteria) - 1) / 2 - number)
        whiskers = np.stack([mean - low, high - mean])
        axes.errorbar(mean, y, xerr=whiskers, fmt="o", color=colour, markersize=7, capsize=4, label=criterion)
    axes.set_yticks(rows, [*map(plain, ranks)])
    axes.set(xlim=(0.8, worst + 0.2), xlabel="mean rank, 1 is best, with 95 % interval")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=len(criteria))
    return axes
