import os
from pathlib import Path

import numpy as np
import pytest
import torch
from broken_videos import make_dataset, truncated
from PIL import Image
from pretend_gpu import gpu
from torch import nn

from lrcn_utils.data import flow
from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.clips import FrameSize, collate_clips, evenly_spread
from lrcn_utils.data.report import Report
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.data.video import VideoError, write_video
from lrcn_utils.training import calls, features
from lrcn_utils.training.features import FeatureClips, extract, extract_images


class Means(nn.Module):
    """A CNN whose features are known: the mean of each colour over the left and the right half of the image."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.frames = 0

    def features(self, images, layer):
        self.frames += len(images)
        half = images.shape[-1] // 2
        means = [part.mean((2, 3)) for part in (images[..., :half], images[..., half:])]
        return torch.cat(means, 1) * self.scale


@pytest.fixture(autouse=True)
def _one_picture_a_call(monkeypatch):
    """So that no call is filled up, and what is counted are the pictures."""
    monkeypatch.setattr(calls, "PICTURES_AT_ONCE", 1)


@pytest.fixture
def videos(tmp_path):
    root = make_dataset(tmp_path / "ucf", groups=(1, 8), classes=("Jump",), frames=(40, 9))
    return read_index(root).train


@pytest.fixture
def dataset(videos):
    return ClipDataset(videos, FrameSize(24, 32, 16), cache=False)


def test_features_are_those_of_every_frame(dataset, tmp_path):
    found = extract(dataset, cnn := Means(), "pool", tmp_path / "kept")
    assert len(found) == 2 and found[0].shape == (1, 40, 6) and found[1].shape == (1, 9, 6)
    frames = dataset.read(dataset.videos[0])[:, 4:20, 8:24].astype(np.float32) / 255
    np.testing.assert_allclose(found[0][0, :, :3], frames[:, :, :8].mean((1, 2)), atol=1e-3)
    assert cnn.frames == 49 and not cnn.training
    with pytest.raises(ValueError, match="views='all': choose one of centre"):
        extract(dataset, cnn, "pool", tmp_path, views="all")


@pytest.mark.parametrize(
    ("views", "number"), [("centre", 1), ("whole", 1), ("centre and mirror", 2), ("whole and mirror", 2), ("ten", 10)]
)
def test_views_of_a_frame(dataset, tmp_path, views, number):
    found = extract(dataset, Means(), "pool", tmp_path, views=views)[0]
    assert found.shape == (number, 40, 6) and found.dtype == np.float16
    if number > 1:
        np.testing.assert_allclose(found[number // 2][:, 3:], found[0][:, :3], atol=1e-3)  # left is right


def test_a_second_call_computes_nothing_and_a_kill_costs_one_video(dataset, tmp_path):
    first = extract(dataset, Means(), "pool", tmp_path)
    kept = [np.array(found) for found in first]
    again = extract(dataset, cnn := Means(), "pool", tmp_path)
    assert cnn.frames == 0 and all((a == b).all() for a, b in zip(again, kept, strict=True))

    class Dying(Means):
        def features(self, images, layer):
            if self.frames >= 40:
                raise KeyboardInterrupt
            return super().features(images, layer)

    with pytest.raises(KeyboardInterrupt):
        extract(dataset, Dying(), "pool", tmp_path / "killed")
    assert len(list((tmp_path / "killed").rglob("*.npy"))) == 1 and not list((tmp_path / "killed").rglob("*.part"))
    resumed = extract(dataset, cnn := Means(), "pool", tmp_path / "killed")
    assert cnn.frames == 9 and all((a == b).all() for a, b in zip(resumed, kept, strict=True))


def test_features_are_read_once_while_they_fit_in_memory(dataset, tmp_path, monkeypatch):
    extract(dataset, Means(), "pool", tmp_path)
    monkeypatch.setattr(features, "IN_MEMORY", 9 * 6 * 2)  # of the second video alone
    found = extract(dataset, Means(), "pool", tmp_path)
    expected, read = [one.copy() for one in extract(dataset, Means(), "pool", tmp_path)], []
    real = found.kept.read
    monkeypatch.setattr(found.kept, "read", lambda file: read.append(file) or real(file))
    for _ in range(3):
        for number in range(2):
            assert np.array_equal(found[number], expected[number]) and not found[number].flags.writeable
    assert len(set(read)) == 2 and read.count(found.files[1]) == 1 and read.count(found.files[0]) == 6


def test_other_weights_other_sizes_and_other_videos_are_not_mixed_up(dataset, videos, tmp_path):
    extract(dataset, Means(), "pool", tmp_path)
    other = Means()
    nn.init.constant_(other.scale, 2)
    assert extract(dataset, other, "pool", tmp_path)[0][0, 0, 0] > 0 and other.frames == 49
    larger = ClipDataset(videos, FrameSize(24, 32, 20), cache=False)
    extract(larger, cnn := Means(), "pool", tmp_path)
    assert cnn.frames == 49
    os.utime(videos[1].path, ns=(5, 5))  # the same film with another time stamp is the same film
    extract(dataset, cnn := Means(), "pool", tmp_path)
    assert cnn.frames == 0
    write_video(videos[1].path, [np.full((24, 32, 3), 200, np.uint8)] * 9, options={"qmin": "2", "qmax": "2"})
    os.utime(videos[1].path, ns=(4, 4))  # an older one in its place is another film
    assert extract(dataset, cnn := Means(), "pool", tmp_path)[1][0, 0, 0] > 0.7
    assert cnn.frames == 9


def test_all_calls_have_one_size_and_hold_frames_of_several_videos(dataset, tmp_path, monkeypatch):
    sizes = []

    class Counting(Means):
        def features(self, images, layer):
            sizes.append(len(images))
            return super().features(images, layer)

    alone = extract(dataset, Counting(), "pool", tmp_path / "alone")
    assert sizes == [1] * 49
    monkeypatch.setattr(calls, "PICTURES_AT_ONCE", 6)
    together = extract(dataset, Counting(), "pool", tmp_path / "together")
    assert sizes[49:] == [6] * 9, "49 frames, and 5 that are filled up"
    for found, expected in zip(together, alone, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_videos_features_are_the_same_whichever_others_are_extracted(videos, tmp_path, monkeypatch):
    """Where a killed run goes on, too, and in two processes: a CNN's last bits depend on the size of the call."""
    monkeypatch.setattr(calls, "PICTURES_AT_ONCE", 6)

    class Sized(Means):
        def features(self, images, layer):
            return super().features(images, layer) + len(images)

    every = extract(ClipDataset(videos, FrameSize(24, 32, 16), cache=False), Sized(), "pool", tmp_path / "every")
    for number, video in enumerate(videos):
        (found,) = extract(ClipDataset([video], FrameSize(24, 32, 16), cache=False), Sized(), "pool", tmp_path)
        assert np.array_equal(found, every[number])


def test_a_video_that_cannot_be_read_raises_or_is_reported_and_left_out(dataset, videos, tmp_path):
    truncated(videos[0].path)
    with pytest.raises(VideoError, match="truncated"):
        extract(dataset, Means(), "pool", tmp_path)
    report = Report()
    found = extract(dataset, Means(), "pool", tmp_path, report=report)
    assert videos[0].path not in found.kept and found[1].shape == (1, 9, 6)
    assert len(report) == 1 and "truncated" in report.lines[0]


@pytest.mark.device
def test_extraction_on_a_gpu_gives_what_the_cpu_gives(dataset, tmp_path):
    expected = extract(dataset, Means(), "pool", tmp_path / "cpu")
    with gpu() as device:
        found = extract(dataset, Means().to(device), "pool", tmp_path / "gpu")
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_training_clips_are_steps_in_a_row_of_one_view(dataset, tmp_path):
    found = extract(dataset, Means(), "pool", tmp_path, views="centre and mirror")
    clips = FeatureClips(found)
    steps, seen = found[0].astype(np.float32), set()
    for epoch in range(60):
        clips.set_epoch(1, epoch)
        clip, label = clips[0]
        assert clip.shape == (16, 6) and clip.dtype == torch.float32 and label == 0
        matches = [
            (view, start)
            for view in range(2)
            for start in range(25)
            if np.array_equal(steps[view, start : start + 16], clip.numpy())
        ]
        assert matches, "a clip is 16 steps in a row of one view"
        seen.update(matches)
    assert {view for view, _ in seen} == {0, 1} and len({start for _, start in seen}) > 12
    clips.set_epoch(1, 7)
    first = clips[0][0]
    clips.set_epoch(1, 8)
    clips.set_epoch(1, 7)
    assert torch.equal(clips[0][0], first)
    assert collate_clips([clips[0], clips[1]]).lengths.tolist() == [16, 9]


def test_flow_in_a_mirror_has_its_horizontal_motion_negated(videos, tmp_path, monkeypatch):
    """255 - x: what moves to the right moves to the left in the mirror."""
    for video in videos:
        images = np.full((video.flow_frames, 24, 32, 3), (200, 128, 160), np.uint8)
        write_video(video.flow_path, images, codec="libx264rgb", pixel_format="rgb24", options={"crf": "5"})
    monkeypatch.setattr(flow, "is_of", lambda stored, video: True)
    dataset = ClipDataset(videos, FrameSize(24, 32, 16), input="flow", cache=False)
    for views in ("centre and mirror", "whole and mirror", "ten"):
        found = extract(dataset, Means(), "pool", tmp_path, views=views)[0].astype(np.float32) * 255
        half = len(found) // 2
        np.testing.assert_allclose(found[:half, :, 0], 200, atol=3)
        np.testing.assert_allclose(found[half:, :, 0], 55, atol=3)
        np.testing.assert_allclose(found[:, :, 1], 128, atol=3)


def test_some_frames_evenly_spread_from_first_to_last(dataset, tmp_path):
    found = extract(dataset, cnn := Means(), "pool", tmp_path, spread=8)
    every = extract(dataset, Means(), "pool", tmp_path)
    assert cnn.frames == 16 and found[0].shape == (1, 8, 6)
    chosen = np.linspace(0, 39, 8).round().astype(int)
    np.testing.assert_allclose(found[0][0], every[0][0, chosen], atol=1e-3)
    assert list(evenly_spread(iter("abc"), 3, 5)) == ["a", "a", "b", "c", "c"]


@pytest.fixture
def pictures(tmp_path):
    """Three pictures; the second is broken."""
    files = [tmp_path / "pictures" / f"{name}.png" for name in "abc"]
    files[0].parent.mkdir()
    for value, file in zip((10, 120, 240), files, strict=True):
        Image.new("RGB", (64, 48), (value, 0, 0)).save(file)
    files[1].write_bytes(files[1].read_bytes()[:60])
    return CaptionSet(list("abc"), files, [["a"], ["b"], ["c"]])


class SmallMeans(Means):
    crop = 56


def images_of(pictures, cnn, cache):
    fresh = CaptionSet(pictures.ids, pictures.images, pictures.captions)
    return extract_images(fresh, cnn, "fc8", cache)


def test_features_of_images_are_kept_one_by_one(pictures, tmp_path):
    used, found = images_of(pictures, cnn := SmallMeans(), tmp_path / "cache")
    assert used.ids == ["a", "c"] and cnn.frames == 2 and len(used.report) == 1
    np.testing.assert_allclose(found[:, 0] * 255, [10, 240], atol=1)
    used, again = images_of(pictures, cnn, tmp_path / "cache")
    assert cnn.frames == 2 and torch.equal(found, again)
    assert len(used.report) == 1  # what is left out is said every time


def test_a_mended_or_replaced_picture_is_seen(pictures, tmp_path):
    images_of(pictures, SmallMeans(), tmp_path / "cache")
    stamp = os.stat(pictures.images[0]).st_mtime_ns
    Image.new("RGB", (64, 48), (120, 0, 0)).save(pictures.images[1])
    Image.new("RGB", (64, 48), (90, 0, 0)).save(pictures.images[0])
    os.utime(pictures.images[0], ns=(stamp, stamp))
    used, found = images_of(pictures, SmallMeans(), tmp_path / "cache")
    assert len(used) == 3 and not used.report.lines
    np.testing.assert_allclose(found[:, 0] * 255, [90, 120, 240], atol=1)


def test_another_way_of_reading_makes_the_features_anew(dataset, pictures, tmp_path, monkeypatch):
    for reader in ("as it is", "changed"):
        if reader == "changed":
            monkeypatch.setattr(features, "VIDEO_READER", -1)
            monkeypatch.setattr(features, "IMAGE_READER", -1)
        images_of(pictures, of_images := SmallMeans(), tmp_path / "cache")
        extract(dataset, of_films := Means(), "pool", tmp_path / "cache")
        assert (of_images.frames, of_films.frames) == (2, 49), reader


def test_another_folder_with_the_same_names_has_features_of_its_own(pictures, tmp_path, monkeypatch):
    """Two projects that both say ``--root flickr``."""
    found = {}
    for project, value in (("one", 30), ("two", 200)):
        (tmp_path / project / "flickr").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / project)
        Image.new("RGB", (64, 48), (value, 0, 0)).save(Path("flickr/a.png"))
        here = CaptionSet(["a"], [Path("flickr/a.png")], [["a"]])
        found[project] = extract_images(here, SmallMeans(), "fc8", tmp_path / "cache")[1]
    assert abs(found["two"][0, 0] * 255 - 200) < 1


@pytest.mark.real
def test_squeezenet_sees_real_frames(real_data, tmp_path, monkeypatch):
    from lrcn_utils.models.cnn import pretrained

    monkeypatch.setenv("TORCH_HOME", str(real_data / "torch_home"))
    index = read_index(real_data / "ucf101", 2, cache=tmp_path, limit=1, classes=["PushUps"])
    shortest = min(index.train + index.test, key=lambda video: video.frames)
    dataset = ClipDataset([shortest], FrameSize(60, 80, 56), cache=False)
    (found,) = extract(dataset, pretrained("squeezenet1_1"), "pool", tmp_path)
    assert found.shape == (1, shortest.frames, 512) and found.min() >= 0 and found.astype(np.float32).std() > 0.1
