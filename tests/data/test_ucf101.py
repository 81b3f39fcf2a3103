"""The index: which videos of a dataset in the form of UCF-101 are trained on and tested."""

import json
import random
import shutil

import pytest
from broken_videos import film, make_dataset, make_video, moving_square, mutated, truncated, undecodable_metadata

from lrcn_utils.data import video_index
from lrcn_utils.data.clips import FrameSize
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.data.video import VideoError, VideoInfo

SMALL = FrameSize(18, 24, 16)


def names(videos):
    return [video.name for video in videos]


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
            assert "\n" not in str(error)  # noqa: PT017
        listed.write_bytes(contents[listed])


def test_a_damaged_index_is_made_again_and_a_read_only_folder_is_no_error(root, monkeypatch):
    read_index(root)
    (root / "cache" / "index.json").write_text('{"videos": ')
    assert len(read_index(root).train) == 8
    assert len(json.loads((root / "cache" / "index.json").read_text())["videos"]) == 16
    (root / "blocked").touch()
    assert len(read_index(root, cache=root / "blocked" / "cache").train) == 8


@pytest.mark.real
def test_the_real_subset_is_normal(real_data, tmp_path):
    index = read_index(real_data / "ucf101", 2, cache=tmp_path, limit=6)
    assert index.classes == ["BabyCrawling", "Punch", "PushUps"]
    assert len(index.train) == len(index.test) == 18
    assert {video.group for video in index.test} <= set(range(8, 15))
    assert index.report.lines[0].startswith("testlist02.txt and 1 other list: 98 of the 101 classes in the lists")
    assert len(index.report.lines) == 4, "and a line for each class of which there is a part"
