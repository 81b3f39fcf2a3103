"""data_scripts/prepare_ucf101.py and compute_flow.py, run as a person runs them."""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from broken_videos import film, make_dataset, make_video, moving_square, truncated

from lrcn_utils.data import download, flow
from lrcn_utils.data.cache import digest
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.data.video import check_video, frame_size, read_video

SCRIPTS = Path(__file__).resolve().parents[2] / "data_scripts"


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def source(tmp_path):
    return make_dataset(tmp_path / "my source", groups=(1, 8))


# prepare_ucf101


def test_an_unpacked_copy_is_linked_checked_and_indexed(source, tmp_path, capsys):
    out = tmp_path / "out"
    script("prepare_ucf101").main(["--source", str(source), "--out", str(out), "--quiet"])
    said = capsys.readouterr().out
    assert "8 clips of 2 classes (Jump, Walk) in 4 groups" in said
    assert "split 1: train 4 of 4, test 4 of 4 clips" in said
    assert "checked 8 clips: 8 can be used, 0 cannot be read" in said
    entries = json.loads((out / "cache" / "index.json").read_text())["videos"]
    assert entries["Jump/v_Jump_g01_c01.avi"]["frames"] == 18
    assert not (source / "cache").exists(), "the source is left as it was"
    assert len(read_index(out).train) == 4


def test_what_is_missing_and_what_cannot_be_read_is_listed(source, tmp_path, capsys):
    shutil.rmtree(source / "UCF-101" / "Walk")
    truncated(source / "UCF-101" / "Jump" / "v_Jump_g01_c01.avi")
    (source / "UCF-101" / "Jump" / "v_Jump_g08_c02.avi").unlink()
    arguments = ["--source", str(source / "UCF-101"), "--out", str(tmp_path / "out"), "--quiet"]
    assert script("prepare_ucf101").main(arguments) == 0
    said = capsys.readouterr().out
    assert "testlist01.txt and 5 other lists: 1 of the 2 classes in the lists is not on disk (Walk)" in said
    assert "class Jump: 1 of 4 clips missing on disk" in said
    assert "v_Jump_g01_c01.avi: truncated" in said
    assert "checked 3 clips: 2 can be used, 1 cannot be read" in said
    with pytest.raises(SystemExit, match="prepare_ucf101: testlist01.txt and 5 other lists: 1 of the 2 classes"):
        script("prepare_ucf101").main([*arguments, "--strict"])
    make_video(source / "UCF-101" / "Jump" / "v_Jump_g08_c02.avi", 9)
    with pytest.raises(SystemExit, match=r"v_Jump_g01_c01\.avi: truncated"):
        script("prepare_ucf101").main([*arguments, "--strict", "--classes", "Jump"])


def test_a_class_that_only_one_list_names_is_reported_with_the_list(source, tmp_path, capsys):
    with open(source / "ucfTrainTestlist" / "trainlist03.txt", "a") as file:
        file.write("Skydive/v_Skydive_g08_c01.avi 3\n")
    script("prepare_ucf101").main(["--source", str(source), "--out", str(tmp_path / "out"), "--quiet"])
    said = capsys.readouterr().out
    assert "  trainlist03.txt: 1 of the 3 classes in the lists is not on disk (Skydive)\n" in said
    assert "checked 8 clips: 8 can be used" in said


def test_a_class_that_is_not_there_is_named_beside_those_that_are(source, tmp_path):
    with pytest.raises(SystemExit, match="there is no clip of Jmp; it holds Jump, Walk"):
        script("prepare_ucf101").main(["--source", str(source), "--out", str(tmp_path), "--quiet", "--classes", "Jmp"])


def test_classes_and_limit_check_a_part(source, tmp_path, capsys):
    arguments = ["--source", str(source), "--out", str(tmp_path / "out"), "--quiet", "--classes", "Walk"]
    script("prepare_ucf101").main([*arguments, "--limit", "3"])
    assert "checked 3 clips: 3 can be used" in capsys.readouterr().out


def test_a_source_that_is_none_and_a_folder_that_is_taken_are_refused(source, tmp_path):
    prepare = script("prepare_ucf101").main
    with pytest.raises(SystemExit, match="no folder UCF-101 in it; unpack UCF101.rar there"):
        prepare(["--source", str(tmp_path), "--out", str(tmp_path / "out")])
    other = make_dataset(tmp_path / "other", groups=(1, 8))
    with pytest.raises(SystemExit, match="holds another copy; move it away, or choose another folder"):
        prepare(["--source", str(source), "--out", str(other)])
    prepare(["--source", str(source), "--out", str(source), "--quiet"])  # prepared where it lies


def test_a_dry_run_says_what_there_is_to_do_and_writes_nothing(source, tmp_path, capsys):
    prepare, out = script("prepare_ucf101").main, tmp_path / "out"
    prepare(["--source", str(source), "--out", str(out), "--dry-run"])
    said = capsys.readouterr().out
    assert "licence: " in said and "8 clips to decode; to do: 8, about 1 s" in said and not out.exists()
    prepare(["--fetch", "--out", str(out), "--dry-run"])
    said = capsys.readouterr().out
    assert "UCF101.rar" in said and "6.5 GB, 11 min at 10 MB a second, and about 13 GB of disk" in said
    assert not out.exists() and "to decode" not in said
    prepare(["--source", str(source), "--out", str(out), "--quiet"])
    capsys.readouterr()
    prepare(["--source", str(source), "--out", str(out), "--quiet"])
    assert "8 clips to decode, 8 of them done; to do: 0" in capsys.readouterr().out


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2e9))
    with pytest.raises(SystemExit, match=r"2 GB are free, and about 13 GB are needed; make room"):
        script("prepare_ucf101").main(["--fetch", "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_fetch_unpacks_both_archives(source, tmp_path, monkeypatch, capsys):
    module = script("prepare_ucf101")
    fetched = []
    monkeypatch.setattr(download, "fetch", lambda url, path, digest, page, progress: fetched.append(url) or path)

    def unpack(archive, folder, last):
        name = "UCF-101" if archive.suffix == ".rar" else "ucfTrainTestlist"
        shutil.copytree(source / name, folder / name)

    monkeypatch.setattr(download, "unpack", unpack)
    arguments = ["--fetch", "--out", str(tmp_path / "out"), "--quiet"]
    assert module.main(arguments) == module.main(arguments) == 0
    assert [url.rsplit("/", 1)[1] for url in fetched] == ["UCF101.rar", "UCF101TrainTestSplits-RecognitionTask.zip"]


@pytest.mark.real
def test_the_real_slice_is_prepared(real_data, tmp_path, capsys):
    arguments = ["--source", str(real_data / "ucf101"), "--out", str(tmp_path), "--quiet", "--limit", "2"]
    script("prepare_ucf101").main(arguments)
    said = capsys.readouterr().out
    assert "6 clips of 3 classes (BabyCrawling, Punch, PushUps)" in said
    assert "98 of the 101 classes in the lists are not on disk" in said
    assert "checked 6 clips: 6 can be used, 0 cannot be read" in said


# compute_flow


def run_flow(*arguments):
    return script("compute_flow").main([str(argument) for argument in arguments] + ["--quiet", "--workers", "1"])


def test_flow_of_a_dataset_is_stored_once_and_read_as_input(source, capsys):
    pytest.importorskip("cv2")
    run_flow(source)
    assert "8 videos: 0 were done, 8 made now (196 flow images)" in capsys.readouterr().out
    video = read_index(source).train[1]
    assert check_video(video.flow_path).frames == video.frames - 1
    expected = flow.flow_image(flow.estimate_flow(read_video(video.path)))
    assert np.abs(read_video(video.flow_path).astype(int) - expected).mean() < 1
    assert ClipDataset([video], input="flow").test_clips(video).shape[1:] == (16, 3, 56, 56)

    made = {path: path.stat().st_mtime_ns for path in (source / "flow").glob("*/*")}
    first = next(iter(made))
    first.unlink()
    (first.parent / "x.avi.1.part").touch()
    changed = source / "UCF-101" / "Walk" / "v_Walk_g08_c02.avi"
    make_video(changed, 20)
    run_flow(source)
    assert "8 videos: 6 were done, 2 made now" in capsys.readouterr().out
    assert not list((source / "flow").glob("*/*.part"))
    again = {path for path, stamp in made.items() if path.stat().st_mtime_ns != stamp}
    assert again == {first, source / "flow" / "Walk" / "v_Walk_g08_c02.avi"}


def test_flow_is_made_again_for_a_video_replaced_by_an_older_one(source, capsys):
    pytest.importorskip("cv2")
    video = read_index(source).train[1]
    run_flow(source)
    make_video(video.path, 12)
    os.utime(video.path, (1, 1))
    run_flow(source)
    assert "8 videos: 7 were done, 1 made now (11 flow images)" in capsys.readouterr().out
    assert check_video(video.flow_path).frames == 11


def test_flow_is_made_of_every_container_and_of_no_other_file(source, capsys):
    pytest.importorskip("cv2")
    folder = source / "UCF-101" / "Walk"
    for name in ("v_Walk_g03_c01.mp4", "v_Walk_g03_c02.MKV"):
        film(folder / name, moving_square(9))
    film(folder / "holiday.mp4", moving_square(9))
    run_flow(source, "--classes", "Walk")
    said = capsys.readouterr().out
    assert "6 videos: 0 were done, 6 made now" in said and "UCF-101: 1 left out" in said and "Walk/holiday.mp4" in said
    assert {path.suffix for path in (source / "flow").glob("*/*")} == {".avi"}
    index = read_index(source, test_groups=[1], classes=["Walk"])
    assert len(ClipDataset(index.train, input="flow")) == 4


def test_without_opencv_flow_says_in_one_line_what_to_install(source, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(SystemExit, match=r"^optical flow needs OpenCV: install"):
        run_flow(source)


def test_a_dry_run_of_flow_writes_nothing(source, capsys):
    pytest.importorskip("cv2")
    run_flow(source, "--dry-run")
    assert "8 videos; to do: 8, about" in capsys.readouterr().out and not (source / "flow").exists()


def test_the_index_says_what_was_made_from_what_and_keeps_what_earlier_runs_made(source):
    pytest.importorskip("cv2")
    truncated(source / "UCF-101" / "Jump" / "v_Jump_g01_c01.avi")
    for name in ("Jump", "Walk"):
        run_flow(source, "--classes", name)
    index = json.loads((source / "flow" / "index.json").read_text())
    assert len(index) == 8 and "truncated" in index.pop("v_Jump_g01_c01.avi")["error"]
    for name, entry in index.items():
        (video,) = source.glob(f"UCF-101/*/{name}")
        assert entry["from"] == digest(video) and (source / "flow" / entry["file"]).exists()


def test_flow_can_be_computed_at_another_size(source):
    pytest.importorskip("cv2")
    run_flow(source, "--classes", "Jump", "--limit", "1")
    stored = source / "flow" / "Jump" / "v_Jump_g01_c01.avi"
    assert frame_size(stored) == (24, 32)
    run_flow(source, "--classes", "Jump", "--limit", "1", "--size", "48x64")
    assert frame_size(stored) == (48, 64)
    assert len(list((source / "flow").glob("*/*"))) == 1
    with pytest.raises(SystemExit):
        run_flow(source, "--size", "48")


def test_a_video_that_cannot_be_read_costs_one_line_and_no_flow(source, capsys):
    pytest.importorskip("cv2")
    broken = truncated(source / "UCF-101" / "Jump" / "v_Jump_g01_c01.avi")
    run_flow(source)
    said = capsys.readouterr().out
    assert (
        "7 made now" in said and "7 are there, 1 could not be read" in said and "v_Jump_g01_c01.avi: truncated" in said
    )
    assert not (source / "flow" / "Jump" / broken.name).exists()
    with pytest.raises(SystemExit, match=r"v_Jump_g01_c01\.avi: truncated"):
        run_flow(source, "--strict")
    with pytest.raises(SystemExit, match="there are no videos of the form"):
        run_flow(source / "UCF-101")


def test_toy_kitchen_has_little_error_in_its_estimated_flow(tiny_kitchen):
    pytest.importorskip("cv2")
    from lrcn_utils.data import toy_kitchen

    video = read_index(tiny_kitchen).train[0]
    truth = toy_kitchen.true_flow(tiny_kitchen, video.name)
    moving = np.hypot(truth[..., 0], truth[..., 1]) > 1
    estimate = flow.estimate_flow(read_video(video.path))
    still = flow.end_point_error(np.zeros_like(truth[moving]), truth[moving])
    assert flow.end_point_error(estimate[moving], truth[moving]) < 0.5 * still
