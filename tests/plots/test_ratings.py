"""Mean ranks: a dot for every method and criterion, where the numbers say."""

import numpy as np
from matplotlib.figure import Figure

from lrcn_utils.plots.ratings import mean_ranks


def test_every_mean_and_interval_is_drawn():
    ranks = {
        "LRCN": {"correctness": (2.0, 1.5, 2.5), "grammar": (3.0, 2.9, 3.4)},
        "people": {"correctness": (1.2, 1.1, 1.3), "grammar": (1.0, 1.0, 1.0)},
    }
    axes = mean_ranks(Figure().subplots(), ranks)
    dots = [container.lines[0].get_xdata().tolist() for container in axes.containers]
    assert dots == [[2.0, 1.2], [3.0, 1.0]]
    whiskers = axes.containers[0].lines[2][0].get_segments()
    assert np.allclose([segment[:, 0] for segment in whiskers], [[1.5, 2.5], [1.1, 1.3]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["LRCN", "people"]
    # The first method stands on top.
    heights = axes.containers[0].lines[0].get_ydata()
    assert heights[0] > heights[1]
