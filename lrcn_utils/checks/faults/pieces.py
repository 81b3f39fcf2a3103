"""The pieces of which the recipes are made, in pairs: first the mended piece, then the broken one."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrcn_utils.checks.faults import stage
from lrcn_utils.data.clips import mirror
from lrcn_utils.data.vocabulary import Vocabulary, pad_batch
from lrcn_utils.metrics.captions import bleu
from lrcn_utils.models.captioning import loss_per_word

# Where in the action a clip begins


def starts_anywhere(rng: np.random.Generator, step: tuple[int, int]) -> np.ndarray:
    return rng.uniform(0, (stage.HEIGHT + stage.MARGIN, stage.WIDTH + stage.MARGIN))


def starts_with_the_action(rng: np.random.Generator, step: tuple[int, int]) -> np.ndarray:
    middle = np.array([stage.HEIGHT + stage.MARGIN, stage.WIDTH + stage.MARGIN]) / 2
    return middle - FAR * np.array(step) + rng.normal(0, 1, 2)


FAR = 4  # steps before the middle of the stage

# One crop for a clip


def one_crop(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    top, left = rng.integers(stage.MARGIN + 1, size=2)
    return frames[:, top : top + stage.HEIGHT, left : left + stage.WIDTH]


def a_crop_for_each_frame(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([one_crop(frame[None], rng) for frame in frames])


# Which label belongs to which clip


def labels_in_order(labels: Tensor) -> Tensor:
    return labels


def labels_shifted_by_one(labels: Tensor) -> Tensor:
    return labels.roll(1)


# Which clips are held out


def whole_groups(groups: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    held_out = groups >= 2 * groups.max() / 3
    return (~held_out).nonzero()[:, 0], held_out.nonzero()[:, 0]


def clips_at_random(groups: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    order = torch.from_numpy(rng.permutation(len(groups)))
    return order[: 2 * len(order) // 3], order[2 * len(order) // 3 :]


# The loss of a classifier


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels)


def softmax_twice(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.softmax(1), labels)


# The gradient of a step


def new_gradient(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()


def gradient_added_up(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    loss.backward()


# The model when it is tested


def without_dropout(model: nn.Module) -> None:
    model.eval()


def with_dropout(model: nn.Module) -> None:
    model.train()


# The state with which the LSTM begins a batch of test clips; ``before``: the last one of the batch before


def state_of_zeros(before, batch: int):
    return None


def state_of_the_last_batch(before, batch: int):
    return None if before is None else tuple(part[:, :batch] for part in before)


# A mirrored flow image


def flow_negated(image: np.ndarray) -> np.ndarray:
    return mirror(image, flow=True)


def flow_only_flipped(image: np.ndarray) -> np.ndarray:
    return image[..., ::-1, :]


# The colour channels of a picture that is read for the test


def as_rgb(pixels: np.ndarray) -> np.ndarray:
    return pixels


def as_bgr(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., ::-1]


# What a captioner reads, and what it shall say


def shifted(captions: list[list[int]]) -> tuple[Tensor, Tensor]:
    return pad_batch(captions)


def not_shifted(captions: list[list[int]]) -> tuple[Tensor, Tensor]:
    _, target = pad_batch(captions)
    return target, target


# The loss of a batch of captions; (batch, time, vocabulary) and (batch, time)


def padding_left_out(logits: Tensor, targets: Tensor) -> Tensor:
    return loss_per_word(logits, targets)


def padding_counted(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


# The word list with which the test's captions are written


def words_of_training(training: list[str], test: list[str]) -> Vocabulary:
    return Vocabulary.build(training, min_count=1)


def words_counted_anew(training: list[str], test: list[str]) -> Vocabulary:
    return Vocabulary.build(test, min_count=1)


# BLEU-4 of many captions


def bleu_of_the_corpus(candidates: list[list[str]], references: list[list[list[str]]]) -> float:
    return bleu(candidates, references)[3]


def bleu_averaged(candidates: list[list[str]], references: list[list[list[str]]]) -> float:
    each = [bleu([one], [texts])[3] for one, texts in zip(candidates, references, strict=True)]
    return sum(each) / len(each)
