"""Toy Kitchen on paper: a strip of frames for each class, stills with their captions, the three tasks of LRCN."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from lrcn_utils.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE


def class_strips(
    videos: dict[str, np.ndarray], n: int = 4, across: int = 2, colours: dict[str, str] | None = None
) -> Figure:
    """``n`` frames of one video of each class: ``videos`` maps a title to uint8 (time, height, width, 3).

    ``across``: strips side by side. ``colours``: a colour behind each title, to show what belongs together.
    """
    down = -(-len(videos) // across)
    figure, axes = plt.subplots(down, across, figsize=(11, down * 0.93), squeeze=False, layout="constrained")
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, (title, frames) in zip(axes.ravel(), videos.items(), strict=False):
        chosen = np.linspace(0, len(frames) - 1, n).round().astype(int)
        gap = np.full((frames.shape[1], 3, 3), 255, np.uint8)
        picture = np.concatenate([part for k in chosen for part in (frames[k], gap)], axis=1)
        axis.imshow(picture)
        name = axis.text(-12, picture.shape[0] / 2, title, ha="right", va="center", fontsize=11)
        if colours:
            name.set(color="white", bbox={"boxstyle": "round,pad=0.3", "fc": colours[title], "ec": "none"})
    return figure


def stills_with_captions(images: list[np.ndarray], captions: list[list[str]]) -> Figure:
    """Stills, uint8 (height, width, 3), each above its captions."""
    texts = [
        "\n".join(textwrap.fill(f"{k}. {line}", 46, subsequent_indent="   ") for k, line in enumerate(lines, 1))
        for lines in captions
    ]
    heights = [3.1, 0.21 * max(text.count("\n") + 1 for text in texts)]
    figure, axes = plt.subplots(
        2, len(images), figsize=(12, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for column, (image, text) in enumerate(zip(images, texts, strict=True)):
        axes[0, column].imshow(image)
        axes[1, column].text(0, 1, text, va="top", fontsize=10.5, transform=axes[1, column].transAxes)
    for axis in axes.ravel():
        axis.set_axis_off()
    return figure


def three_tasks(frames: np.ndarray, image: np.ndarray) -> Figure:
    """The three shapes of LRCN: frames to one label, one image to words, frames to words.

    ``frames``: uint8 (time, height, width, 3). ``image``: uint8 (height, width, 3).
    """
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.1), width_ratios=[4.4, 4.4, 7.4], layout="constrained")
    some = lambda n: list(frames[np.linspace(0, len(frames) - 1, n).round().astype(int)])  # noqa: E731
    _task(axes[0], "Activity recognition", "frames in, one label out", some(4), ["Stir"] * 4)
    _bracket(axes[0], 0, 3, "average: Stir")
    _task(axes[1], "Image captioning", "one image in, words out", [image], ["three", "green", "apples", "<eos>"])
    axes[1].plot([0.4, 3], [1.42, 1.42], color=GREY, lw=1.3, zorder=1)
    axes[1].text(
        2.15, 0.36, "every step sees the image\nand the word before", fontsize=10, color=GREY, va="center", ha="center"
    )
    words = ["", "", "", "the", "person", "stirs", "soup"]
    _task(axes[2], "Video description", "frames in, words out", some(3), words)
    _bracket(axes[2], 0, 2, "read the frames", y=2.86)
    axes[2].text(
        4.5, 1.42, "then write: each step sees\nthe word before", ha="center", va="center", fontsize=10.5, color=GREY
    )
    return figure


def _task(axis, title: str, subtitle: str, pictures: list[np.ndarray], outputs: list[str]) -> None:
    """Pictures below, CNN, LSTM, outputs above, time to the right; a single picture serves every step.

    Where there are more outputs than pictures they are words, and each goes into the next step.
    """
    writes = len(outputs) > len(pictures)
    axis.set_title(title, fontsize=14, weight="bold", loc="center")
    middle = (len(outputs) - 1) / 2
    axis.text(middle, 4.2, subtitle, ha="center", fontsize=11.5, color=GREY)
    half = 0.62 if len(pictures) == 1 else 0.44
    for t, picture in enumerate(pictures):
        tall = half * picture.shape[0] / picture.shape[1]
        axis.imshow(picture, extent=(t - half, t + half, 0.36 - tall, 0.36 + tall), zorder=2)
        _box(axis, t, 1.42, "CNN", BLUE)
        _arrow(axis, (t, 0.36 + tall + 0.05), (t, 1.19))
    for t, output in enumerate(outputs):
        _box(axis, t, 2.4, "LSTM", ORANGE)
        if t < len(pictures):
            _arrow(axis, (t, 1.64), (t, 2.17))
        elif len(pictures) == 1:
            _arrow(axis, (t, 1.42), (t, 2.17))
        if t:
            _arrow(axis, (t - 0.6, 2.4), (t - 0.4, 2.4))
        if output:
            _arrow(axis, (t, 2.62), (t, 3.08))
            axis.text(t, 3.25, output, ha="center", va="center", fontsize=11.5, color=GREEN, weight="bold")
        if t and outputs[t - 1] and writes:
            _arrow(axis, (t - 0.82, 3.1), (t - 0.2, 2.62), GREEN)
    axis.set(xlim=(-0.7, len(outputs) - 0.3), ylim=(-0.3, 4.5), aspect="equal")
    axis.set_axis_off()


def _bracket(axis, first: int, last: int, text: str, y: float = 3.52) -> None:
    """What the steps ``first`` to ``last`` do together, above them."""
    axis.plot([first, first, last, last], [y - 0.1, y, y, y - 0.1], color=GREY, lw=1.3)
    axis.text((first + last) / 2, y + 0.12, text, ha="center", va="bottom", fontsize=12, color=PURPLE, weight="bold")


def _box(axis, x: float, y: float, text: str, colour: str, width: float = 0.78, height: float = 0.42) -> None:
    corner, style = (x - width / 2, y - height / 2), "round,pad=0,rounding_size=0.08"
    axis.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, fc=colour, ec="none"))
    axis.text(x, y, text, ha="center", va="center", color="white", fontsize=11, weight="bold")


def _arrow(axis, start: tuple[float, float], end: tuple[float, float], colour: str = GREY) -> None:
    style = {"arrowstyle": "-|>", "mutation_scale": 11, "color": colour, "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
    axis.add_patch(FancyArrowPatch(start, end, **style))
