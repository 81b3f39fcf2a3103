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

from collections.abc import Callable, Iterator, Sequence
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
        log_probs = log_probs.clone()
        log_probs[:, self.words] = -torch.inf
        return log_probs, state


@torch.no_grad()
def greedy(model, inputs, *, bos: int, eos: int, max_length: int = 20) -> list[list[Hypothesis]]:
    """The most probable word at every step (the lower index among equals). One hypothesis an image."""
    words, total = _generate(
        model, model.start(inputs), lambda t, log_probs: log_probs.argmax(dim=1), bos, eos, max_length
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
        extended, state = model.step(words, state)  # a row for each beam that is alive, and for no other
        vocabulary = extended.shape[1]
        log_probs = extended.new_full((size, width, vocabulary), -torch.inf)
        log_probs[alive] = extended
        level = extend(log_probs, total, finished, eos)
        row = alive.flatten().cumsum(dim=0).view(size, width) - 1
        total, finished = level.log_probs, level.finished
        alive = ~finished & ~total.isneginf()
        yield level
        if not alive.any():
            break
        state, words = reorder(state, row.gather(1, level.parents)[alive]), level.words[alive]


def extend(log_probs: Tensor, total: Tensor, finished: Tensor, eos: int, best: Callable | None = None) -> BeamLevel:
    """One step of beam search: of all extensions of an image's beams the best, as many as there are beams.

    ``log_probs`` (batch, width, vocabulary) of the next words, -inf for a beam that cannot be extended; they are
    overwritten. ``total``, ``finished`` (batch, width): of the beams so far. ``best(scores, k)`` gives values and
    indices (batch, k), best first and the lower index among equals, as does the default.
    """
    vocabulary = log_probs.shape[2]
    log_probs[..., eos].masked_fill_(finished, 0.0)
    total, index = (best or _best)((total[..., None] + log_probs).flatten(1), total.shape[1])
    added = index % vocabulary
    return BeamLevel(index // vocabulary, added, total, added == eos)


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

    def draw(t: int, log_probs: Tensor) -> Tensor:
        return _draw((inverse_temperature * log_probs).softmax(dim=1), uniform[:, t])

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

    ``choose(t, log_probs)`` gives the word (batch,) of step t from the log probabilities (batch, vocabulary).
    """
    size, device = _size_and_device(state)
    words = torch.full((size,), bos, device=device)
    total, finished, steps = 0.0, torch.zeros(size, dtype=torch.bool, device=device), []
    for t in range(max_length):
        log_probs, state = model.step(words, state)
        chosen = choose(t, log_probs)
        gained = log_probs.gather(1, chosen[:, None])[:, 0]
        words = chosen.masked_fill(finished, eos)
        total = total + gained.masked_fill(finished, 0.0)
        steps.append(words)
        finished = finished | (words == eos)
        if finished.all():
            break
    return torch.stack(steps, dim=1), total


def _best(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Values and indices (rows, k) of the k best of each row, best first; among equals the lower index first."""
    values, index = scores.topk(k, dim=1)
    if ((scores >= values[:, -1:]).sum(dim=1) > k).any():
        # topk promises no order among equals: when they straddle the edge, only a stable sort decides.
        values, index = scores.sort(dim=1, descending=True, stable=True)
        return values[:, :k], index[:, :k]
    index = index.sort(dim=1).values
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
