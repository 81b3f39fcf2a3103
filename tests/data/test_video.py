import contextlib
import io
import os
import threading

import numpy as np
import pytest
from broken_videos import make_video, moving_square, no_frames, truncated, undecodable_metadata

from lrcn_utils.data import video
from lrcn_utils.data.video import VideoError, check_video, frame_size, iter_frames, read_video, write_video


def test_frames_come_back_in_order_as_rgb(tmp_path):
    frames = moving_square(40)
    read = read_video(make_video(tmp_path / "v.avi", 40))
    assert read.dtype == np.uint8 and read.shape == frames.shape
    assert np.abs(read[:, 0, 0].astype(int) - frames[:, 0, 0]).max() <= 6  # the background counts the frames
    orange = read[0, 10, 4].astype(int)
    assert orange[0] > orange[1] + 60 > orange[2] + 100, "red, green, blue in this order"


def test_resized_frames_have_the_size_asked_for_and_the_same_mean(tmp_path):
    path = make_video(tmp_path / "v.avi", 10, height=120, width=160)
    small = read_video(path, (60, 80))
    assert small.shape == (10, 60, 80, 3)
    assert abs(small.mean() - read_video(path).mean()) < 2


@pytest.mark.parametrize("n_frames", [1, 2, 15, 16, 17])
def test_every_frame_is_counted(tmp_path, n_frames):
    path = make_video(tmp_path / "v.avi", n_frames)
    assert len(read_video(path)) == n_frames
    info = check_video(path)
    assert (info.frames, info.height, info.width, info.fps, info.note) == (n_frames, 24, 32, 25.0, "")


def test_b_frames_and_a_late_start_lose_no_frame(tmp_path):
    """Time stamps of such a file do not start at 0, so numbers taken from them would be wrong."""
    frames = moving_square(40)
    write_video(tmp_path / "b.mp4", frames, codec="libx264", options={"bf": "2", "crf": "5"})
    read = read_video(tmp_path / "b.mp4")
    assert len(read) == 40
    assert np.abs(read[:, 0, 0].astype(int) - frames[:, 0, 0]).max() <= 6


def test_same_frames_give_the_same_bytes(tmp_path):
    first, second = (make_video(tmp_path / name, 12).read_bytes() for name in ("a.avi", "b.avi"))
    assert first == second


def test_a_file_in_memory_is_read(tmp_path):
    content = make_video(tmp_path / "v.avi", 7).read_bytes()
    assert len(read_video(io.BytesIO(content))) == 7
    with pytest.raises(VideoError, match="the uploaded video: not a video"):
        read_video(io.BytesIO(b"no video at all"))


def test_frame_size_needs_no_decoding(tmp_path):
    assert frame_size(truncated(tmp_path / "v.avi")) == (24, 32)


def test_reading_keeps_to_one_thread(tmp_path):
    """More threads for one short clip only wait for one another; parallel work reads several clips."""
    frames = iter_frames(make_video(tmp_path / "v.avi", 20))
    before = threading.active_count(), len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0
    next(frames)
    after = threading.active_count(), len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0
    assert before == after


def _text(path):
    path.write_text("this is no video\n" * 40)
    return path


def _empty(path):
    path.touch()
    return path


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (truncated, r"truncated: \d+ of 30 frames"),
        (_empty, "the file is empty"),
        (_text, "not a video that FFmpeg can read"),
        (no_frames, "there is no frame in it|not a video"),
        (lambda path: path, "there is no such file"),
    ],
    ids=["truncated", "empty", "text", "no frames", "missing"],
)
@pytest.mark.parametrize("reader", [read_video, check_video])
def test_a_broken_video_is_named_with_the_reason_and_the_mend(tmp_path, make, why, reader):
    path = make(tmp_path / "v_Jump_g01_c01.avi")
    with pytest.raises(VideoError, match=rf"^v_Jump_g01_c01\.avi: .*({why}).*(again|check the path)") as caught:
        reader(path)
    assert "\n" not in str(caught.value)


def test_undecodable_metadata_costs_a_note_and_no_frame(tmp_path):
    path = undecodable_metadata(tmp_path / "v.avi")
    info = check_video(path)
    assert info.frames == 20 and "metadata is not UTF-8" in info.note
    assert len(read_video(path)) == 20


def test_damage_in_the_middle_never_ends_in_another_error(tmp_path):
    content = make_video(tmp_path / "v.avi", 25).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(30):
        damaged = bytearray(content)
        start = int(rng.integers(0, len(content) - 200))
        damaged[start : start + 200] = rng.bytes(200)
        (tmp_path / "d.avi").write_bytes(damaged)
        with contextlib.suppress(VideoError):
            assert read_video(tmp_path / "d.avi").shape[0] >= 1


def test_a_refused_write_leaves_no_file(tmp_path):
    path = tmp_path / "v.avi"
    with pytest.raises(ValueError, match=r"v\.avi: there is no frame"):
        write_video(path, [])
    with pytest.raises(ValueError, match="needs an even height"):
        write_video(path, np.zeros((2, 23, 32, 3), np.uint8))
    with pytest.raises(ValueError, match="not uint8"):
        write_video(path, np.zeros((2, 24, 32, 3)))
    with pytest.raises(ValueError, match="the first was"):
        write_video(path, [np.zeros((24, 32, 3), np.uint8), np.zeros((26, 32, 3), np.uint8)])
    with pytest.raises(ValueError, match="suffix"):
        write_video(tmp_path / "v.xyz", moving_square(2))
    assert list(tmp_path.iterdir()) == []


def test_frames_are_decoded_as_they_are_asked_for(tmp_path, monkeypatch):
    made = []
    decoded = video._decoded

    def counting(*args):
        for frame in decoded(*args):
            made.append(frame)
            yield frame

    monkeypatch.setattr(video, "_decoded", counting)
    frames = iter_frames(make_video(tmp_path / "v.avi", 20))
    next(frames), next(frames)
    assert len(made) == 2


@pytest.mark.real
def test_real_videos_agree_with_their_headers(real_data):
    paths = sorted((real_data / "ucf101" / "UCF-101").glob("*/*.avi"))
    assert len(paths) == 162
    for path in paths[::80]:
        frames = read_video(path)
        assert frames.shape[1:] == (240, 320, 3) and frames[::50].std() > 10
