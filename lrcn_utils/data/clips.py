"""Clips: which frames of a video make one, and how they are cropped and mirrored (paper, Section 4).

Training clips are 16 frames from a random start; test clips are 16 frames every 8, the last one ending on the
last frame. A video shorter than a clip is one short clip of all its frames: nothing is repeated or padded here,
``collate_clips`` pads a batch and keeps the lengths.

PyTorch is imported where a tensor is made, so that an exported model sees its clips without it.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrcn_utils.data.flow import mirror_flow_image
from lrcn_utils.data.forms import LENGTH, STRIDE, FrameSize
from lrcn_utils.data.forms import PAPER as PAPER
from lrcn_utils.data.forms import TOY as TOY

if TYPE_CHECKING:
    import torch


class ClipBatch(NamedTuple):
    """Clips of unequal length, (batch, time, 3, height, width) or features, zeros after the end, and their lengths.

    The type is that of the clips; of frames the channels stay last in memory, as a CPU convolves them faster.
    """

    clips: "torch.Tensor"
    lengths: "torch.Tensor"
    labels: "torch.Tensor"


def training_clip(n_frames: int, rng: np.random.Generator, length: int = LENGTH) -> np.ndarray:
    """Frame numbers of a training clip: ``length`` frames in a row from a random start.

    A video of fewer frames gives all of them. Raises ValueError when ``n_frames`` < 1.
    """
    _check(n_frames)
    start = int(rng.integers(max(n_frames - length, 0) + 1))
    return np.arange(start, min(start + length, n_frames))


def test_clip_starts(n_frames: int, length: int = LENGTH, stride: int = STRIDE) -> list[int]:  # noqa: PT028
    """First frames of the test clips: 0, 8, 16, ... and a last clip that ends on the last frame.

    The released code takes "the last 16 frames" for every start that would run past the end, and so may count
    them twice; here each clip counts once. A video of ``length`` frames or fewer gives one clip, from 0.
    """
    _check(n_frames)
    last = max(n_frames - length, 0)
    starts = list(range(0, last + 1, stride))
    return starts if starts[-1] == last else [*starts, last]


test_clip_starts.__test__ = False  # not a test, whatever pytest makes of the name


def crop_and_mirror(clip: np.ndarray, size: FrameSize, rng: np.random.Generator, *, flow: bool = False) -> np.ndarray:
    """ONE random crop and one mirror decision for the whole clip, uint8 (time, height, width, 3), as in training.

    Returns (time, crop, crop, 3). With ``flow`` a mirrored clip also has its horizontal flow negated
    (``mirror_flow_image``). The released code crops only the clips that it mirrors, and squeezes the others whole
    into the crop's size; as its layer is indented that looks unintended, and both are cropped here.
    """
    top = int(rng.integers(clip.shape[1] - size.crop + 1))
    left = int(rng.integers(clip.shape[2] - size.crop + 1))
    clip = clip[:, top : top + size.crop, left : left + size.crop]
    return mirror(clip, flow=flow) if rng.random() < 0.5 else clip


def centre_crop(clip: np.ndarray, crop: int) -> np.ndarray:
    """The middle square of every frame: (..., height, width, 3) -> (..., crop, crop, 3), a view."""
    height, width = clip.shape[-3:-1]
    top, left = (height - crop) // 2, (width - crop) // 2
    return clip[..., top : top + crop, left : left + crop, :]


def ten_crops(clip: np.ndarray, crop: int, *, flow: bool = False) -> np.ndarray:
    """The released code's ten crops: four corners and the centre, then their mirror images.

    (time, height, width, 3) -> (10, time, crop, crop, 3).
    """
    down, right = clip.shape[1] - crop, clip.shape[2] - crop
    corners = [clip[:, y : y + crop, x : x + crop] for y in (0, down) for x in (0, right)]
    five = [*corners, centre_crop(clip, crop)]
    return np.stack(five + [mirror(part, flow=flow) for part in five])


def mirror(clip: np.ndarray, *, flow: bool = False) -> np.ndarray:
    """Left and right exchanged, (..., height, width, 3); for flow images horizontal flow is negated too."""
    return mirror_flow_image(clip) if flow else clip[..., ::-1, :]


# What is seen of a frame: uint8 (time, height, width, 3), the crop's side, flow or not -> (views, time, h, w, 3).
VIEWS: dict[str, Callable[[np.ndarray, int, bool], np.ndarray]] = {
    "centre": lambda frames, crop, flow: centre_crop(frames, crop)[None],
    "centre and mirror": lambda frames, crop, flow: _and_mirror(centre_crop(frames, crop), flow),
    "whole": lambda frames, crop, flow: frames[None],
    "whole and mirror": lambda frames, crop, flow: _and_mirror(frames, flow),
    "ten": lambda frames, crop, flow: ten_crops(frames, crop, flow=flow),
}
NUMBER_OF_VIEWS = {"centre": 1, "centre and mirror": 2, "whole": 1, "whole and mirror": 2, "ten": 10}


def _and_mirror(frames: np.ndarray, flow: bool) -> np.ndarray:
    return np.stack([frames, mirror(frames, flow=flow)])


def evenly_spread(frames: Iterator[np.ndarray], n_frames: int, count: int) -> Iterator[np.ndarray]:
    """``count`` of ``n_frames`` frames, evenly spread from first to last; some stand twice if there are fewer."""
    wanted = np.linspace(0, n_frames - 1, count).round().astype(int).tolist()
    for number, frame in enumerate(frames):
        for _ in range(wanted.count(number)):
            yield frame


def channels_first(clip: np.ndarray) -> np.ndarray:
    """uint8 (..., height, width, 3), 0..255 -> float32 (..., 3, height, width), 0..1: what every CNN here takes."""
    images = np.empty((*clip.shape[:-3], 3, *clip.shape[-3:-1]), np.float32)
    np.multiply(np.moveaxis(clip, -1, -3), np.float32(1 / 255), out=images)
    return images


def as_pixels(clip: np.ndarray) -> "torch.Tensor":
    """The pixels (..., height, width, 3) as a tensor (..., 3, height, width); in memory the channels stay last."""
    import torch

    if clip.strides[-2] < 0:  # a mirrored view, which PyTorch copies in a sixth of NumPy's time
        return as_pixels(clip[..., ::-1, :]).flip(-1)
    return torch.from_numpy(np.require(clip, requirements=["C", "W"])).movedim(-1, -3)


def as_input(clip: np.ndarray) -> "torch.Tensor":
    """The numbers of ``channels_first`` as a tensor; in memory the channels stay last."""
    return as_pixels(clip) * (1 / 255)


def collate_clips(items: list[tuple["torch.Tensor", int]]) -> ClipBatch:
    """Batch (clip, label) pairs whose clips may differ in length: padded with zeros at the end."""
    import torch

    clips, labels = zip(*items, strict=True)
    lengths = torch.tensor([len(clip) for clip in clips])
    padded = torch.nn.utils.rnn.pad_sequence([clip.movedim(1, -1) for clip in clips], batch_first=True)
    return ClipBatch(padded.movedim(-1, 2), lengths, torch.tensor(labels))


def _check(n_frames: int) -> None:
    if n_frames < 1:
        raise ValueError(f"a clip needs a video of at least one frame, not {n_frames}")
