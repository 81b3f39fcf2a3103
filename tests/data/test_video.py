import contextlib
import io
import os
import random
import threading

import av
import numpy as np
import pytest
from av.stream import Disposition
from broken_videos import (
    CODECS,
    changing_size,
    film,
    make_video,
    moving_square,
    mutated,
    no_frames,
    truncated,
    undecodable_metadata,
)

from lrcn_utils.data import video
from lrcn_utils.data.video import (
    VideoError,
    check_video,
    frame_size,
    iter_frames,
    key_frames,
    read_comment,
    read_video,
    write_video,
)


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


def test_key_frames_are_those_of_the_known_group_of_pictures(tmp_path):
    file = tmp_path / "film.avi"
    video.write_video(file, moving_square(20), options={"g": "7", "sc_threshold": "1000000000"})
    assert [number for number, is_key in enumerate(key_frames(file)) if is_key] == [0, 7, 14]
    assert len(key_frames(file)) == 20


def test_same_frames_give_the_same_bytes(tmp_path):
    first, second = (make_video(tmp_path / name, 12).read_bytes() for name in ("a.avi", "b.avi"))
    assert first == second


def test_a_file_in_memory_is_read(tmp_path):
    content = make_video(tmp_path / "v.avi", 7).read_bytes()
    assert len(read_video(io.BytesIO(content))) == 7
    with pytest.raises(VideoError, match="the uploaded video: not a video"):
        read_video(io.BytesIO(b"no video at all"))


def test_frame_size_decodes_one_frame_only(tmp_path):
    assert frame_size(truncated(tmp_path / "v.avi")) == (24, 32)


def in_quarters(colours, n_frames=6) -> np.ndarray:
    """Frames whose quarters (upper left, upper right, lower left, lower right) have these colours."""
    return np.repeat(
        np.kron(np.array(colours, np.uint8).reshape(1, 2, 2, 3), np.ones((1, 12, 16, 1), np.uint8)), n_frames, 0
    )


RED, GREEN, BLUE, WHITE = (250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 250)


@pytest.mark.parametrize("suffix", [".mp4", ".MOV", ".mkv", ".webm"])
@pytest.mark.parametrize(
    ("turn", "mirror", "quarters"),
    [
        (90, False, [GREEN, WHITE, RED, BLUE]),
        (180, False, [WHITE, BLUE, GREEN, RED]),
        (270, False, [BLUE, RED, WHITE, GREEN]),
        (0, True, [GREEN, RED, WHITE, BLUE]),
        (90, True, [WHITE, GREEN, BLUE, RED]),
    ],
)
def test_a_film_is_turned_as_its_metadata_says(tmp_path, suffix, turn, mirror, quarters):
    if suffix in (".mkv", ".webm") and mirror:
        pytest.skip("Matroska stores no mirroring")
    frames = in_quarters([RED, GREEN, BLUE, WHITE])
    path = film(tmp_path / f"phone{suffix}", frames, turn=turn, mirror=mirror)
    height, width = size = (32, 24) if turn % 180 else (24, 32)
    info = check_video(path)
    assert (info.frames, info.height, info.width) == (6, *size) and frame_size(path) == size
    whole, resized = read_video(path), read_video(path, (60, 80))
    assert whole.shape == (6, *size, 3) and resized.shape == (6, 60, 80, 3)
    for found, (h, w) in ((whole, (height, width)), (resized, (60, 80))):
        seen = [found[:, y, x].mean(0) for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]
        assert np.abs(np.array(seen) - quarters).max() < 30
    assert next(iter_frames(io.BytesIO(path.read_bytes()))).shape == (*size, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_frames_that_an_edit_list_hides_are_no_loss(tmp_path, suffix):
    frames = moving_square(40)
    path = film(tmp_path / f"trimmed{suffix}", frames, hidden=10)
    assert check_video(path) == video.VideoInfo(30, 24, 32, 25.0)
    assert np.abs(read_video(path)[:, 0, 0].astype(int) - frames[10:, 0, 0]).max() <= 6


def test_a_header_that_counts_wrongly_is_a_note_and_no_loss(tmp_path):
    """An AVI with its index behind the last frame is whole, whatever its header promises."""
    path = make_video(tmp_path / "v.avi", 30)
    content = bytearray(path.read_bytes())
    length = content.index(b"strh") + 8 + 32
    assert int.from_bytes(content[length : length + 4], "little") == 30
    for promised, note in ((100, "its header promises 100 frames and 30 were found"), (0, ""), (7, "")):
        content[length : length + 4] = promised.to_bytes(4, "little")
        path.write_bytes(content)
        assert check_video(path) == video.VideoInfo(30, 24, 32, 25.0, note)
        assert check_video(io.BytesIO(content)).frames == 30


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_a_film_that_is_cut_off_is_refused_in_every_container(tmp_path, suffix, share):
    content = film(tmp_path / f"v{suffix}", moving_square(40)).read_bytes()
    with pytest.raises(VideoError, match="upload it again"):
        list(iter_frames(io.BytesIO(content[: int(share * len(content))])))


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
@pytest.mark.parametrize("more", [0, 1], ids=["between two frames", "in a frame"])
def test_a_film_whose_packets_end_early_is_truncated(tmp_path, suffix, more):
    """Its header stands in front, and every packet that is left can be decoded."""
    path = tmp_path / f"v{suffix}"
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        packets = [p for f in moving_square(200, 48, 64) for p in stream.encode(av.VideoFrame.from_ndarray(f))]
        packets += stream.encode()
        packet = bytes(packets[150])
        container.mux(packets)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(packet) - 8 * (suffix == ".avi") + more * (len(packet) - 2)])
    with pytest.raises(VideoError, match=rf"v\{suffix}: truncated: 15[01] of 200 frames; copy or unpack it again"):
        read_video(path)


def test_an_mp4_whose_last_packet_is_not_whole_is_truncated(tmp_path):
    with av.open(str(tmp_path / "v.mp4"), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 24, 32, "yuv420p"
        container.mux([*(p for f in moving_square(9) for p in stream.encode(av.VideoFrame.from_ndarray(f)))])
    (tmp_path / "v.mp4").write_bytes((tmp_path / "v.mp4").read_bytes()[:-3])
    with pytest.raises(VideoError, match=r"v\.mp4: truncated|decoding stops"):
        read_video(tmp_path / "v.mp4")


def test_an_attached_cover_is_never_the_film(tmp_path):
    path = film(tmp_path / "v.mp4", moving_square(20), cover=True)
    assert check_video(path) == video.VideoInfo(20, 24, 32, 25.0)
    assert read_video(path).shape == (20, 24, 32, 3)


@pytest.mark.parametrize("cover", [False, True])
def test_sound_alone_is_no_video(tmp_path, cover):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        if cover:
            picture = container.add_stream("mjpeg", rate=1)
            picture.height, picture.width, picture.pix_fmt = 16, 16, "yuvj420p"
            picture.disposition = Disposition.attached_pic
            container.mux(picture.encode(av.VideoFrame.from_ndarray(moving_square(1, 16, 16)[0])))
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        container.mux([*stream.encode(sound), *stream.encode()])
    for reader in (read_video, check_video, frame_size):
        with pytest.raises(VideoError, match=r"^a\.mp4: the file has no video stream; is it a sound file\?$"):
            reader(tmp_path / "a.mp4")


@pytest.mark.parametrize(("suffix", "name"), [(".mp4", b"avc1"), (".avi", b"FMP4")])
def test_an_unknown_codec_is_one_line(tmp_path, suffix, name):
    path = film(tmp_path / f"v{suffix}", moving_square(5))
    path.write_bytes(path.read_bytes().replace(name, b"ZZZZ"))
    for reader in (read_video, check_video, frame_size):
        with pytest.raises(
            VideoError, match=rf"^v\{suffix}: FFmpeg has no decoder for its codec; convert it to H\.264"
        ):
            reader(path)


def test_frames_that_change_their_size_are_resized_to_the_first(tmp_path):
    path = changing_size(tmp_path / "v.webm")
    assert read_video(path).shape == (20, 24, 32, 3)
    assert (check_video(path).height, check_video(path).width) == frame_size(path) == (24, 32)


@pytest.mark.parametrize("pixel_format", ["gray", "yuv444p", "yuv420p10le", "rgb24", "bgra"])
def test_other_pixel_formats_are_read_as_rgb(tmp_path, pixel_format):
    codec = (
        "libx264" if pixel_format.startswith(("yuv", "gray")) else "ffv1" if pixel_format == "bgra" else "libx264rgb"
    )
    frames = in_quarters([WHITE, WHITE, (0, 0, 0), (0, 0, 0)])
    write_video(tmp_path / "v.mkv", frames, codec=codec, pixel_format=pixel_format)
    assert np.abs(read_video(tmp_path / "v.mkv").astype(int) - frames).max() < 25


def test_frames_too_large_for_any_video_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "MOST_PIXELS", 24 * 32 - 1)
    with pytest.raises(VideoError, match=r"v\.avi: its frames of 32x24 are too large"):
        check_video(make_video(tmp_path / "v.avi", 5))
    monkeypatch.setattr(video, "MOST_PIXELS", 48 * 40 - 1)
    with pytest.raises(VideoError, match=r"v\.webm: decoding stops after frame \d+;"):
        check_video(changing_size(tmp_path / "v.webm"))


def test_a_playlist_opens_no_other_file(tmp_path):
    """FFmpeg takes such a text for a video, and would read whatever file or address it names."""
    make_video(tmp_path / "other.avi", 5)
    (tmp_path / "v.avi").write_text("ffconcat version 1.0\nfile other.avi\n")
    with pytest.raises(VideoError, match="not a video that FFmpeg can read"):
        check_video(tmp_path / "v.avi")


def test_memory_does_not_grow_with_the_film(tmp_path):
    resource = pytest.importorskip("resource")
    frame = np.zeros((240, 320, 3), np.uint8)
    write_video(tmp_path / "long.avi", (frame for _ in range(1500)))  # 346 MB of frames
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(1 for _ in iter_frames(tmp_path / "long.avi")) == 1500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_a_comment_is_stored_and_read(tmp_path, suffix):
    path = tmp_path / f"v{suffix}"
    write_video(path, moving_square(3), comment="made from that")
    first = path.read_bytes()
    write_video(path, moving_square(3), comment="made from that")
    assert read_comment(path) == "made from that" and path.read_bytes() == first
    write_video(path, moving_square(3))
    assert read_comment(path) == ""


def test_an_upload_is_told_to_upload_again():
    upload = io.BytesIO(b"")
    upload.name = "/home/me/my film.avi"
    with pytest.raises(VideoError, match=r"^my film\.avi: the file is empty; upload it again$"):
        read_video(upload)


def test_an_upload_is_read_from_its_beginning_every_time(tmp_path):
    upload = io.BytesIO(make_video(tmp_path / "v.avi", 7).read_bytes())
    assert len(read_video(upload)) == len(read_video(upload)) == check_video(upload).frames == 7


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


@pytest.mark.parametrize("suffix", CODECS)
def test_whatever_is_damaged_costs_one_line_with_the_name(tmp_path, suffix):
    content = film(tmp_path / f"v{suffix}", moving_square(12)).read_bytes()
    rng, path = random.Random(0), tmp_path / f"d{suffix}"
    for _ in range(12):
        path.write_bytes(damaged := mutated(content, rng))
        for source in (path, io.BytesIO(damaged)):
            with contextlib.suppress(VideoError):
                assert read_video(source).shape[0] >= 1
        try:
            check_video(path), frame_size(path), read_comment(path)
        except VideoError as error:
            assert str(error).startswith(path.name) and "\n" not in str(error)  # noqa: PT017


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
