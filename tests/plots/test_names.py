"""Names of files, classes, methods and words are drawn letter by letter: a $ in them begins no formula."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from lrcn_utils.plots import curves, description, ratings, text

NASTY = r"a$\frac$b"  # as a formula it is an error
TWO = [NASTY, "c"]
HALVES = np.full((2, 2), 0.5)


@pytest.mark.parametrize(
    "draw",
    [
        lambda axes: curves.probability_curves(axes, HALVES, TWO),
        lambda axes: curves.probability_bars(axes, HALVES[0], TWO, {0: "red", 1: "blue"}),
        lambda axes: curves.class_bars(axes, {NASTY: 1.0, "c": 2.0}),
        lambda axes: curves.confusion_matrix(axes, np.eye(2, dtype=int), TWO),
        lambda axes: text.captioned(axes, np.zeros((4, 4, 3), np.uint8), TWO),
        lambda axes: text.word_probabilities(axes, TWO, [0.5, 0.5]),
        lambda axes: text.best_words(axes, [TWO, TWO], HALVES, TWO),
        lambda axes: text.beam_tree(axes, [[text.Node(NASTY, 0, -0.5)]]),
        lambda axes: description.slot_bars(axes, TWO, HALVES[0], HALVES[0], best=0),
        lambda axes: description.pairwise_table(axes, HALVES, TWO, TWO),
        lambda axes: description.scores_with_spread(axes, {NASTY: [1.0], "c": [2.0]}),
        lambda axes: ratings.mean_ranks(axes, {NASTY: {"grammar": (1.5, 1.2, 1.8)}}),
    ],
)
def test_a_name_is_no_formula(draw):
    figure = Figure()
    draw(figure.subplots())
    figure.savefig(io.BytesIO())
