"""The prediction explorer: play a clip and watch what each model believes, frame by frame."""

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from lrcn_utils.data import flow
from lrcn_utils.data.clips import TOY, FrameSize
from lrcn_utils.data.ucf101 import Video
from lrcn_utils.data.video import VideoError, read_video
from lrcn_utils.metrics.activity import fuse, running_average
from lrcn_utils.models.activity import Recogniser
from lrcn_utils.plots.curves import class_colours, probability_bars, probability_curves
from lrcn_utils.plots.style import GREY, VERMILION
from lrcn_utils.training.activity_scores import frame_features, step_probabilities
from lrcn_utils.widgets.drawing import WRAP, pixels, png, sheet

INPUTS = {"RGB": "rgb", "flow": "flow", "both (half and half)": "both"}
LONG = 1000  # a video of more frames is shown at the model's own size, to save memory


@dataclass
class Clip:
    """An opened video: frames as shown and as the models see them, uint8 (time, height, width, 3), by input."""

    name: str
    truth: int | None
    shown: dict[str, np.ndarray]
    seen: dict[str, np.ndarray]
    probabilities: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.shown["rgb"])


class Predictions:
    """The explorer's logic, without widgets. ``models``: {name: {"rgb": model, "flow": model}}; flow may lack."""

    def __init__(self, models: Mapping[str, Mapping[str, Recogniser]], classes: Sequence[str], frames: FrameSize = TOY):
        self.models, self.classes, self.frames = models, list(classes), frames

    def open(self, video: Video) -> Clip:
        """A video of the dataset; its stored flow is used where there is one."""
        stored = video.flow_path if video.flow_path.exists() else None
        return self._open(video.path, video.name, video.label, stored)

    def open_upload(self, name: str, content: bytes) -> Clip:
        """A video file of one's own, any length and size. Raises VideoError when it cannot be read."""
        file = io.BytesIO(content)
        file.name = name
        return self._open(file, name, None, None)

    def _open(self, file, name: str, truth: int | None, stored_flow: Path | None) -> Clip:
        small = self.frames.height, self.frames.width
        seen = {"rgb": _read(file, small)}
        shown = {"rgb": seen["rgb"] if len(seen["rgb"]) > LONG else _read(file, (2 * small[0], 2 * small[1]))}
        if any("flow" in streams for streams in self.models.values()):
            if stored_flow is not None:
                seen["flow"] = shown["flow"] = read_video(stored_flow, small)
            else:
                seen["flow"] = shown["flow"] = self._estimated_flow(_read(file, (2 * small[0], 2 * small[1])))
        return Clip(name, truth, shown, seen)

    def _estimated_flow(self, frames: np.ndarray) -> np.ndarray:
        # As for the stored flow: estimated at twice the size that the model sees, then halved.
        flows = flow.estimate_flow(frames) if len(frames) > 1 else np.zeros((1, *frames.shape[1:3], 2))
        images = flow.flow_image(flows)
        height, width = self.frames.height, self.frames.width
        return images.reshape(-1, height, 2, width, 2, 3).mean((2, 4)).round().astype(np.uint8)

    def probabilities(self, clip: Clip, model: str, stream: str) -> np.ndarray:
        """Softmax at every frame (time, classes); the LSTM runs once through the whole video, however long.

        ``stream``: "rgb", "flow" or "both", the average of the two. Flow has no image for the last frame, which
        takes that of the frame before.
        """
        if (model, stream) not in clip.probabilities:
            if stream == "both":
                rgb, motion = (self.probabilities(clip, model, one) for one in ("rgb", "flow"))
                found = fuse(rgb, motion, 0.5)
            else:
                network = self.models[model][stream].eval()
                features = frame_features(network, clip.seen[stream], self.frames.crop)
                found = step_probabilities(network, features[None])[0]
                found = np.concatenate([found, found[-1:].repeat(len(clip) - len(found), axis=0)])
            clip.probabilities[model, stream] = found
        return clip.probabilities[model, stream]

    def picture(self, clip: Clip, frame: int, stream: str) -> np.ndarray:
        """What is on the screen at ``frame``: uint8 (height, width, 3), RGB and flow side by side for "both"."""
        streams = ["rgb", "flow"] if stream == "both" else [stream]
        images = [clip.shown[one][min(frame, len(clip.shown[one]) - 1)] for one in streams]
        height = max(len(image) for image in images)
        return np.concatenate([_enlarged(image, height // len(image)) for image in images], axis=1)

    def belief(self, clip: Clip, model: str, stream: str, averaged: bool) -> np.ndarray:
        """Probabilities at every frame, or their average up to it: (time, classes)."""
        found = self.probabilities(clip, model, stream)
        return running_average(found) if averaged else found

    def verdict(self, clip: Clip, model: str, stream: str) -> str:
        """The class of the average over all frames, and whether it is the true one."""
        average = self.probabilities(clip, model, stream).mean(axis=0)
        best = int(average.argmax())
        mark = "" if clip.truth is None else ", right" if best == clip.truth else ", wrong"
        return f"{model}: {self.classes[best]} {average[best]:.2f}{mark}"

    def figure(self, clip: Clip, models: Sequence[str], stream: str = "rgb", averaged: bool = False) -> Figure:
        """The static twin: frames of the clip, then for each model its curves and its average as bars."""
        figure = Figure(figsize=(11, 1.7 + 2.3 * len(models)), dpi=80, layout="constrained")
        grid = figure.add_gridspec(1 + len(models), 3, height_ratios=[0.6] + [1] * len(models))
        axes = figure.add_subplot(grid[0, :])
        numbers = np.linspace(0, len(clip) - 1, 8).round().astype(int)
        axes.imshow(np.concatenate([self.picture(clip, frame, "rgb") for frame in numbers], axis=1))
        axes.set_title(f"{clip.name}, frames {', '.join(map(str, numbers))}")
        axes.set_axis_off()
        for row, model in enumerate(models, start=1):
            axes = figure.add_subplot(grid[row, :2])
            belief = self.belief(clip, model, stream, averaged)
            probability_curves(axes, belief, self.classes, truth=clip.truth, legend=False)
            axes.set_title(f"{self.verdict(clip, model, stream)} ({stream})")
            average = self.probabilities(clip, model, stream).mean(axis=0)
            colours = class_colours(belief, clip.truth)
            axes = probability_bars(figure.add_subplot(grid[row, 2]), average, self.classes, colours)
            axes.set_title("average over the frames")
        return figure


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
        self.upload = upload_button("your own video", "video/*,.avi,.mkv")
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
        self.video.observe(lambda _: self._open(self.logic.open(self.video.value)), "value")
        self.upload.observe(lambda _: self._uploaded(), "value")
        for control in (self.input, self.chosen, self.curve):
            control.observe(lambda _: self._draw(), "value")
        self.frame.observe(lambda _: self._show(), "value")
        self._open(self.logic.open(self.video.value))

    def figure(self) -> Figure:
        """The present view, for paper."""
        return self.logic.figure(self.clip, self.chosen.value, self.input.value, self.curve.value)

    def _uploaded(self) -> None:
        if not self.upload.value:
            return
        name, content = uploaded_file(self.upload.value)
        try:
            self._open(self.logic.open_upload(name, content))
        except (VideoError, ImportError) as error:
            self.message.value = f'<b style="color:{VERMILION}">{html.escape(str(error))}</b>'

    def _open(self, clip: Clip) -> None:
        self.clip = clip
        self.play.max = self.frame.max = len(clip) - 1
        self.frame.value = 0
        truth = "yours, truth unknown" if clip.truth is None else f"truth: <b>{self.logic.classes[clip.truth]}</b>"
        self.message.value = f"{html.escape(clip.name)}: {len(clip)} frames, {truth}"
        self._draw()

    def _draw(self) -> None:
        """All that does not change from frame to frame."""
        settings = self.input.value, self.curve.value
        self._drawn = [_Panel(self.logic, self.clip, model, *settings) for model in self.chosen.value]
        self.panels.children = [panel.box for panel in self._drawn]
        self._show()

    def _show(self) -> None:
        """What changes with the frame: the picture, the line in the curves, the bars."""
        self.screen.value = png(self.logic.picture(self.clip, self.frame.value, self.input.value))
        for panel in self._drawn:
            panel.show(self.frame.value)


class _Panel:
    """Curves and bars of one model. The curves are drawn once; a frame only moves the line in the picture."""

    def __init__(self, logic: Predictions, clip: Clip, model: str, stream: str, averaged: bool):
        self.clip, self.classes = clip, logic.classes
        self.belief = logic.belief(clip, model, stream, averaged)
        figure = Figure(figsize=(6.4, 2.2), dpi=80, layout="none")  # its layout engine takes 100 ms
        axes = figure.add_axes((0.09, 0.21, 0.89, 0.66))
        probability_curves(axes, self.belief, self.classes, truth=clip.truth, legend=False)
        axes.set_title(logic.verdict(clip, model, stream))
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
        picture = self.picture.copy()
        column = round(self.zero + frame * self.step)
        picture[self.rows, column - 1 : column + 1] = [int(GREY[i : i + 2], 16) for i in (1, 3, 5)]
        self.image.value = png(picture)
        self.bars.value = bars(self.belief[frame], self.classes, self.colours, self.clip.truth)


def bars(probabilities: np.ndarray, classes: Sequence[str], colours: Mapping[int, str], truth: int | None) -> str:
    """One distribution as bars in HTML, in the colours of the curves; the true class has a tick."""
    rows = []
    for k, colour in colours.items():
        name = html.escape(classes[k]) + (" \u2713" if k == truth else "")
        rows.append(
            f'<tr><td style="text-align:right;padding-right:6px">{name}</td><td style="width:150px">'
            f'<div style="background:{colour};height:14px;width:{150 * probabilities[k]:.0f}px"></div></td>'
            f"<td>{probabilities[k]:.2f}</td></tr>"
        )
    return f'<table style="font-size:15px;line-height:1.5">{"".join(rows)}</table>'


def uploaded_file(value) -> tuple[str, bytes]:
    """Name and content of the last file of a FileUpload: ipywidgets 7 gives a dictionary, 8 a tuple."""
    if isinstance(value, Mapping):
        name, file = list(value.items())[-1]
    else:
        file = value[-1]
        name = file["name"]
    return name, bytes(file["content"])


def upload_button(description: str, accept: str) -> ipywidgets.FileUpload:
    """A button for one file, as wide as what it says."""
    layout = ipywidgets.Layout(width="max-content")
    return ipywidgets.FileUpload(accept=accept, multiple=False, description=description, layout=layout)


def _narrow() -> dict:
    return {
        "style": {"description_width": "60px", "button_width": "auto"},
        "layout": ipywidgets.Layout(width="max-content"),
    }


def _enlarged(image: np.ndarray, times: int) -> np.ndarray:
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _read(file, size: tuple[int, int]) -> np.ndarray:
    if hasattr(file, "seek"):
        file.seek(0)
    return read_video(file, size)
