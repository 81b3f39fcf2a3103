"""Decoded, resized frames, kept so that a clip costs a read instead of a decode."""

from itertools import islice
from pathlib import Path

import numpy as np

from lrcn_utils.data.cache import ArrayCache
from lrcn_utils.data.video import READER, VideoError, iter_frames


def read_frames(
    path: Path,
    n_frames: int,
    size: tuple[int, int],
    *,
    start: int = 0,
    stop: int | None = None,
    cache: Path | None = None,
) -> np.ndarray:
    """Frames ``start`` to ``stop`` of a video of ``n_frames``: uint8 (time, height, width, 3) of ``size``.

    ``cache``: the folder that keeps all frames of this video after the first call; None decodes every time, up to
    ``stop``. With a cache a whole video is a read-only map of the file: memory stays small.
    Raises VideoError when the video does not have ``n_frames`` frames (it was replaced), or cannot be read.
    """
    if cache is None:
        frames = list(islice(iter_frames(path, size), start, stop))
        if not frames or (stop is not None and len(frames) < min(stop, n_frames) - start):
            raise _changed(path, n_frames)
        return np.stack(frames)
    kept = frame_cache(cache, size)
    try:
        frames = kept.read(path, start, stop)
        if frames is None:
            _keep(kept, path, n_frames, size)
            frames = kept.read(path, start, stop)
    except FileNotFoundError as error:
        raise VideoError(path, "there is no such file; check the path, or unpack the dataset again") from error
    if len(frames) != len(range(*slice(start, stop).indices(n_frames))):
        raise _changed(path, n_frames)
    return frames


def frame_cache(folder: Path, size: tuple[int, int]) -> ArrayCache:
    """The cache of frames of ``size`` (height, width) below ``folder``."""
    return ArrayCache(folder, f"frames_{size[0]}x{size[1]}", reader=READER)


def _keep(kept: ArrayCache, path: Path, n_frames: int, size: tuple[int, int]) -> None:
    try:
        kept.write(path, (n_frames, *size, 3), np.uint8, iter_frames(path, size))
    except VideoError:
        raise
    except ValueError as error:
        raise _changed(path, n_frames) from error


def _changed(path: Path, n_frames: int) -> VideoError:
    return VideoError(path, f"does not have the {n_frames} frames recorded in the index; read the index again")
