"""Read and write video files with PyAV: RGB frames, numbered by counting, one at a time, upright as in a player.

Frame numbers are never taken from time stamps: an Xvid file with B-frames starts at time stamp 1, and a clip
that was cut from a longer one starts anywhere. One thread and one reused scaler are the fastest way to read
short clips; where more cores should read, give each its own videos.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter

from lrcn_utils.data import atomic

READER = 2  # the way frames are read: raise it when the same file gives other frames, and no cache keeps the old ones
# Suffixes of files that are taken for videos, in any case of letters.
MUXERS = {".avi": "avi", ".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}  # what can be written
# FFmpeg also takes playlists for videos, which make it open other files and addresses: only real containers are read.
DEMUXERS = "avi,mov,matroska,mpeg,mpegvideo,mpegts,asf,flv,ogg,m4v,h264,hevc"
AS_STORED = (False, 1, 1)  # the orientation of a frame that is upright already
MOST_PIXELS = 2**26  # of a frame; 8K video has half as many, a damaged header promises any number


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
    """All frames of a video: uint8 (time, height, width, 3), RGB, 0..255, turned as its metadata says.

    ``size``: (height, width) to which every frame is resized (bilinear), or None for that of the first frame.
    ``path`` may also be a binary file, such as an uploaded one in a ``BytesIO``; it is read from its beginning.
    Raises VideoError, naming the file, when it is missing, empty, no video, truncated, or holds no frame.
    """
    return np.stack(list(iter_frames(path, size)))


def iter_frames(path: Path | str | BinaryIO, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """The frames of a video one by one, uint8 (height, width, 3), RGB; memory does not grow with its length.

    Takes and raises what ``read_video`` does. That a video is truncated shows only after its last frame.
    """
    scaler = VideoReformatter()  # one for all frames: making one per frame costs more than decoding
    turn = None
    with _opened(path) as container:
        for frame in _decoded(container, path):
            if turn is None:
                size, turn = size or _upright_size(frame), _orientation(frame)
                height, width = reversed(size) if turn[0] else size
            image = scaler.reformat(frame, width=width, height=height, format="rgb24", threads=1).to_ndarray()
            yield image if turn == AS_STORED else _turned(image, *turn)


def check_video(path: Path | str | BinaryIO) -> VideoInfo:
    """Decode a whole video without keeping it, and say what is in it. Raises VideoError as ``read_video`` does."""
    with _opened(path) as container:
        stream, count, size = _film(container, path), 0, None
        for frame in _decoded(container, path):
            count, size = count + 1, size or _upright_size(frame)
        notes = []
        if "\ufffd" in f"{container.metadata}{stream.metadata}":
            notes.append("its metadata is not UTF-8 and was ignored")
        # B-frames may cost an AVI one frame; in an MP4 an edit list hides frames that its header counts.
        if container.format.name == "avi" and count < stream.frames - 1:
            notes.append(f"its header promises {stream.frames} frames and {count} were found")
        return VideoInfo(count, *size, float(stream.average_rate or 0), " and ".join(notes))


def frame_size(path: Path | str | BinaryIO) -> tuple[int, int]:
    """(height, width) of a video's first frame, turned upright. Raises VideoError as ``read_video`` does."""
    with _opened(path) as container:
        return _upright_size(next(_decoded(container, path)))


def key_frames(path: Path | str | BinaryIO) -> list[bool]:
    """For each frame of a video whether it was coded by itself; all others were predicted from their neighbours.

    Decodes the whole video without keeping it. Raises VideoError as ``read_video`` does.
    """
    with _opened(path) as container:
        return [frame.key_frame for frame in _decoded(container, path)]


def read_comment(path: Path | str) -> str:
    """The comment that ``write_video`` stored in a video; "" where there is none. Raises VideoError."""
    with _opened(path) as container:
        return {key.lower(): value for key, value in container.metadata.items()}.get("comment", "")


def write_video(
    path: Path | str,
    frames: Iterable[np.ndarray],
    fps: float = 25,
    codec: str = "mpeg4",
    *,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    comment: str = "",
) -> None:
    """Write RGB frames, uint8 (height, width, 3), to ``path``, whole or not at all. Same frames, same bytes.

    The suffix decides the container (.avi, .mp4, .mov, .mkv, .webm). ``options`` go to the encoder as they are, for
    example {"crf": "10"} for libx264, or {"qmin": "3", "qmax": "3"} for mpeg4 with one quantiser. With yuv420p both
    sides must be even. ``comment`` is stored in the file's metadata.
    Raises ValueError when there is no frame, or a frame has another shape or type than uint8 (height, width, 3).
    """
    path = Path(path)
    if path.suffix.lower() not in MUXERS:
        raise ValueError(f"{path.name}: the suffix must be one of {', '.join(MUXERS)}")
    container_options = {"fflags": "bitexact"}  # no version of the library, no date: same frames, same bytes
    with (
        atomic.replacing(path) as part,
        av.open(str(part), "w", format=MUXERS[path.suffix.lower()], options=container_options) as container,
    ):
        if comment:
            container.metadata["comment"] = comment
        _encode(container, path, frames, fps, codec, pixel_format, dict(options or {}))


def _encode(container, path, frames, fps, codec, pixel_format, options) -> None:
    stream = None
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
        if frame.shape != shape:
            raise ValueError(f"{path.name}: a frame is {frame.shape}, the first was {shape}")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
    if stream is None:
        raise ValueError(f"{path.name}: there is no frame to write")
    container.mux(stream.encode())


@contextmanager
def _opened(path) -> Iterator[av.container.InputContainer]:
    """The opened file; whatever PyAV or FFmpeg raises on it, here or in the block, becomes a VideoError."""
    file = path if hasattr(path, "read") else str(path)
    if hasattr(file, "seek"):
        empty = file.seek(0, os.SEEK_END) == 0
        file.seek(0)
    elif not os.path.isfile(file):
        raise VideoError(path, "there is no such file; check the path, or unpack the dataset again")
    elif not os.access(file, os.R_OK):
        raise VideoError(path, "there is no permission to read it; change its permissions")
    else:
        empty = os.path.getsize(file) == 0
    if empty:
        raise VideoError(path, f"the file is empty; {_again(path)}")
    try:
        container = av.open(file, options={"format_whitelist": DEMUXERS}, metadata_errors="replace")
    except Exception as error:
        why = "not a video that FFmpeg can read (is it another kind of file, or cut off near its beginning?)"
        raise VideoError(path, f"{why}; {_again(path)}") from error
    with container:
        try:
            yield container
        except VideoError:
            raise
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise VideoError(path, f"cannot be decoded ({why}); {_again(path)}") from error


def _film(container, path) -> av.VideoStream:
    """The video stream that a player shows, but never an attached picture (a cover)."""
    films = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not films and container.streams.audio:
        raise VideoError(path, "the file has no video stream; is it a sound file?")
    if not films:
        raise VideoError(path, f"there is no film in it, or it is cut off; {_again(path)}")
    best = container.streams.best("video")
    film = next((stream for stream in films if best and stream.index == best.index), films[0])
    if film.codec_context is None:
        raise VideoError(path, "FFmpeg has no decoder for its codec; convert it to H.264, or choose another file")
    if film.width * film.height > MOST_PIXELS:
        raise VideoError(path, f"its frames of {film.width}x{film.height} are too large; convert it to smaller ones")
    return film


def _decoded(container, path) -> Iterator[av.VideoFrame]:
    """The frames as they are stored. Raises VideoError at the end when the video is truncated."""
    stream = _film(container, path)
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    frames, end, corrupt = 0, 0.0, False
    try:
        for packet in container.demux():
            ours = packet.stream.index == stream.index
            began = packet.dts if packet.pts is None else packet.pts
            if began is not None and (ours or stream.duration is None):
                end = max(end, float((began + (packet.duration or 0)) * packet.time_base))
            if not ours:
                continue
            if packet.size:
                corrupt = packet.is_corrupt  # of the last packet: it is not whole
            for frame in packet.decode():
                frames += 1
                yield frame
    except Exception as error:
        raise VideoError(path, f"decoding stops after frame {frames}; {_again(path)}") from error
    if frames == 0:
        raise VideoError(path, f"there is no frame in it; {_again(path)}")
    if corrupt or (_ends_early(container, stream, end) and not _has_avi_index(container, path)):
        of = f" of {stream.frames}" if stream.frames > frames else ""
        raise VideoError(path, f"truncated: {frames}{of} frames; {_again(path)}")


def _ends_early(container, stream, end: float) -> bool:
    """Whether the last packet ends, at second ``end``, more than a frame before the header says so.

    The header's number of frames would not do: an edit list hides some of them.
    """
    if not stream.average_rate:
        return False
    kind, promised = container.format.name, 0.0
    if kind == "avi":  # FFmpeg's own duration of an AVI follows the size of the file
        promised = stream.frames / stream.average_rate
    elif "mov" in kind and stream.duration:
        promised = (stream.duration + (stream.start_time or 0)) * stream.time_base
    elif "matroska" in kind or kind == "flv":
        promised = (container.duration or 0) / av.time_base
    return end < promised - 1.5 / stream.average_rate


def _has_avi_index(container, path) -> bool:
    """Whether an AVI has its index, which follows the last frame: then no frame was cut off."""
    if container.format.name != "avi":
        return False
    with open(path, "rb") if not hasattr(path, "seek") else nullcontext(path) as file:
        file.seek(12)  # after RIFF, the size and AVI, chunk by chunk: four letters, a size, the content
        while len(head := file.read(8)) == 8:
            if head[:4] == b"idx1":
                return True
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, os.SEEK_CUR)
    return False


def _orientation(frame: av.VideoFrame) -> tuple[bool, int, int]:
    """How to turn a frame upright: whether to transpose it, then the steps (1 or -1) through its rows and columns."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return AS_STORED
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()  # x' = a x + c y, y' = b x + d y
    transposed = abs(b) > abs(a)
    across, down = (c, b) if transposed else (a, d)
    return transposed, -1 if down < 0 else 1, -1 if across < 0 else 1


def _turned(image: np.ndarray, transposed: bool, rows: int, columns: int) -> np.ndarray:
    return np.ascontiguousarray((image.swapaxes(0, 1) if transposed else image)[::rows, ::columns])


def _upright_size(frame: av.VideoFrame) -> tuple[int, int]:
    return (frame.width, frame.height) if _orientation(frame)[0] else (frame.height, frame.width)


def _again(path) -> str:
    return "upload it again" if hasattr(path, "read") else "copy or unpack it again"


def _name(path) -> str:
    if hasattr(path, "read"):
        path = str(getattr(path, "name", "the uploaded video"))
    return " ".join(Path(path).name.split())  # a name with a line end must not break the line
