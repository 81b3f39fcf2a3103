import json
import os
import random
import shutil
import threading

import numpy as np
import pytest
import torch
from broken_videos import film, make_dataset, make_video, moving_square, mutated, truncated, undecodable_metadata

from lrcn_utils.data import flow, frame_cache, video_index
from lrcn_utils.data.clips import FrameSize, collate_clips
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.data.video import VideoError, VideoInfo, write_video

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


def test_missing_classes_cost_one_line_and_the_rest_is_used(root):
    shutil.rmtree(root / "UCF-101" / "Walk")
    index = read_index(root)
    assert index.classes == ["Jump"] and len(index.train) == 4
    line = "testlist01.txt and 1 other list: 1 of the 2 classes in the lists is not on disk (Walk)"
    assert index.report.lines == [line]
    with pytest.raises(ValueError, match="1 of the 2 classes in the lists is not on disk"):
        read_index(root, strict=True)
    (root / "UCF-101" / "Jump" / "v_Jump_g08_c01.avi").unlink()
    assert read_index(root).report.lines == [line, "class Jump: 1 of 8 clips missing on disk"]
    assert len(read_index(root, classes=["Jump"]).report) == 1


@pytest.mark.parametrize("suffix", [".AVI", ".mp4", ".MOV", ".mkv", ".webm", ".mpg"])
def test_videos_of_every_container_are_found_by_the_lists(root, suffix):
    replaced = root / "UCF-101" / "Jump" / "v_Jump_g08_c01.avi"
    replaced.unlink()
    film(replaced.with_suffix(suffix), moving_square(18))
    index = read_index(root)
    assert len(index.report) == 0 and index.train[0].path == replaced.with_suffix(suffix)
    assert index.train[0].flow_path == root / "flow" / "Jump" / "v_Jump_g08_c01.avi"
    assert len(read_index(root, test_groups=[9]).train) == 12
    assert ClipDataset(index.train, SMALL)[0][0].shape == (16, 3, 16, 16)


@pytest.mark.parametrize("change", [lambda line: line.replace("/", "\\"), lambda line: line.replace(".avi", ".AVI")])
def test_lists_written_on_windows_are_read(root, change):
    for listed in (root / "ucfTrainTestlist").glob("*list0*.txt"):
        listed.write_text(change(listed.read_text()))
    index = read_index(root)
    assert len(index.report) == 0 and len(index.train) == len(index.test) == 8


def test_what_is_no_video_costs_one_line_in_all(root):
    folder = root / "UCF-101" / "Walk"
    for name in ("notes.txt", "holiday.mp4", ".DS_Store", "v_Walk_g08_c01.mp4", "Thumbs.db", "a\nb.avi"):
        (folder / name).touch()
    for index in (read_index(root), read_index(root, test_groups=[9])):
        assert len(index.train) + len(index.test) == 16
        assert index.report.lines == [
            "UCF-101: 5 left out (not a video named v_<Class>_gGG_cCC, or a second one of that name):"
            " Walk/Thumbs.db, Walk/a\\nb.avi, Walk/holiday.mp4, ..."
        ]
    assert len(read_index(root, classes=["Jump"]).report) == 0


def test_a_name_in_two_classes_is_two_videos(root):
    for name, n_frames in (("Jump", 20), ("Walk", 30)):
        make_video(root / "UCF-101" / name / "v_Hop_g09_c07.avi", n_frames)
    videos = [video for video in read_index(root, test_groups=[1]).train if video.name == "v_Hop_g09_c07"]
    assert [(video.label, video.frames) for video in videos] == [(0, 20), (1, 30)]
    assert videos[0].flow_path != videos[1].flow_path
    data = ClipDataset(videos, SMALL)
    assert [len(data.read(video)) for video in videos] == [20, 30]


@pytest.mark.parametrize("name", ["Long Jump", "Öffnen", "C++ & co.", "v_x_g01_c01"])
def test_class_names_may_have_any_characters(tmp_path, name):
    index = read_index(make_dataset(tmp_path / "ucf", groups=(1, 8), classes=(name, "Walk"), frames=(18,)))
    assert index.classes == [name, "Walk"] and len(index.report) == 0
    assert [video.class_name for video in index.train] == [name, "Walk"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"test_groups": [77]}, "with these test groups there is no video to test on; choose others"),
        ({"test_groups": range(99)}, "with these test groups there is no video to train on; choose others"),
        ({"split": 3}, r"with split 3 there is no video to train on \(class Jump: 4 of 8 clips missing on disk\)"),
    ],
)
def test_an_empty_side_is_refused_before_a_video_is_decoded(root, monkeypatch, asked, why):
    if "split" in asked:
        for group in (8, 9):
            for video in root.glob(f"UCF-101/*/*_g{group:02d}_*"):
                video.unlink()
    monkeypatch.setattr(video_index, "check_video", None)
    with pytest.raises(ValueError, match=why):
        read_index(root, **asked)


def test_a_side_whose_videos_are_all_broken_is_refused_with_the_first_reason(root):
    for path in root.glob("UCF-101/*/*_g0[12]_*"):
        path.write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"split 1 there is no video to test on \(v_Jump_g01_c01\.avi: the file is empty"
    ):
        read_index(root)


def test_an_index_without_a_test_side_can_be_asked_for(root):
    index = read_index(root, test_groups=())
    assert len(index.train) == 16 and index.test == []


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


def test_findings_of_another_reader_are_not_used(root, monkeypatch):
    read_index(root)
    monkeypatch.setattr(video_index, "READER", video_index.READER + 1)
    monkeypatch.setattr(video_index, "check_video", lambda path: VideoInfo(7, 24, 32, 25.0))
    assert read_index(root).train[0].frames == 7


def test_damaged_lists_and_a_damaged_index_cost_a_line_or_a_clear_error(root):
    rng, folder = random.Random(0), root / "ucfTrainTestlist"
    read_index(root)
    files = [*sorted(folder.glob("*.txt")), root / "cache" / "index.json"]
    contents = {file: file.read_bytes() for file in files}
    for _ in range(80):
        listed = rng.choice(files)
        listed.write_bytes(mutated(contents[listed], rng))
        try:
            index = read_index(root)
            assert all("\n" not in line for line in index.report.lines)
        except ValueError as error:
            assert "\n" not in str(error)
        listed.write_bytes(contents[listed])


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


@pytest.mark.real
def test_the_real_subset_is_normal(real_data, tmp_path):
    index = read_index(real_data / "ucf101", 2, cache=tmp_path, limit=6)
    assert index.classes == ["BabyCrawling", "Punch", "PushUps"]
    assert len(index.train) == len(index.test) == 18
    assert {video.group for video in index.test} <= set(range(8, 15))
    assert index.report.lines[0].startswith("testlist02.txt and 1 other list: 98 of the 101 classes in the lists")
    assert len(index.report.lines) == 4, "and a line for each class of which there is a part"
