"""Decoding: from a model of the next word to sentences. Greedy, beam search and sampling, for a whole batch at once.

A model to decode has two methods (it may be any object):

``start(inputs) -> state``
    ``inputs`` is batch first, a tensor or a tuple of tensors; the state is a batch-first tensor or a
    (nested) tuple of them. The decoders reorder the rows of the state and never look inside.
``step(words, state) -> (log_probs, state)``
    ``words`` (batch,) are the previous words, ``log_probs`` (batch, vocabulary) those of the next one.

The first previous word is ``bos``. A hypothesis ends with ``eos``, or unfinished after ``max_length`` steps. Its log
probability sums every step, that of ``eos`` included. Paper: CVPR Sec. 5, v4 Sec. 5 and Table 6.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Hypothesis:
    """One sentence: word indices without ``bos`` and ``eos``, and the natural log of its probability."""

    words: tuple[int, ...]
    log_prob: float


@dataclass(frozen=True)
class BeamLevel:
    """The beams after one step, each (batch, width), best first.

    ``parents``: index of the beam of the level before; ``words``: the word it added (``eos`` again when it had ended);
    ``log_probs``: total so far, -inf where fewer than ``width`` sentences exist; ``finished``: bool.
    """

    parents: Tensor
    words: Tensor
    log_probs: Tensor
    finished: Tensor


class Without:
    """A model that never says some words: their probability is 0, and that of every other word is what it was.

    ``Without(model, [UNK])`` can be decoded as ``model`` can. The log probability of a sentence stays the model's own,
    since nothing is shared out among the words that are left.
    """

    def __init__(self, model, words: Sequence[int]):
        self.model, self.words = model, list(words)

    def start(self, inputs):
        return self.model.start(inputs)

    def step(self, words: Tensor, state) -> tuple[Tensor, tuple]:
        log_probs, state = self.model.step(words, state)
        return log_probs.index_fill(1, torch.tensor(self.words, device=log_probs.device), -torch.inf), state


@torch.no_grad()
def greedy(model, inputs, *, bos: int, eos: int, max_length: int = 20) -> list[list[Hypothesis]]:
    """The most probable word at every step (the lower index among equals). One hypothesis an image."""
    # The same word as argmax finds, in half the time.
    words, total = _generate(
        model, model.start(inputs), lambda t, rows, log_probs: log_probs.max(dim=1).indices, bos, eos, max_length
    )
    return _hypotheses(words[:, None], total[:, None], eos)


def beam_search(model, inputs, width: int, *, bos: int, eos: int, max_length: int = 20) -> list[list[Hypothesis]]:
    """The ``width`` best sentences that beam search finds for each image, best first.

    Every step extends each unfinished beam by every word and keeps the ``width`` best of all. A finished beam is not
    extended: it keeps its place as long as its log probability is among the best. Among equals the lower
    (beam, word) wins. The unfinished beams of all images take a step in one call of the model. Sentences of
    probability zero are left out. Raises ValueError if ``width`` < 1.
    """
    words = log_probs = None
    for level in beam_levels(model, inputs, width, bos=bos, eos=eos, max_length=max_length):
        added, log_probs = level.words[..., None], level.log_probs
        if words is None:
            words = added
        else:
            kept = words.gather(1, level.parents[..., None].expand_as(words))
            words = torch.cat([kept, added], dim=2)
    return _hypotheses(words, log_probs, eos)


@torch.no_grad()
def beam_levels(model, inputs, width: int, *, bos: int, eos: int, max_length: int = 20) -> Iterator[BeamLevel]:
    """Beam search seen step by step: the beams after each step (what ``beam_search`` reads, and a beam tree draws)."""
    if width < 1:
        raise ValueError(f"width is {width}; a beam needs at least 1")
    state = model.start(inputs)
    size, device = _size_and_device(state)
    alive = torch.arange(width, device=device).expand(size, width) == 0  # the first step has one beginning to extend
    finished = torch.zeros_like(alive)
    total = torch.zeros(size, width, device=device).masked_fill(~alive, -torch.inf)
    words = torch.full((size,), bos, device=device)
    for _ in range(max_length):
        log_probs, state = model.step(words, state)  # a row for each beam that is alive, and for no other
        # No beam can give more than its own ``width`` best words to the next level, so only these compete.
        best, word = _best(total[alive][:, None] + log_probs, min(width, log_probs.shape[1]))
        candidates = best.new_full((size, width, best.shape[1]), -torch.inf)
        candidates[..., 0] = total.masked_fill(~finished, -torch.inf)  # a finished beam stays as it is
        candidates[alive] = best
        total, index = (part[:, :width] for part in candidates.flatten(1).sort(descending=True, stable=True))
        parents, rank = index // best.shape[1], index % best.shape[1]
        added = torch.full_like(candidates, eos, dtype=torch.long)
        added[alive] = word
        added = added[torch.arange(size, device=device)[:, None], parents, rank]
        row = alive.flatten().cumsum(dim=0).view(size, width) - 1
        finished = added == eos
        alive = ~finished & ~total.isneginf()
        yield BeamLevel(parents, added, total, finished)
        if not alive.any():
            break
        state, words = reorder(state, row.gather(1, parents)[alive]), added[alive]


@torch.no_grad()
def sample(
    model,
    inputs,
    n: int,
    inverse_temperature: float = 1.0,
    *,
    bos: int,
    eos: int,
    max_length: int = 20,
    generator: torch.Generator | None = None,
) -> list[list[Hypothesis]]:
    """Draw ``n`` sentences an image; most probable first (among equals, the one drawn first).

    Words are drawn from softmax(T * log p). T is an inverse temperature, as in the paper: at 1 the model itself,
    at infinity greedy. Sentences are ranked by their log probability at T = 1, as in the released code. Sentence j
    of image i uses row (i, j) of one block of uniform numbers, so neither lengths nor other images move it.
    Raises ValueError if ``n`` < 1 or T <= 0.
    """
    if n < 1 or inverse_temperature <= 0:
        raise ValueError(f"n is {n} and T is {inverse_temperature}; n must be at least 1, T above 0")
    state = model.start(inputs)
    size, device = _size_and_device(state)
    uniform = torch.rand(size * n, max_length, generator=generator).to(device)
    state = reorder(state, torch.arange(size, device=device).repeat_interleave(n))

    def draw(t: int, rows: Tensor, log_probs: Tensor) -> Tensor:
        return _draw((inverse_temperature * log_probs).softmax(dim=1), uniform[rows, t])

    words, total = _generate(model, state, draw, bos, eos, max_length)
    total, order = total.view(size, n).sort(dim=1, descending=True, stable=True)
    words = words.view(size, n, -1)
    return _hypotheses(words.gather(1, order[..., None].expand_as(words)), total, eos)


@torch.no_grad()
def follow(model, inputs, words: Tensor, *, bos: int) -> Tensor:
    """Log probabilities (batch, time, vocabulary) of each next word along given sentences ``words`` (batch, time)."""
    state = model.start(inputs)
    previous = torch.cat([torch.full_like(words[:, :1], bos), words[:, :-1]], dim=1)
    found = []
    for t in range(words.shape[1]):
        log_probs, state = model.step(previous[:, t], state)
        found.append(log_probs)
    return torch.stack(found, dim=1)


def _generate(model, state, choose, bos: int, eos: int, max_length: int) -> tuple[Tensor, Tensor]:
    """Sentences (batch, time), ``eos`` after their end, and their log probabilities (batch,).

    ``choose(t, rows, log_probs)`` gives the words (rows,) of step t from the log probabilities (rows, vocabulary) of
    the sentences ``rows`` (rows,) of the batch. A sentence that has ended takes no more steps.
    """
    size, device = _size_and_device(state)
    words, total = torch.full((size, max_length), eos, device=device), None
    rows, before = torch.arange(size, device=device), torch.full((size,), bos, device=device)
    for t in range(max_length):
        log_probs, state = model.step(before, state)
        chosen = choose(t, rows, log_probs)
        words[rows, t] = chosen
        gained = log_probs.gather(1, chosen[:, None])[:, 0]
        total = gained if total is None else total.index_add(0, rows, gained)
        going = (chosen != eos).nonzero()[:, 0]
        if len(going) == 0:
            break
        rows, before = rows[going], chosen[going]
        if len(going) < len(chosen):
            state = reorder(state, going)
    return words[:, : t + 1], total


def _best(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Values and indices (rows, k) of the k best of each row, best first; among equals the lower index first."""
    values, index = scores.topk(min(k + 1, scores.shape[1]), dim=1)  # one more shows whether equals straddle the edge
    if (values[:, k - 1 : k] == values[:, k:]).any():  # topk promises no order among equals: a stable sort decides
        values, index = scores.sort(dim=1, descending=True, stable=True)
        return values[:, :k], index[:, :k]
    index = index[:, :k].sort(dim=1).values
    values, order = scores.gather(1, index).sort(dim=1, descending=True, stable=True)
    return values, index.gather(1, order)


def _draw(probs: Tensor, uniform: Tensor) -> Tensor:
    """The word of each row at which the cumulative probability first exceeds ``uniform`` in [0, 1)."""
    cumulative = probs.cumsum(dim=1)
    point = uniform.to(probs.dtype)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, point, right=True)[:, 0].clamp(max=probs.shape[1] - 1)


def _hypotheses(words: Tensor, log_probs: Tensor, eos: int) -> list[list[Hypothesis]]:
    """``words`` (batch, beams, time), cut at ``eos``, with ``log_probs`` (batch, beams)."""
    batch = []
    for beams, totals in zip(words.tolist(), log_probs.tolist(), strict=True):
        cut = [sentence[: sentence.index(eos)] if eos in sentence else sentence for sentence in beams]
        pairs = zip(cut, totals, strict=True)
        batch.append([Hypothesis(tuple(sentence), total) for sentence, total in pairs if total != -torch.inf])
    return batch


def reorder(state, index: Tensor):
    """A state with the rows that ``index`` (rows,) names."""
    if isinstance(state, Tensor):
        return state.index_select(0, index)
    return tuple(reorder(part, index) for part in state)


def _size_and_device(state) -> tuple[int, torch.device]:
    while not isinstance(state, Tensor):
        state = state[0]
    return state.shape[0], state.device
