"""A captioner of stills of the stage, as a recipe of small pieces: put a broken piece in, train, and read the captions.

``Recipe()`` is healthy. Every field is one piece, and its default is the mended one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, zip_longest

import numpy as np
import torch
from torch import Tensor

from lrcn_utils.checks.faults import pieces, stage
from lrcn_utils.data.vocabulary import BOS, PAD, Vocabulary
from lrcn_utils.models.captioning import Captioner, loss_per_word

TRAINING, TEST, STEPS, RATE, HIDDEN, LONGEST = 120, 40, 80, 0.02, 48, 20
COUNTS = ["a", "two", "three"]
LONG = "while the lights go down and a man in the last row still looks for his seat"


@dataclass(frozen=True)
class Recipe:
    """How a captioner is trained and tested."""

    batch: Callable = pieces.shifted
    loss: Callable = pieces.padding_left_out
    words: Callable = pieces.words_of_training
    channels: Callable = pieces.as_rgb


@dataclass(frozen=True)
class Stills:
    """Pictures (n, height, width, 3) uint8 RGB, their features (n, 6), and one caption each."""

    pixels: np.ndarray
    features: Tensor
    captions: list[str]


@dataclass(frozen=True)
class Run:
    """A captioner that was trained by ``recipe``; ``losses`` are what its loss said at each training step."""

    recipe: Recipe
    model: Captioner
    train: Stills
    test: Stills
    trained_with: Vocabulary
    written_with: Vocabulary
    losses: list[float] = field(default_factory=list)

    def batch(self) -> tuple[Tensor, Tensor]:
        """All training captions: what is read, and what is asked for, both (n, words)."""
        return self.recipe.batch([self.trained_with.encode(text, LONGEST) for text in self.train.captions])

    @torch.no_grad()
    def captions(self) -> list[str]:
        """What the model writes beside each test still, greedily and on its own, at most 20 words."""
        image = self.test.features
        words = torch.full((len(image), 1), BOS)
        for _ in range(LONGEST):
            best = self.model(image, words)[:, -1].argmax(1)
            words = torch.cat([words, best[:, None]], 1)
        return [_written(row, self.written_with) for row in words[:, 1:]]

    @torch.no_grad()
    def nats_by_hand(self) -> float:
        """Loss in nats a real word on the training captions, each true word read and the next one asked for."""
        before, after = self.batch()
        return float(loss_per_word(self.model(self.train.features, before), after))

    @torch.no_grad()
    def nats_reported(self) -> float:
        """What the recipe's own loss says of the training captions."""
        before, after = self.batch()
        return float(self.recipe.loss(self.model(self.train.features, before), after))

    def right(self) -> float:
        """Share of the test captions that are right word for word, as far as ``LONGEST`` words go."""
        true = [" ".join(text.split()[:LONGEST]) for text in self.test.captions]
        return float(np.mean([said == text for said, text in zip(self.captions(), true, strict=True)]))

    def colours_named(self) -> float:
        """Share of the test captions that name the colour of the balls, and no other one."""
        pairs = zip(self.captions(), self.test.captions, strict=True)
        return float(np.mean([_colours(said) == _colours(true) for said, true in pairs]))


def look(pixels: np.ndarray) -> Tensor:
    """Features (n, 6) of pictures (n, height, width, 3): mean colour, size and place of what is colourful."""
    values = pixels.astype(np.float32) / 255
    weight = (values.max(-1) - values.min(-1) > 0.2).astype(np.float32)
    size = weight.sum((1, 2))
    colour = (values * weight[..., None]).sum((1, 2)) / size[:, None]
    high, wide = weight.shape[1:]
    row = (weight * np.linspace(-1, 1, high, dtype=np.float32)[:, None]).sum((1, 2)) / size
    column = (weight * np.linspace(-1, 1, wide, dtype=np.float32)).sum((1, 2)) / size
    return torch.from_numpy(np.column_stack([colour, size / 100, row, column]).astype(np.float32))


def stills(count: int, rng: np.random.Generator, channels: Callable = pieces.as_rgb) -> Stills:
    """``count`` pictures with one caption each; a few captions are long."""
    pixels, captions = [], []
    for _ in range(count):
        number, left = int(rng.integers(3)), bool(rng.integers(2))
        colour = str(rng.choice(list(stage.COLOURS)))
        pixels.append(stage.still(rng, number + 1, colour, left))
        text = f"{COUNTS[number]} {colour} ball{'s' * (number > 0)} on the {'left' if left else 'right'}"
        captions.append(f"{text} {LONG}" if rng.random() < 0.05 else text)
    pictures = np.stack(pixels)
    return Stills(pictures, look(channels(pictures)), captions)


@lru_cache(maxsize=32)
def train(recipe: Recipe, seed: int = 0, steps: int = STEPS) -> Run:
    """Make stills and captions, and train. The same seed gives the same run."""
    rng = np.random.default_rng(seed)
    train_side, test_side = stills(TRAINING, rng), stills(TEST, rng, recipe.channels)
    vocabulary = pieces.words_of_training(train_side.captions, test_side.captions)
    written_with = recipe.words(train_side.captions, test_side.captions)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Captioner(len(vocabulary), 6, "1u", hidden=HIDDEN, embedding=24).standardise(train_side.features)
        run = Run(recipe, model, train_side, test_side, vocabulary, written_with)
        _fit(run, steps)
    return run


def _fit(run: Run, steps: int) -> None:
    before, after = run.batch()
    optimizer = torch.optim.Adam(run.model.parameters(), RATE)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = run.recipe.loss(run.model(run.train.features, before), after)
        loss.backward()
        optimizer.step()
        run.losses.append(float(loss.detach()))


def share_of_padding(run: Run) -> float:
    """Share of the places of the training batch at which there is no word."""
    _, after = run.batch()
    return float((after == PAD).float().mean())


def stammering(captions: list[str]) -> float:
    """Share of the captions in which a word follows itself."""
    words = [caption.split() for caption in captions]
    return float(np.mean([any(one == two for one, two in pairwise(caption)) for caption in words]))


def moved_words(run: Run) -> int:
    """How many words have another number in the list that captions are written with than in that of the training."""
    pairs = zip_longest(run.trained_with.words, run.written_with.words)
    return sum(one != two for one, two in pairs)


def _written(row: Tensor, vocabulary: Vocabulary) -> str:
    return vocabulary.decode(number for number in row.tolist() if number < len(vocabulary))


def _colours(caption: str) -> set[str]:
    return set(caption.split()) & set(stage.COLOURS)
