"""The figures of video description: what is drawn is what was given."""

import numpy as np
from matplotlib.figure import Figure

from lrcn_utils.plots import description as plots
from lrcn_utils.plots.style import ORANGE


def axes():
    return Figure().add_subplot()


def test_slot_bars_show_the_likeliest_states_and_mark_map_and_truth():
    unary, marginal = np.array([0.1, 0.5, 0.4]), np.array([0.0, 0.3, 0.7])
    drawn = plots.slot_bars(axes(), ["cut", "stir", "peel"], unary, marginal, best=2, truth=1, top=2)
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["peel", "stir \u2713"]
    assert [bar.get_width() for bar in drawn.containers[0]] == [0.4, 0.5]
    assert [bar.get_width() for bar in drawn.containers[1]] == [0.7, 0.3]
    from matplotlib.colors import to_rgba

    assert drawn.containers[1][0].get_facecolor() == to_rgba(ORANGE)
    assert drawn.containers[1][1].get_facecolor() != to_rgba(ORANGE)


def test_pairwise_table_has_white_at_zero():
    drawn = plots.pairwise_table(axes(), np.array([[1.0, -3.0]]), ["cut"], ["knife", "spoon"])
    assert drawn.images[0].get_clim() == (-3, 3)
    drawn = plots.pairwise_table(axes(), np.array([[1.0, -3.0]]), ["cut"], ["knife", "spoon"], limit=5)
    assert drawn.images[0].get_clim() == (-5, 5)


def test_scores_have_a_dot_a_seed_and_their_mean():
    drawn = plots.scores_with_spread(axes(), {"(b)": [10.0, 14.0], "(c)": [20.0]})
    assert [list(line.get_xdata()) for line in drawn.lines] == [[10, 14], [20]]
    assert [text.get_text() for text in drawn.texts] == ["12.0", "20.0"]


def test_falling_scores_run_from_right_tuples_to_wrong_ones():
    drawn = plots.falling_scores(axes(), {"(b)": [0.9, 0.4]}, {"(b)": [60.0, 20.0]})
    assert list(drawn.lines[0].get_xdata()) == [90, 40]
    left, right = drawn.get_xlim()
    assert left > right
