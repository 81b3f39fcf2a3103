"""Retrieval: how probable a captioner finds every caption beside every image (paper, Tables 2, 4 and 5).

`lrcn_utils.metrics.retrieval` ranks by these numbers.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lrcn_utils.data.vocabulary import BOS

CAPTIONS_A_BLOCK = 256


@torch.no_grad()
def score_matrix(model, images: Tensor, captions: Sequence[Sequence[int]], batch: int = 2048) -> np.ndarray:
    """log p(caption | image) in nats of all pairs: float32 (images, captions).

    ``model``: anything with the ``start`` and ``step`` of `lrcn_utils.decoding`. ``images``: what its ``start``
    takes, batch first, on its device: features (images, image_size) for a captioner. ``captions``: word numbers
    without start and end, as ``Vocabulary.encode`` gives them. The end of a sentence is not scored, as in the
    released code.

    Captions that begin with the same words share these steps, so each beginning is computed once an image. No more
    than ``batch`` pairs are in memory at a time. Equal captions get exactly equal scores.
    Raises ValueError for an empty caption.
    """
    if empty := [number for number, words in enumerate(captions) if len(words) == 0]:
        raise ValueError(f"captions: number {empty[0]} has no words, so it has no probability")
    distinct = sorted(set(map(tuple, captions)))  # in the order of a dictionary: like beginnings are neighbours
    column = {words: number for number, words in enumerate(distinct)}
    scores = np.zeros((len(images), len(distinct)), dtype=np.float32)
    width = min(len(distinct), batch, CAPTIONS_A_BLOCK)
    height = batch // width
    for left in range(0, len(distinct), width):
        block = distinct[left : left + width]
        for top in range(0, len(images), height):
            found = _block(model, images[top : top + height], block)
            scores[top : top + len(found), left : left + len(block)] = found.cpu().numpy()
    return scores[:, [column[tuple(words)] for words in captions]]


def _block(model, images: Tensor, captions: list[tuple[int, ...]]) -> Tensor:
    """log p (images, captions): one step of the model for every image and every different beginning of a caption."""
    total = torch.zeros(len(images), len(captions), device=images.device)
    state, row = model.start(images), {(): 0}
    for t in range(max(map(len, captions))):
        longer = [number for number, words in enumerate(captions) if len(words) > t]
        beginnings = list(dict.fromkeys(captions[number][:t] for number in longer))
        parents = [row[words[:-1]] for words in beginnings]
        state = _take(state, len(images), len(row), parents)
        previous = torch.tensor([words[-1] if words else BOS for words in beginnings], device=images.device)
        log_probs, state = model.step(previous.repeat(len(images)), state)

        row = {words: number for number, words in enumerate(beginnings)}
        rows = [row[captions[number][:t]] for number in longer]
        words = [captions[number][t] for number in longer]
        total[:, longer] += log_probs.view(len(images), len(row), -1)[:, rows, words]
    return total


def _take(state, images: int, width: int, parents: list[int]):
    """Of a state with ``width`` rows an image, the rows of ``parents`` for every image."""
    if not isinstance(state, Tensor):
        return tuple(_take(part, images, width, parents) for part in state)
    return state.view(images, width, *state.shape[1:])[:, parents].flatten(0, 1)
