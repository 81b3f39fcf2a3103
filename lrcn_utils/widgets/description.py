"""The description explorer: from a clip to its tuple, from the tuple to sentences, and what an edit changes."""

from collections.abc import Sequence
from html import escape

import ipywidgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lrcn_utils.data.tacos import CRFOutputs, decode_tuple
from lrcn_utils.inference.description import Descriptions, Edits
from lrcn_utils.plots.description import KEY, slot_bars
from lrcn_utils.plots.style import BLUE, GREY, ORANGE, plain
from lrcn_utils.widgets.drawing import WRAP, png, unheard

OWN_CHOICE = "as the CRF says"


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
        self.video.observe(self._open, "value")
        self.frame.observe(self._show, "value")
        for slot in self.slots.values():
            slot.observe(self._describe, "value")
        self.reset.on_click(lambda _: self._forget())
        self._open()

    @property
    def edits(self) -> dict[str, str]:
        """The slots set by hand."""
        return {slot: box.value for slot, box in self.slots.items() if box.value != OWN_CHOICE}

    def figure(self) -> Figure:
        """The present view, for paper."""
        return description_figure(self.logic, self.video.value, self.edits)

    def _open(self, _=None) -> None:
        self.pictures = self.logic.open_video(self.video.value)
        with unheard(self._show, self.frame):
            self.frame.max = len(self.pictures) - 1
            self.frame.value = len(self.pictures) // 2
        self._show()
        self._describe()

    def _forget(self) -> None:
        with unheard(self._describe, *self.slots.values()):
            for box in self.slots.values():
                box.value = OWN_CHOICE
        self._describe()

    def _show(self, _=None) -> None:
        self.screen.value = png(self.pictures[self.frame.value], (320, 240))

    def _describe(self, _=None) -> None:
        video, edits, logic = self.video.value, self.edits, self.logic
        outputs = logic.read(video, edits)
        chosen = zip(logic.states, decode_tuple(outputs.map_tuples[0], dict(logic.states)), strict=True)
        shown = ", ".join(f"<u>{escape(word)}</u>" if slot in edits else escape(word) for slot, word in chosen)
        true = escape(", ".join(logic.tuples.get(video, ())) or "unknown")
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
            tables.append(f"{SLOT_TABLE}<tr>{SLOT_HEAD}{escape(slot)}</th></tr>{''.join(lines)}</table>")
        return f"{SIDE_BY_SIDE}{''.join(tables)}</div>{LEGEND}"


def description_figure(logic: Descriptions, video: str, edits: Edits | None = None) -> Figure:
    """The explorer on paper: frames, the five slots, the sentences."""
    outputs, truth = logic.read(video, edits), logic.truth(video)
    figure = Figure(figsize=(12, 6.2), dpi=80, layout="constrained")
    grid = figure.add_gridspec(3, len(logic.states), height_ratios=[1, 1.5, 1.5])
    axes = figure.add_subplot(grid[0, :])
    axes.imshow(np.concatenate(list(_spread(logic.open_video(video), 6)), axis=1))
    axes.set_title(f"{plain(video)}, six frames in order")
    axes.set_axis_off()
    for s, (slot, words) in enumerate(logic.states.items()):
        axes = figure.add_subplot(grid[1, s])
        best = int(outputs.map_tuples[0, s])
        slot_bars(axes, words, logic.own(video)[s], outputs.marginals[s][0].numpy(), best=best, truth=truth[s])
        axes.set_title(plain(slot) + (" (by hand)" if edits and slot in edits else ""))
    handles = [Patch(color=colour, label=text) for colour, text in KEY.items()]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(KEY))
    axes = figure.add_subplot(grid[2, :])
    axes.set_axis_off()
    rows = logic.rows(video, edits)
    lines = "\n".join(f"{name:<32}{odds:>11}  {words}" for name, odds, words in rows)
    axes.text(0, 1, plain(lines), va="top", family="monospace", fontsize=10, linespacing=1.6)
    return figure


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
    name = (f"<b>{escape(word)}</b>" if best else escape(word)) + (" &#10003;" if true else "")
    bars = ((GREY, own, 6), (ORANGE if best else BLUE, marginal, 8))
    drawn = "".join(f'<div style="background:{c};height:{h}px;width:{80 * p:.0f}px"></div>' for c, p, h in bars)
    label = f'<td style="text-align:right;padding-right:5px">{name}</td>'
    return f'<tr>{label}<td style="width:80px">{drawn}</td><td>{marginal:.2f}</td></tr>'


def _row(cells: Sequence[str], style: str = "") -> str:
    return (
        f'<tr style="{style}">'
        + "".join(f'<td style="padding-right:14px">{escape(cell)}</td>' for cell in cells)
        + "</tr>"
    )


def _spread(frames: np.ndarray, count: int) -> np.ndarray:
    return frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
