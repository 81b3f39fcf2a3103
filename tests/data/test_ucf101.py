import json
import os
import shutil
import threading

import numpy as np
import pytest
import torch
from broken_videos import make_dataset, make_video, truncated, undecodable_metadata

from lrcn_utils.data import frame_cache, video_index
from lrcn_utils.data.clips import FrameSize, collate_clips
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.data.video import VideoError, write_video

SMALL = FrameSize(18, 24, 16)


@pytest.fixture(scope="module")
def _made(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "ucf")


@pytest.fixture
def root(_made, tmp_path):
    return shutil.copytree(_made, tmp_path / "ucf")


def names(videos):
    return [video.name for video in videos]


# The index


def test_the_official_lists_decide_who_trains_and_who_tests(root):
    index = read_index(root, 1)
    assert index.classes == ["Jump", "Walk"] and len(index.report) == 0
    assert {video.group for video in index.train} == {8, 9} and {video.group for video in index.test} == {1, 2}
    assert len(index.train) == len(index.test) == 8
    video = index.train[0]
    assert (video.name, video.class_name, video.label, video.frames) == ("v_Jump_g08_c01", "Jump", 0, 18)
    assert [video.label for video in index.test] == [0] * 4 + [1] * 4


def test_groups_can_be_held_out_without_lists(root):
    shutil.rmtree(root / "ucfTrainTestlist")
    index = read_index(root, test_groups=[9])
    assert {video.group for video in index.test} == {9} and {video.group for video in index.train} == {1, 2, 8}
    assert index.classes == ["Jump", "Walk"]


def test_classes_are_numbered_as_in_classind_and_a_subset_from_zero(root):
    (root / "ucfTrainTestlist" / "classInd.txt").write_text("1 Archery\n2 Walk\n3 Jump\n")
    assert read_index(root).classes == ["Walk", "Jump"]
    index = read_index(root, classes=["Jump"])
    assert index.classes == ["Jump"] and {video.label for video in index.train} == {0} and len(index.train) == 4
    with pytest.raises(ValueError, match="no class Jumping; the classes are Archery, Walk, Jump"):
        read_index(root, classes=["Jumping"])


def test_limit_takes_the_first_videos_of_each_class(root):
    index = read_index(root, limit=1)
    assert names(index.train) == ["v_Jump_g08_c01", "v_Walk_g08_c01"]
    assert names(index.test) == ["v_Jump_g01_c01", "v_Walk_g01_c01"]


def test_a_missing_class_costs_one_line_a_list_and_the_rest_is_used(root):
    shutil.rmtree(root / "UCF-101" / "Walk")
    index = read_index(root)
    assert index.classes == ["Jump"] and len(index.train) == 4
    assert index.report.lines == [
        "trainlist01.txt: class Walk: 4 of 4 videos are not on disk",
        "testlist01.txt: class Walk: 4 of 4 videos are not on disk",
    ]
    with pytest.raises(ValueError, match="class Walk: 4 of 4"):
        read_index(root, strict=True)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (truncated, "truncated"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("hello " * 99), "not a video"),
    ],
    ids=["truncated", "empty", "text"],
)
def test_a_broken_video_costs_one_line_and_the_rest_is_used(root, spoil, why):
    spoil(root / "UCF-101" / "Jump" / "v_Jump_g08_c01.avi")
    for _ in range(2):  # decoded, and remembered
        index = read_index(root)
        assert len(index.train) == 7 and "v_Jump_g08_c01" not in names(index.train)
        (line,) = index.report.lines
        assert line.startswith("v_Jump_g08_c01.avi: ") and why in line
    with pytest.raises(VideoError, match=rf"v_Jump_g08_c01\.avi: .*{why}"):
        read_index(root, strict=True)


def test_undecodable_metadata_costs_one_line_and_not_the_video(root):
    undecodable_metadata(root / "UCF-101" / "Jump" / "v_Jump_g08_c01.avi")
    index = read_index(root)
    assert len(index.train) == 8
    assert index.report.lines == ["v_Jump_g08_c01.avi: its metadata is not UTF-8 and was ignored; its frames are used"]
    with pytest.raises(ValueError, match="metadata"):
        read_index(root, strict=True)


def test_a_malformed_line_is_named_by_file_and_number(root):
    listed = root / "ucfTrainTestlist" / "trainlist01.txt"
    listed.write_text("Jump/v_Jump_g08_c01.avi 1\n\nJump v_Jump_g08_c02.mp4\nJump/v_Jump_g09_c01.avi 1\n")
    index = read_index(root)
    assert names(index.train) == ["v_Jump_g08_c01", "v_Jump_g09_c01"]
    assert index.report.lines[0].startswith("trainlist01.txt, line 3: 'Jump v_Jump_g08_c02.mp4' is not of the form")
    with pytest.raises(ValueError, match=r"trainlist01\.txt, line 3"):
        read_index(root, strict=True)
    (root / "ucfTrainTestlist" / "classInd.txt").write_text("1 Jump\nWalk\n")
    with pytest.raises(ValueError, match=r"classInd\.txt, line 2: 'Walk'"):
        read_index(root)


def test_a_group_on_both_sides_is_refused_by_name(root):
    listed = root / "ucfTrainTestlist" / "testlist01.txt"
    listed.write_text(listed.read_text() + "Walk/v_Walk_g09_c01.avi\n")
    with pytest.raises(ValueError, match=r"group g09 of Walk is in the training list and in the test list"):
        read_index(root)


def test_a_folder_that_is_no_dataset_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder UCF-101 in it; run data_scripts/prepare_ucf101\.py"):
        read_index(tmp_path)


def test_a_missing_list_is_named(root):
    (root / "ucfTrainTestlist" / "testlist02.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"testlist02\.txt: no such list"):
        read_index(root, 2)


def test_videos_are_decoded_once_and_again_when_they_change(root, monkeypatch):
    decoded = []
    check = video_index.check_video
    monkeypatch.setattr(video_index, "check_video", lambda path: (decoded.append(path.name), check(path))[1])
    read_index(root)
    assert len(decoded) == 16
    read_index(root, 2)
    assert len(decoded) == 16
    make_video(root / "UCF-101" / "Jump" / "v_Jump_g08_c01.avi", 21)
    assert read_index(root).train[0].frames == 21
    assert decoded[16:] == ["v_Jump_g08_c01.avi"]


def test_a_damaged_index_is_made_again_and_a_read_only_folder_is_no_error(root, monkeypatch):
    read_index(root)
    (root / "cache" / "index.json").write_text('{"videos": ')
    assert len(read_index(root).train) == 8
    assert len(json.loads((root / "cache" / "index.json").read_text())["videos"]) == 16
    (root / "blocked").touch()
    assert len(read_index(root, cache=root / "blocked" / "cache").train) == 8


# The clips


def test_training_items_depend_on_seed_epoch_and_index_alone(root):
    videos = read_index(root).train
    data, again = ClipDataset(videos, SMALL), ClipDataset(videos, SMALL, cache=False)
    data.set_epoch(3, 5)
    first = [data[i] for i in range(8)]
    again.set_epoch(3, 5)
    for i in reversed(range(8)):
        assert torch.equal(again[i][0], first[i][0]) and again[i][1] == first[i][1]
    clip, label = first[1]
    assert clip.shape == (16, 3, 16, 16) and clip.dtype == torch.float32 and label == 0
    assert clip.min() >= 0 and clip.max() <= 1
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


def test_a_video_of_ten_thousand_frames_is_read_in_parts(tmp_path):
    root = make_dataset(tmp_path / "long", groups=(1, 8), classes=("Jump",), frames=(18,))
    frame = np.full((24, 32, 3), 90, np.uint8)
    path = root / "UCF-101" / "Jump" / "v_Jump_g08_c01.avi"
    write_video(path, (frame for _ in range(10_000)))
    (video,) = read_index(root).train
    assert video.frames == 10_000
    data = ClipDataset([video], SMALL, cache=False)
    parts = list(data.iter_test_clips(video, batch=100))
    assert [len(part) for part in parts] == [100] * 12 + [49]
    assert all(part.shape[1:] == (16, 3, 16, 16) for part in parts)


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
        colour = np.full((video.frames - 1, 24, 32, 3), (200, 128, 200), np.uint8)
        write_video(video.flow_path, colour, codec="libx264rgb", pixel_format="rgb24", options={"crf": "5"})
    data = ClipDataset(videos, SMALL, input="flow")
    assert data.length(videos[0]) == 17 and data.test_clips(videos[0]).shape[0] == 2
    seen = set()
    for epoch in range(12):
        data.set_epoch(0, epoch)
        seen.add(round(float(data[0][0][0, 0].mean() * 255)))
    assert seen == {200, 55}


def test_the_cache_is_written_once_and_follows_the_video(root, monkeypatch):
    video = read_index(root).train[0]
    data = ClipDataset([video], SMALL)
    before = data.read(video).copy()
    monkeypatch.setattr(frame_cache, "iter_frames", None)  # a second decode would fail
    assert np.array_equal(data.read(video), before)
    assert not data.read(video).flags.writeable
    monkeypatch.undo()
    write_video(video.path, [np.full((24, 32, 3), 9, np.uint8)] * 18, options={"qscale": "2"})
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
    with pytest.raises(OSError, match=r"GB are free; pass cache=False"):
        ClipDataset(videos, SMALL)
    ClipDataset(videos, SMALL, cache=False)


def test_a_cache_that_cannot_be_made_says_what_to_pass(root):
    (root / "file").touch()
    with pytest.raises(OSError, match=r"file: cannot be made .*; pass cache=FOLDER or cache=False"):
        ClipDataset(read_index(root).train, SMALL, cache=root / "file")


def test_workers_read_the_same_clips(root):
    data = ClipDataset(read_index(root).train, SMALL)
    data.set_epoch(0, 1)
    loader = torch.utils.data.DataLoader(data, batch_size=4, num_workers=2, collate_fn=collate_clips)
    for start, batch in zip((0, 4), loader, strict=True):
        for i in range(4):
            assert torch.equal(batch.clips[i], data[start + i][0])


def test_toy_kitchen_is_read_like_ucf101(tiny_kitchen):
    index = read_index(tiny_kitchen)
    assert len(index.report) == 0 and index.train and index.test
    assert not {video.group for video in index.train} & {video.group for video in index.test}
    clip, _ = ClipDataset(index.train)[0]
    assert clip.shape == (16, 3, 56, 56)


@pytest.mark.real
def test_the_real_subset_is_normal(real_data, tmp_path):
    index = read_index(real_data / "ucf101", 2, cache=tmp_path, limit=6)
    assert index.classes == ["BabyCrawling", "Punch", "PushUps"]
    assert len(index.train) == len(index.test) == 18
    assert {video.group for video in index.test} <= set(range(8, 15))
    assert "trainlist02.txt: class Archery: 104 of 104 videos are not on disk" in index.report.lines
