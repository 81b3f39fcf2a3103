"""The retrieval gallery: choose a caption and see the images ranked for it, or an image and see its captions."""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest

import ipywidgets as w
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from lrcn_utils.metrics.retrieval import normalise, ranks
from lrcn_utils.plots.style import GREEN, GREY, plain
from lrcn_utils.widgets.drawing import WRAP

TO_IMAGES, TO_CAPTIONS = "caption to image", "image to caption"


@dataclass(frozen=True)
class Found:
    """One place of a ranked list: 1 is the top. ``item`` is the row of the image, or the column of the caption."""

    place: int
    item: int
    score: float
    true: bool


class Gallery:
    """The gallery's logic, without widgets: ranked lists either way, from raw or from normalised scores."""

    def __init__(
        self, log_probs: np.ndarray, owners: Sequence[int], captions: Sequence[str], pictures: Sequence[np.ndarray]
    ):
        """``log_probs``: (images, captions), log p(caption | image). ``owners``: the image of each caption.

        ``pictures``: uint8 (height, width, 3) each. Raises ValueError when the counts do not fit.
        """
        if log_probs.shape != (len(pictures), len(captions)) or len(owners) != len(captions):
            raise ValueError(
                f"scores {log_probs.shape} do not fit {len(pictures)} pictures, {len(captions)} captions "
                f"and {len(owners)} owners"
            )
        self.scores = {False: log_probs, True: normalise(log_probs)}
        self.captions, self.pictures = list(captions), list(pictures)
        self.truth = np.asarray(owners) == np.arange(len(pictures))[:, None]

    def ranked(self, way: str, query: int, normalised: bool = True, most: int = 8) -> list[Found]:
        """The first ``most`` items for ``query``, and the best true one after them if it is not among them."""
        scores, truth = self.scores[normalised], self.truth
        row, true = (scores[:, query], truth[:, query]) if way == TO_IMAGES else (scores[query], truth[query])
        order = sorted(range(len(row)), key=lambda item: (-row[item], true[item]))  # ties go against the model
        found = [Found(n, item, float(row[item]), bool(true[item])) for n, item in enumerate(order, start=1)]
        return found[:most] + [one for one in found if one.true and one.place > most][: not any(true[order[:most]])]

    def rank(self, way: str, query: int, normalised: bool = True) -> int:
        """The place of the first true item, as `lrcn_utils.metrics.retrieval.ranks` counts it."""
        scores, truth = self.scores[normalised], self.truth
        if way == TO_IMAGES:
            scores, truth = scores.T, truth.T
        return int(ranks(scores[query : query + 1], truth[query : query + 1])[0])

    def figure(self, way: str, query: int, normalised: bool = True, most: int = 8) -> Figure:
        """The ranked list on paper: truth has a thick green frame (images) or a filled mark (captions)."""
        found = self.ranked(way, query, normalised, most)
        of = len(self.pictures) if way == TO_IMAGES else len(self.captions)
        heading = f"first true item in place {self.rank(way, query, normalised)} of {of}"
        if way == TO_IMAGES:
            figure = Figure(figsize=(11, 2.0), dpi=80, layout="none")
            title = plain(textwrap.shorten(f'"{self.captions[query]}"', 110))
            figure.suptitle(f"{title}\n{heading}", x=0.01, ha="left", fontsize=12)
            for column, one in enumerate(found):
                axes = figure.add_axes((0.01 + column * 0.99 / (most + 1), 0.01, 0.97 / (most + 1), 0.62))
                axes.imshow(self.pictures[one.item])
                axes.set(xticks=[], yticks=[])
                axes.set_title(f"{one.place}: {one.score:.1f}", fontsize=10, color=GREEN if one.true else "black")
                for spine in axes.spines.values():
                    spine.set(visible=True, color=GREEN if one.true else GREY, linewidth=5 if one.true else 0.5)
            return figure
        figure = Figure(figsize=(11, 3.4), dpi=80, layout="none")
        axes = figure.add_axes((0.01, 0.04, 0.27, 0.86))
        axes.imshow(self.pictures[query])
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_title(heading, fontsize=12, loc="left")
        for line, one in enumerate(found):
            y = 0.86 - line * 0.85 / (most + 1)
            mark, colour, weight = ("●", GREEN, "bold") if one.true else ("○", "black", "normal")
            caption = plain(textwrap.shorten(self.captions[one.item], 72))
            text = f"{mark} {one.place:>3}  {one.score:6.1f}  {caption}"
            figure.text(0.30, y, text, color=colour, weight=weight, fontsize=11, va="top")
        return figure


class RetrievalGallery(w.VBox):
    """The gallery with its controls: direction, query, normalised scores or not."""

    def __init__(self, gallery: Gallery, most: int = 8):
        self.gallery, self.most = gallery, most
        narrow = {"description_width": "80px"}
        self.way = w.ToggleButtons(options=[TO_IMAGES, TO_CAPTIONS], description="Search", style=narrow)
        self.query = w.IntSlider(
            description="Caption",
            min=0,
            max=len(gallery.captions) - 1,
            continuous_update=False,
            style=narrow,
            layout=w.Layout(width="420px"),
        )
        self.normalised = w.Checkbox(value=True, description="Normalised scores", indent=False)
        self.asked = w.HTML()
        self.picture = w.Image(format="jpeg", width=160)
        self.tiles = [_tile() for _ in range(most + 1)]
        self.lines = w.HTML()
        self.images = w.HBox(self.tiles, layout=WRAP)
        controls = [self.way, w.HBox([self.query, self.normalised], layout=WRAP)]
        super().__init__([*controls, self.asked, self.images, w.HBox([self.picture, self.lines], layout=WRAP)])
        self.way.observe(self._turn, names="value")
        for control in (self.query, self.normalised):
            control.observe(self._draw, names="value")
        self._draw()

    def _turn(self, change) -> None:
        to_images = change["new"] == TO_IMAGES
        self.query.value = 0
        self.query.max = len(self.gallery.captions if to_images else self.gallery.pictures) - 1
        self.query.description = "Caption" if to_images else "Image"
        self._draw()

    def _draw(self, _=None) -> None:
        gallery, way, query = self.gallery, self.way.value, self.query.value
        found = gallery.ranked(way, query, self.normalised.value, self.most)
        place = f"First true item in place <b>{gallery.rank(way, query, self.normalised.value)}</b>"
        to_images = way == TO_IMAGES
        if to_images:
            self.asked.value = _large(f"{escape(gallery.captions[query])}<br>{place} of {len(gallery.pictures)}")
            for tile, one in zip_longest(self.tiles, found):
                _fill(tile, one, gallery.pictures)
        else:
            self.asked.value = _large(f"{place} of {len(gallery.captions)}")
            self.picture.value = _jpeg(gallery.pictures[query])
            lines = "".join(_line(one, gallery.captions[one.item]) for one in found)
            self.lines.value = f'<table style="font-size:15px">{lines}</table>'
        for part, wanted in ((self.images, to_images), (self.picture, not to_images), (self.lines, not to_images)):
            part.layout.display = "" if wanted else "none"

    def figure(self) -> Figure:
        """What the gallery shows now, on paper."""
        return self.gallery.figure(self.way.value, self.query.value, self.normalised.value, self.most)


def _tile() -> w.VBox:
    return w.VBox([w.Image(format="jpeg", width=110), w.HTML()], layout=w.Layout(margin="2px", align_items="center"))


def _fill(tile: w.VBox, one: Found | None, pictures: Sequence[np.ndarray]) -> None:
    tile.layout.display = "" if one else "none"
    if one:
        image, label = tile.children
        image.value = _jpeg(pictures[one.item])
        label.value = f"<b>{one.place}</b>: {one.score:.1f}" + (" true" if one.true else "")
        tile.layout.border = f"6px solid {GREEN if one.true else 'transparent'}"


def _line(one: Found, caption: str) -> str:
    style = f' style="color:{GREEN}; font-weight:bold"' if one.true else ""
    mark = "true" if one.true else ""
    cells = (str(one.place), f"{one.score:.1f}", mark, escape(caption))
    return f"<tr{style}>" + "".join(f'<td style="padding:2px 8px">{cell}</td>' for cell in cells) + "</tr>"


def _large(html: str) -> str:
    return f'<div style="font-size:16px">{html}</div>'


def _jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="jpeg", quality=90)
    return buffer.getvalue()
