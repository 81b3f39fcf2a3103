"""Optical flow, and the flow images that the flow stream of LRCN sees (paper, Section 4; released code).

A flow image stores the flow from one frame to the next as three bytes a pixel: 16 u + 128, 16 v + 128 and
16 |(u, v)| + 128, rounded and clipped to 0..255. So 128 is no motion, one grey level is 1/16 pixel, and motion
beyond about 8 pixels a frame saturates. The paper used Brox's variational flow; DIS is its fast, well-kept heir.
"""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from lrcn_utils.data.cache import digest
from lrcn_utils.data.video import READER, VideoError, frame_size, iter_frames, read_comment, write_video

CENTRE, SCALE = 128, 16


def estimate_flow(frames: np.ndarray) -> np.ndarray:
    """Dense flow of uint8 RGB frames (time, height, width, 3): float32 (time-1, height, width, 2).

    [..., 0] is the motion to the right and [..., 1] downwards, in pixels from each frame to the next.
    Raises ImportError, saying what to install, where OpenCV is missing.
    """
    flows = list(iter_flow(frames))
    return np.stack(flows) if flows else np.empty((0, *frames.shape[1:3], 2), np.float32)


def iter_flow(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """``estimate_flow`` for a stream of frames, one flow field at a time."""
    cv2 = _opencv()
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    before = None
    for frame in frames:
        grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
        if before is not None:
            yield method.calc(before, grey, None)
        before = grey


def single_thread() -> None:
    """Keep OpenCV to one thread, where every core has a video of its own. Raises ImportError without OpenCV."""
    _opencv().setNumThreads(1)


def _opencv():
    try:
        import cv2
    except ImportError as error:
        raise ImportError("optical flow needs OpenCV: install the package opencv-python-headless") from error
    return cv2


def flow_image(flow: np.ndarray) -> np.ndarray:
    """Flow in pixels (..., 2) as a flow image, uint8 (..., 3)."""
    magnitude = np.sqrt(np.square(flow).sum(-1, keepdims=True))
    image = SCALE * np.concatenate([flow, magnitude], -1) + CENTRE
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def mirror_flow_image(image: np.ndarray) -> np.ndarray:
    """The flow image of the mirrored video: left and right exchanged, and horizontal flow negated (255 - x).

    uint8 (..., height, width, 3). As in the released code 255 - x, not 256 - x, which would not fit a byte at x = 0:
    no motion, 128, becomes 127, so a mirrored image is 1/16 pixel off. Mirroring twice gives the image back.
    """
    mirrored = image[..., ::-1, :].copy()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    return mirrored


def end_point_error(flow: np.ndarray, truth: np.ndarray) -> float:
    """Mean length in pixels of the difference between two flows (..., 2)."""
    return float(np.sqrt(np.square(np.asarray(flow, np.float64) - truth).sum(-1)).mean())


def make_flow(video: Path, stored: Path, size: tuple[int, int] | None = None) -> int:
    """Estimate the flow of the file ``video`` and store it in the file ``stored``, unless it is there already.

    ``size``: (height, width) to which frames are resized first, or None for the video's own.
    Returns how many flow images were written, 0 where the flow was there. Raises VideoError, naming the video.
    """
    size = size or frame_size(video)
    comment = f"{_made_from(video)}, {size[0]}x{size[1]}"
    if _comment(stored) == comment:
        return 0
    return write_flow_video(stored, iter_frames(video, size), comment=comment)


def is_of(stored: Path, video: Path) -> bool:
    """Whether ``stored`` holds the flow of the video that now lies at ``video``, of whatever size."""
    return _comment(stored).startswith(_made_from(video))


def _made_from(video: Path) -> str:
    try:
        return f"optical flow of {digest(video)}, reader {READER}"
    except OSError as error:
        raise VideoError(video, f"cannot be opened ({error.strerror}); check the path") from error


def _comment(stored: Path) -> str:
    try:
        state = os.stat(stored)
        return _read_comment(str(stored), state.st_size, state.st_mtime_ns)
    except (OSError, VideoError):
        return ""


@cache  # until the file changes
def _read_comment(path: str, size: int, modified: int) -> str:
    return read_comment(path)


def write_flow_video(path: Path | str, frames: Iterable[np.ndarray], fps: float = 25, comment: str = "") -> int:
    """Estimate the flow of ``frames`` and write it as a video of flow images with ``comment``; returns how many.

    Frame t is the flow from frame t to t+1, so there is one fewer than there are frames; a video of a single
    frame gets one image of no motion. H.264 on red, green and blue as they are: ``read_video`` reads it back with
    a mean error of 0.3 grey levels (1/50 pixel), at about 1.5 kB a frame of 120x160.
    """
    count = 0

    def images() -> Iterator[np.ndarray]:
        nonlocal count
        shape = None

        def seen() -> Iterator[np.ndarray]:
            nonlocal shape
            for frame in frames:
                shape = frame.shape
                yield frame

        for flow in iter_flow(seen()):
            count += 1
            yield flow_image(flow)
        if count == 0 and shape is not None:
            count = 1
            yield np.full(shape, CENTRE, np.uint8)

    options = {"crf": "16", "preset": "veryfast"}
    write_video(path, images(), fps, "libx264rgb", pixel_format="rgb24", options=options, comment=comment)
    return count
