import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lrcn_utils.data.video import read_video
from lrcn_utils.plots.video import colour_wheel, flow_to_rgb, show_clip, strip

FRAMES = np.stack([np.full((24, 32, 3), 8 * t, np.uint8) for t in range(20)])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("shape", [(24, 32), (23, 31)])
def test_a_shown_clip_is_a_video_inside_the_page(shape):
    frames = FRAMES[:, : shape[0], : shape[1]]
    page = show_clip(frames, fps=10, caption="PushUps <g08>").data
    assert "PushUps &lt;g08&gt;" in page and "<script" not in page and "http" not in page
    video = base64.b64decode(re.search(r"data:video/mp4;base64,([^\"]+)", page)[1])
    shown = read_video(io.BytesIO(video))
    assert len(shown) == 20 and shown.shape[1] % 2 == shown.shape[2] % 2 == 0
    assert np.abs(shown[:, 5, 5].astype(int) - frames[:, 5, 5]).max() < 10


@pytest.mark.parametrize("frames", [FRAMES[:0], FRAMES[0], FRAMES / 255], ids=["none", "one image", "floats"])
def test_what_is_no_video_is_refused(frames):
    for show in (show_clip, strip):
        with pytest.raises(ValueError, match=r"frames must be uint8 \(time, height, width, 3\)"):
            show(frames)


@pytest.mark.parametrize(("n", "numbers"), [(1, [0]), (3, [0, 10, 19]), (20, list(range(20))), (50, list(range(20)))])
def test_a_strip_spreads_frames_from_first_to_last(n, numbers):
    axes = strip(FRAMES, n).axes
    assert [axis.get_title() for axis in axes] == [f"frame {number}" for number in numbers]
    assert [int(axis.images[0].get_array()[0, 0, 0]) // 8 for axis in axes] == numbers


def test_a_strip_takes_other_titles():
    figure = strip(FRAMES, 2, titles=["before", "after"], title="Jump")
    assert [axis.get_title() for axis in figure.axes] == ["before", "after"]
    assert figure.get_suptitle() == "Jump"


def test_flow_colours_show_direction_and_speed():
    motions = np.array([[[0, 0], [4, 0], [-4, 0], [0, 4], [2, 0], [40, 0]]], np.float32)
    still, right, left, down, slow, fast = flow_to_rgb(motions, largest=4)[0].astype(int)
    assert (still == 255).all(), "no motion is white"
    assert right.tolist() == [255, 0, 0] and left.tolist() == [0, 255, 255], "opposite motions, opposite colours"
    assert np.abs(right - down).sum() > 200
    assert slow.tolist() == [255, 128, 128] and fast.tolist() == right.tolist()
    assert (flow_to_rgb(np.zeros((3, 3, 2))) == 255).all()


def test_the_wheel_is_drawn():
    assert colour_wheel(plt.figure().gca()).get_xlabel() == "right, pixels a frame"
