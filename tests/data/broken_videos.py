"""Videos that are broken in the ways that videos are, and small datasets in the form of UCF-101."""

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from lrcn_utils.data.video import write_video

TITLE = b"T" * 12


def moving_square(n_frames: int, height: int = 24, width: int = 32) -> np.ndarray:
    """A bright square that goes to the right; the grey of the background counts the frames."""
    frames = np.empty((n_frames, height, width, 3), np.uint8)
    for number in range(n_frames):
        frames[number] = 10 + 5 * (number % 40)
        left = 2 + number % (width - 10)
        frames[number, 8:14, left : left + 6] = (230, 120, 20)
    return frames


def make_video(path: Path, n_frames: int, **size) -> Path:
    write_video(path, moving_square(n_frames, **size), options={"qmin": "2", "qmax": "2"})
    return path


def truncated(path: Path, n_frames: int = 30) -> Path:
    make_video(path, n_frames)
    whole = path.read_bytes()
    frames = whole.index(b"movi")
    path.write_bytes(whole[: (frames + whole.index(b"idx1")) // 2])
    return path


CODECS = {
    ".avi": "mpeg4",
    ".mp4": "libx264",
    ".mov": "libx264",
    ".mkv": "libx264",
    ".webm": "libvpx",
    ".mpg": "mpeg1video",
}


def film(path: Path, frames: np.ndarray, *, turn: int | None = None, mirror=False, hidden=0, cover=False) -> Path:
    """A film as phones and editors leave them.

    ``turn``: degrees, against the clock, by which its metadata says to turn it; ``hidden``: frames at the beginning
    that an edit list hides; ``cover``: an attached picture, as the first stream.
    """
    with av.open(str(path), "w") as container:
        if cover:
            picture = container.add_stream("mjpeg", rate=1)
            picture.height, picture.width, picture.pix_fmt = 16, 16, "yuvj420p"
            picture.disposition = Disposition.attached_pic
        codec = CODECS[path.suffix.lower()]
        stream = container.add_stream(codec, rate=25, options={"bf": "2", "crf": "5"} if codec == "libx264" else {})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        if turn is not None:
            stream.set_display_rotation(turn, hflip=mirror)
        if cover:
            grey = av.VideoFrame.from_ndarray(np.full((16, 16, 3), 200, np.uint8), format="rgb24")
            container.mux([*picture.encode(grey), *picture.encode()])
        for frame in [*(av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in frames), None]:
            for packet in stream.encode(frame):
                packet.pts, packet.dts = packet.pts - hidden, packet.dts - hidden
                container.mux(packet)
    return path


def changing_size(path: Path) -> Path:
    """Ten frames of 32x24, then ten of 48x40."""
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.height, stream.width, stream.pix_fmt = 24, 32, "yuv420p"
        for part, (height, width) in enumerate([(24, 32), (40, 48)]):
            encoder = av.CodecContext.create("libvpx", "w")
            encoder.height, encoder.width, encoder.pix_fmt, encoder.time_base = (
                height,
                width,
                "yuv420p",
                Fraction(1, 25),
            )
            frames = (av.VideoFrame.from_ndarray(f, format="rgb24") for f in moving_square(10, height, width))
            for number, packet in enumerate(packet for frame in [*frames, None] for packet in encoder.encode(frame)):
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                packet.pts = packet.dts = 10 * part + number
                container.mux(packet)
    return path


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, zeroed, cut off, exchanged or doubled."""
    damaged, size = bytearray(content), len(content)
    start, other, length = rng.randrange(size), rng.randrange(size), rng.randint(4, 200)
    piece = bytes(damaged[other : other + length])
    match rng.randrange(6):
        case 0:
            for _ in range(rng.randint(1, 40)):
                damaged[rng.randrange(size)] ^= 1 << rng.randrange(8)
        case 1:  # the header
            for _ in range(rng.randint(1, 8)):
                damaged[rng.randrange(min(size, 700))] = rng.randrange(256)
        case 2:
            damaged = damaged[:start]
        case 3:
            damaged[start : start + length] = bytes(length)
        case 4:
            damaged[start : start + len(piece)] = piece
        case 5:
            damaged[start:start] = piece
    return bytes(damaged)


def undecodable_metadata(path: Path, n_frames: int = 20) -> Path:
    """A title that is not UTF-8, as old cameras and editors leave them."""
    with av.open(str(path), "w", format="avi") as container:
        container.metadata["title"] = TITLE.decode()
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 24, 32, "yuv420p"
        for frame in moving_square(n_frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    content = path.read_bytes()
    assert content.count(TITLE) == 1
    path.write_bytes(content.replace(TITLE, b"\xff\xfe\xe9" + TITLE[3:]))
    return path


def no_frames(path: Path) -> Path:
    """A whole header, and not one frame after it."""
    make_video(path, 5)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"movi") + 4])
    return path


def make_dataset(root: Path, *, groups=(1, 2, 8, 9), classes=("Jump", "Walk"), frames=(18, 33)) -> Path:
    """Two clips a group; groups 1 to 7 are the test of split 1, as in the original."""
    rows: dict[str, list[str]] = {"train": [], "test": []}
    for label, name in enumerate(classes, 1):
        for group in groups:
            for clip, n_frames in enumerate(frames, 1):
                file = f"{name}/v_{name}_g{group:02d}_c{clip:02d}.avi"
                make_video(root / "UCF-101" / file, n_frames)
                rows["test" if group <= 7 else "train"].append(file if group <= 7 else f"{file} {label}")
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(classes, 1)))
    for split in (1, 2, 3):
        for side in rows:
            (lists / f"{side}list{split:02d}.txt").write_text("\n".join(rows[side]) + "\n")
    return root
