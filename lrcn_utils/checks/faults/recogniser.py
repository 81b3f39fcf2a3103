"""A recogniser on the stage, as a recipe of small pieces: put a broken piece in, train, and look at the symptoms.

``Recipe()`` is healthy. Every field is one piece, and its default is the mended one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from lrcn_utils.checks.faults import pieces, stage

FILMS, TAKES, STEPS, RATE, HIDDEN = 72, 4, 80, 0.02, 32
TESTED_AT_ONCE = 12


@dataclass(frozen=True)
class Recipe:
    """How a recogniser is trained and tested."""

    start: Callable = pieces.starts_anywhere
    crop: Callable = pieces.one_crop
    pair: Callable = pieces.labels_in_order
    split: Callable = pieces.whole_groups
    loss: Callable = pieces.cross_entropy
    backward: Callable = pieces.new_gradient
    test_mode: Callable = pieces.without_dropout
    first_state: Callable = pieces.state_of_zeros


class Recogniser(nn.Module):
    """Features of frames (batch, time, d) to logits at every step (batch, time, 4): an LSTM between two dropouts."""

    def __init__(self, size: int):
        super().__init__()
        self.lstm = nn.LSTM(size, HIDDEN, batch_first=True)
        self.dropout, self.head = nn.Dropout(0.3), nn.Linear(HIDDEN, len(stage.DIRECTIONS))

    def forward(self, features: Tensor, state=None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        states, last = self.lstm(self.dropout(features), state)
        return self.head(self.dropout(states)), last


@dataclass(frozen=True)
class Run:
    """A recogniser that was trained by ``recipe``. ``losses`` and ``norms``: of each training step."""

    recipe: Recipe
    model: Recogniser
    train: stage.Films
    test: stage.Films
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)

    @torch.no_grad()
    def probabilities(self, frames: np.ndarray | None = None, order: Tensor | None = None) -> Tensor:
        """Mean over time of the softmax (n, 4), for the test clips or ``frames``, tested 12 at a time in ``order``."""
        features = stage.look(self.test.frames if frames is None else frames)
        order = torch.arange(len(features)) if order is None else order
        self.recipe.test_mode(self.model)
        found, state = torch.empty(len(features), len(stage.DIRECTIONS)), None
        for rows in order.split(TESTED_AT_ONCE):
            logits, state = self.model(features[rows], self.recipe.first_state(state, len(rows)))
            found[rows] = logits.softmax(-1).mean(1)
        return found

    def accuracy(self, frames: np.ndarray | None = None, labels: Tensor | None = None) -> float:
        """Share of the test clips (or of ``frames`` with ``labels``) that are named rightly."""
        labels = self.test.labels if labels is None else labels
        return float((self.probabilities(frames).argmax(1) == labels).float().mean())


def clips(recipe: Recipe, seed: int) -> stage.Films:
    """All clips, cropped: the takes of each film share backdrop and direction, as the clips of a group do."""
    rng = np.random.default_rng(seed)
    frames, labels, groups = [], [], []
    for number in range(FILMS):
        label, scene = number % len(stage.DIRECTIONS), stage.backdrop(rng)
        step = list(stage.DIRECTIONS.values())[label]
        for _ in range(TAKES):
            whole = stage.film(rng, scene, recipe.start(rng, step), step)
            frames.append(recipe.crop(whole, rng))
            labels.append(label)
            groups.append(number)
    order = rng.permutation(len(labels))
    films = stage.Films(np.stack(frames), torch.tensor(labels), torch.tensor(groups)).of(order)
    return stage.Films(films.frames, recipe.pair(films.labels), films.groups)


@lru_cache(maxsize=64)
def train(recipe: Recipe, seed: int = 0, steps: int = STEPS) -> Run:
    """Make the clips, split them, and train on the training side. The same seed gives the same run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        films = clips(recipe, seed)
        rows, held_out = recipe.split(films.groups, np.random.default_rng(seed))
        run = Run(recipe, Recogniser(stage.look(films.frames[:1]).shape[-1]), films.of(rows), films.of(held_out))
        _fit(run, stage.look(run.train.frames), run.train.labels, steps)
    return run


def overfit(recipe: Recipe, seed: int = 0, clips_used: int = 8, steps: int = 120) -> Run:
    """Train on a handful of clips alone, without dropout: a healthy loss falls to nearly 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        films = clips(recipe, seed).of(slice(clips_used))
        run = Run(recipe, Recogniser(stage.look(films.frames).shape[-1]), films, films)
        run.model.dropout.p = 0.0
        _fit(run, stage.look(films.frames), films.labels, steps)
    return run


def _fit(run: Run, features: Tensor, labels: Tensor, steps: int) -> None:
    optimizer = torch.optim.Adam(run.model.parameters(), RATE)
    targets = labels[:, None].expand(features.shape[:2])
    run.model.train()
    for _ in range(steps):
        loss = run.recipe.loss(run.model(features)[0].flatten(0, 1), targets.flatten())
        run.recipe.backward(optimizer, loss)
        run.norms.append(float(nn.utils.clip_grad_norm_(run.model.parameters(), torch.inf)))
        run.losses.append(float(loss.detach()))
        optimizer.step()


def kept_first(frames: np.ndarray, seed: int = 0) -> np.ndarray:
    """The control of lesson 03: frame 0 of each clip stays, the others are shuffled."""
    rng, shuffled = np.random.default_rng(seed), frames.copy()
    for clip in shuffled:
        clip[1:] = clip[1 + rng.permutation(len(clip) - 1)]
    return shuffled
