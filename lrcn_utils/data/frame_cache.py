"""Decoded, resized frames kept on disk, one ``.npy`` a video, so that a clip costs a read instead of a decode."""

import math
import os
import threading
from itertools import islice
from pathlib import Path

import numpy as np

from lrcn_utils.data.video import VideoError, iter_frames


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

    ``cache``: a folder that keeps all frames of this video as ``<name>.npy`` after the first call; None decodes
    every time, up to ``stop``. With a cache a whole video is a read-only map of the file: memory stays small.
    Raises VideoError when the video does not have ``n_frames`` frames (it was replaced), or cannot be read.
    """
    if cache is None:
        frames = list(islice(iter_frames(path, size), start, stop))
        if not frames or (stop is not None and len(frames) < min(stop, n_frames) - start):
            raise _changed(path, n_frames)
        return np.stack(frames)
    kept = cache / f"{path.stem}.npy"
    if not _fresh(kept, path):
        _keep(kept, path, n_frames, size)
    return _slice(kept, path, (n_frames, *size, 3), start, n_frames if stop is None else min(stop, n_frames))


def _slice(kept: Path, path: Path, shape: tuple[int, ...], start: int, stop: int) -> np.ndarray:
    # Does what np.load(kept, mmap_mode="r") does, five times faster, which is what a clip of small frames costs.
    with open(kept, "rb") as file:
        header = 10 + int.from_bytes(file.read(10)[8:], "little")
        if os.fstat(file.fileno()).st_size != header + math.prod(shape):
            raise _changed(path, shape[0])
        frame = math.prod(shape[1:])
        if stop - start == shape[0]:
            return np.asarray(np.memmap(file, np.uint8, "r", header, shape))
        return np.fromfile(file, np.uint8, (stop - start) * frame, offset=header - 10 + start * frame).reshape(
            -1, *shape[1:]
        )


def _fresh(kept: Path, path: Path) -> bool:
    # The cached file carries the video's own time stamp: a video made again, older or newer, is read again.
    try:
        return os.stat(kept).st_mtime_ns == os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return False


def _keep(kept: Path, path: Path, n_frames: int, size: tuple[int, int]) -> None:
    """Write all frames beside and rename: two processes may do so at once, and either may be killed."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f"{kept.name}.{os.getpid()}-{threading.get_ident()}.part")
    modified = _modified(path)
    try:
        frames = np.lib.format.open_memmap(part, "w+", np.uint8, (n_frames, *size, 3))
        count = 0
        for frame in iter_frames(path, size):
            if count < n_frames:
                frames[count] = frame
            count += 1
        if count != n_frames:
            raise _changed(path, n_frames)
        frames.flush()
        del frames
        os.utime(part, ns=(modified, modified))
        os.replace(part, kept)
    finally:
        part.unlink(missing_ok=True)


def _modified(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError as error:
        raise VideoError(path, "there is no such file; check the path, or unpack the dataset again") from error


def _changed(path: Path, n_frames: int) -> VideoError:
    return VideoError(path, f"it has not {n_frames} frames, as the index says; read the index again")
