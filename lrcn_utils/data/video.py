"""Read and write video files with PyAV: RGB frames, numbered by counting, one at a time.

Frame numbers are never taken from time stamps: an Xvid file with B-frames starts at time stamp 1, and a clip
that was cut from a longer one starts anywhere. One thread and one reused scaler are the fastest way to read
short clips; where more cores should read, give each its own videos.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.video.reformatter import VideoReformatter

READER = 1  # the way frames are read: raise it when the same file gives other frames, and no cache keeps the old ones
FORMATS = {".avi": "avi", ".mp4": "mp4", ".mkv": "matroska", ".webm": "webm"}


class VideoError(ValueError):
    """A video that cannot be read. The message names the file, what is wrong, and what to do."""

    def __init__(self, path: Path | str | BinaryIO, why: str):
        self.path, self.why = path, why
        super().__init__(f"{_name(path)}: {why}")


@dataclass(frozen=True)
class VideoInfo:
    """What a full decode of a video found. ``note`` is a remark on a video that can be used all the same."""

    frames: int
    height: int
    width: int
    fps: float
    note: str = ""


def read_video(path: Path | str | BinaryIO, size: tuple[int, int] | None = None) -> np.ndarray:
    """All frames of a video: uint8 (time, height, width, 3), RGB, 0..255.

    ``size``: (height, width) to which every frame is resized (bilinear), or None for the video's own.
    ``path`` may also be a binary file, such as an uploaded one in a ``BytesIO``.
    Raises VideoError, naming the file, when it is missing, empty, no video, truncated, or holds no frame.
    """
    return np.stack(list(iter_frames(path, size)))


def iter_frames(path: Path | str | BinaryIO, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """The frames of a video one by one, uint8 (height, width, 3), RGB; memory does not grow with its length.

    Takes and raises what ``read_video`` does. That a video is truncated shows only after its last frame.
    """
    with _open(path)[0] as container:
        yield from _decode(container, path, size)


def check_video(path: Path | str) -> VideoInfo:
    """Decode a whole video without keeping it, and say what is in it. Raises VideoError as ``read_video`` does."""
    container, note = _open(path)
    with container:
        count, shape = 0, (0, 0)
        for frame in _decoded(container, path):
            count, shape = count + 1, (frame.height, frame.width)
        rate = container.streams.video[0].average_rate
    return VideoInfo(count, *shape, float(rate or 0), note)


def frame_size(path: Path | str) -> tuple[int, int]:
    """(height, width) of a video by its header, without decoding. Raises VideoError as ``read_video`` does."""
    with _open(path)[0] as container:
        if not container.streams.video:
            raise VideoError(path, "the file has no video stream; is it a sound file?")
        stream = container.streams.video[0]
        return stream.height, stream.width


def write_video(
    path: Path | str,
    frames: Iterable[np.ndarray],
    fps: float = 25,
    codec: str = "mpeg4",
    *,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> None:
    """Write RGB frames, uint8 (height, width, 3), to ``path``; beside and then renamed. Same frames, same bytes.

    The suffix decides the container (.avi, .mp4, .mkv, .webm). ``options`` go to the encoder as they are, for
    example {"crf": "10"} for libx264 or {"qscale": "3"} for mpeg4. With yuv420p both sides must be even.
    Raises ValueError when there is no frame, or a frame has another shape or type than uint8 (height, width, 3).
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path.name}: the suffix must be one of {', '.join(FORMATS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        container_options = {"fflags": "bitexact"}  # no version of the library, no date: same frames, same bytes
        with av.open(str(part), "w", format=FORMATS[path.suffix.lower()], options=container_options) as container:
            _encode(container, path, frames, fps, codec, pixel_format, dict(options or {}))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _encode(container, path, frames, fps, codec, pixel_format, options) -> None:
    stream, quality = None, options.pop("qscale", None)
    for frame in frames:
        frame = np.ascontiguousarray(frame)
        if stream is None:
            if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                raise ValueError(f"{path.name}: a frame is {frame.dtype} {frame.shape}, not uint8 (h, w, 3)")
            shape = frame.shape
            if pixel_format == "yuv420p" and (shape[0] % 2 or shape[1] % 2):
                raise ValueError(f"{path.name}: {shape[:2]}: yuv420p needs an even height and width")
            stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=options)
            stream.height, stream.width, stream.pix_fmt = *shape[:2], pixel_format
            stream.codec_context.thread_count = 1
            stream.codec_context.flags |= av.codec.context.Flags.bitexact
            if quality is not None:
                stream.codec_context.flags |= av.codec.context.Flags.qscale
                stream.codec_context.global_quality = int(quality) * 118  # FFmpeg's FF_QP2LAMBDA
        if frame.shape != shape:
            raise ValueError(f"{path.name}: a frame is {frame.shape}, the first was {shape}")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
    if stream is None:
        raise ValueError(f"{path.name}: there is no frame to write")
    container.mux(stream.encode())


def _open(path) -> tuple[av.container.InputContainer, str]:
    """The opened container and a note on it ("" if there is nothing to say)."""
    file = path if hasattr(path, "read") else str(path)
    if isinstance(file, str):
        if not os.path.isfile(file):
            raise VideoError(path, "there is no such file; check the path, or unpack the dataset again")
        if os.path.getsize(file) == 0:
            raise VideoError(path, "the file is empty; copy or unpack it again")
    try:
        try:
            return av.open(file), ""
        except UnicodeDecodeError:
            # A title in an old encoding says nothing about the picture: read on, and say so.
            if hasattr(file, "seek"):
                file.seek(0)
            return av.open(file, metadata_errors="replace"), "its metadata is not UTF-8 and was ignored"
    except (av.error.FFmpegError, UnicodeError) as error:
        why = "not a video that FFmpeg can read (is it another kind of file, or cut off near its beginning?)"
        raise VideoError(path, f"{why}; copy or unpack it again") from error


def _decoded(container, path) -> Iterator[av.VideoFrame]:
    if not container.streams.video:
        raise VideoError(path, "the file has no video stream; is it a sound file?")
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    frames, count = container.decode(stream), 0
    while True:
        try:
            frame = next(frames, None)
        except (av.error.FFmpegError, UnicodeError) as error:
            raise VideoError(path, f"decoding stops after frame {count}; copy or unpack it again") from error
        if frame is None:
            break
        count += 1
        yield frame
    if count == 0:
        raise VideoError(path, "there is no frame in it; copy or unpack it again")
    # A stream with B-frames may hold one frame fewer than its header says; more than that is a loss.
    if count < stream.frames - 1:
        raise VideoError(path, f"truncated: {count} of {stream.frames} frames; copy or unpack it again")


def _decode(container, path, size) -> Iterator[np.ndarray]:
    scaler = VideoReformatter()  # one for all frames: making one per frame costs more than decoding
    for frame in _decoded(container, path):
        size = size or (frame.height, frame.width)
        yield scaler.reformat(frame, width=size[1], height=size[0], format="rgb24", threads=1).to_ndarray()


def _name(path) -> str:
    if hasattr(path, "read"):
        return str(getattr(path, "name", "the uploaded video"))
    return Path(path).name
