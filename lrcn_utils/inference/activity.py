"""Activities of a film, by networks and by those that compare them: label, belief at every frame, pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from lrcn_utils import environment
from lrcn_utils.data.clips import TOY, VIEWS, FrameSize
from lrcn_utils.data.flow import is_of
from lrcn_utils.data.ucf101 import Video
from lrcn_utils.data.video import VideoError, iter_frames
from lrcn_utils.inference.film import Film, Thinned
from lrcn_utils.inference.watching import ClipWatcher, watch
from lrcn_utils.metrics.activity import fuse, running_average
from lrcn_utils.models.activity import Recogniser
from lrcn_utils.training.activity import models as activity_models
from lrcn_utils.training.activity.scores import step_probabilities
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.features import cnn_features

STREAMS = ("rgb", "flow")


class Watcher(ClipWatcher):
    """A network that watches one film, from the view of each frame that it was trained for."""

    def __init__(self, model: Recogniser, crop: int, view: str = "centre", *, flow: bool = False):
        model.eval()
        super().__init__(
            partial(VIEWS[view], crop=crop, flow=flow),
            lambda seen: cnn_features(model.cnn, seen, model.feature).numpy(),
            lambda clips: step_probabilities(model, torch.from_numpy(clips)),
        )


@dataclass(frozen=True)
class ActivityModel:
    """A trained model, the names of its classes, and how films reach it: ``input`` is "rgb" or "flow"."""

    network: Recogniser
    classes: list[str]
    input: str
    frames: FrameSize
    view: str

    @classmethod
    def load(cls, path: Path | str) -> "ActivityModel":
        """The model of a checkpoint. Raises FileNotFoundError, or ValueError for a checkpoint of something else."""
        network, classes = activity_models.load(path)
        _, config, _ = load_checkpoint(path)
        network = network.to(environment.device())
        return cls(network, classes, config["input"], FrameSize(*config["frames"]), config["views"])

    def watch(self, film: Film) -> Watcher:
        """What the model makes of ``film``. Raises VideoError; ImportError for flow without OpenCV."""
        flow = self.input == "flow"
        watcher = Watcher(self.network, self.frames.crop, self.view, flow=flow)
        watch((film.flow if flow else film.frames)(self.frames[:2]), watcher)
        return watcher


@dataclass
class Clip:
    """An opened film of so many ``frames``: pictures to show, by input, and what was made of it, by input and model.

    Flow has no image for the last frame, which takes that of the frame before; it is made when it is asked for.
    """

    film: Film
    truth: int | None = None
    stored_flow: Path | None = None
    frames: int = 0
    shown: dict[str, Thinned] = field(default_factory=lambda: {"rgb": Thinned()})
    watched: dict[str, dict[str, Watcher]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.film.name

    @property
    def every(self) -> int:
        """1 where every frame can be shown, as of a short film; 2, 4, ... where only every 2nd, 4th, ... was kept."""
        return self.shown["rgb"].every

    @property
    def numbers(self) -> list[int]:
        """The numbers of the frames that can be shown."""
        return list(self.shown["rgb"])


class Predictions:
    """What models believe of a film, and why. ``models``: {name: {"rgb": model, "flow": model}}; flow may lack.

    The verdict is that of the table: clips of 16 frames with stride 8.
    """

    def __init__(self, models: Mapping[str, Mapping[str, Recogniser]], classes: Sequence[str], frames: FrameSize = TOY):
        self.models, self.classes, self.frames = models, list(classes), frames

    def open(self, video: Video) -> Clip:
        """A video of the dataset; its stored flow is used where there is one, made from this very video."""
        stored = video.flow_path if is_of(video.flow_path, video.path) else None
        return self._opened(Clip(Film(video.name, video.path), video.label, stored))

    def open_upload(self, name: str, content: bytes) -> Clip:
        """A video file of one's own, any length and size. Raises VideoError when it cannot be read."""
        return self._opened(Clip(Film(name, content)))

    def _opened(self, clip: Clip) -> Clip:
        times = 2 if self.frames.height < 120 else 1  # the toy's frames are small on a screen
        for number, frame in enumerate(clip.film.frames((times * self.frames.height, times * self.frames.width))):
            clip.shown["rgb"].keep(number, frame)
            clip.frames = number + 1
        return clip

    def _watchers(self, clip: Clip, stream: str) -> dict[str, Watcher]:
        """What each model made of the clip; all of them watch it at once, when the first is asked for."""
        if stream not in clip.watched:
            models = {name: streams[stream] for name, streams in self.models.items() if stream in streams}
            found = {name: Watcher(model, self.frames.crop) for name, model in models.items()}
            watch(self._flow(clip) if stream == "flow" else clip.film.frames(self.frames[:2]), *found.values())
            clip.watched[stream] = found
        return clip.watched[stream]

    def _flow(self, clip: Clip) -> Iterator[np.ndarray]:
        """The flow images, each kept to be shown."""
        clip.shown["flow"], size, count = Thinned(), self.frames[:2], 0
        for image in iter_frames(clip.stored_flow, size) if clip.stored_flow else clip.film.flow(size):
            clip.shown["flow"].keep(count, image)
            count += 1
            yield image
        if count != max(clip.frames - 1, 1):
            raise VideoError(clip.stored_flow, f"has {count} flow images for {clip.frames} frames; compute it again")

    def probabilities(self, clip: Clip, model: str, stream: str) -> np.ndarray:
        """Probabilities of the classes (classes,) as in the table. ``stream``: "rgb", "flow", or "both", averaged."""
        if stream == "both":
            return fuse(*(self.probabilities(clip, model, one) for one in STREAMS), 0.5)
        return self._watchers(clip, stream)[model].probabilities

    def belief(self, clip: Clip, model: str, stream: str, averaged: bool) -> np.ndarray:
        """The softmax at every frame of ``clip.numbers``, or its average up to it: (numbers, classes)."""
        if stream == "both":
            found = fuse(*(self.belief(clip, model, one, averaged=False) for one in STREAMS), 0.5)
        else:
            watcher = self._watchers(clip, stream)[model]
            found = np.stack([watcher.belief(number) for number in clip.numbers])
        return running_average(found) if averaged else found

    def verdict(self, clip: Clip, model: str, stream: str) -> str:
        """The most probable class, and whether it is the true one."""
        probabilities = self.probabilities(clip, model, stream)
        best = int(probabilities.argmax())
        mark = "" if clip.truth is None else ", right" if best == clip.truth else ", wrong"
        return f"{model}: {self.classes[best]} {probabilities[best]:.2f}{mark}"

    def picture(self, clip: Clip, number: int, stream: str) -> np.ndarray:
        """What is on the screen at frame ``number``: uint8 (height, width, 3), RGB and flow side by side for "both"."""
        streams = STREAMS if stream == "both" else [stream]
        if "flow" in streams:
            self._watchers(clip, "flow")
        images = [clip.shown[one].at(number - number % clip.every) for one in streams]
        height = max(len(image) for image in images)
        return np.concatenate([_enlarged(image, height // len(image)) for image in images], axis=1)


def _enlarged(image: np.ndarray, times: int) -> np.ndarray:
    return image.repeat(times, axis=0).repeat(times, axis=1)
