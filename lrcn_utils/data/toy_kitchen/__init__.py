"""Toy Kitchen: a small rendered world with activities, sentences and stills, on disk in the real datasets' formats."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from lrcn_utils.data import text
from lrcn_utils.data.toy_kitchen import films, render
from lrcn_utils.data.toy_kitchen.activities import (
    CLASSES,
    MOTION_ONLY,
    OBJECT_ONLY,
    REVERSED_PAIRS,
)
from lrcn_utils.data.toy_kitchen.card import card_text
from lrcn_utils.data.toy_kitchen.writing import check_world, make

__all__ = [
    "CLASSES",
    "MOTION_ONLY",
    "OBJECT_ONLY",
    "REVERSED_PAIRS",
    "boxes",
    "card_text",
    "check_world",
    "longest_shot",
    "make",
    "true_flow",
]


def _scene(root: Path | str, name: str) -> render.Scene:
    path = Path(root) / "ground_truth" / "videos.json"
    videos = text.read_json(path)
    if name not in videos:
        raise KeyError(f"{path}: no video {name}")
    video = videos[name]
    return films.scene(video["seed"], video["class"], video["group"], video["clip"])


def true_flow(root: Path | str, name: str) -> np.ndarray:
    """The true flow of video ``name``: (frames - 1, 120, 160, 2) float32, pixels right and down from frame t to t + 1.

    Raises KeyError with the file's name where there is no such video.
    """
    return render.flow(_scene(root, name))


def boxes(root: Path | str, name: str) -> list[dict[str, list[int]]]:
    """What is visible in each frame of video ``name``: {thing: [x, y, width, height]} in pixels of 120 x 160."""
    scene = _scene(root, name)
    return [render.boxes(scene, t) for t in range(scene.frames)]


def longest_shot(root: Path | str, name: str) -> slice:
    """The frames of video ``name`` that are its longest shot: films of reversed pairs cut from one to the next."""
    camera = _scene(root, name).camera[:, 0]
    # A hand that sways moves the camera by less than that from one frame to the next.
    cuts = [int(t) + 1 for t in np.flatnonzero(np.abs(np.diff(camera)) > 2)]
    shots = list(pairwise([0, *cuts, len(camera)]))
    return slice(*max(shots, key=lambda shot: shot[1] - shot[0]))
