"""Retrieval: how probable a captioner finds every caption beside every image (paper, Tables 2, 4 and 5).

`lrcn_utils.metrics.retrieval` ranks by these numbers.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lrcn_utils.data.vocabulary import BOS, PAD

CAPTIONS_A_BLOCK = 256


@torch.no_grad()
def score_matrix(model, images: Tensor, captions: Sequence[Sequence[int]], batch: int = 2048) -> np.ndarray:
    """log p(caption | image) in nats of all pairs: float32 (images, captions).

    ``model``: anything with the ``start`` and ``step`` of `lrcn_utils.decoding`, or with the same step in three parts
    (``words_share``, ``image_share``, ``factored_step``), as the captioners have it. ``images``: what its ``start``
    takes, batch first, on its device: features (images, image_size) for a captioner. ``captions``: word numbers
    without start and end, as ``Vocabulary.encode`` gives them. The end of a sentence is not scored, as in the
    released code.

    Captions that begin with the same words share these steps, so each beginning is computed once an image; what
    depends on the words alone is computed once for all images. No more than ``batch`` pairs are in memory at a time.
    Equal captions get exactly equal scores. Raises ValueError for an empty caption.
    """
    if empty := [number for number, words in enumerate(captions) if len(words) == 0]:
        raise ValueError(f"captions: number {empty[0]} has no words, so it has no probability")
    distinct = sorted(set(map(tuple, captions)))  # in the order of a dictionary: like beginnings are neighbours
    column = {words: number for number, words in enumerate(distinct)}
    scores = np.zeros((len(images), len(distinct)), dtype=np.float32)
    width = min(len(distinct), batch, CAPTIONS_A_BLOCK)
    height = batch // width
    model = model if hasattr(model, "factored_step") else _Whole(model)
    for left in range(0, len(distinct), width):
        block = distinct[left : left + width]
        of_words = model.words_share(_before(block).to(images.device))
        for top in range(0, len(images), height):
            found = _block(model, images[top : top + height], block, of_words)
            scores[top : top + len(found), left : left + len(block)] = found.cpu().numpy()
    return scores[:, [column[tuple(words)] for words in captions]]


def _block(model, images: Tensor, captions: list[tuple[int, ...]], of_words: Tensor) -> Tensor:
    """log p (images, captions): one step of the model for every image and every different beginning of a caption."""
    (of_image, state), row = model.image_share(images), {(): 0}
    total = torch.zeros(len(images), len(captions), device=images.device)
    for t in range(max(map(len, captions))):
        longer = [number for number, words in enumerate(captions) if len(words) > t]
        owner = {captions[number][:t]: number for number in longer}  # a caption that has this beginning
        state = _take(state, len(images), len(row), [row[words[:-1]] for words in owner])
        share = of_image[:, None] + of_words[list(owner.values()), t]
        log_probs, state = model.factored_step(share.flatten(0, 1), state)
        row = {words: number for number, words in enumerate(owner)}
        rows = [row[captions[number][:t]] for number in longer]
        words = [captions[number][t] for number in longer]
        total[:, longer] += log_probs.view(len(images), len(row), -1)[:, rows, words]
    return total


class _Whole:
    """Any model with ``start`` and ``step`` in the form of one in three parts: the words' share is the words."""

    def __init__(self, model):
        self.model = model

    def words_share(self, before: Tensor) -> Tensor:
        return before[..., None]

    def image_share(self, images: Tensor):
        return torch.zeros(len(images), 1, dtype=torch.long, device=images.device), self.model.start(images)

    def factored_step(self, share: Tensor, state):
        return self.model.step(share[:, 0], state)


def _before(captions: list[tuple[int, ...]]) -> Tensor:
    """The words before each word, 0-padded: (captions, time)."""
    rows = [torch.tensor((BOS, *words[:-1])) for words in captions]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


def _take(state, images: int, width: int, parents: list[int]):
    """Of a state with ``width`` rows an image, the rows of ``parents`` for every image."""
    if not isinstance(state, Tensor):
        return tuple(_take(part, images, width, parents) for part in state)
    return state.view(images, width, *state.shape[1:])[:, parents].flatten(0, 1)
