"""The CRF of lesson 06 in a few lines: a star, in which each of the other slots hangs on slot 0, the activity.

``unaries``: one tensor (states of the slot,) a slot. ``tables``: one tensor (states of slot 0, states of the slot) for
each other slot. All are scores, that is, logarithms of weights.
"""

import torch
from torch import Tensor


def star(*sizes: int) -> tuple[list[Tensor], list[Tensor]]:
    """Random unaries, log-probabilities, and random tables, of slots with ``sizes`` states."""
    tables = [2 * torch.randn(sizes[0], size, dtype=torch.float64) for size in sizes[1:]]
    return [torch.randn(size, dtype=torch.float64).log_softmax(0) for size in sizes], tables


def score(unaries: list[Tensor], tables: list[Tensor], y: list[int]) -> Tensor:
    """The score of the tuple ``y``, one state a slot."""
    own = sum(u[state] for u, state in zip(unaries, y, strict=True))
    return own + sum(table[y[0], state] for table, state in zip(tables, y[1:], strict=True))


def log_z(unaries: list[Tensor], tables: list[Tensor]) -> Tensor:
    """log Z, by messages to slot 0."""
    messages = [(table + u).logsumexp(1) for u, table in zip(unaries[1:], tables, strict=True)]
    return (unaries[0] + sum(messages)).logsumexp(0)


def marginals(unaries: list[Tensor], tables: list[Tensor]) -> list[Tensor]:
    """The probabilities (states of the slot,) of each slot: the gradient of log Z."""
    free = [u.clone().requires_grad_() for u in unaries]
    return list(torch.autograd.grad(log_z(free, tables), free))
