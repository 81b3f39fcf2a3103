"""Diagrams of video description: a CRF and its messages, the three decoders, the clocks of encoder and decoder."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from lrcn_utils.plots.diagrams import INK, Point, arrow, box, canvas, label
from lrcn_utils.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY

SMALL = 12  # points
CLOCKS = {"cvpr": "CVPR: T + T' steps", "v4": "journal: T + T' - 1 steps"}


def crf_star(centre: str, leaves: Sequence[str]) -> Figure:
    """The graph of a CRF in which every slot of ``leaves`` (2 or more) hangs on the slot ``centre``.

    A circle is a slot, a grey box its unary. A purple arrow is the message of a leaf: one number for each state of
    the centre. Raises ValueError for fewer than two leaves.
    """
    if len(leaves) < 2:
        raise ValueError(f"leaves: a star has at least two, got {len(leaves)}")
    gap = 2.9
    width = gap * len(leaves) + 0.4
    figure = canvas(width, 6.4)
    [axis] = figure.axes
    middle = width / 2, 5.2
    _unary(axis, (middle[0] + 2.4, middle[1]), (middle[0] + 0.8, middle[1]))
    for number, name in enumerate(leaves):
        at = 0.2 + gap * (number + 0.5), 2.3
        start, end = _between(at, middle, 0.8)
        arrow(axis, [start, end], PURPLE)
        side = -1 if at[0] < middle[0] else 1
        place = (start[0] + end[0]) / 2 + 0.42 * side, (start[1] + end[1]) / 2 + 0.12
        label(axis, place, f"$m_{{{number + 1}}}$", PURPLE)
        _slot(axis, at, name)
        _unary(axis, (at[0], 0.6), (at[0], at[1] - 0.8))
    _slot(axis, middle, centre)
    return figure


def _slot(axis: Axes, at: Point, name: str) -> None:
    axis.add_patch(Circle(at, 0.8, facecolor="white", edgecolor=BLUE, linewidth=2, zorder=3))
    label(axis, at, name, fontsize=SMALL, zorder=4)


def _unary(axis: Axes, at: Point, to: Point) -> None:
    """The box of a unary, joined to its slot by a line: what the classifier says."""
    axis.plot(*zip(at, to, strict=True), color=INK, linewidth=2, zorder=0)
    box(axis, at, "unary", GREY, (1.4, 0.7))


def _between(start: Point, end: Point, radius: float) -> tuple[Point, Point]:
    """Where a line from ``start`` to ``end`` leaves the circle round the first and meets that round the second."""
    away = np.subtract(end, start)
    step = radius * away / np.hypot(*away)
    return tuple(np.add(start, step)), tuple(np.subtract(end, step))


def three_decoders() -> Figure:
    """The paper's three ways from a tuple to a sentence, side by side (v4 Fig. 6).

    (a) reads the words of the tuple, and only its last state starts the writing; (b) has the most probable tuple as
    ones and zeros beside every word; (c) has the probabilities of all states there.
    """
    figure = canvas(19.6, 5.4)
    [axis] = figure.axes
    _encoder_decoder(axis, 0.2)
    _beside_every_word(axis, 9.0, "(b) maximum beside every word", [0, 1, 0, 0], ORANGE)
    _beside_every_word(axis, 14.4, "(c) probabilities beside every word", [0.15, 0.7, 0.1, 0.05], BLUE)
    return figure


def _encoder_decoder(axis: Axes, left: float) -> None:
    label(axis, (left, 5.0), "(a) read, then write", ha="left")
    read, written = ["stir", "spoon", "soup"], ["he", "stirs"]
    for t, word in enumerate(read + written):
        x = left + 0.75 + 1.65 * t
        reads = t < len(read)
        box(axis, (x, 2.4), "LSTM", SKY if reads else BLUE, (1.15, 0.8))
        if t + 1 < len(read + written):
            arrow(axis, [(x + 0.575, 2.4), (x + 1.65 - 0.575, 2.4)], PURPLE)
        if reads:
            label(axis, (x, 0.9), word, ORANGE)
        else:
            arrow(axis, [(x, 2.8), (x, 3.6)])
            label(axis, (x, 3.85), word, GREEN)
            label(axis, (x, 0.9), "<bos>" if t == len(read) else written[t - len(read) - 1], GREEN)
        arrow(axis, [(x, 1.2), (x, 2.0)])
    label(axis, (left + 0.75 + 1.65, 3.2), "encoder", fontsize=SMALL)
    label(axis, (left + 0.75 + 3.5 * 1.65, 4.4), "decoder", fontsize=SMALL)


def _beside_every_word(axis: Axes, left: float, title: str, values: Sequence[float], colour: str) -> None:
    label(axis, (left, 5.0), title, ha="left")
    for t, (heard, said) in enumerate((("<bos>", "he"), ("he", "stirs"))):
        x = left + 1.2 + 2.4 * t
        box(axis, (x, 2.4), "LSTM", BLUE, (1.15, 0.8))
        if t == 0:
            arrow(axis, [(x + 0.575, 2.4), (x + 2.4 - 0.575, 2.4)], PURPLE)
        arrow(axis, [(x, 2.8), (x, 3.6)])
        label(axis, (x, 3.85), said, GREEN)
        arrow(axis, [(x - 0.45, 1.2), (x - 0.25, 2.0)])
        label(axis, (x - 0.6, 0.9), heard, GREEN)
        _vector(axis, (x + 0.15, 0.45), values, colour)
        arrow(axis, [(x + 0.5, 1.3), (x + 0.25, 2.0)], colour)


def _vector(axis: Axes, corner: Point, values: Sequence[float], colour: str) -> None:
    """Bars of ``values`` (0..1) on a line of 0.8 units that begins at ``corner``."""
    width = 0.8 / len(values)
    for k, value in enumerate(values):
        axis.bar(corner[0] + (k + 0.5) * width, 0.75 * value + 0.03, 0.8 * width, corner[1], color=colour, zorder=2)
    axis.plot((corner[0], corner[0] + 0.8), (corner[1], corner[1]), color=INK, linewidth=1)


def two_clocks(frames: int = 4, words: Sequence[str] = ("he", "stirs", "<eos>")) -> Figure:
    """Both clocks of an encoder-decoder, one above the other: what each step sees, hears and says.

    ``frames``: T, at least 1; ``words``: the T' words that are said, at least one, the end of the sentence included.
    Raises ValueError for fewer.
    """
    if frames < 1 or not words:
        raise ValueError(f"frames, words: both clocks need at least one of each, got {frames} and {len(words)}")
    steps = frames + len(words)
    figure = canvas(2.2 + 1.5 * steps, 9.6)
    [axis] = figure.axes
    _clock(axis, 5.0, "cvpr", frames, words)
    _clock(axis, 0.2, "v4", frames, words)
    return figure


def _clock(axis: Axes, bottom: float, clock: str, frames: int, words: Sequence[str]) -> None:
    """One clock, 4.4 units high: a column a step, from below what is seen and heard, the LSTM, and what is said."""
    first = frames if clock == "cvpr" else frames - 1  # the step, from 0, at which the first word is said
    label(axis, (0.2, bottom + 4.0), CLOCKS[clock], ha="left")
    for height, name in ((3.2, "says"), (2.0, "LSTM"), (0.9, "hears"), (0.3, "sees")):
        label(axis, (0.2, bottom + height), name, GREY, ha="left", fontsize=SMALL)
    last = first + len(words) - 1
    for step in range(last + 1):
        x, spoken = 2.3 + 1.5 * step, step - first
        box(axis, (x, bottom + 2.0), str(step + 1), BLUE if spoken >= 0 else SKY, (0.9, 0.7))
        if step < last:
            arrow(axis, [(x + 0.45, bottom + 2.0), (x + 1.05, bottom + 2.0)], PURPLE)
        arrow(axis, [(x, bottom + 1.15), (x, bottom + 1.65)])
        if step < frames:
            label(axis, (x, bottom + 0.3), f"frame {step + 1}", BLUE, fontsize=SMALL)
        if spoken >= 0:
            heard = "<bos>" if spoken == 0 else words[spoken - 1]
            label(axis, (x, bottom + 0.9), heard, GREEN, fontsize=SMALL)
            arrow(axis, [(x, bottom + 2.35), (x, bottom + 2.95)])
            label(axis, (x, bottom + 3.2), words[spoken], GREEN, fontsize=SMALL)
