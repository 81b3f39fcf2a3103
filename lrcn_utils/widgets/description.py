"""The description explorer: from a clip to its tuple, from the tuple to sentences, and what an edit changes."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor

from lrcn_utils.data.tacos import CRFOutputs, decode_tuple
from lrcn_utils.data.vocabulary import BOS, EOS, Vocabulary
from lrcn_utils.decoding import beam_search
from lrcn_utils.models.crf import TupleCRF
from lrcn_utils.models.smt import Translator
from lrcn_utils.plots.description import KEY, slot_bars
from lrcn_utils.plots.style import BLUE, GREY, ORANGE
from lrcn_utils.training.description_decoders import LONGEST, decoder_inputs
from lrcn_utils.training.description_smt import translate_map, translate_probabilities
from lrcn_utils.widgets.drawing import WRAP, png

OWN_CHOICE = "as the CRF says"
RULED_OUT = -30.0  # log-probability of a state that the reader has ruled out
Edits = Mapping[str, str]  # the word chosen by hand, by slot


@dataclass(frozen=True)
class Sentence:
    """What one model says. ``log_prob``: in nats, the end counted; None for SMT, whose score is no probability."""

    words: str
    log_prob: float | None


@dataclass
class Descriptions:
    """The explorer's logic, without widgets.

    ``unaries``: the classifiers' log-probabilities for ``videos``, one tensor (videos, states) a slot.
    ``decoders``: {kind: (model, vocabulary)} with the kinds of ``description_decoders``; ``translator`` may be None.
    ``frames``: features (videos, frames, dim), needed for the kind "end".
    ``open_video``: gives the pictures of a video, uint8 (time, height, width, 3). ``names``: how models are called.
    """

    crf: TupleCRF
    states: Mapping[str, list[str]]
    videos: Sequence[str]
    unaries: Sequence[Tensor]
    decoders: Mapping[str, tuple[torch.nn.Module, Vocabulary]]
    open_video: Callable[[str], np.ndarray]
    translator: Translator | None = None
    frames: Tensor | None = None
    tuples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    references: Mapping[str, Sequence[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    _written: dict = field(default_factory=dict, repr=False)

    def own(self, video: str) -> list[np.ndarray]:
        """The classifiers' probabilities, (states,) a slot."""
        row = self.videos.index(video)
        return [unary[row].exp().numpy() for unary in self.unaries]

    def read(self, video: str, edits: Edits | None = None) -> CRFOutputs:
        """Marginals and MAP of one video. A slot set by hand is certain, and the CRF infers the others given it.

        Raises ValueError for a word that is no state of its slot.
        """
        row, unaries = self.videos.index(video), []
        for (slot, words), unary in zip(self.states.items(), self.unaries, strict=True):
            unary = unary[row : row + 1]
            if edits and slot in edits:
                if edits[slot] not in words:
                    raise ValueError(f"{edits[slot]!r} is no state of slot {slot}; its states are {', '.join(words)}")
                unary = torch.full_like(unary, RULED_OUT)
                unary[0, words.index(edits[slot])] = 0.0
            unaries.append(unary)
        return CRFOutputs([video], dict(self.states), self.crf.marginals(unaries), self.crf.map_tuple(unaries))

    def sentences(self, video: str, edits: Edits | None = None) -> dict[str, Sentence]:
        """Every model's sentence, by the model's name. What was written once is remembered."""
        outputs, said = self.read(video, edits), {}
        if self.translator is not None:
            for kind, translate in (("smt", translate_map), ("smt-prob", translate_probabilities)):
                key = kind, tuple(outputs.map_tuples[0].tolist()) if kind == "smt" else self._key(video, edits)
                if key not in self._written:
                    self._written[key] = Sentence(" ".join(translate(self.translator, outputs)[0]), None)
                said[self.names.get(kind, kind)] = self._written[key]
        for kind, (model, vocabulary) in self.decoders.items():
            key = kind, (video, ()) if kind == "end" else self._key(video, edits)
            if key not in self._written:
                self._written[key] = self._write(kind, model, vocabulary, video, outputs)
            said[self.names.get(kind, kind)] = self._written[key]
        return said

    def rows(self, video: str, edits: Edits | None = None) -> list[tuple[str, str, str]]:
        """The table of sentences, its heading first: who, the probability as text, the sentence; people come last."""
        said = [(name, _odds(said), said.words) for name, said in self.sentences(video, edits).items()]
        people = [("a describer", "", text) for text in list(self.references.get(video, []))[:2]]
        return [("model", "probability", "sentence"), *said, *people]

    @staticmethod
    def _key(video: str, edits: Edits | None) -> tuple:
        return video, tuple(sorted((edits or {}).items()))

    def _write(self, kind: str, model, vocabulary: Vocabulary, video: str, outputs: CRFOutputs) -> Sentence:
        row = self.videos.index(video)
        inputs = self.frames[row : row + 1] if kind == "end" else decoder_inputs(kind, outputs)
        best = beam_search(model.eval(), inputs, 3, bos=BOS, eos=EOS, max_length=LONGEST)[0][0]
        return Sentence(vocabulary.decode(best.words), best.log_prob)

    def truth(self, video: str) -> list[int | None]:
        """The state numbers of the true tuple, None a slot where it is not known."""
        words = self.tuples.get(video)
        if words is None:
            return [None] * len(self.states)
        return [self.states[slot].index(word) for slot, word in zip(self.states, words, strict=True)]

    def figure(self, video: str, edits: Edits | None = None) -> Figure:
        """The static twin: frames, the five slots, the sentences."""
        outputs, truth = self.read(video, edits), self.truth(video)
        figure = Figure(figsize=(12, 6.2), dpi=80, layout="constrained")
        grid = figure.add_gridspec(3, len(self.states), height_ratios=[1, 1.5, 1.5])
        axes = figure.add_subplot(grid[0, :])
        axes.imshow(np.concatenate(list(_spread(self.open_video(video), 6)), axis=1))
        axes.set_title(f"{video}, six frames in order")
        axes.set_axis_off()
        for s, (slot, words) in enumerate(self.states.items()):
            axes = figure.add_subplot(grid[1, s])
            best = int(outputs.map_tuples[0, s])
            slot_bars(axes, words, self.own(video)[s], outputs.marginals[s][0].numpy(), best=best, truth=truth[s])
            axes.set_title(slot + (" (by hand)" if edits and slot in edits else ""))
        handles = [Patch(color=colour, label=text) for colour, text in KEY.items()]
        figure.legend(handles=handles, loc="outside upper right", ncols=len(KEY))
        axes = figure.add_subplot(grid[2, :])
        axes.set_axis_off()
        rows = self.rows(video, edits)
        lines = "\n".join(f"{name:<32}{odds:>11}  {words}" for name, odds, words in rows)
        axes.text(0, 1, lines, va="top", family="monospace", fontsize=10, linespacing=1.6)
        return figure


class DescriptionExplorer(ipywidgets.VBox):
    """Choose a clip, see what the CRF makes of it, set slots by hand, and compare the sentences of all models."""

    def __init__(self, logic: Descriptions):
        self.logic = logic
        wide = {"style": {"description_width": "70px"}, "layout": ipywidgets.Layout(width="330px")}
        named = [(video.removeprefix("v_"), video) for video in logic.videos]
        self.video = ipywidgets.Dropdown(options=named, description="clip", **wide)
        self.frame = ipywidgets.IntSlider(description="frame", continuous_update=False, **wide)
        self.slots = {
            slot: ipywidgets.Dropdown(options=[OWN_CHOICE, *words], description=slot, **wide)
            for slot, words in logic.states.items()
        }
        self.reset = ipywidgets.Button(description="forget my edits", tooltip="give every slot back to the CRF")
        self.screen = ipywidgets.Image(format="png", layout=ipywidgets.Layout(width="330px", object_fit="contain"))
        self.tuple = ipywidgets.HTML()
        self.bars = ipywidgets.HTML()
        self.said = ipywidgets.HTML()
        left = [self.video, self.screen, self.frame]
        right = [ipywidgets.HTML("<b>set a slot by hand</b>"), *self.slots.values(), self.reset]
        top = ipywidgets.HBox([ipywidgets.VBox(left), ipywidgets.VBox(right)], layout=WRAP)
        super().__init__([top, self.tuple, self.bars, self.said])
        self._quiet = False
        self.video.observe(lambda _: self._open(), "value")
        self.frame.observe(lambda _: self._show(), "value")
        for slot in self.slots.values():
            slot.observe(lambda _: self._describe(), "value")
        self.reset.on_click(lambda _: self._forget())
        self._open()

    @property
    def edits(self) -> dict[str, str]:
        """The slots set by hand."""
        return {slot: box.value for slot, box in self.slots.items() if box.value != OWN_CHOICE}

    def figure(self) -> Figure:
        """The present view, for paper."""
        return self.logic.figure(self.video.value, self.edits)

    def _open(self) -> None:
        self.pictures = self.logic.open_video(self.video.value)
        self.frame.max = len(self.pictures) - 1
        self.frame.value = len(self.pictures) // 2
        self._show()
        self._describe()

    def _forget(self) -> None:
        self._quiet = True
        for box in self.slots.values():
            box.value = OWN_CHOICE
        self._quiet = False
        self._describe()

    def _show(self) -> None:
        self.screen.value = png(self.pictures[self.frame.value], (320, 240))

    def _describe(self) -> None:
        if self._quiet:
            return
        video, edits, logic = self.video.value, self.edits, self.logic
        outputs = logic.read(video, edits)
        chosen = zip(logic.states, decode_tuple(outputs.map_tuples[0], dict(logic.states)), strict=True)
        shown = ", ".join(f"<u>{_safe(word)}</u>" if slot in edits else _safe(word) for slot, word in chosen)
        true = _safe(", ".join(logic.tuples.get(video, ())) or "unknown")
        self.tuple.value = f"{LARGE}most probable tuple: &lt;<b>{shown}</b>&gt;; truth: &lt;{true}&gt;</div>"
        self.bars.value = self._bars(outputs, logic.own(video), logic.truth(video))
        head, *rows = logic.rows(video, edits)
        lines = _row(head, "font-weight:bold") + "".join(_row(row) for row in rows)
        self.said.value = f'<table style="font-size:15px;line-height:1.6">{lines}</table>'

    def _bars(self, outputs: CRFOutputs, own: list[np.ndarray], truth: list[int | None]) -> str:
        tables = []
        for s, (slot, words) in enumerate(self.logic.states.items()):
            marginal, best = outputs.marginals[s][0].numpy(), int(outputs.map_tuples[0, s])
            order = np.argsort(-np.maximum(own[s], marginal), kind="stable")[:4]
            lines = [_bar(words[k], own[s][k], marginal[k], k == best, k == truth[s]) for k in order]
            tables.append(f"{SLOT_TABLE}<tr>{SLOT_HEAD}{_safe(slot)}</th></tr>{''.join(lines)}</table>")
        return f"{SIDE_BY_SIDE}{''.join(tables)}</div>{LEGEND}"


LARGE = '<div style="font-size:16px">'
SIDE_BY_SIDE = '<div style="display:flex;flex-wrap:wrap">'
SLOT_TABLE = '<table style="font-size:14px;line-height:1.1;margin-right:14px">'
SLOT_HEAD = '<th colspan="3" style="text-align:left">'
LEGEND = (
    '<div style="font-size:13px">'
    + "&ensp;".join(f'<span style="color:{colour}">&#9632;</span> {text}' for colour, text in KEY.items())
    + "&ensp;&#10003; truth</div>"
)


def _bar(word: str, own: float, marginal: float, best: bool, true: bool) -> str:
    name = (f"<b>{_safe(word)}</b>" if best else _safe(word)) + (" &#10003;" if true else "")
    bars = ((GREY, own, 6), (ORANGE if best else BLUE, marginal, 8))
    drawn = "".join(f'<div style="background:{c};height:{h}px;width:{80 * p:.0f}px"></div>' for c, p, h in bars)
    label = f'<td style="text-align:right;padding-right:5px">{name}</td>'
    return f'<tr>{label}<td style="width:80px">{drawn}</td><td>{marginal:.2f}</td></tr>'


def _row(cells: Sequence[str], style: str = "") -> str:
    return (
        f'<tr style="{style}">'
        + "".join(f'<td style="padding-right:14px">{_safe(cell)}</td>' for cell in cells)
        + "</tr>"
    )


def _odds(sentence: Sentence) -> str:
    if sentence.log_prob is None:
        return ""
    probability = np.exp(sentence.log_prob)
    return f"{probability:.4f}" if probability >= 0.0001 else "< 0.0001"


def _safe(text: str) -> str:
    return html.escape(str(text))


def _spread(frames: np.ndarray, count: int) -> np.ndarray:
    return frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
