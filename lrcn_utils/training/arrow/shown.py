"""Films as they are shown, forwards and backwards, in each encoding; and what a frozen CNN sees of them.

A film is shown as sequences of frames. As it is stored it is one sequence, of all frames in a row. Of frames at one
position in the group of pictures there is one sequence for each position. The frames of a sequence are the same in
both directions; only a film that is encoded again has other frames backwards: it went backwards through the encoder.

Optical flow is computed on the sequence as it is shown. To negate and reverse the flow of the forward film would be
cheaper, but it would not be the flow of any film: an estimate lies on the grid of its first frame and errs where
things are covered and uncovered, so a negated one would show how it was made. Nor is the stored flow used, which is
a compressed film itself.
"""

import tempfile
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from torch import nn
from tqdm import tqdm

from lrcn_utils.data.cache import ArrayCache
from lrcn_utils.data.clips import VIEWS
from lrcn_utils.data.flow import flow_image, iter_flow
from lrcn_utils.data.video import READER, VideoError, iter_frames, read_video, write_video
from lrcn_utils.training.activity.settings import ActivitySettings
from lrcn_utils.training.arrow.films import Film
from lrcn_utils.training.checkpoints import weights_digest
from lrcn_utils.training.features import FRAMES_AT_ONCE, cnn_features

FORWARDS, BACKWARDS = DIRECTIONS = ("forwards", "backwards")
STORED, AGAIN, POSITION, KEYS = "as stored", "encoded again", "one position", "key frames"
# Frames in a window: neighbours in a row, or frames that are a group of pictures apart.
WINDOWS = {STORED: 16, AGAIN: 16, POSITION: 5, KEYS: 5}

Shown = dict[str, list[np.ndarray]]  # {direction: features (time, d) of each sequence, in the order of showing}


def _sequences(film: Film, encoding: str, gop: int) -> list[list[int]]:
    """The numbers of the frames that are shown, sequence by sequence; one that is shorter than a window is left out."""
    if encoding == KEYS:
        found = [list(film.keys)]
    elif encoding == POSITION:
        found = [list(range(first, film.frames, gop)) for first in range(gop)]
    elif encoding == AGAIN:  # whole groups of pictures: then each position is as frequent forwards as backwards
        found = [list(range(film.frames // gop * gop))]
    else:
        found = [list(range(film.frames))]
    return [numbers for numbers in found if len(numbers) >= WINDOWS[encoding]]


@dataclass(frozen=True)
class Projector:
    """Shows films to a frozen CNN and keeps what it sees in the folder ``cache``.

    ``most_frames``: how much of a film was taken, as in ``films.find``;
    ``gop``: frames in a group of pictures; ``quality``: the quantiser of films that are encoded again.
    """

    cnn: nn.Module
    sight: ActivitySettings
    cache: Path
    most_frames: int
    gop: int
    quality: int

    def window(self, encoding: str) -> int:
        """Steps of a window: its frames, or the flow between them."""
        return WINDOWS[encoding] - (self.sight.input == "flow")

    def show(self, films: list[Film], encoding: str) -> list[Shown]:
        """Each film in both directions: the features of its sequences. A film that is too short has no sequence."""
        self.cnn.eval()
        named = tqdm(films, desc=f"features, {encoding}", leave=False, disable=None)
        return [self._show(film, encoding) for film in named]

    def _show(self, film: Film, encoding: str) -> Shown:
        numbers = _sequences(film, encoding, self.gop)
        if not numbers:
            return {way: [] for way in DIRECTIONS}
        if self.sight.input == "rgb" and encoding != AGAIN:
            # One frame has the same features wherever it is shown: to reverse a film is to reverse its features.
            seen = self._kept(film, STORED, FORWARDS)
            forwards = [seen[frames] for frames in numbers]
            return {FORWARDS: forwards, BACKWARDS: [sequence[::-1] for sequence in forwards]}
        steps = [len(frames) - (self.sight.input == "flow") for frames in numbers]
        return {way: np.split(self._kept(film, encoding, way), np.cumsum(steps)[:-1]) for way in DIRECTIONS}

    def _kept(self, film: Film, encoding: str, way: str) -> np.ndarray:
        """Features (steps, d), float16, of all sequences one after another; computed where they are not kept yet."""
        kept = self._kept_by(encoding, way)
        if film.path not in kept:
            found = np.concatenate([self._seen(frames) for frames in self._frames(film, encoding, way)])
            kept.write(film.path, found.shape, np.float16, [found])
        return kept.read(film.path)

    def _kept_by(self, encoding: str, way: str) -> ArrayCache:
        sight = self.sight
        how = {"input": sight.input, "size": list(sight.frames), "views": sight.training_views}
        codec = {STORED: {}, KEYS: {}, POSITION: {"gop": self.gop}, AGAIN: {"gop": self.gop, "quality": self.quality}}
        network = {"layer": sight.layer, "weights": self._weights}
        which = {"encoding": encoding, "way": way, "frames": self.most_frames}
        return ArrayCache(self.cache, "arrow", **which, **how, **codec[encoding], **network, reader=READER)

    @cached_property
    def _weights(self) -> str:
        return weights_digest(self.cnn)

    def _frames(self, film: Film, encoding: str, way: str) -> list[np.ndarray]:
        """The sequences as they are shown: uint8 (time, height, width, 3)."""
        size = self.sight.frames.height, self.sight.frames.width
        frames = np.stack(list(islice(iter_frames(film.path, size), film.frames)))
        step = 1 if way == FORWARDS else -1
        shown = [frames[numbers[::step]] for numbers in _sequences(film, encoding, self.gop)]
        return [_encoded_again(sequence, self.gop, self.quality) for sequence in shown] if encoding == AGAIN else shown

    def _seen(self, frames: np.ndarray) -> np.ndarray:
        """Features (steps, d) of the frames of a sequence, or of the flow between them."""
        flow = self.sight.input == "flow"
        images = (flow_image(field) for field in iter_flow(frames)) if flow else iter(frames)
        parts, view = [], VIEWS[self.sight.training_views]
        while some := list(islice(images, FRAMES_AT_ONCE)):
            seen = view(np.stack(some), self.sight.frames.crop, flow)[0]
            parts.append(cnn_features(self.cnn, seen, self.sight.layer).half().numpy())
        return np.concatenate(parts)


def _encoded_again(frames: np.ndarray, gop: int, quality: int) -> np.ndarray:
    """The frames after MPEG-4, as in an Xvid file: a key frame every ``gop`` frames, all others predicted."""
    always = str(quality)
    options = {"g": str(gop), "qmin": always, "qmax": always, "sc_threshold": "1000000000"}  # no key frame at a cut
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "again.avi"
        write_video(file, frames, options=options)
        again = read_video(file)
    if len(again) != len(frames):
        raise VideoError(file, f"{len(frames)} frames were encoded and {len(again)} came back; use another --gop")
    return again
