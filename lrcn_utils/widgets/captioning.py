"""Caption explorer and beam tree: choose or upload an image, choose a decoder, and see every word being chosen."""

import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from lrcn_utils.data.vocabulary import BOS, EOS, Vocabulary
from lrcn_utils.decoding import Hypothesis, beam_levels, beam_search, follow, greedy, sample
from lrcn_utils.plots import text
from lrcn_utils.plots.style import ORANGE, VERMILION
from lrcn_utils.widgets.activity import upload_button, uploaded_file
from lrcn_utils.widgets.drawing import WRAP, png, sheet

DECODERS = ["greedy", "beam search", "sampling"]
TOP = 10


@dataclass(frozen=True)
class Settings:
    """A decoder and its settings; ``n`` samples at the inverse temperature ``t``."""

    decoder: str = "beam search"
    width: int = 3
    n: int = 10
    t: float = 1.5


@dataclass(frozen=True)
class Picture:
    """An image on show: uint8 pixels (height, width, 3), its feature (1, d), its reference captions (maybe none)."""

    name: str
    pixels: np.ndarray
    feature: Tensor
    references: Sequence[str] = ()


class Captions:
    """The logic of both views: sentences, the best words at every step, the beams. Knows no widget.

    ``model`` has ``start`` and ``step``. ``look(pixels)`` makes the feature (1, d) of uint8 pixels (height, width, 3);
    without it nothing can be uploaded.
    """

    def __init__(
        self,
        model,
        vocabulary: Vocabulary,
        pictures: Sequence[Picture],
        look: Callable[[np.ndarray], Tensor] | None = None,
    ):
        self.model, self.vocabulary, self.pictures, self.look = model, vocabulary, list(pictures), look

    def open(self, name: str, content: bytes) -> Picture:
        """An uploaded image file. Raises ValueError with the file's name when it is none."""
        try:
            with Image.open(io.BytesIO(content)) as image:
                pixels = np.array(image.convert("RGB"))
        except (OSError, UnidentifiedImageError) as error:
            raise ValueError(f"{name}: cannot be read as an image; choose a JPEG or PNG file") from error
        return Picture(name, pixels, self.look(pixels))

    def sentences(self, picture: Picture, settings: Settings) -> list[Hypothesis]:
        """The decoder's hypotheses, best first; of sampling the ten most probable different ones."""
        ends = {"bos": BOS, "eos": EOS}
        if settings.decoder == "greedy":
            return greedy(self.model, picture.feature, **ends)[0]
        if settings.decoder == "beam search":
            return beam_search(self.model, picture.feature, settings.width, **ends)[0]
        seeded = torch.Generator().manual_seed(0)
        drawn = sample(self.model, picture.feature, settings.n, settings.t, **ends, generator=seeded)[0]
        return list({hypothesis.words: hypothesis for hypothesis in reversed(drawn)}.values())[::-1][:TOP]

    def words(self, hypothesis: Hypothesis) -> list[str]:
        """Its words, the end of the sentence included."""
        return [self.vocabulary.words[word] for word in (*hypothesis.words, EOS)]

    def steps(self, picture: Picture, hypothesis: Hypothesis) -> tuple[list[list[str]], np.ndarray, np.ndarray]:
        """At each step the ten best words, their probabilities (steps, 10), and the chosen word's (steps,)."""
        chosen = torch.tensor([[*hypothesis.words, EOS]])
        probabilities = follow(self.model, picture.feature, chosen, bos=BOS)[0].exp()
        best, index = probabilities.topk(min(TOP, probabilities.shape[1]), dim=1)
        words = [[self.vocabulary.words[word] for word in row] for row in index.tolist()]
        return words, best.numpy(), probabilities.gather(1, chosen.T)[:, 0].numpy()

    def tree(self, picture: Picture, width: int) -> list[list[text.Node]]:
        """The beams after every step, best first."""
        return [
            [
                text.Node(self.vocabulary.words[word], parent, total, ended)
                for word, parent, total, ended in zip(
                    level.words[0].tolist(),
                    level.parents[0].tolist(),
                    level.log_probs[0].tolist(),
                    level.finished[0].tolist(),
                    strict=True,
                )
                if total != -np.inf
            ]
            for level in beam_levels(self.model, picture.feature, width, bos=BOS, eos=EOS)
        ]

    def figure(self, picture: Picture, settings: Settings, number: int = 0) -> Figure:
        """The image, its best sentences, and the ten best words at every step of sentence ``number``."""
        sentences = self.sentences(picture, settings)
        hypothesis = sentences[number]
        words, best, probabilities = self.steps(picture, hypothesis)
        figure = Figure(figsize=(14, 6.2), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 3.2))
        captions = [f"{i + 1}. {' '.join(self.words(h)[:-1])} ({h.log_prob:.1f})" for i, h in enumerate(sentences[:4])]
        text.captioned(left, picture.pixels, captions, 36)
        left.set_title(named(settings))
        text.best_words(right, words, best, self.words(hypothesis))
        right.set_title(f"sentence {number + 1}: log probability {np.log(probabilities).sum():.2f}")
        return figure

    def tree_figure(self, picture: Picture, width: int, best: int = 0, steps: int | None = None) -> Figure:
        """The image beside the tree of a beam search; the path to the final beam ``best`` is orange."""
        levels = self.tree(picture, width)[:steps]
        # Fixed places, not a layout computed from the texts: that takes several times as long as all the drawing.
        figure = Figure(figsize=(14, 1.4 + 0.62 * width), layout="none")
        left, right = figure.add_axes((0.01, 0.15, 0.13, 0.7)), figure.add_axes((0.15, 0.15, 0.84, 0.75))
        text.captioned(left, picture.pixels, [])
        text.beam_tree(right, levels, min(best, len(levels[-1]) - 1))
        right.set_title(f"beam search, width {width}")
        return figure


class CaptionExplorer(ipywidgets.VBox):
    """Choose or upload an image, a decoder and its settings; read the sentences; step through one word by word."""

    def __init__(self, captions: Captions):
        self.logic = captions
        wide, slider, self.choice = _controls(captions)
        self.upload = upload_button("your own image", "image/*")
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
        self.upload.disabled = captions.look is None
        self.choice.observe(lambda _: self._open(captions.pictures[self.choice.value]), "value")
        self.upload.observe(lambda _: self._uploaded(), "value")
        for control in (self.decoder, self.width, self.n, self.t):
            control.observe(lambda _: self._decode(), "value")
        self.number.observe(lambda _: self._choose(), "value")
        self.step.observe(lambda _: self._show(), "value")
        self._filling = False
        self._open(captions.pictures[0])

    @property
    def settings(self) -> Settings:
        """The present decoder and its settings."""
        return Settings(self.decoder.value, self.width.value, self.n.value, self.t.value)

    def figure(self) -> Figure:
        """The present view, for paper."""
        return self.logic.figure(self.picture, self.settings, self.number.value)

    def _uploaded(self) -> None:
        if not self.upload.value:
            return
        try:
            self._open(self.logic.open(*uploaded_file(self.upload.value)))
        except ValueError as error:
            self.message.value = f'<b style="color:{VERMILION}">{html.escape(str(error))}</b>'

    def _open(self, picture: Picture) -> None:
        self.picture = picture
        self.screen.value = png(picture.pixels, (240, max(1, 240 * len(picture.pixels) // picture.pixels.shape[1])))
        self._decode()

    def _decode(self) -> None:
        kinds = {"greedy": (), "beam search": (self.width,), "sampling": (self.n, self.t)}
        self.settings_box.children = kinds[self.decoder.value]
        self.sentences = self.logic.sentences(self.picture, self.settings)
        self._filling = True  # new options must not redraw twice
        self.number.options = [
            (f"{i + 1}: log p {hypothesis.log_prob:.2f}", i) for i, hypothesis in enumerate(self.sentences)
        ]
        self.number.value = 0
        self._filling = False
        self._choose()

    def _choose(self) -> None:
        if self._filling:
            return
        hypothesis = self.sentences[self.number.value]
        self.shown = (self.logic.words(hypothesis), *self.logic.steps(self.picture, hypothesis))
        self._filling = True
        self.step.max = len(self.shown[0])
        self.step.value = self.step.max
        self._filling = False
        self._show()

    def _show(self) -> None:
        if self._filling:
            return
        chosen, words, best, probabilities = self.shown
        count = self.step.value
        said = html.escape(" ".join(chosen[:count]))
        truth = "".join(f"<br>reference: {html.escape(caption)}" for caption in self.picture.references)
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
        self._filling = False
        self.choice.observe(lambda _: self._search(), "value")
        self.width.observe(lambda _: self._search(), "value")
        self.path.observe(lambda _: self._show(), "value")
        self.steps.observe(lambda _: self._show(), "value")
        self._search()

    @property
    def picture(self) -> Picture:
        """The image on show."""
        return self.logic.pictures[self.choice.value]

    def figure(self) -> Figure:
        """The present view, for paper."""
        return self.logic.tree_figure(self.picture, self.width.value, self.path.value - 1, self.steps.value)

    def _search(self) -> None:
        self._filling = True
        self.levels = self.logic.tree(self.picture, self.width.value)
        self.steps.max = len(self.levels)
        self.steps.value = self.steps.max
        self.path.max = self.width.value
        self._filling = False
        self._show()

    def _show(self) -> None:
        if not self._filling:
            levels = self.levels[: self.steps.value]
            best = min(self.path.value, len(levels[-1])) - 1
            self.screen.value = text.beam_tree_svg(levels, best).encode()


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
            cells.append(f'<td style="{style}">{html.escape(word)}<br>{p:.2f}</td>')
        rows.append(f"<tr><th>{rank + 1}</th>{''.join(cells)}</tr>")
    style = "font-size:13px;line-height:1.15;border-spacing:2px;color:black;background:white"
    table = f'<table style="{style}"><tr><th>step</th>{head}</tr>{"".join(rows)}</table>'
    return f'<div style="overflow-x:auto">{table}</div>'
