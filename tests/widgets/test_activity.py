"""The prediction explorer: every control over its range, uploads good and bad, names that are no markup."""

import io
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from choose_file import choose
from PIL import Image

from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.data.video import read_video
from lrcn_utils.inference import film
from lrcn_utils.models.activity import LRCN, SingleFrame
from lrcn_utils.models.cnn import toy_caffenet
from lrcn_utils.widgets.activity import PredictionExplorer, bars
from lrcn_utils.widgets.drawing import png


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


@pytest.fixture
def explorer(models, index):
    return PredictionExplorer(models, index.test[:3], index.classes)


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


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


def test_an_upload_is_shown_as_often_as_it_is_chosen_and_the_list_stays_of_use(explorer, index):
    listed, content = explorer.video.options[1][1], index.test[5].path.read_bytes()
    for _ in range(2):
        choose(explorer.upload, "mine.avi", content)
        assert explorer.clip.name == "mine.avi" and explorer.clip.frames == index.test[5].frames
        assert "truth unknown" in explorer.message.value and explorer.video.value is None
        explorer.video.value = listed
        assert explorer.clip.name == listed.name
    choose(explorer.upload, "mine.avi", content)
    explorer.input.value = "both"
    explorer.video.value = listed  # the clip that was marked in the list before the upload
    assert explorer.clip.name == listed.name


def test_a_bad_upload_is_one_message_that_a_good_file_ends(explorer, index):
    before, about = explorer.clip, explorer.message.value
    choose(explorer.upload, "notes.txt", b"not a video")
    assert "notes.txt: " in explorer.upload.message.value and explorer.clip is before
    explorer.frame.value = 3
    assert "notes.txt: " in explorer.upload.message.value and explorer.message.value == about
    explorer.video.value = explorer.video.options[2][1]
    assert "notes.txt" not in explorer.upload.message.value
    choose(explorer.upload, "notes.txt", b"not a video")
    choose(explorer.upload, "mine.avi", index.test[5].path.read_bytes())
    assert "notes.txt" not in explorer.upload.message.value


def test_without_opencv_flow_is_one_message_and_rgb_goes_on(explorer, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    for stream, told in (("flow", True), ("rgb", False), ("both", True)):
        explorer.input.value = stream
        explorer.frame.value = (explorer.frame.value + 1) % 5
        assert ("install the package" in explorer.message.value) == told
        assert len(explorer.panels.children) == (0 if told else 2)


def test_names_of_files_and_classes_are_text(models, index):
    nasty = ["a$\\frac$<img src=x onerror=alert(1)>", *index.classes[1:]]
    explorer = PredictionExplorer(models, [replace(index.test[0], label=0)], nasty)
    choose(explorer.upload, "b$\\frac$<img src=x>.avi", index.test[0].path.read_bytes())
    for _ in range(2):
        texts = [explorer.message.value, *(panel.bars.value for panel in explorer._drawn)]
        assert not any("<img" in text for text in texts)
        png(explorer.figure())
        explorer.video.value = explorer.video.options[0][1]
    assert "&lt;img" in explorer.message.value


def test_a_long_film_is_scrubbed_by_true_frame_numbers(explorer, index, monkeypatch):
    monkeypatch.setattr(film, "MOST", 10)
    choose(explorer.upload, "long.avi", index.test[5].path.read_bytes())
    every = explorer.clip.every
    assert every > 1 and explorer.frame.step == explorer.play.step == every
    assert explorer.frame.max == explorer.clip.numbers[-1] and f"one in {every}" in explorer.message.value
    frames = read_video(index.test[5].path, (120, 160))
    for number in range(explorer.frame.max + 1):
        explorer.frame.value = number
        assert explorer.screen.value == png(frames[number - number % every])
    png(explorer.figure())
    explorer.video.value = explorer.video.options[1][1]
    assert explorer.frame.step == explorer.clip.every


def test_bars_mark_the_truth_and_keep_the_colours():
    text = bars(np.array([0.1, 0.7, 0.2]), ["a", "b", "<c>"], {1: "#111111", 2: "#222222"}, truth=2)
    assert text.index("b") < text.index("&lt;c&gt; \u2713") and "0.70" in text and ">a<" not in text
    assert text.index("#111111") < text.index("#222222")
