"""Retrieval by caption probability: normalised scores, ranks, Recall@K and the median rank (paper, Tables 2, 4, 5).

A score matrix is (images, captions): how well each caption fits each image. Its rows rank captions for an image,
its columns rank images for a caption.
"""

import numpy as np


def normalise(log_probs: np.ndarray) -> np.ndarray:
    """log p(caption | image) less the log of the caption's mean probability over all images: the score of code-C.

    ``log_probs``: (images, captions). A caption that is likely whatever the picture shows loses its head start;
    the order of the images for one caption does not change, for all of them lose the same.
    """
    highest = log_probs.max(axis=0)
    mean = highest + np.log(np.exp(log_probs - highest).mean(axis=0))
    return log_probs - mean


def ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The place of the first true item in each query's list, 1 being the top: integers (queries,).

    ``scores``: (queries, items), higher is better. ``truth``: booleans of the same shape; with several true
    items, as with the five captions of an image, the best one counts. Ties go against the model: a wrong item
    with the same score stands before the true one, so that a constant score gains nothing.
    Raises ValueError when the shapes differ, a score is not a number, or a query has no true item.
    """
    scores, truth = np.asarray(scores), np.asarray(truth, dtype=bool)
    if scores.ndim != 2 or scores.shape != truth.shape:
        raise ValueError(f"scores {scores.shape} and truth {truth.shape} must be one (queries, items) shape")
    if np.isnan(scores).any():
        raise ValueError("scores: some are not a number (nan)")
    if not truth.any(axis=1).all():
        raise ValueError(f"truth: query {int(truth.any(axis=1).argmin())} has no true item")
    best = np.where(truth, scores, -np.inf).max(axis=1, keepdims=True)
    return 1 + ((scores >= best) & ~truth).sum(axis=1)


def recall_at(places: np.ndarray, k: int) -> float:
    """The share of queries, 0..1, with a true item among the first ``k``. ``places``: as ``ranks`` gives them."""
    return float((np.asarray(places) <= k).mean())


def median_rank(places: np.ndarray) -> float:
    """The median place; 1 is the best. With an even number of queries it may be a half."""
    return float(np.median(places))


def both_directions(scores: np.ndarray, owners: np.ndarray) -> dict[str, float]:
    """R@1, R@5, R@10 in per cent and the median rank, each way, under the names of the paper's tables.

    ``scores``: (images, captions). ``owners``: (captions,), the image (its row) that each caption belongs to.
    """
    truth = np.asarray(owners) == np.arange(len(scores))[:, None]
    found = {"caption to image": ranks(scores.T, truth.T), "image to caption": ranks(scores, truth)}
    return {
        f"{way}, {name}": value
        for way, places in found.items()
        for name, value in [
            *((f"R@{k}", 100 * recall_at(places, k)) for k in (1, 5, 10)),
            ("Medr", median_rank(places)),
        ]
    }
