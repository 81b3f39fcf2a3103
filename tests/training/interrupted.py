"""Trainings that are killed at a chosen step, and what is left of a run, for the tests of all tasks."""

from pathlib import Path

import pytest
import torch

from lrcn_utils.training import loop


class Killed(BaseException):
    """Not an Exception: nothing may catch it, as nothing can catch a real kill."""


def kill(monkeypatch, step: int, function) -> None:
    """Call ``function``, which "dies" before the ``step``-th step of whatever it trains; each step is saved."""
    with monkeypatch.context() as patched:
        _dies_at(patched, step)
        with pytest.raises(Killed):
            function()


def _dies_at(monkeypatch, step: int) -> None:
    real, taken = loop.take_step, []

    def dying(*arguments):
        taken.append(1)
        if len(taken) == step:
            raise Killed
        return real(*arguments)

    clock = iter(range(0, 10**9, 1000))  # a state is due after every step
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(loop, "take_step", dying)


def count_steps(monkeypatch) -> list:
    """A list that grows by one with every step of whatever is trained."""
    real, taken = loop.take_step, []
    monkeypatch.setattr(loop, "take_step", lambda *arguments: taken.append(1) or real(*arguments))
    return taken


def assert_same_models(one: Path, other: Path) -> None:
    """Both folders hold the same models, bit by bit."""
    from lrcn_utils.training.checkpoints import load_checkpoint

    names = sorted(file.name for file in one.glob("*.safetensors"))
    assert names and names == sorted(file.name for file in other.glob("*.safetensors"))
    for name in names:
        first, second = (load_checkpoint(folder / name)[0] for folder in (one, other))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first), name
