"""Models that ``python -m lrcn_utils.export`` wrote, run by ONNX Runtime: from a file to an answer without PyTorch."""

import json
from functools import partial
from pathlib import Path

import numpy as np

from lrcn_utils.data.clips import VIEWS, FrameSize, centre_crop, channels_first, evenly_spread
from lrcn_utils.data.image import read_image, warped
from lrcn_utils.data.vocabulary import BOS, Vocabulary
from lrcn_utils.inference.answers import Described, Sentence
from lrcn_utils.inference.film import Film
from lrcn_utils.inference.watching import ClipWatcher, watch

CARD = "export.json"
IMAGES_AT_ONCE = 16


class Session:
    """An ONNX file that was opened: call it with its inputs in order, arrays, for the list of its outputs.

    Raises ImportError without ONNX Runtime, ValueError, naming the file, for one that cannot be opened.
    """

    def __init__(self, file: Path):
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError("an exported model needs ONNX Runtime: install the package onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors alone
        try:
            self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has an exception of its own for every kind of fault
            why = " ".join(str(error).split())[:100]
            raise ValueError(f"{file}: cannot be opened by ONNX Runtime ({why}); export the model again") from error
        self.names = [one.name for one in self.session.get_inputs()]

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        return self.session.run(None, dict(zip(self.names, inputs, strict=True)))


def read_card(folder: Path) -> dict:
    """What ``export.json`` says of an exported model. Raises ValueError where there is none, or one of no use."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder}: there is no {CARD} in it that can be read; export the model again") from error
    if card.get("format") != "onnx":
        raise ValueError(f"{folder}: exported as {card.get('format')}; to be used here, export it with --format onnx")
    return card


class Exported:
    """A model that was exported to ``folder``. Raises ValueError or ImportError for one that cannot be used."""

    def __init__(self, folder: Path):
        card = read_card(folder)
        self.config = card["config"]
        self.parts = {name: Session(folder / part["file"]) for name, part in card["parts"].items()}

    def cnn_features(self, images: np.ndarray) -> np.ndarray:
        """Features (..., d) of uint8 images (..., height, width, 3)."""
        flat = images.reshape(-1, *images.shape[-3:])
        parts = [flat[i : i + IMAGES_AT_ONCE] for i in range(0, len(flat), IMAGES_AT_ONCE)]
        found = np.concatenate([self.parts["cnn"](channels_first(part))[0] for part in parts])
        return found.reshape(*images.shape[:-3], *found.shape[1:])

    def write(self, inputs: np.ndarray, width: int) -> Sentence:
        """The best sentence that beam search finds for ``inputs`` (1, ...), what the decoder reads."""
        state = [part[:, None].repeat(width, axis=1) for part in self.parts["start"](inputs)]
        words, finished = np.full((1, width), BOS), np.zeros((1, width), bool)
        total = np.where(np.arange(width) == 0, 0, -np.inf).astype(np.float32)[None]
        sentences = np.empty((width, 0), int)
        for _ in range(self.config["longest"]):
            words, parents, total, finished, _, *state = self.parts["step"](words, total, finished, *state)
            sentences = np.concatenate([sentences[parents[0]], words.T], axis=1)
            if (finished | np.isneginf(total)).all():
                break
        return Sentence(Vocabulary(self.config["vocabulary"]).decode(sentences[0]), float(total[0, 0]))


class Activity(Exported):
    """A model of activity. ``classes``: their names."""

    @property
    def classes(self) -> list[str]:
        return self.config["classes"]

    def watch(self, film: Film) -> ClipWatcher:
        """What the model makes of ``film``. Raises VideoError; ImportError for flow without OpenCV."""
        size, flow = FrameSize(*self.config["frames"]), self.config["input"] == "flow"
        look = partial(VIEWS[self.config["views"]], crop=size.crop, flow=flow)
        watcher = ClipWatcher(look, self.cnn_features, lambda clips: self.parts["clip"](clips)[0])
        watch((film.flow if flow else film.frames)(size[:2]), watcher)
        return watcher


class Captioner(Exported):
    """A captioner with its CNN."""

    def caption(self, file: Path, width: int) -> Sentence:
        """The best caption of an image file. Raises ImageError, naming it, when it cannot be read."""
        seen = warped(read_image(file), self.config["warp"], self.config["crop"])
        return self.write(self.cnn_features(seen[None]), width)


class Describer(Exported):
    """A decoder of descriptions with its CNN, its classifier and its CRF."""

    def describe(self, film: Film, width: int) -> Described:
        """Tuple and sentence of ``film``, which is read twice. Raises VideoError when it cannot be read."""
        height, width_, crop = self.config["size"]
        count = sum(1 for _ in film.frames((height, width_)))
        frames = np.stack(list(evenly_spread(film.frames((height, width_)), count, self.config["frames"])))
        features = self.cnn_features(centre_crop(frames, crop))[None]
        marginals, best = self.parts["tuple"](features)
        words = {slot: words[k] for (slot, words), k in zip(self.config["states"].items(), best[0], strict=True)}
        inputs = features if self.config["kind"] == "end" else self._inputs(marginals, best)
        return Described(count, words, self.write(inputs, width))

    def _inputs(self, marginals: np.ndarray, best: np.ndarray) -> np.ndarray:
        """What the decoder reads of the CRF's outputs: the tuple's words, its one-hot vectors, or the marginals."""
        kind, states = self.config["kind"], self.config["states"].values()
        if kind == "c":
            return marginals
        if kind == "b":
            parts = [np.eye(len(words), dtype=np.float32)[k] for words, k in zip(states, best[0], strict=True)]
            return np.concatenate(parts)[None]
        sources = zip(self.config["sources"].values(), best[0], strict=True)
        numbers = [number for words, k in sources for number in words[k]]
        return np.array([numbers[::-1] if kind == "a-reversed" else numbers])


MODELS = {"activity": Activity, "captioning": Captioner, "description": Describer}
