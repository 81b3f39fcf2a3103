"""Caption explorer and beam tree: choose or upload an image, choose a decoder, and see every word being chosen."""

from collections.abc import Sequence
from html import escape

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from lrcn_utils.inference.captioning import DECODERS, Captions, Picture, Settings
from lrcn_utils.plots import text
from lrcn_utils.plots.style import ORANGE
from lrcn_utils.widgets.drawing import WRAP, png, sheet, unheard
from lrcn_utils.widgets.upload import Upload

NOTE = "The model knows only what it learned from; of any other image it speaks as surely, and is wrong."


class CaptionExplorer(ipywidgets.VBox):
    """Choose or upload an image, a decoder and its settings; read the sentences; step through one word by word."""

    def __init__(self, captions: Captions):
        self.logic = captions
        wide, slider, self.choice = _controls(captions)
        self.upload = Upload("your own image", "image/*", NOTE, self._uploaded)
        self.decoder = ipywidgets.Dropdown(options=DECODERS, value="beam search", description="decoder", **wide)
        self.width = ipywidgets.IntSlider(3, 1, 10, description="beams", **slider)
        self.n = ipywidgets.SelectionSlider(options=[1, 10, 25, 100], value=10, description="samples N", **slider)
        self.t = ipywidgets.FloatSlider(1.5, min=0.5, max=3, step=0.25, description="sharpness T", **slider)
        self.number = ipywidgets.Dropdown(description="sentence", **wide)
        self.step = ipywidgets.IntSlider(1, 1, 2, description="words", **slider)
        self.screen = ipywidgets.Image(format="png", layout=ipywidgets.Layout(width="240px", object_fit="contain"))
        self.message, self.table = ipywidgets.HTML(), ipywidgets.HTML()
        self.settings_box = ipywidgets.VBox()
        left = [self.choice, self.upload, self.decoder, self.settings_box, self.number, self.step]
        super().__init__([ipywidgets.HBox([ipywidgets.VBox(left), self.screen, self.message], layout=WRAP), self.table])
        self.upload.button.disabled = captions.look is None
        self.choice.observe(self._listed, "value")
        for control in (self.decoder, self.width, self.n, self.t):
            control.observe(self._decode, "value")
        self.number.observe(self._choose, "value")
        self.step.observe(self._show, "value")
        self._open(captions.pictures[0])

    @property
    def settings(self) -> Settings:
        """The present decoder and its settings."""
        return Settings(self.decoder.value, self.width.value, self.n.value, self.t.value)

    def figure(self) -> Figure:
        """The present view, for paper."""
        return caption_figure(self.logic, self.picture, self.settings, self.number.value)

    def _listed(self, _) -> None:
        if self.choice.value is not None:
            self._open(self.logic.pictures[self.choice.value])
            self.upload.clear()

    def _uploaded(self, name: str, content: bytes) -> None:
        self._open(self.logic.open(name, content))
        self.choice.value = None  # none of the list is on show, so each of them can be chosen

    def _open(self, picture: Picture) -> None:
        self.picture = picture
        height, width = picture.pixels.shape[:2]
        scale = min(240 / width, 480 / height)
        self.screen.value = png(picture.pixels, (max(1, round(scale * width)), max(1, round(scale * height))))
        self._decode()

    def _decode(self, _=None) -> None:
        kinds = {"greedy": (), "beam search": (self.width,), "sampling": (self.n, self.t)}
        self.settings_box.children = kinds[self.decoder.value]
        self.sentences = self.logic.sentences(self.picture, self.settings)
        with unheard(self._choose, self.number):
            self.number.options = [
                (f"{i + 1}: log p {found.log_prob:.2f}", i) for i, found in enumerate(self.sentences)
            ]
            self.number.value = 0
        self._choose()

    def _choose(self, _=None) -> None:
        hypothesis = self.sentences[self.number.value]
        self.shown = (self.logic.words(hypothesis), *self.logic.steps(self.picture, hypothesis))
        with unheard(self._show, self.step):
            self.step.max = len(self.shown[0])
            self.step.value = self.step.max
        self._show()

    def _show(self, _=None) -> None:
        chosen, words, best, probabilities = self.shown
        count = self.step.value
        said = escape(" ".join(chosen[:count]))
        truth = "".join(f"<br>reference: {escape(caption)}" for caption in self.picture.references)
        total = np.log(probabilities[:count]).sum()
        self.message.value = f'<div style="font-size:15px"><b>{said}</b><br>log p so far {total:.2f}{truth}</div>'
        self.table.value = best_words_table(words[:count], best[:count], chosen[:count])


class BeamTree(ipywidgets.VBox):
    """The tree of a beam search: every beam that was kept, step by step, and the path to one of the last."""

    def __init__(self, captions: Captions):
        self.logic = captions
        _, slider, self.choice = _controls(captions)
        self.width = ipywidgets.IntSlider(3, 1, 5, description="beams", **slider)
        self.path = ipywidgets.IntSlider(1, 1, 3, description="path to", **slider)
        self.steps = ipywidgets.IntSlider(1, 1, 2, description="steps", **slider)
        self.screen = ipywidgets.Image(format="svg+xml")
        controls = [ipywidgets.VBox([self.choice, self.width]), ipywidgets.VBox([self.path, self.steps])]
        super().__init__([ipywidgets.HBox(controls, layout=WRAP), sheet(self.screen, "max-content")])
        for control in (self.choice, self.width):
            control.observe(self._search, "value")
        for control in (self.path, self.steps):
            control.observe(self._show, "value")
        self._search()

    @property
    def picture(self) -> Picture:
        """The image on show."""
        return self.logic.pictures[self.choice.value]

    def figure(self) -> Figure:
        """The present view, for paper."""
        return tree_figure(self.logic, self.picture, self.width.value, self.path.value - 1, self.steps.value)

    def _search(self, _=None) -> None:
        self.levels = tree(self.logic, self.picture, self.width.value)
        with unheard(self._show, self.path, self.steps):
            self.steps.max = len(self.levels)
            self.steps.value = self.steps.max
            self.path.max = self.width.value
        self._show()

    def _show(self, _=None) -> None:
        levels = self.levels[: self.steps.value]
        best = min(self.path.value, len(levels[-1])) - 1
        self.screen.value = text.beam_tree_svg(levels, best).encode()


def tree(captions: Captions, picture: Picture, width: int) -> list[list[text.Node]]:
    """The beams after every step of a beam search, best first."""
    words = captions.vocabulary.words
    levels = []
    for level in captions.beams(picture, width):
        parts = (part[0].tolist() for part in (level.words, level.parents, level.log_probs, level.finished))
        beams = zip(*parts, strict=True)
        levels.append([text.Node(words[word], *rest) for word, *rest in beams if rest[1] != -np.inf])
    return levels


def caption_figure(captions: Captions, picture: Picture, settings: Settings, number: int = 0) -> Figure:
    """The image, its best sentences, and the five best words at every step of sentence ``number``."""
    sentences = captions.sentences(picture, settings)
    hypothesis = sentences[number]
    words, best, probabilities = captions.steps(picture, hypothesis)
    figure = Figure(figsize=(14, 6.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 3.2))
    best_four = [f"{i + 1}. {' '.join(captions.words(h)[:-1])} ({h.log_prob:.1f})" for i, h in enumerate(sentences[:4])]
    text.captioned(left, picture.pixels, best_four, 36)
    left.set_title(named(settings))
    text.best_words(right, [row[:5] for row in words], best[:, :5], captions.words(hypothesis))
    right.set_title(f"sentence {number + 1}: log probability {np.log(probabilities).sum():.2f}")
    return figure


def tree_figure(captions: Captions, picture: Picture, width: int, best: int = 0, steps: int | None = None) -> Figure:
    """The image beside the tree of a beam search; the path to the final beam ``best`` is orange."""
    levels = tree(captions, picture, width)[:steps]
    # Fixed places, not a layout computed from the texts: that takes several times as long as all the drawing.
    figure = Figure(figsize=(14, 1.4 + 0.62 * width), layout="none")
    left, right = figure.add_axes((0.01, 0.15, 0.13, 0.7)), figure.add_axes((0.15, 0.15, 0.84, 0.75))
    text.captioned(left, picture.pixels, [])
    text.beam_tree(right, levels, min(best, len(levels[-1]) - 1))
    right.set_title(f"beam search, width {width}")
    return figure


def _controls(captions: Captions) -> tuple[dict, dict, ipywidgets.Dropdown]:
    """The look of the controls and of the sliders of both views, and the choice of an image."""
    wide = {"style": {"description_width": "70px"}, "layout": ipywidgets.Layout(width="330px")}
    names = [(picture.name, i) for i, picture in enumerate(captions.pictures)]
    return wide, wide | {"continuous_update": False}, ipywidgets.Dropdown(options=names, description="image", **wide)


def named(settings: Settings) -> str:
    """The decoder with its settings, for a title."""
    details = {
        "greedy": "",
        "beam search": f", width {settings.width}",
        "sampling": f", best of N = {settings.n} at T = {settings.t:g}",
    }
    return settings.decoder + details[settings.decoder]


def best_words_table(words: Sequence[Sequence[str]], probabilities: np.ndarray, chosen: Sequence[str]) -> str:
    """The best words at each step as an HTML table: a column a step, darker is more probable, the chosen framed."""
    head = "".join(f"<th>{t + 1}</th>" for t in range(len(words)))
    rows = []
    for rank in range(len(words[0])):
        cells = []
        for t, column in enumerate(words):
            p, word = probabilities[t, rank], column[rank]
            frame = (
                f"border:2px solid {ORANGE};font-weight:bold" if word == chosen[t] else "border:2px solid transparent"
            )
            colour = "white" if p > 0.6 else "black"
            style = f"background:rgba(0,114,178,{p:.2f});color:{colour};padding:1px 5px;{frame}"
            cells.append(f'<td style="{style}">{escape(word)}<br>{p:.2f}</td>')
        rows.append(f"<tr><th>{rank + 1}</th>{''.join(cells)}</tr>")
    style = "font-size:13px;line-height:1.15;border-spacing:2px;color:black;background:white"
    table = f'<table style="{style}"><tr><th>step</th>{head}</tr>{"".join(rows)}</table>'
    return f'<div style="overflow-x:auto">{table}</div>'
