"""Sentences as pictures: captions with word probabilities, the best words at every step, the tree of a beam search."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from lrcn_utils.plots.style import BLUE, GREY, ORANGE

SHADES = mpl.colormaps["Blues"]


@dataclass(frozen=True)
class Node:
    """One beam after one step: the word it added, its parent (index in the level before), its total log probability."""

    word: str
    parent: int
    log_prob: float
    finished: bool = False


def captioned(axes: Axes, pixels: np.ndarray, lines: Sequence[str], width: int = 28) -> Axes:
    """An image (height, width, 3) with lines of text below it, each wrapped at ``width`` characters."""
    axes.imshow(pixels, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel("\n".join(textwrap.fill(line, width) for line in lines), loc="left", fontsize=10)
    return axes


def word_probabilities(axes: Axes, words: Sequence[str], probabilities: Sequence[float]) -> Axes:
    """A caption as a row of bars: the probability (0..1) of each word given those before it and the image."""
    place = np.arange(len(words))
    bars = axes.bar(place, probabilities, color=BLUE, width=0.8)
    axes.bar_label(bars, [f"{p:.2f}" for p in probabilities], padding=2, fontsize=10)
    axes.set_xticks(place, words, rotation=35, ha="right", rotation_mode="anchor")
    axes.set(ylim=(0, 1.12), yticks=(0, 0.5, 1), ylabel="probability")
    return axes


def best_words(
    axes: Axes, words: Sequence[Sequence[str]], probabilities: np.ndarray, chosen: Sequence[str], now: int | None = None
) -> Axes:
    """The best words at each step as a table: a column a step, most probable on top, darker is more probable.

    ``words[t]`` and ``probabilities[t]`` (0..1) are the best at step t; ``chosen[t]`` is framed.
    ``now``: the step whose column is marked.
    """
    probabilities = np.asarray(probabilities)
    steps, ranks = probabilities.shape
    axes.imshow(probabilities.T, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    for t in range(steps):
        for rank in range(ranks):
            p, word = probabilities[t, rank], words[t][rank]
            taken = word == chosen[t]
            axes.text(
                t,
                rank,
                f"{word}\n{p:.2f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if p > 0.55 else "black",
                fontweight="bold" if taken else "normal",
            )
            if taken:
                axes.add_patch(
                    mpl.patches.Rectangle((t - 0.48, rank - 0.48), 0.96, 0.96, fill=False, edgecolor=ORANGE, lw=2.5)
                )
    if now is not None:
        axes.axvspan(now - 0.5, now + 0.5, fill=False, edgecolor=GREY, lw=2, linestyle="--")
    axes.set_xticks(range(steps), [f"step {t + 1}" for t in range(steps)])
    axes.set_yticks(range(ranks), [str(rank + 1) for rank in range(ranks)])
    axes.tick_params(length=0)
    axes.set_ylabel("rank")
    axes.spines[:].set_visible(False)
    return axes


def beam_tree(axes: Axes, levels: Sequence[Sequence[Node]], best: int | None = 0) -> Axes:
    """The tree of a beam search, root at the left: a column a step, the beams kept after it best first.

    The path to beam ``best`` of the last level is orange; beams from which nothing goes on are grey; a finished beam
    (the word is the end of the sentence) is drawn once and then carried along as a dotted line. Below each word
    stands its total log probability.
    """
    alive, path = _alive(levels), _path(levels, best)
    axes.text(0, _height(0, 1), "start", **_box(ORANGE if best is not None else BLUE))
    for t, level in enumerate(levels):
        for k, node in enumerate(level):
            before = levels[t - 1][node.parent] if t else None
            carried = before is not None and before.finished
            colour = ORANGE if (t, k) in path else BLUE if (t, k) in alive else GREY
            x0, y0 = (t, _height(node.parent, len(levels[t - 1])) if t else _height(0, 1))
            y1 = _height(k, len(level))
            line = {"color": colour, "lw": 2.5 if (t, k) in path else 1.2, "zorder": 2 if (t, k) in path else 1}
            axes.plot([x0, t + 1], [y0, y1], linestyle=":" if carried else "-", **line)
            if not carried:
                axes.text(t + 1, y1, f"{node.word}\n{node.log_prob:.2f}", **_box(colour))
            elif t + 1 == len(levels):
                axes.plot(t + 1, y1, "o", color=colour, markersize=5)
    axes.set(xlim=(-0.5, len(levels) + 0.5), xticks=range(len(levels) + 1), yticks=[], xlabel="step")
    widest = max((len(level) for level in levels), default=1)
    axes.set_ylim(-(widest - 1) / 2 - 0.7, (widest - 1) / 2 + 0.7)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return axes


def _height(k: int, count: int) -> float:
    return (count - 1) / 2 - k


def _box(colour: str) -> dict:
    box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": colour, "linewidth": 1.5}
    return {"ha": "center", "va": "center", "fontsize": 9, "bbox": box, "zorder": 3}


def _path(levels: Sequence[Sequence[Node]], best: int | None) -> set[tuple[int, int]]:
    path, k = set(), best
    for t in reversed(range(len(levels))):
        if k is None or k >= len(levels[t]):
            break
        path.add((t, k))
        k = levels[t][k].parent
    return path


def _alive(levels: Sequence[Sequence[Node]]) -> set[tuple[int, int]]:
    """The beams from which the last level can be reached."""
    if not levels:
        return set()
    alive, kept = {(len(levels) - 1, k) for k in range(len(levels[-1]))}, range(len(levels[-1]))
    for t in reversed(range(1, len(levels))):
        kept = {levels[t][k].parent for k in kept}
        alive |= {(t - 1, k) for k in kept}
    return alive
