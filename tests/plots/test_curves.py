"""What the plots show: the right classes, values and colours."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lrcn_utils.plots import curves
from lrcn_utils.plots.style import BLUE, GREEN, VERMILION

CLASSES = ["Stir", "Beat", "Whisk", "Scrape", "PutIn", "TakeOut"]


@pytest.fixture
def axes():
    return Figure().subplots()


def scores(time):
    return np.random.default_rng(0).dirichlet(np.ones(6), time)


@pytest.mark.parametrize("time", [1, 2, 30])
def test_curves_show_the_leaders_and_the_truth(axes, time):
    p = scores(time)
    truth = int(p.mean(0).argmin())
    curves.probability_curves(axes, p, CLASSES, truth=truth, top=3)
    named = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert len(named) == 3 and CLASSES[truth] in named and CLASSES[int(p.mean(0).argmax())] in named
    assert named[CLASSES[truth]].get_color() == GREEN
    np.testing.assert_allclose(named[CLASSES[truth]].get_ydata(), p[:, truth])


def test_each_class_is_shown_once_in_a_colour_of_its_own():
    colours = curves.class_colours(np.eye(6)[[2, 2]], truth=2)
    assert list(colours) == [2, 0, 1, 3] and colours[2] == GREEN
    assert len(set(colours.values())) == 4


def test_bars_in_order(axes):
    p = np.array([0.1, 0.5, 0.2, 0.15, 0.05, 0.0])
    curves.probability_bars(axes, p, CLASSES, {2: GREEN, 3: VERMILION, 1: BLUE})
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.2, 0.15]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Beat", "Whisk", "Scrape"]
    assert [to_hex(bar.get_facecolor()).upper() for bar in axes.patches] == [BLUE, GREEN, VERMILION]


def test_gains_on_top_losses_below(axes):
    curves.class_bars(axes, {"Stir": -3.0, "Beat": 40.0, "Whisk": 0.0})
    assert [bar.get_width() for bar in axes.patches] == [40, 0, -3]
    assert to_hex(axes.patches[2].get_facecolor()).upper() == VERMILION
    assert to_hex(axes.patches[0].get_facecolor()).upper() == BLUE


def test_confusion_matrix_prints_each_count(axes):
    counts = np.array([[5, 1], [0, 0]])
    curves.confusion_matrix(axes, counts, ["a", "b"])
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {((0, 0), "5"), ((1, 0), "1")}
    assert axes.images[0].get_array()[0, 0] == pytest.approx(5 / 6)


def test_lines_have_a_legend_when_there_are_two(axes):
    curves.lines(axes, {"one": [3, 2], "two": [4, 1]}, ylabel="accuracy")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]
    assert list(axes.lines[0].get_xdata()) == [1, 2]
