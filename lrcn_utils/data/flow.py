"""Optical flow, and the flow images that the flow stream of LRCN sees (paper, Section 4; released code).

A flow image stores the flow from one frame to the next as three bytes a pixel: 16 u + 128, 16 v + 128 and
16 |(u, v)| + 128, rounded and clipped to 0..255. So 128 is no motion, one grey level is 1/16 pixel, and motion
beyond about 8 pixels a frame saturates. The paper used Brox's variational flow; DIS is its fast, well-kept heir.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from lrcn_utils.data.video import write_video

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
    try:
        import cv2
    except ImportError as error:
        raise ImportError("optical flow needs OpenCV: pip install 'lrcn-utils[flow]'") from error
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    before = None
    for frame in frames:
        grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
        if before is not None:
            yield method.calc(before, grey, None)
        before = grey


def single_thread() -> None:
    """Keep OpenCV to one thread, where every core has a video of its own."""
    import cv2

    cv2.setNumThreads(1)


def flow_image(flow: np.ndarray) -> np.ndarray:
    """Flow in pixels (..., 2) as a flow image, uint8 (..., 3)."""
    magnitude = np.sqrt(np.square(flow).sum(-1, keepdims=True))
    image = SCALE * np.concatenate([flow, magnitude], -1) + CENTRE
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def flow_of_image(image: np.ndarray) -> np.ndarray:
    """The flow in pixels that a flow image stores: uint8 (..., 3) -> float32 (..., 2), within -8..7.94."""
    return (image[..., :2].astype(np.float32) - CENTRE) / SCALE


def mirror_flow_image(image: np.ndarray) -> np.ndarray:
    """The flow image of the mirrored video: left and right exchanged, and motion in x turned round.

    uint8 (..., height, width, 3). As in the released code x becomes 255 - x, which takes 128 to 127: a mirrored
    image is 1/16 pixel off (256 - x would be exact, and would not fit a byte at x = 0). Twice gives it back.
    """
    mirrored = image[..., ::-1, :].copy()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    return mirrored


def end_point_error(flow: np.ndarray, truth: np.ndarray) -> float:
    """Mean length in pixels of the difference between two flows (..., 2)."""
    return float(np.sqrt(np.square(np.asarray(flow, np.float64) - truth).sum(-1)).mean())


def write_flow_video(path: Path | str, frames: Iterable[np.ndarray], fps: float = 25) -> int:
    """Estimate the flow of ``frames`` and write it as a video of flow images; returns how many.

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

    write_video(path, images(), fps, "libx264rgb", pixel_format="rgb24", options={"crf": "16", "preset": "veryfast"})
    return count
