"""Scoring videos: features of each frame once, test clips of 16 with stride 8, averages (paper, Section 4).

The CNN sees one frame at a time, so a frame has the same features in every clip that holds it: they are computed
once. For the same reason to change the order of the features is to change the order of the frames: the
controls of ``ORDERS`` need no second pass through the CNN.
"""

import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from lrcn_utils.data import atomic
from lrcn_utils.data.clips import LENGTH, STRIDE, VIEWS, test_clip_starts
from lrcn_utils.data.ucf101 import ClipDataset, Video
from lrcn_utils.metrics import activity as metrics
from lrcn_utils.models.activity import Recogniser
from lrcn_utils.training.features import cnn_features
from lrcn_utils.training.processes import processes

FRAMES_AT_ONCE, CLIPS_AT_ONCE, VIDEOS_AT_ONCE = 64, 64, 16


def _shuffled(clips: Tensor) -> Tensor:
    return torch.stack([clip[torch.randperm(len(clip))] for clip in clips])


# What is done to the steps of test clips (clips, time, d), as filmed or as a control.
Order = Callable[[Tensor], Tensor]
ORDERS: dict[str, Order] = {
    "as filmed": lambda clips: clips,
    "shuffled": _shuffled,
    "first frame kept, rest shuffled": lambda clips: torch.cat([clips[:, :1], _shuffled(clips[:, 1:])], dim=1),
    "reversed": lambda clips: clips.flip(1),
    "first frame frozen": lambda clips: clips[:, :1].expand_as(clips),
    "every second frame": lambda clips: clips[:, ::2],
}


@dataclass
class Scores:
    """Probabilities of the classes for each video: (videos, classes), with names and true labels (videos,)."""

    names: list[str]
    labels: np.ndarray
    classes: list[str]
    probabilities: np.ndarray

    @classmethod
    def of(cls, videos: Sequence[Video], classes: Sequence[str], probabilities: np.ndarray) -> "Scores":
        """``probabilities`` of ``videos``, row by row, with their names and labels."""
        return cls([v.name for v in videos], np.array([v.label for v in videos]), list(classes), probabilities)

    @property
    def accuracy(self) -> float:
        return metrics.accuracy(self.probabilities, self.labels)

    def save(self, path: Path | str) -> None:
        """Write to ``path`` (.npz), which any NumPy reads."""
        found = self.probabilities.astype(np.float32)
        with atomic.replacing(path) as part, open(part, "wb") as file:
            np.savez_compressed(file, names=self.names, labels=self.labels, classes=self.classes, probabilities=found)

    @classmethod
    def load(cls, path: Path | str) -> "Scores":
        """Read what ``save`` wrote. Raises ValueError for another file, naming a missing field."""
        try:
            file = np.load(path)
            names = file.files
        except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: there are no saved scores in it, or no such file") from error
        with file:
            if missing := {"names", "labels", "classes", "probabilities"} - set(names):
                raise ValueError(f"{Path(path).name}: no field {', '.join(sorted(missing))}; were these scores saved?")
            names, classes = file["names"].tolist(), file["classes"].tolist()
            return cls(names, file["labels"], classes, file["probabilities"])


def fuse(rgb: Scores, flow: Scores, weight_rgb: float) -> Scores:
    """Weighted average of two streams' scores. Raises ValueError unless both score the same videos and classes."""
    if rgb.names != flow.names or rgb.classes != flow.classes:
        raise ValueError("the two score files are not of the same videos and classes; score both on the same split")
    mixed = metrics.fuse(rgb.probabilities, flow.probabilities, weight_rgb)
    return Scores(rgb.names, rgb.labels, rgb.classes, mixed)


@torch.no_grad()
def video_features(model: Recogniser, dataset: ClipDataset, video: Video, crops: str = "centre") -> Tensor:
    """Features (crops, frames, d) of a whole video: one centre crop, or the released code's ten crops ("ten").

    The video is read in parts, so one of any length fits in memory.
    """
    model.eval()
    parts, n_frames = [], dataset.length(video)
    for start in range(0, n_frames, FRAMES_AT_ONCE):
        frames = dataset.read(video, start, min(start + FRAMES_AT_ONCE, n_frames))
        seen = VIEWS[crops](frames, dataset.frames.crop, dataset.input == "flow")
        parts.append(cnn_features(model.cnn, seen, model.feature))
    return torch.cat(parts, dim=1)


def _cut_clips(features: Tensor, length: int = LENGTH, stride: int = STRIDE) -> Tensor:
    """Features of a video (crops, frames, d) cut into test clips: (crops x clips, length, d).

    A video of fewer frames than ``length`` is one clip of all of them.
    """
    n_frames = features.shape[1]
    starts = test_clip_starts(n_frames, length, stride)
    return torch.cat([features[:, start : start + length] for start in starts])


@torch.no_grad()
def step_probabilities(model: Recogniser, clips: Tensor) -> np.ndarray:
    """Softmax at every step: features of clips (clips, time, d) -> (clips, time, classes)."""
    model.eval()
    device = next(model.parameters()).device
    parts = [model.classify(part.to(device)).softmax(-1).cpu() for part in clips.split(CLIPS_AT_ONCE)]
    return torch.cat(parts).numpy()


def score_features(
    model: Recogniser, features: Iterable[Tensor], order: str | Order = "as filmed", length: int = LENGTH, seed: int = 0
) -> np.ndarray:
    """Probabilities (videos, classes) from each video's features (crops, frames, d).

    ``order``: one of ``ORDERS``, or a function like them. The softmax is averaged over the steps of a clip, then over
    the clips.
    """
    change = ORDERS[order] if isinstance(order, str) else order
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return np.stack(_scored(model, features, change, length))


def _scored(
    model: Recogniser, features: Iterable[Tensor], change: Order = ORDERS["as filmed"], length: int = LENGTH
) -> list[np.ndarray]:
    rows, features = [], iter(features)
    while some := list(islice(features, VIDEOS_AT_ONCE)):
        rows += _of_videos(model, [change(_cut_clips(video, length)) for video in some])
    return rows


def _of_videos(model: Recogniser, videos: list[Tensor]) -> list[np.ndarray]:
    """``videos``: clips (clips, time, d) of each. Clips of one length go through the LSTM together."""
    rows = {}
    for time in {clips.shape[1] for clips in videos}:
        alike = [number for number, clips in enumerate(videos) if clips.shape[1] == time]
        steps = step_probabilities(model, torch.cat([videos[number] for number in alike]))
        ends = np.cumsum([len(videos[number]) for number in alike])[:-1]
        for number, clips in zip(alike, np.split(metrics.average_steps(steps), ends), strict=True):
            rows[number] = metrics.average_clips(clips)
    return [rows[number] for number in range(len(videos))]


def score(
    model: Recogniser, dataset: ClipDataset, classes: Sequence[str], crops: str = "centre", progress: bool = False
) -> Scores:
    """Score every video of ``dataset`` as the paper does; only one video is in memory at a time.

    Where there are several processes, each scores its share, and all have the scores of all.
    """
    own = processes().share(range(len(dataset.videos)))
    shown = tqdm(own, desc="scoring", disable=not (progress and processes().first), leave=False)
    rows = _scored(model, (video_features(model, dataset, dataset.videos[number], crops) for number in shown))
    rows = dict(processes().gather(list(zip(own, rows, strict=True))))
    return Scores.of(dataset.videos, classes, np.stack([rows[number] for number in range(len(rows))]))
