"""What the rows work on, made here: films in the form of UCF-101, features in a cache, all in folders that go."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.row import Missing
from lrcn_utils import environment
from lrcn_utils.data.cache import ArrayCache
from lrcn_utils.data.clips import FrameSize
from lrcn_utils.data.ucf101 import ClipDataset, Video, read_index
from lrcn_utils.data.video import write_video
from lrcn_utils.training.features import FrameFeatures


def folder() -> Path:
    """A new folder; it is removed when the row has been measured."""
    return Path(tempfile.mkdtemp())


def toy_kitchen() -> Path:
    """The default Toy Kitchen. Raises Missing where it has not been made."""
    root = environment.data_root() / "toy_kitchen"
    if not (root / "card.json").exists():
        raise Missing("the default Toy Kitchen is not made; run make toy")
    return root


def moving(frames: int, height: int, width: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Frames of a smooth picture that moves, with the noise of a camera: uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8 + 9, width // 8 + 9, 3))
    picture = coarse.repeat(8, 0).repeat(8, 1).astype(np.int16)
    for t in range(frames):
        part = picture[t % 64 : t % 64 + height, 2 * t % 64 : 2 * t % 64 + width]
        noise = rng.integers(-6, 7, (height, width, 1), dtype=np.int16)
        yield (part + noise).clip(0, 255).astype(np.uint8)


def film_path(root: Path, number: int) -> Path:
    """Where film ``number`` lies: four a group, 25 groups a class."""
    name = f"Class{number // 100:03d}"
    return root / "UCF-101" / name / f"v_{name}_g{number // 4 % 25 + 1:02d}_c{number % 4 + 1:02d}.avi"


def films(count: int, frames: int, height: int = 240, width: int = 320, different: int | None = None) -> Path:
    """A dataset of ``count`` films, encoded as UCF-101's are; ``different``: so many, and copies of them."""
    root = folder()
    different = min(different or count, count)
    for number in range(count):
        path = film_path(root, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        if number < different:
            write_video(path, moving(frames, height, width, seed=number))
        else:
            shutil.copyfile(film_path(root, number % different), path)
    return root


def videos(root: Path) -> list[Video]:
    """All films of a dataset."""
    return read_index(root, test_groups=()).train


def clips(root: Path, size: FrameSize, *, cache: bool, count: int | None = None) -> ClipDataset:
    """Training clips of the films of a dataset; with ``cache`` their frames are there already."""
    dataset = ClipDataset(videos(root)[:count], size, cache=folder() if cache else False)
    if cache:
        for video in dataset.videos:
            dataset.read(video)
    return dataset


def features(count: int, frames: int = 30, numbers: int = 256, views: int = 2) -> FrameFeatures:
    """Random features of ``count`` films, in a cache as ``features.extract`` leaves them, float16."""
    root, rng = folder(), np.random.default_rng(0)
    kept, found = ArrayCache(root / "cache", "features"), []
    for number in range(count):
        path = film_path(root, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"film {number}", encoding="utf-8", newline="\n")
        part = rng.random((views, frames, numbers), np.float32)
        kept.write(path, part.shape, np.float16, [part])
        found.append(Video(path, path.parent.name, number % 16, 1, frames))
    return FrameFeatures(ClipDataset(found, cache=False), kept)
