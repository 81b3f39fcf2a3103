"""Comparing a student's result with the right one, and with the results of typical mistakes."""

from collections.abc import Mapping

import numpy as np
import torch

from lrcn_utils.checks.exercise import Wrong, expect


def numbers(found, what: str = "your function") -> np.ndarray:
    """``found`` as an array of float64, whether it is a tensor, an array, a number or a list of numbers.

    Raises ``Wrong`` where ``what`` has given nothing, or something that is no number.
    """
    expect(found is not None, f"{what} returns nothing; does it end with `return`?")
    if isinstance(found, torch.Tensor):
        found = found.detach().cpu()
    try:
        return np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise Wrong(f"{what} should return numbers, but returns {type(found).__name__}.") from error


def alike(found, wanted, tolerance: float = 1e-4) -> bool:
    """Whether two results have one shape, and values that differ by no more than ``tolerance`` (and rounding)."""
    found, wanted = numbers(found), numbers(wanted)
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-4, atol=tolerance)


def judge(found, wanted, mistakes: Mapping[str, object], otherwise: str, tolerance: float = 1e-4) -> None:
    """Raise ``Wrong`` unless ``found`` is like ``wanted``.

    The sentence is the first of ``mistakes`` (sentence -> what this mistake results in) that ``found`` is like; else
    it says that the shape is wrong, or, where the shape is right, ``otherwise``.
    """
    if alike(found, wanted, tolerance):
        return
    for sentence, result in mistakes.items():
        if alike(found, result, tolerance):
            raise Wrong(sentence)
    has, needs = numbers(found).shape, numbers(wanted).shape
    expect(has == needs, f"the result should have the shape {needs}, but yours has {has}.")
    raise Wrong(otherwise)


def judge_gradient(loss, right: torch.Tensor, inputs: torch.Tensor) -> None:
    """Raise ``Wrong`` unless ``loss``, a right value by now, has the gradient by ``inputs`` that ``right`` has."""
    expect(isinstance(loss, torch.Tensor) and loss.requires_grad, "the loss carries no gradient.")
    ours, theirs = (torch.autograd.grad(one, inputs)[0] for one in (loss, right))
    judge(ours, theirs, {}, "the loss is right, but its gradient is not.")
