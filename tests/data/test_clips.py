import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrcn_utils.data import clips
from lrcn_utils.data.clips import (
    FrameSize,
    as_input,
    as_pixels,
    centre_crop,
    collate_clips,
    crop_and_mirror,
    mirror,
    ten_crops,
)

LENGTHS = [1, 2, 15, 16, 17, 24, 25, 10_000]


@pytest.mark.parametrize(
    ("n_frames", "starts"),
    [(1, [0]), (15, [0]), (16, [0]), (17, [0, 1]), (20, [0, 4]), (24, [0, 8]), (25, [0, 8, 9]), (40, [0, 8, 16, 24])],
)
def test_test_clips_begin_every_eight_frames_and_end_on_the_last(n_frames, starts):
    assert clips.test_clip_starts(n_frames) == starts


@given(n_frames=st.integers(1, 400), length=st.integers(1, 40), stride=st.integers(1, 20))
def test_test_clips_cover_the_video_without_doubling(n_frames, length, stride):
    starts = clips.test_clip_starts(n_frames, length, stride)
    assert starts == sorted(set(starts))
    ends = [min(start + length, n_frames) for start in starts]
    assert starts[0] == 0 and ends[-1] == n_frames
    if stride <= length:
        covered = {frame for start, end in zip(starts, ends, strict=True) for frame in range(start, end)}
        assert covered == set(range(n_frames))
    assert all(end - start == min(length, n_frames) for start, end in zip(starts, ends, strict=True))


def test_only_a_coinciding_clip_differs_from_the_released_code():
    """The released code: frames [i, i+16) for i = 0, 8, ... while they end before n, and else the last 16."""
    for n_frames in range(16, 200):
        released = [i if i + 16 < n_frames else n_frames - 16 for i in range(0, n_frames, 8)]
        assert clips.test_clip_starts(n_frames) == sorted(set(released))


@pytest.mark.parametrize("n_frames", LENGTHS)
def test_training_clips_are_frames_in_a_row_from_anywhere(n_frames):
    rng = np.random.default_rng(0)
    drawn = [clips.training_clip(n_frames, rng) for _ in range(300)]
    for numbers in drawn:
        assert len(numbers) == min(16, n_frames)
        assert (np.diff(numbers) == 1).all()
        assert numbers[0] >= 0 and numbers[-1] < n_frames
    if n_frames < 30:
        assert {numbers[0] for numbers in drawn} == set(range(max(n_frames - 16, 0) + 1)), "every start can be drawn"


def test_no_frames_is_an_error():
    for call in (clips.test_clip_starts, lambda n: clips.training_clip(n, np.random.default_rng())):
        with pytest.raises(ValueError, match="at least one frame, not 0"):
            call(0)


def numbered(time: int, height: int, width: int) -> np.ndarray:
    """A clip whose pixels say where they are: (y, x, frame)."""
    y, x = np.mgrid[:height, :width]
    return np.stack([np.stack([y, x, np.full_like(y, t)], -1) for t in range(time)]).astype(np.uint8)


def test_one_crop_and_one_mirror_for_the_whole_clip():
    clip, size, rng = numbered(16, 60, 80), FrameSize(60, 80, 56), np.random.default_rng(0)
    seen, mirrored = set(), 0
    for _ in range(600):
        cropped = crop_and_mirror(clip, size, rng)
        assert cropped.shape == (16, 56, 56, 3)
        assert (cropped[..., :2] == cropped[0, ..., :2]).all(), "every frame is cropped and mirrored alike"
        assert (cropped[:, 0, 0, 2] == np.arange(16)).all(), "time goes on as it was"
        left_to_right = int(cropped[0, 0, 1, 1]) - int(cropped[0, 0, 0, 1])
        mirrored += left_to_right == -1
        seen.add((int(cropped[0, 0, 0, 0]), int(min(cropped[0, 0, 0, 1], cropped[0, 0, -1, 1]))))
    assert 240 < mirrored < 360
    assert {y for y, _ in seen} == set(range(5)) and {x for _, x in seen} == set(range(25))


def test_a_frame_of_the_crops_size_is_taken_whole():
    clip = numbered(3, 56, 56)
    for seed in range(4):
        cropped = crop_and_mirror(clip, FrameSize(56, 56, 56), np.random.default_rng(seed))
        assert (cropped == clip).all() or (cropped == clip[:, :, ::-1]).all()


def test_mirrored_flow_turns_x_round():
    flow = np.full((4, 8, 8, 3), (168, 100, 170), np.uint8)
    outcomes = {
        tuple(crop_and_mirror(flow, FrameSize(8, 8, 8), np.random.default_rng(s), flow=True)[0, 0, 0].tolist())
        for s in range(20)
    }
    assert outcomes == {(168, 100, 170), (87, 100, 170)}


def test_centre_and_ten_crops():
    clip = numbered(2, 10, 14)
    assert centre_crop(clip, 6)[0, 0, 0].tolist() == [2, 4, 0]
    ten = ten_crops(clip, 6)
    assert ten.shape == (10, 2, 6, 6, 3)
    corners = [ten[i, 0, 0, 0, :2].tolist() for i in range(5)]
    assert corners == [[0, 0], [0, 8], [4, 0], [4, 8], [2, 4]]
    assert (ten[5:] == ten[:5, ..., ::-1, :]).all()
    turned = ten_crops(clip, 6, flow=True)
    assert (turned[5:, ..., 0] == 255 - ten[:5, ..., ::-1, 0]).all() and (turned[5:, ..., 1:] == ten[5:, ..., 1:]).all()


def test_input_is_float_from_0_to_1_as_pixels():
    clip = numbered(3, 4, 5) * 20
    found = as_input(clip[:, :, ::-1])
    assert found.shape == (3, 3, 4, 5) and found.dtype == torch.float32
    expected = torch.from_numpy(clip[:, :, ::-1].copy()).permute(0, 3, 1, 2) / 255
    torch.testing.assert_close(found, expected)
    assert as_input(np.full((1, 1, 1, 3), 255, np.uint8)).max() == 1
    assert as_input(np.zeros((2, 3, 4, 5, 3), np.uint8)).shape == (2, 3, 3, 4, 5)


def test_pixels_stay_in_memory_as_a_cpu_convolves_them_fastest():
    clips = [as_pixels(numbered(n, 4, 5)[:, 1:, ::-1]) for n in (16, 9)]
    batch = collate_clips([(clip, 0) for clip in clips])
    assert batch.clips.dtype == torch.uint8
    for frames in (*clips, batch.clips.flatten(0, 1), as_input(numbered(3, 4, 5))):
        assert frames.is_contiguous(memory_format=torch.channels_last)


def test_pixels_of_any_view_are_those_of_numpy_also_of_what_cannot_be_written():
    clip = numbered(3, 4, 5)
    clip.flags.writeable = False  # as a memory map of the cache
    for view in (clip, clip[:, 1:, 2:4], mirror(clip), mirror(clip[1, 1:, 2:]), clip[::-1, ::-1]):
        assert (as_pixels(view).numpy() == np.moveaxis(view, -1, -3)).all()


@given(lengths=st.lists(st.integers(1, 16), min_size=1, max_size=5))
def test_clips_of_unequal_length_are_padded_and_their_lengths_kept(lengths):
    items = [(torch.rand(n, 3, 2, 2) + 0.1, i) for i, n in enumerate(lengths)]
    batch = collate_clips(items)
    assert batch.clips.shape == (len(lengths), max(lengths), 3, 2, 2)
    assert batch.lengths.tolist() == lengths and batch.labels.tolist() == list(range(len(lengths)))
    for (clip, _), padded, n in zip(items, batch.clips, lengths, strict=True):
        assert (padded[:n] == clip).all() and (padded[n:] == 0).all()
