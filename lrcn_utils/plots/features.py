"""What is inside a CNN, as pictures: filters, feature maps, occlusion, neighbours, receptive fields.

All functions take arrays and return a ``Figure`` that pyplot does not keep. Images are float or uint8 RGB
(height, width, 3); float ones in 0..1.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from lrcn_utils.plots.style import DIVERGING, GREEN, GREY, PALETTE, SEQUENTIAL, VERMILION


def image_grid(
    images: Sequence[ArrayLike],
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    side: float = 1.4,
    marks: Sequence[bool] | None = None,
    title: str = "",
) -> Figure:
    """Images in rows of ``columns``, each with its title; ``side``: inches of one image.

    ``marks``: right (green frame) or wrong (vermilion frame) for each image.
    """
    rows = -(-len(images) // columns)
    size = (columns * side, rows * (side + (0.25 if titles else 0)) + (0.35 if title else 0))
    figure = Figure(figsize=size, layout="constrained")
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, axes in enumerate(cells):
        if number >= len(images):
            axes.set_axis_off()
            continue
        _picture(axes, images[number])
        if titles:
            axes.set_title(titles[number], fontsize=10, loc="center")
        if marks is not None:
            axes.spines[:].set(visible=True, linewidth=3, color=GREEN if marks[number] else VERMILION)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def filters(weight: ArrayLike, *, columns: int = 8, side: float = 0.9, title: str = "") -> Figure:
    """Filters (n, channels, k, k) as tiles.

    Three channels are shown as colours, each filter stretched to its own range (grey is zero); other numbers of
    channels as the mean over them, red for positive and blue for negative.
    """
    weight = np.asarray(weight, dtype=float)
    largest = np.abs(weight).max(axis=(1, 2, 3), keepdims=True) + 1e-12
    if weight.shape[1] == 3:
        tiles = (weight / largest / 2 + 0.5).transpose(0, 2, 3, 1)
        return image_grid(tiles, [str(n) for n in range(len(tiles))], columns=columns, side=side, title=title)
    return maps(weight.mean(axis=1), columns=columns, side=side, title=title, cmap=DIVERGING)


def maps(
    values: ArrayLike,
    *,
    columns: int = 8,
    side: float = 1.0,
    title: str = "",
    cmap: str = SEQUENTIAL,
    chosen: int | None = None,
) -> Figure:
    """Feature maps (channels, height, width), numbered, all on one scale. ``chosen``: a channel to frame."""
    values = np.asarray(values, dtype=float)
    rows = -(-len(values) // columns)
    figure = Figure(figsize=(columns * side, rows * (side + 0.22) + 0.35 * bool(title)), layout="constrained")
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    top = np.abs(values).max() + 1e-12
    for number, axes in enumerate(cells):
        if number >= len(values):
            axes.set_axis_off()
            continue
        axes.imshow(values[number], cmap=cmap, vmin=-top if cmap == DIVERGING else 0, vmax=top)
        axes.set(xticks=[], yticks=[])
        axes.set_title(str(number), fontsize=9, loc="center")
        axes.spines[:].set(visible=number == chosen, linewidth=3, color=VERMILION)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def occlusion(images: Sequence[ArrayLike], drops: Sequence[ArrayLike], titles: Sequence[str]) -> Figure:
    """Above the images, below how far the score falls when a patch at that place is covered (rows, columns).

    Red places carried the answer; blue places spoke against it.
    """
    n = len(images)
    figure = Figure(figsize=(2.1 * n + 0.6, 4.4), layout="constrained")
    cells = figure.subplots(2, n, squeeze=False)
    top = max(np.abs(np.asarray(drop)).max() for drop in drops) + 1e-12
    for column, (image, drop, title) in enumerate(zip(images, drops, titles, strict=True)):
        _picture(cells[0, column], image)
        cells[0, column].set_title(title, fontsize=10, loc="center")
        shown = cells[1, column].imshow(drop, cmap=DIVERGING, vmin=-top, vmax=top)
        cells[1, column].set(xticks=[], yticks=[])
        cells[1, column].spines[:].set(visible=True, color=GREY)
    figure.colorbar(shown, ax=cells[1].tolist(), label="fall of the score", shrink=0.9)
    return figure


def neighbours(
    queries: Sequence[ArrayLike], found: Sequence[Sequence[ArrayLike]], *, title: str = "", side: float = 1.3
) -> Figure:
    """Each query on the left, framed, and what was found for it on the right, nearest first."""
    columns = 1 + max(len(row) for row in found)
    size = (columns * side, len(queries) * side + 0.35)
    figure = Figure(figsize=size, layout="constrained")
    cells = figure.subplots(len(queries), columns, squeeze=False)
    for row, (query, images) in enumerate(zip(queries, found, strict=True)):
        for column, axes in enumerate(cells[row]):
            if column > len(images):
                axes.set_axis_off()
                continue
            _picture(axes, query if column == 0 else images[column - 1])
            axes.spines[:].set(visible=column == 0, linewidth=3, color=VERMILION)
    cells[0, 0].set_title("query", fontsize=10, loc="center")
    cells[0, 1].set_title("nearest", fontsize=10, loc="center")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def receptive_fields(image: ArrayLike, fields: Sequence[tuple[str, int, float]]) -> Figure:
    """Nested squares on ``image``: for each (name, size, centre) what one unit of that layer sees, in pixels."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    _picture(axes, image)
    for colour, (name, size, centre) in zip(PALETTE * len(fields), fields, strict=False):
        corner = centre - size / 2
        label = f"{name}: {size} pixels"
        axes.add_patch(Rectangle((corner, corner), size, size, fill=False, lw=2.5, color=colour, label=label))
    far = max(size / 2 + abs(centre) for _, size, centre in fields)
    side = np.asarray(image).shape[0]
    axes.set(xlim=(min(-1, side - far), max(side, far)), ylim=(max(side, far), min(-1, side - far)))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _picture(axes, image: ArrayLike) -> None:
    image = np.asarray(image)
    axes.imshow(image if image.dtype == np.uint8 else np.clip(image, 0, 1))
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
