"""The diagrams: every part that the text names is drawn, arrows join boxes, and nothing leaves the page."""

import numpy as np
import pytest
from drawn import assert_it_fits, count, words
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from lrcn_utils.plots import diagrams

DRAWINGS = {
    "unrolled_rnn": lambda: diagrams.unrolled_rnn(3),
    "keep": lambda: diagrams.lstm_cell(1),
    "write": lambda: diagrams.lstm_cell(2),
    "show": lambda: diagrams.lstm_cell(3),
    "unrolled_lrcn": lambda: diagrams.unrolled_lrcn(["Stir", "Whisk"]),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_nothing_leaves_the_page_and_no_two_labels_overlap(draw):
    assert_it_fits(draw())


@pytest.mark.parametrize("steps", [1, 4])
def test_an_unrolled_rnn_has_one_cell_a_step_beside_the_folded_one(steps):
    drawn = words(diagrams.unrolled_rnn(steps))
    assert drawn.count("cell") == steps + 1
    assert f"$x_{{{steps}}}$" in drawn and f"$h_{{{steps}}}$" in drawn


def test_an_lstm_cell_grows_step_by_step():
    keep, write, show = (diagrams.lstm_cell(step) for step in (1, 2, 3))
    assert set(words(keep)) < set(words(write)) < set(words(show))
    assert [count(figure, FancyBboxPatch) for figure in (keep, write, show)] == [1, 3, 4]
    assert [count(figure, Circle) for figure in (keep, write, show)] == [1, 3, 5]
    assert "forget" in words(keep) and "input" not in words(keep)
    assert "$h_t$" in words(show) and "$h_t$" not in words(write)


def test_unrolled_lrcn_shows_words_or_frames():
    plain, pictured = (diagrams.unrolled_lrcn(["Stir", "Whisk"], f) for f in (None, np.zeros((2, 6, 8, 3))))
    assert words(plain).count("LSTM") == 2 and "average" in words(plain) and "Whisk" in words(plain)
    assert "frame 2" in words(plain) and "frame 2" not in words(pictured)
    assert len(pictured.axes[0].images) == 2


def test_an_arrow_ends_where_it_is_told():
    [axis] = diagrams.canvas(4, 3).axes
    diagrams.arrow(axis, [(1, 1), (2, 1), (2, 2)])
    [head] = axis.patches
    assert type(head) is FancyArrowPatch
    np.testing.assert_allclose(head.get_path().vertices[[0, 2]], [(2, 1), (2, 2)], atol=0.05)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: diagrams.lstm_cell(4), "step"),
        (lambda: diagrams.unrolled_rnn(0), "steps"),
        (lambda: diagrams.unrolled_lrcn([]), "steps"),
        (lambda: diagrams.unrolled_lrcn(["a"], np.zeros((2, 4, 4, 3))), "frames"),
    ],
)
def test_errors_name_the_argument(call, argument):
    with pytest.raises(ValueError, match=argument):
        call()
