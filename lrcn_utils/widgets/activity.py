"""The prediction explorer: play a clip and watch what each model believes, frame by frame."""

from collections.abc import Mapping, Sequence
from html import escape

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from lrcn_utils.data.clips import TOY, FrameSize
from lrcn_utils.data.ucf101 import Video
from lrcn_utils.inference.activity import Clip, Predictions
from lrcn_utils.plots.curves import class_colours, probability_bars, probability_curves
from lrcn_utils.plots.style import GREY, plain
from lrcn_utils.widgets.drawing import WRAP, pixels, png, sheet, unheard
from lrcn_utils.widgets.upload import Upload, told

INPUTS = {"RGB": "rgb", "flow": "flow", "both (half and half)": "both"}
NOTE = "The models know only the classes that they learned; a film of anything else gets one of them all the same."


class PredictionExplorer(ipywidgets.VBox):
    """Choose a clip or upload a video, play or scrub it, and compare models on RGB, flow, or both.

    ``videos``: what can be chosen; the other arguments are those of ``Predictions``.
    """

    def __init__(self, models, videos: Sequence[Video], classes: Sequence[str], frames: FrameSize = TOY):
        self.logic = Predictions(models, classes, frames)
        wide = {"style": {"description_width": "60px"}, "layout": ipywidgets.Layout(width="330px")}
        self.video = ipywidgets.Dropdown(
            options=[(video.name.removeprefix("v_"), video) for video in videos], description="clip", **wide
        )
        self.upload = Upload("your own video", "video/*,.avi,.mkv", NOTE, self._uploaded)
        both = all({"rgb", "flow"} <= set(streams) for streams in models.values())
        self.input = ipywidgets.ToggleButtons(
            options=list(INPUTS.items()) if both else [("RGB", "rgb")], description="input", **_narrow()
        )
        self.curve = ipywidgets.ToggleButtons(
            options=[("each frame", False), ("average so far", True)], description="curves", **_narrow()
        )
        names = list(models)
        self.chosen = ipywidgets.SelectMultiple(
            options=names, value=names[:2], rows=min(len(names), 4), description="models", **wide
        )
        self.frame = ipywidgets.IntSlider(description="frame", continuous_update=False, **wide)
        self.play = ipywidgets.Play(interval=150, description="play")
        ipywidgets.jslink((self.play, "value"), (self.frame, "value"))
        self.screen = ipywidgets.Image(format="png", layout=ipywidgets.Layout(width="330px", object_fit="contain"))
        self.message = ipywidgets.HTML()
        self.panels = ipywidgets.VBox()
        self._drawn: list[_Panel] = []
        left = [self.video, self.upload, self.input, self.chosen, self.curve]
        middle = [self.screen, ipywidgets.HBox([self.play]), self.frame, self.message]
        super().__init__([ipywidgets.HBox([ipywidgets.VBox(left), ipywidgets.VBox(middle)], layout=WRAP), self.panels])
        self.video.observe(self._listed, "value")
        for control in (self.input, self.chosen, self.curve):
            control.observe(self._draw, "value")
        self.frame.observe(self._show, "value")
        self._open(self.logic.open(self.video.value))

    def figure(self) -> Figure:
        """The present view, for paper."""
        return prediction_figure(self.logic, self.clip, self.chosen.value, self.input.value, self.curve.value)

    def _listed(self, _) -> None:
        if self.video.value is not None:
            with told(self.message):
                self._open(self.logic.open(self.video.value))
                self.upload.clear()

    def _uploaded(self, name: str, content: bytes) -> None:
        self._open(self.logic.open_upload(name, content))
        self.video.value = None  # none of the list is on show, so each of them can be chosen

    def _open(self, clip: Clip) -> None:
        self.clip = clip
        with unheard(self._show, self.frame):
            self.frame.value = 0
            self.play.max = self.frame.max = clip.numbers[-1]
            self.play.step = self.frame.step = clip.every
        self._draw()

    def _draw(self, _=None) -> None:
        """All that does not change from frame to frame."""
        clip, settings = self.clip, (self.input.value, self.curve.value)
        truth = (
            "yours, truth unknown" if clip.truth is None else f"truth: <b>{escape(self.logic.classes[clip.truth])}</b>"
        )
        thinned = f" (one in {clip.every} is shown)" if clip.every > 1 else ""
        self.message.value = f"{escape(clip.name)}: {clip.frames} frames{thinned}, {truth}"
        self._drawn = []
        with told(self.message):
            self._drawn = [_Panel(self.logic, clip, model, *settings) for model in self.chosen.value]
        self.panels.children = [panel.box for panel in self._drawn]
        self._show()

    def _show(self, _=None) -> None:
        """What changes with the frame: the picture, the line in the curves, the bars."""
        with told(self.message):
            self.screen.value = png(self.logic.picture(self.clip, self.frame.value, self.input.value))
        for panel in self._drawn:
            panel.show(self.frame.value)


def prediction_figure(
    logic: Predictions, clip: Clip, models: Sequence[str], stream: str = "rgb", averaged: bool = False
) -> Figure:
    """The explorer on paper: frames of the clip, then for each model its curves and its answer as bars."""
    figure = Figure(figsize=(11, 1.7 + 2.3 * len(models)), dpi=80, layout="constrained")
    grid = figure.add_gridspec(1 + len(models), 3, height_ratios=[0.6] + [1] * len(models))
    axes = figure.add_subplot(grid[0, :])
    numbers = [clip.numbers[i] for i in np.linspace(0, len(clip.numbers) - 1, 8).round().astype(int)]
    axes.imshow(np.concatenate([logic.picture(clip, number, "rgb") for number in numbers], axis=1))
    axes.set_title(f"{plain(clip.name)}, frames {', '.join(map(str, numbers))}")
    axes.set_axis_off()
    for row, model in enumerate(models, start=1):
        axes = figure.add_subplot(grid[row, :2])
        belief = _curves(axes, logic, clip, model, stream, averaged)
        colours = class_colours(belief, clip.truth)
        axes = figure.add_subplot(grid[row, 2])
        probability_bars(axes, logic.probabilities(clip, model, stream), logic.classes, colours)
        axes.set_title("average over the test clips")
    return figure


def _curves(axes, logic: Predictions, clip: Clip, model: str, stream: str, averaged: bool) -> np.ndarray:
    """Draw what ``model`` believes at the frames that are shown, and give it back: (frames, classes)."""
    belief = logic.belief(clip, model, stream, averaged)
    probability_curves(axes, belief, logic.classes, truth=clip.truth, legend=False)
    axes.xaxis.set_major_formatter(lambda place, _: f"{place * clip.every:g}")
    axes.set_title(f"{plain(logic.verdict(clip, model, stream))} ({stream})")
    return belief


class _Panel:
    """Curves and bars of one model. The curves are drawn once; a frame only moves the line in the picture."""

    def __init__(self, logic: Predictions, clip: Clip, model: str, stream: str, averaged: bool):
        self.clip, self.classes = clip, logic.classes
        figure = Figure(figsize=(6.4, 2.2), dpi=80, layout="none")  # its layout engine takes 100 ms
        axes = figure.add_axes((0.09, 0.21, 0.89, 0.66))
        self.belief = _curves(axes, logic, clip, model, stream, averaged)
        self.colours = class_colours(self.belief, clip.truth)
        self.picture = pixels(figure)
        ends = axes.transData.transform([(0, 0), (1, 1)])
        (self.zero, bottom), (one, top) = ends
        self.step = one - self.zero
        self.rows = slice(int(len(self.picture) - top), int(len(self.picture) - bottom))
        self.image = ipywidgets.Image(format="png")
        self.bars = ipywidgets.HTML(layout=ipywidgets.Layout(width="330px"))
        self.box = ipywidgets.HBox([sheet(self.image, "480px"), self.bars], layout=WRAP)

    def show(self, frame: int) -> None:
        picture, row = self.picture.copy(), frame // self.clip.every
        column = round(self.zero + row * self.step)
        picture[self.rows, column - 1 : column + 1] = [int(GREY[i : i + 2], 16) for i in (1, 3, 5)]
        self.image.value = png(picture)
        self.bars.value = bars(self.belief[row], self.classes, self.colours, self.clip.truth)


def bars(probabilities: np.ndarray, classes: Sequence[str], colours: Mapping[int, str], truth: int | None) -> str:
    """One distribution as bars in HTML, in the colours of the curves; the true class has a tick."""
    rows = []
    for k, colour in colours.items():
        name = escape(classes[k]) + (" \u2713" if k == truth else "")
        rows.append(
            f'<tr><td style="text-align:right;padding-right:6px">{name}</td><td style="width:150px">'
            f'<div style="background:{colour};height:14px;width:{150 * probabilities[k]:.0f}px"></div></td>'
            f"<td>{probabilities[k]:.2f}</td></tr>"
        )
    return f'<table style="font-size:15px;line-height:1.5">{"".join(rows)}</table>'


def _narrow() -> dict:
    return {
        "style": {"description_width": "60px", "button_width": "auto"},
        "layout": ipywidgets.Layout(width="max-content"),
    }
