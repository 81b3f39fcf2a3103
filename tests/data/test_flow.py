import os
import sys

import numpy as np
import pytest
from broken_videos import make_video, moving_square, truncated

from lrcn_utils.data import flow
from lrcn_utils.data.video import VideoError, frame_size, read_video, write_video

cv2 = pytest.importorskip("cv2", reason="needs the extra 'flow'")


def texture(height: int = 120, width: int = 160, seed: int = 0) -> np.ndarray:
    """Smooth random grey, which has a gradient everywhere."""
    noise = np.random.default_rng(seed).normal(size=(height // 6 + 2, width // 6 + 2)).astype(np.float32)
    smooth = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 60 * smooth, 0, 255).astype(np.uint8)


def shifted(picture: np.ndarray, dx: int, dy: int) -> np.ndarray:
    return np.repeat(np.roll(picture, (dy, dx), (0, 1))[..., None], 3, -1)


@pytest.mark.parametrize(("dx", "dy"), [(3, 2), (-2, 1), (0, -3), (0, 0)])
def test_a_known_shift_is_found(dx, dy):
    picture = texture()
    found = flow.estimate_flow(np.stack([shifted(picture, 0, 0), shifted(picture, dx, dy)]))
    assert found.shape == (1, 120, 160, 2) and found.dtype == np.float32
    inner = found[:, 12:-12, 12:-12]
    assert flow.end_point_error(inner, np.broadcast_to([dx, dy], inner.shape)) < 0.1


def test_frames_need_not_lie_in_one_piece_in_memory():
    frames = np.stack([shifted(texture(240, 320), dx, 0) for dx in (0, 2, 4)])
    halved = frames[:, ::2, ::2]
    assert not halved.flags.c_contiguous
    np.testing.assert_array_equal(flow.estimate_flow(halved), flow.estimate_flow(halved.copy()))


def test_one_frame_has_no_flow():
    assert flow.estimate_flow(np.zeros((1, 24, 32, 3), np.uint8)).shape == (0, 24, 32, 2)


def test_flow_images_follow_the_released_code():
    motions = np.array([[0, 0], [1, -1], [3, 4], [7.9375, 0], [20, 0], [-20, 0], [0, -8]], np.float32)
    assert flow.flow_image(motions).tolist() == [
        [128, 128, 128],
        [144, 112, 151],
        [176, 192, 208],
        [255, 128, 255],
        [255, 128, 255],
        [0, 128, 255],
        [128, 0, 255],
    ]


def test_mirrored_flow_is_the_flow_of_the_mirrored_video():
    frames = np.stack([shifted(texture(), 0, 0), shifted(texture(), 3, 1)])
    mirrored = flow.mirror_flow_image(flow.flow_image(flow.estimate_flow(frames)))
    of_mirrored = flow.flow_image(flow.estimate_flow(frames[:, :, ::-1]))
    inner = (slice(None), slice(16, -16), slice(16, -16))
    difference = np.abs(mirrored[inner].astype(int) - of_mirrored[inner])
    assert difference.mean() < 1.5
    assert abs(mirrored[inner][..., 0].mean() - (128 - 3 * 16)) < 2


def test_mirroring_twice_gives_the_image_back_and_leaves_the_argument():
    image = np.random.default_rng(0).integers(0, 256, (2, 5, 6, 3), dtype=np.uint8)
    kept = image.copy()
    np.testing.assert_array_equal(flow.mirror_flow_image(flow.mirror_flow_image(image)), image)
    np.testing.assert_array_equal(image, kept)


def test_a_flow_video_is_read_back_within_a_grey_level(tmp_path):
    picture = texture()
    frames = np.stack([shifted(picture, round(4 * np.sin(t / 2)), t % 3) for t in range(20)])
    expected = flow.flow_image(flow.estimate_flow(frames))
    assert flow.write_flow_video(tmp_path / "flow.avi", iter(frames)) == 19
    found = read_video(tmp_path / "flow.avi")
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 1


def test_the_flow_of_a_single_frame_is_one_image_of_no_motion(tmp_path):
    assert flow.write_flow_video(tmp_path / "flow.avi", np.zeros((1, 24, 32, 3), np.uint8)) == 1
    found = read_video(tmp_path / "flow.avi")
    assert found.shape == (1, 24, 32, 3) and (found == 128).all()


def test_flow_is_made_once_and_again_when_the_video_is_another(tmp_path):
    video, stored = make_video(tmp_path / "v.avi", 9), tmp_path / "flow" / "v.avi"
    assert not flow.is_of(stored, video)
    assert flow.make_flow(video, stored) == 8 and flow.make_flow(video, stored) == 0
    assert flow.is_of(stored, video) and frame_size(stored) == (24, 32)
    first = stored.read_bytes()
    stored.unlink()
    assert flow.make_flow(video, stored) == 8 and stored.read_bytes() == first, "same video, same bytes"
    np.testing.assert_allclose(
        read_video(stored), flow.flow_image(flow.estimate_flow(read_video(video))), atol=12
    )  # whose mean is within a grey level, see below

    write_video(video, moving_square(9)[::-1], options={"qmin": "2", "qmax": "2"})
    os.utime(video, (1, 1))  # an older file was put in its place
    assert not flow.is_of(stored, video)
    assert flow.make_flow(video, stored) == 8 and flow.is_of(stored, video)


def test_flow_of_another_size_is_made_again_and_is_still_of_its_video(tmp_path):
    video, stored = make_video(tmp_path / "v.avi", 4), tmp_path / "f.avi"
    for size, made in (((48, 64), 3), ((48, 64), 0), (None, 3), ((24, 32), 0)):
        assert flow.make_flow(video, stored, size) == made
        assert frame_size(stored) == (size or (24, 32)) and flow.is_of(stored, video)


def test_flow_without_a_record_or_damaged_is_made_again(tmp_path):
    video, stored = make_video(tmp_path / "v.avi", 4), tmp_path / "f.avi"
    flow.write_flow_video(stored, iter(read_video(video)))
    assert not flow.is_of(stored, video)
    assert flow.make_flow(video, stored) == 3
    stored.write_bytes(b"RIFF")
    assert not flow.is_of(stored, video)
    assert flow.make_flow(video, stored) == 3 and flow.is_of(stored, video)


def test_frames_read_in_another_way_give_another_flow(tmp_path, monkeypatch):
    video, stored = make_video(tmp_path / "v.avi", 4), tmp_path / "f.avi"
    flow.make_flow(video, stored)
    monkeypatch.setattr(flow, "READER", flow.READER + 1)
    assert not flow.is_of(stored, video)


def test_a_broken_video_leaves_no_flow(tmp_path):
    for video in (truncated(tmp_path / "v.avi"), tmp_path / "missing.avi"):
        with pytest.raises(VideoError, match=video.name):
            flow.make_flow(video, tmp_path / "f.avi", (24, 32))
        assert not (tmp_path / "f.avi").exists()


def test_end_point_error_is_a_mean_length():
    assert flow.end_point_error(np.zeros((2, 2, 2)), np.full((2, 2, 2), (3, 4))) == 5


def test_without_opencv_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"install the package opencv-python-headless"):
        flow.estimate_flow(np.zeros((2, 24, 32, 3), np.uint8))
    with pytest.raises(ImportError, match=r"install the package opencv-python-headless"):
        flow.single_thread()
