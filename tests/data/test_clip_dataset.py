"""The clips of a dataset, and the cache of their frames."""

import os
import shutil
import threading

import numpy as np
import pytest
import torch
from broken_videos import make_dataset, make_video

from lrcn_utils.data import flow, frame_cache
from lrcn_utils.data.clips import FrameSize, collate_clips
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.data.video import VideoError, write_video

SMALL = FrameSize(18, 24, 16)


def test_training_items_depend_on_seed_epoch_and_index_alone(root):
    videos = read_index(root).train
    data, again = ClipDataset(videos, SMALL), ClipDataset(videos, SMALL, cache=False)
    data.set_epoch(3, 5)
    first = [data[i] for i in range(8)]
    again.set_epoch(3, 5)
    for i in reversed(range(8)):
        assert torch.equal(again[i][0], first[i][0]) and again[i][1] == first[i][1]
    clip, label = first[1]
    assert clip.shape == (16, 3, 16, 16) and clip.dtype == torch.uint8 and label == 0
    data.set_epoch(3, 6)
    assert sum(not torch.equal(data[i][0], first[i][0]) for i in range(8)) >= 6, "another epoch, other clips"


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("n_frames", [1, 15, 16, 17, 300])
def test_videos_of_any_length_train_and_test(root, n_frames, cache):
    make_video(root / "UCF-101" / "Jump" / "v_Jump_g08_c01.avi", n_frames)
    (video, *_) = videos = read_index(root).train
    data = ClipDataset(videos, SMALL, cache=cache)
    time = min(16, n_frames)
    assert data[0][0].shape == (time, 3, 16, 16)
    clips = {1: 1, 15: 1, 16: 1, 17: 2, 300: 37}[n_frames]
    assert data.test_clips(video).shape == (clips, time, 3, 16, 16)
    assert data.test_clips(video, "ten").shape == (10 * clips, time, 3, 16, 16)
    batch = collate_clips([data[0], data[1]])
    assert batch.lengths.tolist() == [time, 16] and batch.clips.shape[:2] == (2, 16)


def test_a_video_of_ten_thousand_frames_is_read_one_by_one(tmp_path):
    root = make_dataset(tmp_path / "long", groups=(1, 8), classes=("Jump",), frames=(18,))
    frame = np.full((24, 32, 3), 90, np.uint8)
    path = root / "UCF-101" / "Jump" / "v_Jump_g08_c01.avi"
    write_video(path, (frame for _ in range(10_000)))
    (video,) = read_index(root).train
    assert video.frames == 10_000
    data = ClipDataset([video], SMALL, cache=False)
    assert sum(frame.shape == (18, 24, 3) for frame in data.stream(video)) == 10_000
    assert data.read(video, 9_990).shape == (10, 18, 24, 3)


def test_test_clips_are_the_centre_of_the_right_frames(root):
    video = read_index(root).train[1]
    assert video.frames == 33
    data = ClipDataset([video], SMALL, train=False)
    clips, label = data[0]
    frames = data.read(video)
    for clip, start in zip(clips, (0, 8, 16, 17), strict=True):
        expected = torch.from_numpy(frames[start : start + 16, 1:17, 4:20].copy()).permute(0, 3, 1, 2) / 255
        torch.testing.assert_close(clip, expected)
    assert label == video.label
    uncached = ClipDataset([video], SMALL, train=False, cache=False)
    assert torch.equal(uncached.test_clips(video), clips)
    assert np.array_equal(uncached.read(video, 4, 9), frames[4:9])


def test_flow_has_its_own_folder_and_is_mirrored_in_x(root):
    videos = read_index(root).train[:2]
    with pytest.raises(FileNotFoundError, match=r"flow is missing for 2 of 2 videos, first v_Jump_g08_c01; run"):
        ClipDataset(videos, SMALL, input="flow")
    for video in videos:
        store_flow(video, (200, 128, 200))
    data = ClipDataset(videos, SMALL, input="flow")
    assert data.length(videos[0]) == 17 and data.test_clips(videos[0]).shape[0] == 2
    seen = set()
    for epoch in range(12):
        data.set_epoch(0, epoch)
        seen.add(round(float(data[0][0][0, 0].float().mean())))
    assert seen == {200, 55}


def store_flow(video, colour):
    colour = np.full((video.frames - 1, 24, 32, 3), colour, np.uint8)
    comment, options = flow._made_from(video.path), {"crf": "5"}
    write_video(video.flow_path, colour, codec="libx264rgb", pixel_format="rgb24", options=options, comment=comment)


def test_the_mirrored_five_of_ten_crops_of_flow_have_their_horizontal_flow_negated(root):
    (video,) = read_index(root, limit=1, classes=["Jump"]).train
    store_flow(video, (200, 100, 170))
    ten = ClipDataset([video], SMALL, input="flow").test_clips(video, "ten")
    assert ten.shape == (20, 16, 3, 16, 16)
    for start in (0, 10):
        for crops, expected in (
            (ten[start : start + 5], (200, 100, 170)),
            (ten[start + 5 : start + 10], (55, 100, 170)),
        ):
            assert ((255 * crops).mean((0, 1, 3, 4)) - torch.tensor(expected)).abs().max() < 1
    rgb = ClipDataset([video], SMALL).test_clips(video, "ten")
    assert torch.equal(rgb[5:10], rgb[:5].flip(-1))


def test_flow_of_another_video_is_refused(root):
    videos = read_index(root).train[:4]
    for video in videos:
        store_flow(video, (200, 128, 200))
    write_video(
        videos[1].path, [np.full((24, 32, 3), 9, np.uint8)] * videos[1].frames, options={"qmin": "2", "qmax": "2"}
    )
    os.utime(videos[1].path, ns=(1, 1))  # an older video
    shutil.copy(videos[0].flow_path, videos[3].flow_path)  # of a video of another length
    why = r"^the flow of 2 of 4 videos was made from other files than these, first v_Jump_g08_c02; run data_scripts/c"
    with pytest.raises(ValueError, match=why):
        ClipDataset(videos, SMALL, input="flow")
    ClipDataset(videos[:1], SMALL, input="flow")


def test_the_cache_is_written_once_and_follows_the_video(root, monkeypatch):
    video = read_index(root).train[0]
    data = ClipDataset([video], SMALL)
    before = data.read(video).copy()
    monkeypatch.setattr(frame_cache, "iter_frames", None)  # a second decode would fail
    assert np.array_equal(data.read(video), before)
    assert not data.read(video).flags.writeable
    monkeypatch.undo()
    write_video(video.path, [np.full((24, 32, 3), 9, np.uint8)] * 18, options={"qmin": "2", "qmax": "2"})
    os.utime(video.path, ns=(1, 1))  # an older video put in its place counts as a change, too
    assert not np.array_equal(data.read(video), before)


def test_a_video_replaced_after_indexing_is_an_error_and_not_a_wrong_clip(root):
    video = read_index(root).train[0]
    for cache in (True, False):
        data = ClipDataset([video], SMALL, cache=cache)
        data.test_clips(video)
        make_video(video.path, 5)
        with pytest.raises(VideoError, match=r"v_Jump_g08_c01\.avi: does not have the 18 frames"):
            data.read(video, 0, 16)
        make_video(video.path, 18)


def test_another_way_of_reading_films_makes_the_frames_anew(root, monkeypatch):
    video = read_index(root).train[0]
    ClipDataset([video], SMALL).read(video)
    monkeypatch.setattr(frame_cache, "READER", -1)
    monkeypatch.setattr(frame_cache, "iter_frames", lambda path, size: iter(np.full((18, *size, 3), 7, np.uint8)))
    assert (ClipDataset([video], SMALL).read(video) == 7).all()


def test_a_kill_leaves_no_half_cached_video(root, monkeypatch):
    video = read_index(root).train[0]
    data = ClipDataset([video], SMALL)

    def dying(path, size):
        yield np.zeros((*size, 3), np.uint8)
        raise KeyboardInterrupt

    monkeypatch.setattr(frame_cache, "iter_frames", dying)
    with pytest.raises(KeyboardInterrupt):
        data.read(video)
    assert not list((root / "cache").rglob("*.npy")) and not list((root / "cache").rglob("*.part"))
    monkeypatch.undo()
    assert data.read(video)[5].any()


def test_many_readers_may_fill_the_cache_at_once(root):
    videos = read_index(root).train
    found = []

    def read():
        data = ClipDataset(videos, SMALL)
        found.append([data.read(video).sum() for video in videos])

    threads = [threading.Thread(target=read) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(found) == 6 and all(one == found[0] for one in found)


def test_frames_that_would_not_fit_on_the_disk_are_refused(root, monkeypatch):
    videos = read_index(root).train
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(OSError, match=r"GB are free; make room"):
        ClipDataset(videos, SMALL)
    ClipDataset(videos, SMALL, cache=False)


def test_a_cache_that_cannot_be_made_says_what_to_pass(root):
    (root / "file").touch()
    with pytest.raises(OSError, match=r"file: cannot be made .*; choose another --cache, or pass cache=False"):
        ClipDataset(read_index(root).train, SMALL, cache=root / "file")


@pytest.mark.parametrize("start", [None, "spawn"])
def test_workers_read_the_same_clips(root, start):
    data = ClipDataset(read_index(root).train, SMALL)
    data.set_epoch(0, 1)
    options = {"num_workers": 2, "multiprocessing_context": start, "collate_fn": collate_clips}
    loader = torch.utils.data.DataLoader(data, batch_size=4, **options)
    for first, batch in zip((0, 4), loader, strict=True):
        for i in range(4):
            assert torch.equal(batch.clips[i], data[first + i][0])


def test_toy_kitchen_is_read_like_ucf101(tiny_kitchen):
    index = read_index(tiny_kitchen)
    assert len(index.report) == 0 and index.train and index.test
    assert not {video.group for video in index.train} & {video.group for video in index.test}
    clip, _ = ClipDataset(index.train)[0]
    assert clip.shape == (16, 3, 56, 56)
