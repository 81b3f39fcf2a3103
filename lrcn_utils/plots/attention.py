"""Attention on a picture: how much weight each place has when a word is chosen."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure


def attention_maps(
    pixels: np.ndarray, words: Sequence[str], weights: np.ndarray, part: tuple[float, float] = (0, 1), columns: int = 7
) -> Figure:
    """The picture (height, width, 3), and once more for each word, bright where the weight is.

    ``weights`` (words, rows, columns), each map of sum 1. In each panel the largest weight is white and 0 is dark, and
    below the word stands the largest weight. ``part``: where the places begin and end, in shares of the picture's side,
    from the left and from the top.
    """
    weights = np.asarray(weights)
    if weights.ndim != 3 or len(weights) != len(words):
        raise ValueError(f"weights must be (words, rows, columns) for {len(words)} words, not {weights.shape}")
    rows = -(-(len(words) + 1) // columns)
    figure = Figure(figsize=(1.75 * columns, 2.1 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    height, width = pixels.shape[:2]
    for axis in axes.flat:
        axis.set_axis_off()
    axes.flat[0].imshow(pixels)
    axes.flat[0].set_title("the picture", fontsize=11)
    (left, right), (top, bottom) = (np.array(part) * side for side in (width, height))
    for axis, word, one in zip(axes.flat[1:], words, weights, strict=False):
        axis.imshow(pixels)
        over = {"alpha": 0.75, "interpolation": "bilinear", "extent": (left, right, bottom, top)}
        axis.imshow(one, cmap="gray", vmin=0, **over)
        axis.set(xlim=(0, width), ylim=(height, 0))
        axis.set_title(f"{word}\n{one.max():.0%}", fontsize=11)
    return figure
