"""Where a captioner with attention looks when it says a thing, and whether the thing is there.

The captions are those of people, read with teacher forcing; the boxes are Toy Kitchen's own, of what is visible.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.vocabulary import Vocabulary, pad_batch
from lrcn_utils.models.attention import WEIGHTS, AttentionCaptioner
from lrcn_utils.training.captioning.told import FOODS
from lrcn_utils.training.cnn.images import STILL_SIDE
from lrcn_utils.training.sentences import LONGEST

SIDE, CELL = 7, 8  # the toy map has 7 x 7 places, 8 pixels of the CNN's picture apart
FIRST = 4  # the first pixel of the first place's square in a still as the CNN has it
PART = ((FIRST - 0.5) / STILL_SIDE, (FIRST - 0.5 + SIDE * CELL) / STILL_SIDE)  # of the still's side, for a figure
KINDS = dict.fromkeys(FOODS, "food") | dict.fromkeys(("board", "plate", "bowl", "pot"), "dish")
KINDS |= dict.fromkeys(("hand", "knife", "spoon", "fork", "whisk", "spatula"), "hand or tool")

Boxes = dict[str, list[int]]  # of a still's ground truth: "apple#0" -> x, y, width, height in pixels of 128 x 128


class Said(NamedTuple):
    """A thing named in a caption. ``weights`` and ``inside`` (places,): where it is looked for, and where it is.

    ``other``: where the picture's other food is, for a food beside another one; else None.
    """

    kind: str
    weights: np.ndarray
    inside: np.ndarray
    other: np.ndarray | None


def _thing(word: str) -> str | None:
    """The thing that a word names, singular or plural: "tomato" for "tomatoes"; None for other words."""
    fitting = [name for name in KINDS if word.startswith(name)]
    return max(fitting, key=len, default=None)


def _inside(boxes: Boxes, name: str, pixels: int = 128) -> np.ndarray:
    """The share of each place's square that boxes of ``name`` cover, 0..1: (places,), row by row.

    ``pixels``: the side of the picture that the boxes are of, which is warped to STILL_SIDE for the CNN.
    """
    at = (FIRST + np.arange(SIDE * CELL)) * pixels / STILL_SIDE
    covered = np.zeros((SIDE * CELL, SIDE * CELL), bool)
    for key, (x, y, width, height) in boxes.items():
        if key.split("#")[0] == name:
            covered |= ((at >= y) & (at < y + height))[:, None] & (at >= x) & (at < x + width)
    return covered.reshape(SIDE, CELL, SIDE, CELL).mean((1, 3)).ravel()


@torch.no_grad()
def _things_said(
    model: AttentionCaptioner, maps: Tensor, images: CaptionSet, boxes: list[Boxes], vocabulary: Vocabulary
) -> Iterator[Said]:
    """Every thing that is named in the captions of ``images`` and visible, with the weights of that moment.

    ``maps`` (images, places, numbers) and ``boxes``: one for each image.
    """
    model.eval()
    device = next(model.parameters()).device
    sentences = [(row, vocabulary.encode(text, LONGEST)) for row, text in images.pairs()]
    for start in range(0, len(sentences), 200):
        some = sentences[start : start + 200]
        before, _ = pad_batch([words for _, words in some])
        found = model.look(maps[[row for row, _ in some]].to(device), before.to(device)).cpu().numpy()
        for weights, (row, words) in zip(found, some, strict=True):
            yield from _of_caption(weights, vocabulary.decode(words).split(), boxes[row])


def _of_caption(weights: np.ndarray, words: list[str], boxes: Boxes) -> Iterator[Said]:
    named = [_thing(word) for word in words]
    foods = {name for name in named if name in FOODS}
    for step, name in enumerate(named):
        if name is None or not (place := _inside(boxes, name)).any():
            continue
        others = [_inside(boxes, other) for other in foods - {name}] if name in FOODS else []
        yield Said(KINDS[name], weights[step], place, others[0] if others and others[0].any() else None)


def _looked(said: Iterable[Said]) -> dict[str, float]:
    """What the weights do, all in shares of 0..1, and without the things that are never said.

    For each kind of thing: how much of the weight lies inside its boxes, and under "kind, chance" how much of the
    picture its boxes cover. Under "named of two foods": the named food's part of what both foods get together, which
    is 1/2 for weights that do not depend on the word.
    """
    said = list(said)
    found = {}
    for kind in dict.fromkeys(KINDS.values()):
        if same := [one for one in said if one.kind == kind]:
            found[kind] = float(np.mean([one.weights @ one.inside for one in same]))
            found[f"{kind}, chance"] = float(np.mean([one.inside.mean() for one in same]))
    pairs = [(one.weights @ one.inside, one.weights @ one.other) for one in said if one.other is not None]
    if pairs:
        found["named of two foods"] = float(np.mean([named / (named + other) for named, other in pairs]))
    return found


def where_it_looks(
    model: AttentionCaptioner, maps: Tensor, images: CaptionSet, boxes: list[Boxes], vocabulary: Vocabulary
) -> dict[str, dict[str, float]]:
    """``_looked`` for the model's own weights and for those of the controls."""
    found = {}
    for whose in WEIGHTS:
        model.weights = whose
        found[whose] = _looked(_things_said(model, maps, images, boxes, vocabulary))
    model.weights = "own"
    return found
