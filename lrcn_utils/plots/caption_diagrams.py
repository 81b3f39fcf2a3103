"""Diagrams of captioners: where the image enters LRCN-1u, 2u, 2f and 4f, the m-RNN, and a small beam search.

Drawn with the boxes and arrows of ``diagrams``. The image is always green, what recurs is purple.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrcn_utils.plots.diagrams import Point, arrow, box, canvas, label
from lrcn_utils.plots.gates import COLOURS
from lrcn_utils.plots.style import BLUE, GREEN, GREY, ORANGE, SKY

# How many LSTMs there are, and which of them, counted from 0, the image enters.
ARRANGEMENTS = {"1u": (1, 0), "2u": (2, 0), "2f": (2, 1), "4f": (4, 1)}
WIDE, LEVEL = (2.2, 0.8), 1.25  # a box, and the way from one box up to the next


def arrangements(names: Sequence[str] = tuple(ARRANGEMENTS)) -> Figure:
    """LRCN's arrangements side by side, words from below to above: ``names`` of ``ARRANGEMENTS``, at least one.

    Raises ValueError for no name, or one that is not known.
    """
    unknown = [name for name in names if name not in ARRANGEMENTS]
    if unknown or not len(names):
        raise ValueError(f"names: choose at least one of {list(ARRANGEMENTS)}, got {list(names)}")
    tallest = max(ARRANGEMENTS[name][0] for name in names)
    figure = canvas(5.5 * len(names), LEVEL * (tallest + 1) + 2.0)
    [axis] = figure.axes
    for column, name in enumerate(names):
        _arrangement(axis, 5.5 * column + 1.8, name)
    return figure


def _arrangement(axis: Axes, x: float, name: str) -> None:
    layers, entered = ARRANGEMENTS[name]
    label(axis, (x, 0.4), f"LRCN-{name}", weight="bold")
    heights = [1.3 + LEVEL * level for level in range(layers + 2)]
    texts = ["word before", *(f"LSTM {layer}" for layer in range(1, layers + 1)), "softmax"]
    colours = [SKY, *[BLUE] * layers, ORANGE]
    _stack(axis, x, heights, texts, colours)
    for y in heights[1:-1]:
        _loop(axis, x, y)
    y = heights[1 + entered]
    box(axis, (x + 2.6, y), "image", GREEN, (1.4, 0.8))
    arrow(axis, [(x + 1.9, y), (x + 1.1, y)], GREEN)


def _stack(axis: Axes, x: float, heights: Sequence[float], texts: Sequence[str], colours: Sequence[str]) -> None:
    """Boxes with their middles at ``heights``, from below to above, each joined to the next by an arrow."""
    for y, text, colour in zip(heights, texts, colours, strict=True):
        box(axis, (x, y), text, colour, WIDE)
    for lower, upper in zip(heights[:-1], heights[1:], strict=True):
        arrow(axis, [(x, lower + 0.4), (x, upper - 0.4)])


def _loop(axis: Axes, x: float, y: float) -> None:
    """The state that goes from one step to the next: out of the box's left side and in again."""
    left = x - 1.1
    points = [(left, y + 0.2), (left - 0.5, y + 0.2), (left - 0.5, y - 0.2), (left, y - 0.2)]
    arrow(axis, points, COLOURS["hidden"])


def unrolled_captioner(words: Sequence[str]) -> Figure:
    """LRCN-2f over time, for the sentence ``words`` (at least one): each step reads a word and says the next one."""
    if not len(words):
        raise ValueError("words: a sentence to draw needs at least one")
    gap, read, said = 3.5, ["<bos>", *words], [*words, "<eos>"]
    heights = [0.6 + LEVEL * level for level in range(4)]
    figure = canvas(gap * len(read) + 1.0, heights[-1] + 0.7)
    [axis] = figure.axes
    for step, (before, after) in enumerate(zip(read, said, strict=True)):
        x = 3.2 + gap * step
        _stack(axis, x, heights, [before, "LSTM 1", "LSTM 2", after], [SKY, BLUE, BLUE, ORANGE])
        if step:
            for y in heights[1:3]:
                arrow(axis, [(x - gap + 1.1, y), (x - 1.1, y)], COLOURS["hidden"])
        # The image comes from the lower left, so that it crosses nothing.
        arrow(axis, [(x - 1.7, heights[0] + 0.4), (x - 1.7, heights[2] - 0.28), (x - 1.1, heights[2] - 0.28)], GREEN)
        label(axis, (x - 1.75, heights[0]), "image", GREEN, fontsize=12)
    return figure


def multimodal_rnn() -> Figure:
    """The m-RNN of Mao et al.: the recurrent layer sees words only; the image joins just before the softmax."""
    figure = canvas(12.4, 7.2)
    [axis] = figure.axes
    heights = [0.6, 1.85, 3.1, 5.1, 6.5]
    texts = ["word before", "embedding 1", "embedding 2", "multimodal", "softmax"]
    for y, text, colour in zip(heights, texts, [SKY, GREY, GREY, ORANGE, ORANGE], strict=True):
        box(axis, (6.2, y), text, colour, (2.6, 0.8))
    for lower, upper in ((0, 1), (1, 2), (2, 3), (3, 4)):
        arrow(axis, [(6.2, heights[lower] + 0.4), (6.2, heights[upper] - 0.4)])
    box(axis, (2.2, 4.1), "recurrent", BLUE, WIDE)
    _loop(axis, 2.2, 4.1)
    arrow(axis, [(4.9, 3.1), (2.2, 3.1), (2.2, 3.7)])
    arrow(axis, [(2.2, 4.5), (2.2, 5.1), (4.9, 5.1)], COLOURS["hidden"])
    box(axis, (10.4, 5.1), "image", GREEN, (1.4, 0.8))
    arrow(axis, [(9.7, 5.1), (7.5, 5.1)], GREEN)
    return figure


@dataclass(frozen=True)
class Candidate:
    """One beginning of a sentence after a step of beam search: its words, its probability, and whether it is kept."""

    words: tuple[str, ...]
    p: float
    kept: bool = False
    finished: bool = False


def beam(levels: Sequence[Sequence[Candidate]]) -> Figure:
    """A small beam search: a column a step, all candidates in it, the most probable on top.

    ``levels[t]``: the candidates of step t, at most about six. Those that are dropped are grey; the way to the best
    of the last level is orange; a finished sentence that waits is joined to itself by a dotted line. Raises
    ValueError without levels, or for a candidate whose beginning was not kept in the level before.
    """
    if not len(levels) or not all(map(len, levels)):
        raise ValueError("levels: a beam search to draw needs at least one step, and each step a candidate")
    gap, row = 4.1, 0.95
    height = row * max(map(len, levels)) + 1.0
    figure = canvas(gap * len(levels) + 2.0, height)
    [axis] = figure.axes
    best = max(levels[-1], key=lambda one: one.p).words
    places: dict[tuple[str, ...], Point] = {(): (0.9, (height + 0.6) / 2)}
    box(axis, places[()], "start", ORANGE, (1.3, 0.75))
    waiting: set[tuple[str, ...]] = set()
    for step, level in enumerate(levels):
        ordered, x = sorted(level, key=lambda one: -one.p), 3.9 + gap * step
        top = (height + 0.6) / 2 + row * (len(ordered) - 1) / 2
        label(axis, (x, 0.35), f"step {step + 1}", fontsize=12)
        now = {}
        for place, one in enumerate(ordered):
            parent = one.words if one.words in waiting else one.words[:-1]
            if parent not in places:
                raise ValueError(
                    f"levels: {' '.join(one.words)!r} in step {step + 1} goes on from nothing that was kept"
                )
            at = (x, top - row * place)
            _candidate(axis, places[parent], at, one, _colour(one, best), one.words in waiting)
            now[one.words] = at, one
        places = {words: at for words, (at, one) in now.items() if one.kept}
        waiting = {words for words, (_, one) in now.items() if one.kept and one.finished}
    return figure


def _colour(one: Candidate, best: tuple[str, ...]) -> str:
    if not one.kept:
        return GREY
    return ORANGE if best[: len(one.words)] == one.words else BLUE


def _candidate(axis: Axes, start: Point, at: Point, one: Candidate, colour: str, waits: bool) -> None:
    left, right = start[0] + (0.65 if start[0] < 1 else 1.3), at[0] - 1.3
    style = ":" if waits else "-"
    axis.plot((left, right), (start[1], at[1]), color=colour, linewidth=2 if one.kept else 1, linestyle=style, zorder=1)
    box(axis, at, f"{one.words[-1]}  {one.p:.2f}", colour, (2.6, 0.75))
