"""The diagrams of convolutional networks show the right numbers, every part once, and nothing leaves the page."""

import numpy as np
import pytest
from drawn import assert_it_fits, count, words
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

from lrcn_utils.plots import cnn_diagrams

PICTURE, KERNEL = [[1, 2, 0], [0, 1, 3], [2, 0, 1]], [[1, -1], [0, 2]]
DRAWINGS = {
    "sliding_window": lambda: cnn_diagrams.sliding_window(PICTURE, KERNEL),
    "one place": lambda: cnn_diagrams.sliding_window([[5]], [[2]]),
    "windows_of_a_row": lambda: cnn_diagrams.windows_of_a_row(7, 3, stride=2, padding=1),
    "short row": lambda: cnn_diagrams.windows_of_a_row(1, 1),
    "channels": lambda: cnn_diagrams.channels(3),
    "receptive_field": lambda: cnn_diagrams.receptive_field([("conv", 3, 1), ("pool", 2, 2), ("conv", 3, 1)]),
    "layers_in_a_row": lambda: cnn_diagrams.layers_in_a_row([("image", "3 x 227 x 227"), ("conv1", "96 x 55 x 55")]),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_nothing_leaves_the_page_and_no_two_labels_overlap(draw):
    assert_it_fits(draw())


def test_the_window_stands_at_every_place_and_the_last_answer_is_whole():
    figure = cnn_diagrams.sliding_window(PICTURE, KERNEL)
    drawn = words(figure)
    assert drawn[:4] == ["1", "-1", "0", "2"]
    assert [word for word in drawn if word.startswith("place")] == [f"place {n}" for n in (1, 2, 3, 4)]
    assert drawn[-5:-1] == ["1", "8", "-1", "0"]


def test_the_windows_of_a_row_are_as_many_as_the_formula_says():
    for size, kernel, stride, padding in [(7, 3, 1, 0), (7, 3, 2, 0), (7, 3, 2, 1), (6, 2, 3, 0), (3, 3, 1, 0)]:
        figure = cnn_diagrams.windows_of_a_row(size, kernel, stride, padding)
        windows = (size + 2 * padding - kernel) // stride + 1
        assert count(figure, Rectangle) == size + 2 * padding + windows
        assert words(figure)[: size + 2 * padding].count("0") == 2 * padding
        assert words(figure)[-1].endswith("1 window" if windows == 1 else f"{windows} windows")


def test_each_filter_has_three_slices_and_makes_one_map():
    figure = cnn_diagrams.channels(2)
    assert count(figure, Polygon) == 3 + 2 * (3 + 1)
    assert {"filter 1", "filter 2", "map 1", "map 2"} <= set(words(figure))


def test_a_receptive_field_is_counted_down_to_the_input():
    figure = cnn_diagrams.receptive_field([("conv 3", 3, 1), ("pool 2", 2, 2), ("conv 3", 3, 1)])
    assert {"1 unit", "3 units", "6 units", "8 pixels"} <= set(words(figure))
    assert count(figure, Circle) == 1 + 3 + 6 + 8


def test_layers_in_a_row_are_boxes():
    figure = cnn_diagrams.layers_in_a_row([("image", "3"), ("conv1", "96"), ("fc6", "4096")])
    assert count(figure, FancyBboxPatch) == 3 and "4096" in words(figure)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: cnn_diagrams.sliding_window(np.zeros((7, 7)), KERNEL), "picture"),
        (lambda: cnn_diagrams.sliding_window(PICTURE, [1, 2]), "kernel"),
        (lambda: cnn_diagrams.sliding_window(PICTURE, np.zeros((4, 1))), "kernel"),
        (lambda: cnn_diagrams.windows_of_a_row(13, 3), "size"),
        (lambda: cnn_diagrams.windows_of_a_row(3, 4), "kernel"),
        (lambda: cnn_diagrams.windows_of_a_row(5, 3, stride=0), "stride"),
        (lambda: cnn_diagrams.channels(0), "filters"),
        (lambda: cnn_diagrams.receptive_field([]), "layers"),
        (lambda: cnn_diagrams.receptive_field([("conv", 11, 4), ("conv", 5, 1)]), "layers"),
        (lambda: cnn_diagrams.layers_in_a_row([]), "rows"),
    ],
)
def test_errors_name_the_argument(call, argument):
    with pytest.raises(ValueError, match=argument):
        call()
