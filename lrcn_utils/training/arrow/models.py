"""The models that call a film forwards or backwards, how they are trained, and what they call the films they are shown.

All of them see the features of a frozen CNN: the single frame, which knows no order; LRCN's LSTM; and the same LSTM on
the differences of neighbouring frames, where what moves (and what the codec does) is not hidden by what is there.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from lrcn_utils import environment
from lrcn_utils.data.clips import test_clip_starts, training_clip
from lrcn_utils.models.activity import LRCN, LRCNOnDifferences, Recogniser, SingleFrame
from lrcn_utils.training.activity.models import build, start_cnn, train
from lrcn_utils.training.activity.recipes import Recipe
from lrcn_utils.training.activity.scores import step_probabilities
from lrcn_utils.training.activity.settings import ActivitySettings
from lrcn_utils.training.arrow.shown import BACKWARDS, DIRECTIONS, FORWARDS, Shown
from lrcn_utils.training.checkpoints import load_checkpoint

HIDDEN, FEATURE_DROPOUT = 64, 0.5
SINGLE, LSTM, DIFFERENCES = MODELS = ("single frame", "LSTM", "LSTM on differences")


def frozen_cnn(sight: ActivitySettings) -> nn.Module:
    """The CNN that sees the frames, with its weights, which are not trained."""
    environment.seed_everything(0)  # of its fc8, which is not used, but which tells runs and features apart
    model = build(sight.config(list(DIRECTIONS)))
    if sight.initial_weights:
        start_cnn(model, load_checkpoint(sight.initial_weights, "cnn")[0])
    return model.cnn.requires_grad_(False).eval().to(environment.device())


def _model(name: str, cnn: nn.Module, layer: str) -> Recogniser:
    if name == SINGLE:
        return SingleFrame(cnn, len(DIRECTIONS), layer, normalise=True)
    kind = {LSTM: LRCN, DIFFERENCES: LRCNOnDifferences}[name]
    return kind(cnn, len(DIRECTIONS), layer, HIDDEN, FEATURE_DROPOUT, normalise=True)


class _Windows(Dataset):
    """Two items for each film: a window forwards and the same window backwards, (float32 (window, d), direction).

    Which window of which sequence, is a function of (seed, epoch, film) alone.
    """

    def __init__(self, films: Sequence[Shown], window: int):
        self.films, self.window = [film for film in films if film[FORWARDS]], window
        self.seed = self.epoch = 0

    def __len__(self) -> int:
        return len(self.films) * len(DIRECTIONS)

    def set_epoch(self, seed: int, epoch: int) -> None:
        self.seed, self.epoch = seed, epoch

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        number, direction = divmod(index, len(DIRECTIONS))
        film, rng = self.films[number], np.random.default_rng((self.seed, self.epoch, number))
        sequence = int(rng.integers(len(film[FORWARDS])))
        start = int(training_clip(len(film[FORWARDS][sequence]), rng, self.window)[0])
        return _window(film, sequence, start, self.window, DIRECTIONS[direction]), direction


def _window(film: Shown, sequence: int, start: int, window: int, way: str) -> Tensor:
    """The window that is shown from step ``start`` on when the film runs forwards, as it is shown in direction ``way``.

    The frame that is shown first when the film runs backwards is its last.
    """
    steps = film[way][sequence]
    if way == BACKWARDS:
        start = len(steps) - window - start
    return torch.from_numpy(steps[start : start + window].astype(np.float32))


def trained(
    name: str, cnn: nn.Module, layer: str, films: Sequence[Shown], window: int, recipe: Recipe, seed: int, **options
) -> Recogniser:
    """The model ``name``, trained to tell the directions of ``films`` apart. ``options`` go to ``loop.fit``.

    Raises ValueError when no film is long enough for a window.
    """
    environment.seed_everything(seed)
    model = _model(name, cnn, layer).to(environment.device())
    train(model, _Windows(films, window), recipe, seed=seed, progress=False, **options)
    return model


def calls(model: Recogniser, films: Sequence[Shown], window: int) -> list[dict[str, float] | None]:
    """For each film {direction that it was shown in: probability of "forwards"}, over all its windows; None if none.

    The windows are half a window apart, and the same in both directions.
    """
    return [
        {way: _called(model, film, window, way) for way in DIRECTIONS} if film[FORWARDS] else None for film in films
    ]


def _called(model: Recogniser, film: Shown, window: int, way: str) -> float:
    found = step_probabilities(model, torch.stack(list(_test_windows(film, window, way))))
    return float(found[..., DIRECTIONS.index(FORWARDS)].astype(np.float64).mean())


def _test_windows(film: Shown, window: int, way: str) -> Iterator[Tensor]:
    for number, steps in enumerate(film[FORWARDS]):
        for start in test_clip_starts(len(steps), window, max(window // 2, 1)):
            yield _window(film, number, start, window, way)
