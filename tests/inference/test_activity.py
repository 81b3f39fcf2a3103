"""Films are judged while they run exactly as the table judges videos, and little is held of them."""

import shutil
import struct
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lrcn_utils.data.clips import LENGTH, TOY, VIEWS, test_clip_starts
from lrcn_utils.data.flow import make_flow
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.data.video import VideoError, iter_frames, read_video, write_video
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.inference import film
from lrcn_utils.inference.activity import ActivityModel, Predictions, Watcher, watch
from lrcn_utils.inference.film import Film
from lrcn_utils.metrics.activity import fuse
from lrcn_utils.models.activity import LRCN, SingleFrame
from lrcn_utils.models.cnn import toy_caffenet
from lrcn_utils.training.activity.models import load
from lrcn_utils.training.activity.scores import _cut_clips, score, score_features, step_probabilities
from lrcn_utils.training.features import cnn_features

VIDEOS = 4


class TinyCNN(nn.Module):
    """Features of an image: the mean colours of its quarters."""

    feature_size = {"fc6": 12, "fc7": 12}

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def features(self, images, layer):
        return self.weight * nn.functional.adaptive_avg_pool2d(images, 2).flatten(1) * 10 - 5


def tiny(kind: str):
    torch.manual_seed(0)
    return SingleFrame(TinyCNN(), 3).eval() if kind == "single" else LRCN(TinyCNN(), 3, hidden=8).eval()


@settings(max_examples=60)
@given(
    st.integers(1, 60),
    st.sampled_from(["single", "lrcn"]),
    st.sampled_from(sorted(VIEWS)),
    st.booleans(),
    st.integers(1, 40),
)
def test_a_stream_of_any_length_is_judged_as_the_table_does(n_frames, kind, view, flow, at_once):
    model, frames = tiny(kind), np.random.default_rng(n_frames).integers(0, 256, (n_frames, 12, 16, 3), np.uint8)
    watcher = Watcher(model, 8, view, flow=flow)
    for start in range(0, n_frames, at_once):
        watcher.see(frames[start : start + at_once])
        assert watcher._held.shape[1] <= LENGTH
    watcher.end()
    features = cnn_features(model.cnn, VIEWS[view](frames, 8, flow), "fc6")
    np.testing.assert_allclose(watcher.probabilities, score_features(model, [features])[0], atol=1e-5)
    assert watcher.frames == n_frames and list(watcher.clips) == test_clip_starts(n_frames)

    beliefs = defaultdict(list)
    for start in test_clip_starts(n_frames):
        steps = step_probabilities(model, features[:, start : start + LENGTH]).mean(0)
        for frame, row in enumerate(steps, start):
            beliefs[frame].append(row)
    for frame in range(n_frames):
        np.testing.assert_allclose(watcher.belief(frame), np.mean(beliefs[frame], axis=0), atol=1e-5)
    assert len(_cut_clips(features)) == len(watcher.clips) * len(features)


@pytest.fixture(scope="module")
def index(tiny_kitchen, tmp_path_factory):
    """Some videos of a kitchen, with their stored flow."""
    root = shutil.copytree(tiny_kitchen, tmp_path_factory.mktemp("with_flow") / "kitchen")
    found = read_index(root, test_groups=[1])
    for video in found.test[:VIDEOS]:
        make_flow(video.path, video.flow_path)
    return replace(found, test=found.test[:VIDEOS])


@pytest.fixture(scope="module")
def models(index):
    torch.manual_seed(0)
    classes = len(index.classes)
    return {
        name: {stream: kind(toy_caffenet(1), classes).eval() for stream in ("rgb", "flow")}
        for name, kind in (("single frame", SingleFrame), ("LRCN", LRCN))
    }


@pytest.fixture(scope="module")
def logic(models, index):
    return Predictions(models, index.classes)


def test_the_verdict_is_the_tables(logic, models, index):
    videos = index.test
    found = {}
    for stream in ("rgb", "flow"):
        dataset = ClipDataset(videos, train=False, input=stream, cache=False)
        found[stream] = score(models["LRCN"][stream], dataset, index.classes).probabilities
    found["both"] = fuse(found["rgb"], found["flow"], 0.5)
    for row, video in enumerate(videos):
        clip = logic.open(video)
        for stream, expected in found.items():
            np.testing.assert_allclose(logic.probabilities(clip, "LRCN", stream), expected[row], atol=1e-5)
            best = index.classes[expected[row].argmax()]
            mark = "right" if best == video.class_name else "wrong"
            assert logic.verdict(clip, "LRCN", stream).startswith(f"LRCN: {best} ")
            assert logic.verdict(clip, "LRCN", stream).endswith(mark)


def test_beliefs_of_both_inputs_are_averaged_and_flow_lasts_to_the_end(logic, index):
    clip = logic.open(index.test[0])
    rgb, flow, both = (logic.belief(clip, "LRCN", stream, averaged=False) for stream in ("rgb", "flow", "both"))
    assert len(rgb) == len(flow) == clip.frames == index.test[0].frames
    np.testing.assert_array_equal(flow[-1], flow[-2])
    np.testing.assert_allclose(both, (rgb + flow) / 2)
    np.testing.assert_allclose(logic.belief(clip, "LRCN", "rgb", averaged=True)[-1], rgb.mean(0), atol=1e-6)


def test_an_uploaded_video_gives_what_it_gives_on_the_disk(logic, index):
    video = index.test[2]
    stored, mine = logic.open(video), logic.open_upload("mine.avi", video.path.read_bytes())
    assert mine.name == "mine.avi" and mine.truth is None and mine.numbers == stored.numbers
    of_both = [logic.probabilities(clip, "LRCN", "rgb") for clip in (stored, mine)]
    np.testing.assert_array_equal(*of_both)
    # The flow is estimated here, as it was for the dataset: about the same.
    apart = logic.picture(stored, 3, "flow").astype(int) - logic.picture(mine, 3, "flow")
    assert abs(apart).mean() < 2
    with pytest.raises(VideoError, match=r"notes.txt"):
        logic.open_upload("notes.txt", b"not a video")


def test_picture_shows_rgb_and_flow(logic, index):
    clip = logic.open(index.test[0])
    assert logic.picture(clip, 0, "rgb").shape == (120, 160, 3)
    assert logic.picture(clip, clip.frames - 1, "both").shape == (120, 320, 3)
    np.testing.assert_array_equal(logic.picture(clip, 7, "rgb"), read_video(index.test[0].path, (120, 160))[7])


def test_a_long_film_is_shown_in_part_and_judged_whole(logic, index, monkeypatch):
    video = max(index.test, key=lambda video: video.frames)
    whole = logic.open(video)
    expected = logic.belief(whole, "LRCN", "both", averaged=False), logic.probabilities(whole, "LRCN", "both")
    monkeypatch.setattr(film, "MOST", 10)
    clip = logic.open(video)
    assert clip.numbers == list(range(0, video.frames, clip.every)) and 5 <= len(clip.numbers) <= 10
    frames = read_video(video.path, (120, 160))
    for number in clip.numbers:
        np.testing.assert_array_equal(logic.picture(clip, number, "rgb"), frames[number])
    assert logic.picture(clip, video.frames - 1, "both").shape == (120, 320, 3)
    found = logic.belief(clip, "LRCN", "both", averaged=False)
    np.testing.assert_allclose(found[:-1], expected[0][:: clip.every][:-1], atol=1e-6)
    np.testing.assert_allclose(logic.probabilities(clip, "LRCN", "both"), expected[1], atol=1e-6)
    assert len(clip.shown["flow"]) <= 10


def test_flow_of_another_film_is_refused(logic, index):
    first, other = sorted(index.test, key=lambda video: video.frames)[:: len(index.test) - 1]
    clip = replace(logic.open(first), stored_flow=other.flow_path)
    with pytest.raises(
        VideoError, match=f"{other.flow_path.name}: has {other.frames - 1} flow images for {first.frames}"
    ):
        logic.probabilities(clip, "LRCN", "flow")


def turned(path, frames, quarter_turns):
    """A film that is stored on its side, with the matrix in its header that says so, as telephones write it."""
    write_video(path, [np.rot90(frame, quarter_turns) for frame in frames], codec="libx264", options={"crf": "4"})
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44
    one, cosine, sine = 65536, [1, 0, -1, 0][quarter_turns], [0, 1, 0, -1][quarter_turns]
    content[matrix : matrix + 20] = struct.pack(">5i", cosine * one, sine * one, 0, -sine * one, cosine * one)
    path.write_bytes(content)
    return path


def test_a_film_from_a_telephone_held_upright_gets_the_label_of_the_upright_one(index, tmp_path):
    model = ActivityModel.load(CHECKPOINTS / "activity_lrcn_rgb.safetensors")
    sure = next(video for video in index.test if video.class_name == "CloseDrawer")  # other pixels move it little
    frames = list(iter_frames(sure.path, (120, 160)))
    upright, *others = (model.watch(Film("a", turned(tmp_path / f"{n}.mp4", frames, n))) for n in range(4))
    for other in others:
        assert other.probabilities.argmax() == upright.probabilities.argmax()
        np.testing.assert_allclose(other.probabilities, upright.probabilities, atol=0.05)


@pytest.mark.parametrize("name", ["lrcn_rgb", "lrcn_flow"])
def test_a_checkpoint_knows_how_films_reach_it(index, name):
    model, video = ActivityModel.load(CHECKPOINTS / f"activity_{name}.safetensors"), index.test[0]
    assert model.frames == TOY and model.view == "centre" and model.input == name[5:]
    dataset = ClipDataset([video], train=False, input=model.input, cache=False)
    expected = score(load(name)[0], dataset, model.classes).probabilities[0]
    found = model.watch(Film(video.name, video.path)).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-5 if model.input == "rgb" else 0.2)


@pytest.mark.parametrize("input", ["rgb", "flow"])
def test_a_model_sees_a_film_from_the_views_that_it_was_scored_on(index, input):
    model = ActivityModel(tiny("lrcn"), list("abc"), input, TOY, "ten")
    film = Film("a", index.test[0].path)
    frames = np.stack(list((film.flow if input == "flow" else film.frames)((60, 80))))
    features = cnn_features(model.network.cnn, VIEWS["ten"](frames, 56, input == "flow"), "fc6")
    expected = score_features(model.network, [features])[0]
    np.testing.assert_allclose(model.watch(film).probabilities, expected, atol=1e-5)


def test_every_model_sees_the_film_in_one_reading(models, index):
    read = []
    frames = iter_frames(index.test[0].path, (60, 80))
    watchers = [Watcher(streams["rgb"], 56) for streams in models.values()]
    watch((read.append(1) or frame for frame in frames), *watchers)
    assert len(read) == index.test[0].frames == watchers[0].frames == watchers[1].frames
