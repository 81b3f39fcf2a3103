"""Scores of activity recognition (paper, Section 4): averages over steps, clips and streams.

Everything takes and returns NumPy arrays (a tensor on the CPU may be given).
Probabilities and accuracies lie in 0..1.
"""

import numpy as np
from numpy.typing import ArrayLike


def average_steps(probabilities: ArrayLike, lengths: ArrayLike | None = None) -> np.ndarray:
    """Mean over a clip's steps: (clips, time, classes) -> (clips, classes).

    Steps past ``lengths`` (clips,) are padding and do not count.
    """
    probabilities = np.asarray(probabilities)
    if lengths is None:
        return probabilities.mean(axis=1)
    lengths = np.asarray(lengths)
    real = np.arange(probabilities.shape[1]) < lengths[:, None]
    return (probabilities * real[..., None]).sum(axis=1) / lengths[:, None]


def average_clips(probabilities: ArrayLike) -> np.ndarray:
    """Mean over a video's clips: (clips, classes) -> (classes,)."""
    return np.asarray(probabilities).mean(axis=0)


def running_average(probabilities: ArrayLike) -> np.ndarray:
    """What has been averaged up to each step: (time, classes) -> (time, classes)."""
    probabilities = np.asarray(probabilities)
    return probabilities.cumsum(axis=0) / np.arange(1, len(probabilities) + 1)[:, None]


def fuse(p_rgb: ArrayLike, p_flow: ArrayLike, weight_rgb: float) -> np.ndarray:
    """Weighted average of two streams' probabilities; the paper's weights are 1/2 and 1/3 for RGB.

    Raises ValueError when the two do not score the same videos and classes, or the weight leaves 0..1.
    """
    p_rgb, p_flow = np.asarray(p_rgb), np.asarray(p_flow)
    if p_rgb.shape != p_flow.shape:
        raise ValueError(f"RGB scores have the shape {p_rgb.shape}, flow scores {p_flow.shape}: not the same videos")
    if not 0 <= weight_rgb <= 1:
        raise ValueError(f"weight_rgb is {weight_rgb}, must lie in 0..1")
    return weight_rgb * p_rgb + (1 - weight_rgb) * p_flow


def accuracy(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Share of videos whose most probable class is the true one: (videos, classes), (videos,) -> 0..1."""
    return float((np.asarray(probabilities).argmax(axis=-1) == np.asarray(labels)).mean())


def class_accuracy(probabilities: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Accuracy on the videos of each class: (classes,); nan for a class without a video."""
    counts = confusion(probabilities, labels)
    videos = counts.sum(axis=1)
    return np.divide(counts.diagonal(), videos, out=np.full(len(counts), np.nan), where=videos > 0)


def confusion(probabilities: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Counts (classes, classes): row is the truth, column the prediction."""
    probabilities = np.asarray(probabilities)
    counts = np.zeros((probabilities.shape[1],) * 2, dtype=int)
    np.add.at(counts, (np.asarray(labels), probabilities.argmax(axis=1)), 1)
    return counts


def pair_accuracy(probabilities: ArrayLike, labels: ArrayLike, pairs: list[tuple[int, int]]) -> float:
    """Accuracy on the videos of ``pairs``, choosing between the two classes of the pair: chance is 0.5."""
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    right = []
    for first, second in pairs:
        for truth, other in ((first, second), (second, first)):
            own = probabilities[labels == truth]
            right.append(own[:, truth] > own[:, other])
    return float(np.concatenate(right).mean())


def majority(train_labels: ArrayLike, labels: ArrayLike) -> float:
    """The control: accuracy of always answering the class that is most frequent in training."""
    return float((np.asarray(labels) == np.bincount(np.asarray(train_labels)).argmax()).mean())


def decision_step(probabilities: ArrayLike) -> int:
    """How early the decision is made: the first step from which the running average keeps its arg max."""
    best = running_average(probabilities).argmax(axis=1)
    others = np.flatnonzero(best != best[-1])
    return int(others[-1]) + 1 if len(others) else 0
