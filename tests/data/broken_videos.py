"""Videos that are broken in the ways that videos are, and small datasets in the form of UCF-101."""

from pathlib import Path

import numpy as np

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
    write_video(path, moving_square(n_frames, **size), options={"qscale": "2"})
    return path


def truncated(path: Path, n_frames: int = 30) -> Path:
    make_video(path, n_frames)
    whole = path.read_bytes()
    frames = whole.index(b"movi")
    path.write_bytes(whole[: (frames + whole.index(b"idx1")) // 2])
    return path


def undecodable_metadata(path: Path, n_frames: int = 20) -> Path:
    """A title that is not UTF-8, as old cameras and editors leave them."""
    import av

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
