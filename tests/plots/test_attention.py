"""Attention on a picture: one panel a word, bright where the weight is."""

import numpy as np
import pytest

from lrcn_utils.plots.attention import attention_maps


def test_a_panel_for_the_picture_and_one_for_each_word_with_its_largest_weight():
    weights = np.full((4, 2, 2), 0.25)
    weights[1] = [[0.1, 0.6], [0.2, 0.1]]
    figure = attention_maps(np.zeros((20, 10, 3), np.uint8), ["two", "eggs", "on", "it"], weights, columns=3)
    titled = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in titled] == ["the picture", "two\n25%", "eggs\n60%", "on\n25%", "it\n25%"]
    assert [len(axis.images) for axis in titled] == [1, 2, 2, 2, 2]
    shown = titled[2].images[1]
    assert shown.get_array().argmax() == 1 and shown.get_clim() == (0, 0.6)


def test_the_places_lie_over_their_part_of_the_picture():
    figure = attention_maps(np.zeros((20, 10, 3), np.uint8), ["eggs"], np.full((1, 2, 2), 0.25), (0.1, 0.9))
    axis = figure.axes[1]
    assert axis.images[1].get_extent() == [1, 9, 18, 2]
    assert axis.get_xlim() == (0, 10) and axis.get_ylim() == (20, 0)


def test_a_map_is_needed_for_each_word():
    with pytest.raises(ValueError, match="for 2 words"):
        attention_maps(np.zeros((8, 8, 3)), ["two", "eggs"], np.ones((1, 2, 2)))
