import matplotlib.pyplot as plt
import numpy as np
import pytest

from lrcn_utils.plots.kitchen import class_strips, stills_with_captions, three_tasks

FRAMES = np.stack([np.full((12, 16, 3), 12 * t, np.uint8) for t in range(20)])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_strips_show_first_and_last_frame_of_each_class_under_its_name():
    figure = class_strips(
        {"Open": FRAMES, "Close": FRAMES[::-1], "Stir": FRAMES[:3]},
        n=3,
        colours=dict.fromkeys(["Open", "Close", "Stir"], "red"),
    )
    pictures = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert len(pictures) == 3 and len(figure.axes) == 4
    assert pictures[0].shape == (12, 3 * 16 + 3 * 3, 3)
    assert pictures[0][0, 0, 0] == 0 and pictures[0][0, 40, 0] == 12 * 19
    assert pictures[1][0, 0, 0] == 12 * 19
    named = [text for axis in figure.axes for text in axis.texts]
    assert [text.get_text() for text in named] == ["Open", "Close", "Stir"]
    assert all(text.get_bbox_patch().get_facecolor() == (1, 0, 0, 1) for text in named)


def test_captions_stand_numbered_under_their_stills():
    figure = stills_with_captions([FRAMES[0], FRAMES[1]], [["a red apple", "an apple"], ["two eggs"]])
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert texts == ["1. a red apple\n2. an apple", "1. two eggs"]


def test_the_three_tasks_are_named_and_drawn_inside_their_axes():
    figure = three_tasks(FRAMES, FRAMES[0])
    assert [axis.get_title() for axis in figure.axes] == [
        "Activity recognition",
        "Image captioning",
        "Video description",
    ]
    assert [len(axis.images) for axis in figure.axes] == [4, 1, 3]
    for axis in figure.axes:
        (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
        assert all(left <= t.get_position()[0] <= right and low <= t.get_position()[1] <= high for t in axis.texts)
