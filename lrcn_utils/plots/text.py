"""Sentences as pictures: captions with word probabilities, the best words at every step, the tree of a beam search."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from lrcn_utils.plots.style import BLUE, GREY, ORANGE, plain

SHADES = mpl.colormaps["Blues"]
LEAST = 0.01  # a word with less is not worth its ink


@dataclass(frozen=True)
class Node:
    """One beam after one step: the word it added, its parent (index in the level before), its total log probability."""

    word: str
    parent: int
    log_prob: float
    finished: bool = False


def captioned(axes: Axes, pixels: np.ndarray, lines: Sequence[str], width: int = 28) -> Axes:
    """An image (height, width, 3) with lines of text below it, wrapped at ``width`` characters and then indented."""
    axes.imshow(pixels, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    wrapped = [textwrap.fill(plain(line), width, subsequent_indent="   ") for line in lines]
    axes.set_xlabel("\n".join(wrapped), loc="left", fontsize=10)
    return axes


def word_probabilities(axes: Axes, words: Sequence[str], probabilities: Sequence[float]) -> Axes:
    """A caption as a row of bars: the probability (0..1) of each word given those before it and the image."""
    place = np.arange(len(words))
    bars = axes.bar(place, probabilities, color=BLUE, width=0.8)
    axes.bar_label(bars, [f"{p:.2f}" for p in probabilities], padding=2, fontsize=10)
    axes.set_xticks(place, [*map(plain, words)], rotation=35, ha="right", rotation_mode="anchor")
    axes.set(ylim=(0, 1.12), yticks=(0, 0.5, 1), ylabel="probability")
    return axes


def best_words(
    axes: Axes, words: Sequence[Sequence[str]], probabilities: np.ndarray, chosen: Sequence[str], now: int | None = None
) -> Axes:
    """The best words at each step as a table: a column a step, most probable on top, darker is more probable.

    ``words[t]`` and ``probabilities[t]`` (0..1) are the best at step t; ``chosen[t]`` is framed. Words with less than
    0.01 are left out.
    ``now``: the step whose column is marked.
    """
    probabilities = np.asarray(probabilities)
    steps, ranks = probabilities.shape
    axes.imshow(probabilities.T, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    for t in range(steps):
        for rank in range(ranks):
            p, word = probabilities[t, rank], words[t][rank]
            taken = word == chosen[t]
            if p < LEAST and not taken:
                continue
            axes.text(
                t,
                rank,
                f"{plain(word)}\n{p:.2f}",
                ha="center",
                va="center",
                fontsize=min(9, 900 / (steps * len(word))),  # a long word of a long sentence stays in its column
                color="white" if p > 0.55 else "black",
                fontweight="bold" if taken else "normal",
            )
            if taken:
                axes.add_patch(
                    mpl.patches.Rectangle((t - 0.48, rank - 0.48), 0.96, 0.96, fill=False, edgecolor=ORANGE, lw=2.5)
                )
    if now is not None:
        axes.axvspan(now - 0.5, now + 0.5, fill=False, edgecolor=GREY, lw=2, linestyle="--")
    axes.set_xticks(range(steps), range(1, steps + 1))
    axes.set_yticks(range(ranks), range(1, ranks + 1))
    axes.set_xlabel("step")
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
    branches, words = _branches_and_words(levels, best)
    for x, (y0, y1), colour, on_path, carried in branches:
        axes.plot(
            [x, x + 1], [y0, y1], linestyle=":" if carried else "-", color=colour, lw=2.5 if on_path else 1.2, zorder=1
        )
    for x, y, word, below, colour in words:
        axes.text(x, y, plain(f"{word}\n{below}" if below else word), **_box(colour))
    axes.set(xlim=(-0.5, len(levels) + 0.5), xticks=range(len(levels) + 1), yticks=[], xlabel="step")
    top = _widest(levels) / 2 + 0.2
    axes.set_ylim(-top, top)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return axes


def beam_tree_svg(levels: Sequence[Sequence[Node]], best: int | None = 0) -> str:
    """The same tree as SVG text: drawn in a few milliseconds, for a view that must answer at once."""
    step, row, widest = 116, 54, _widest(levels)
    branches, words = _branches_and_words(levels, best)
    width, height = (len(levels) + 1) * step, widest * row + 24

    def place(x: float, y: float) -> tuple[float, float]:
        return (x + 0.5) * step, (widest / 2 - y) * row

    drawn = []
    for x, (y0, y1), colour, on_path, carried in branches:
        (left, begin), (right, end) = place(x, y0), place(x + 1, y1)
        style = f'stroke="{colour}" stroke-width="{4 if on_path else 1.8}"' + (
            ' stroke-dasharray="2 5"' if carried else ""
        )
        drawn.append(f'<line x1="{left}" y1="{begin}" x2="{right}" y2="{end}" {style}/>')
    for x, y, word, below, colour in words:
        across, down = place(x, y)
        drawn.append(
            f'<rect x="{across - 38}" y="{down - 20}" width="76" height="40" rx="6" fill="white" stroke="{colour}"'
            f' stroke-width="2"/><text x="{across}" y="{down - 3 if below else down + 5}">{escape(word)}</text>'
            f'<text x="{across}" y="{down + 14}">{below}</text>'
        )
    drawn += [f'<text x="{(t + 0.5) * step}" y="{height - 5}">{t}</text>' for t in range(len(levels) + 1)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="sans-serif" font-size="15" text-anchor="middle">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(drawn)}</svg>'
    )


def _branches_and_words(levels: Sequence[Sequence[Node]], best: int | None) -> tuple[list, list]:
    """Branches (x, (y before, y after), colour, on the path, carried) and words (x, y, word, number, colour)."""
    alive, path = _alive(levels), _path(levels, best)
    branches, words = [], [(0, 0.0, "start", "", BLUE if best is None else ORANGE)]
    for t, level in enumerate(levels):
        before = levels[t - 1] if t else [Node("", 0, 0.0)]
        for k, node in enumerate(level):
            carried = before[node.parent].finished
            colour = ORANGE if (t, k) in path else BLUE if (t, k) in alive else GREY
            heights = _height(node.parent, len(before)), _height(k, len(level))
            branches.append((t, heights, colour, (t, k) in path, carried))
            if not carried:
                words.append((t + 1, heights[1], node.word, f"{node.log_prob:.2f}", colour))
    return branches, words


def _widest(levels: Sequence[Sequence[Node]]) -> int:
    return max((len(level) for level in levels), default=1)


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
