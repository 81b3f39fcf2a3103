"""The prediction explorer: its logic on real videos, every control over its range, uploads of both ipywidgets."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.data.video import VideoError, read_video
from lrcn_utils.models.activity import LRCN, SingleFrame
from lrcn_utils.models.cnn import toy_caffenet
from lrcn_utils.widgets.activity import PredictionExplorer, Predictions, bars, uploaded_file


@pytest.fixture(scope="module")
def index(tiny_kitchen):
    return read_index(tiny_kitchen, test_groups=[1])


@pytest.fixture(scope="module")
def models(index):
    torch.manual_seed(0)
    classes = len(index.classes)
    return {
        "single frame": {"rgb": SingleFrame(toy_caffenet(1), classes), "flow": SingleFrame(toy_caffenet(1), classes)},
        "LRCN": {"rgb": LRCN(toy_caffenet(1), classes), "flow": LRCN(toy_caffenet(1), classes)},
    }


@pytest.fixture(scope="module")
def logic(models, index):
    return Predictions(models, index.classes)


@pytest.fixture
def explorer(models, index):
    return PredictionExplorer(models, index.test[:3], index.classes)


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def test_probabilities_are_the_models_own(logic, models, index):
    clip = logic.open(index.test[0])
    frames = read_video(index.test[0].path, (60, 80))[:, 2:58, 12:68]
    inputs = torch.tensor(frames / 255, dtype=torch.float32).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = models["LRCN"]["rgb"].eval()(inputs[None])[0].softmax(-1)
    np.testing.assert_allclose(logic.probabilities(clip, "LRCN", "rgb"), expected, atol=1e-5)


def test_both_is_the_half_and_half_average(logic, index):
    clip = logic.open(index.test[0])
    rgb, flow, both = (logic.probabilities(clip, "LRCN", stream) for stream in ("rgb", "flow", "both"))
    assert len(rgb) == len(flow) == len(clip)
    np.testing.assert_allclose(both, (rgb + flow) / 2)
    np.testing.assert_allclose(logic.belief(clip, "LRCN", "rgb", averaged=True)[-1], rgb.mean(0), atol=1e-6)


def test_picture_shows_rgb_and_flow(logic, index):
    clip = logic.open(index.test[0])
    assert logic.picture(clip, 0, "rgb").shape == (120, 160, 3)
    assert logic.picture(clip, len(clip) - 1, "both").shape == (120, 320, 3)


def test_verdict_says_right_or_wrong(logic, index):
    clip = logic.open(index.test[0])
    best = int(logic.probabilities(clip, "LRCN", "rgb").mean(0).argmax())
    clip.truth = best
    assert logic.verdict(clip, "LRCN", "rgb").startswith(f"LRCN: {index.classes[best]}")
    assert logic.verdict(clip, "LRCN", "rgb").endswith("right")
    clip.truth = (best + 1) % 16
    assert logic.verdict(clip, "LRCN", "rgb").endswith("wrong")


def test_every_control_over_its_range(explorer):
    for video in explorer.video.options:
        explorer.video.value = video[1]
        assert explorer.clip.name == video[1].name
    before = explorer.screen.value
    for frame in range(explorer.frame.min, explorer.frame.max + 1):
        explorer.frame.value = frame
    assert explorer.screen.value != before
    for _, stream in explorer.input.options:
        explorer.input.value = stream
        assert size(explorer.screen.value) == ((320, 120) if stream == "both" else size(explorer.screen.value))
    for averaged in (True, False):
        explorer.curve.value = averaged
    for chosen in ([], ["LRCN"], ["single frame", "LRCN"]):
        explorer.chosen.value = chosen
        assert len(explorer.panels.children) == len(chosen)


def test_the_line_and_the_bars_follow_the_frame(explorer):
    panel = explorer._drawn[0]
    seen = []
    for frame in (0, explorer.frame.max):
        explorer.frame.value = frame
        seen.append((panel.image.value, panel.bars.value))
        assert all(f"{panel.belief[frame, k]:.2f}" in panel.bars.value for k in panel.colours)
    assert seen[0][0] != seen[1][0]


def test_the_figure_is_the_same_view(explorer):
    figure = explorer.figure()
    titles = [axes.get_title(loc=place) for axes in figure.axes for place in ("left", "center")]
    assert sum(title.startswith("LRCN:") for title in titles) == 1


@pytest.mark.parametrize("version", [7, 8])
def test_an_uploaded_video_is_classified(explorer, index, version):
    content = index.test[5].path.read_bytes()
    if version == 7:
        value = {"mine.avi": {"metadata": {}, "content": content}}
    else:
        value = ({"name": "mine.avi", "content": memoryview(content)},)
    name, data = uploaded_file(value)
    explorer._open(explorer.logic.open_upload(name, data))
    assert len(explorer.clip) == index.test[5].frames
    assert "truth unknown" in explorer.message.value
    # The flow is estimated here, as it was for the dataset: about the same.
    assert explorer.clip.seen["flow"].shape == (index.test[5].frames - 1, 60, 80, 3)


def test_a_bad_upload_is_one_message(explorer, monkeypatch):
    with pytest.raises(VideoError, match=r"notes.txt"):
        explorer.logic.open_upload("notes.txt", b"not a video")
    before = explorer.clip
    monkeypatch.setattr(type(explorer.upload), "value", ({"name": "notes.txt", "content": b"no"},))
    explorer._uploaded()
    assert "notes.txt" in explorer.message.value and explorer.clip is before


def test_bars_mark_the_truth_and_keep_the_colours():
    text = bars(np.array([0.1, 0.7, 0.2]), ["a", "b", "<c>"], {1: "#111111", 2: "#222222"}, truth=2)
    assert text.index("b") < text.index("&lt;c&gt; \u2713") and "0.70" in text and ">a<" not in text
    assert text.index("#111111") < text.index("#222222")
