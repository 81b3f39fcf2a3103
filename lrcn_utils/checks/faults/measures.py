"""Faults of flow, of scores and of the CRF: small experiments without a film.

Each experiment takes a seed and the piece that may be broken.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrcn_utils.checks.faults import stage
from lrcn_utils.data.flow import flow_image
from lrcn_utils.models.crf import TupleCRF
from lrcn_utils.training.description.tuples import fit_crf

# Flow of a ball that moves left or right


def flow_pictures(rng: np.random.Generator, count: int) -> tuple[np.ndarray, Tensor]:
    """Flow images uint8 (count, height, width, 3) of one moving ball, and labels (count,): 0 left, 1 right."""
    flow = np.zeros((count, stage.HEIGHT, stage.WIDTH, 2), np.float32)
    labels = rng.integers(0, 2, count)
    for picture, label in zip(flow, labels, strict=True):
        top, left = rng.integers(0, (stage.HEIGHT - 8, stage.WIDTH - 8))
        picture[top : top + 8, left : left + 8, 0] = rng.uniform(1, 3) * (1 if label else -1)
    return flow_image(flow), torch.from_numpy(labels)


def left_from_right(seed: int, mirrored: Callable) -> float:
    """Mean probability of the true direction on new flow images; the training has each picture also ``mirrored``.

    The label follows the mirror: a ball that moves left moves right in it.
    """
    rng = np.random.default_rng(seed)
    pictures, labels = flow_pictures(rng, 100)
    seen = np.concatenate([pictures, mirrored(pictures)])
    wanted = torch.cat([labels, 1 - labels])
    tested, truth = flow_pictures(rng, 100)
    weight, bias = torch.zeros(3, 2, requires_grad=True), torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], 0.1)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(_mean_motion(seen) @ weight + bias, wanted).backward()
        optimizer.step()
    with torch.no_grad():
        said = (_mean_motion(tested) @ weight + bias).softmax(1)
    return float(said[torch.arange(len(truth)), truth].mean())


def mirror_test(seed: int, mirrored: Callable) -> float:
    """Mean distance, in grey levels of the moving pixels' x, of mirrored flow images from those of mirrored films."""
    flow = np.zeros((20, stage.HEIGHT, stage.WIDTH, 2), np.float32)
    rng = np.random.default_rng(seed)
    flow[:, 4:12, 4:12, 0] = rng.uniform(-3, 3, (20, 1, 1))
    of_the_mirrored_film = flow[:, :, ::-1] * np.array([-1, 1], np.float32)
    distance = np.abs(mirrored(flow_image(flow))[..., 0].astype(float) - flow_image(of_the_mirrored_film)[..., 0])
    return float(distance[of_the_mirrored_film[..., 0] != 0].mean())


def _mean_motion(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy((pictures.astype(np.float32) - 128).mean((1, 2)) / 4)


# Captions, and what people wrote


def captions_of_all_lengths(seed: int, count: int = 60) -> tuple[list[list[str]], list[list[list[str]]]]:
    """Candidates and, for each, one reference. Short ones are right; each long one has some wrong words."""
    rng = np.random.default_rng(seed)
    words = [f"w{number}" for number in range(30)]
    candidates, references = [], []
    for number in range(count):
        reference = [str(word) for word in rng.choice(words, 5 if number % 2 else 16)]
        candidate = list(reference)
        if len(reference) > 5:
            for place in rng.choice(16, 5, replace=False):
                candidate[place] = "oops"
        candidates.append(candidate)
        references.append([reference])
    return candidates, references


def bleu_4(seed: int, score: Callable) -> float:
    """BLEU-4 of these captions by ``score(candidates, references)``."""
    return score(*captions_of_all_lengths(seed))


# A CRF of two slots, read by classifiers that have learned their own clips by heart

STATES, CLIPS, SIZE = [6, 6], 90, 40
Unaries = list[Tensor]


def two_slots(rng: torch.Generator, prototypes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Features (count, 40) and true tuples (count, 2): slot 1 follows slot 0 in nine of ten clips."""
    first = torch.randint(STATES[0], (count,), generator=rng)
    follows = torch.rand(count, generator=rng) < 0.9
    second = torch.where(follows, (first + 2) % STATES[1], torch.randint(STATES[1], (count,), generator=rng))
    noise = 2.2 * torch.randn(count, SIZE, generator=rng)
    return prototypes[0][first] + prototypes[1][second] + noise, torch.stack([first, second], 1)


def crf_on_new_clips(seed: int, seen_by: Callable) -> tuple[TupleCRF, Unaries, Tensor]:
    """A CRF fitted to the unaries ``seen_by(features, tuples)`` of its clips, and unaries and tuples of new clips."""
    rng = torch.Generator().manual_seed(seed)
    prototypes = torch.randn(2, 6, SIZE, generator=rng) / 1.4
    features, truth = two_slots(rng, prototypes, CLIPS)
    new_features, new_truth = two_slots(rng, prototypes, 300)
    field = fit_crf(seen_by(features, truth), truth, [(0, 1)])
    return field, _unaries(_classifier(features, truth), new_features), new_truth


def nats_on_new_clips(seed: int, seen_by: Callable) -> float:
    """Loss of the CRF in nats a tuple, on new clips."""
    field, unaries, truth = crf_on_new_clips(seed, seen_by)
    return float(field(unaries, truth))


def reliability(seed: int, seen_by: Callable, bins: int = 4) -> tuple[list[float], list[float]]:
    """New clips in ``bins`` equal parts, by the probability of the MAP tuple: its mean in each, and the share right."""
    field, unaries, truth = crf_on_new_clips(seed, seen_by)
    best = field.map_tuple(unaries)
    p = (field.score(unaries, best) - field.log_partition(unaries)).exp()
    right = (best == truth).all(1).float()
    parts = p.argsort().chunk(bins)
    return [float(p[part].mean()) for part in parts], [float(right[part].mean()) for part in parts]


def unaries_of_held_out_clips(features: Tensor, truth: Tensor) -> Unaries:
    found = [torch.empty(len(features), size) for size in STATES]
    part = torch.arange(len(features)) % 3
    for held_out in range(3):
        layer = _classifier(features[part != held_out], truth[part != held_out])
        for whole, some in zip(found, _unaries(layer, features[part == held_out]), strict=True):
            whole[part == held_out] = some
    return found


def unaries_of_own_clips(features: Tensor, truth: Tensor) -> Unaries:
    return _unaries(_classifier(features, truth), features)


def _classifier(features: Tensor, truth: Tensor) -> nn.Linear:
    """One linear layer for both slots, trained until it knows its clips by heart."""
    layer = nn.Linear(SIZE, sum(STATES))
    nn.init.zeros_(layer.weight), nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(layer.parameters(), 0.05)
    for _ in range(150):
        optimizer.zero_grad()
        parts = layer(features).split(STATES, 1)
        sum(F.cross_entropy(part, truth[:, slot]) for slot, part in enumerate(parts)).backward()
        optimizer.step()
    return layer.requires_grad_(False)


def _unaries(layer: nn.Linear, features: Tensor) -> Unaries:
    return [part.log_softmax(1) for part in layer(features).split(STATES, 1)]
