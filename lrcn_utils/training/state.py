"""The state of a training on disk: what it is, how far it has come, and whether it may be continued."""

import json
from pathlib import Path
from typing import Any

import torch

from lrcn_utils.data import atomic
from lrcn_utils.training.logs import Log

Facts = dict[str, Any]


class RunError(ValueError):
    """A run that cannot be started or continued: the folder, what is in the way, and what to do."""


class State:
    """The state of one training on disk, which is read again only when ``resume`` is asked for.

    ``facts``: what the training is. A state with other facts is refused, and what differs is named.
    ``every``: seconds between two writings within an epoch; the state is also written after every epoch.
    ``log``: where the training's losses and evaluations are written down, beside the state.
    """

    def __init__(
        self,
        path: Path | str,
        facts: Facts | None = None,
        *,
        resume: bool = False,
        every: float = 60,
        log: Log | None = None,
    ):
        self.path, self.facts, self.resume, self.every, self.log = Path(path), facts or {}, resume, every, log

    def load(self, facts: Facts) -> Facts | None:
        """What was saved, on the CPU whatever device it was on; None where nothing is.

        Raises RunError when the file is of another training, damaged, or there although ``resume`` is False.
        """
        if not self.path.exists():
            return None
        if not self.resume:
            raise RunError(f"{self.path} holds a training that was begun; ask to resume it, or remove the file")
        try:
            saved = torch.load(self.path, weights_only=True, map_location="cpu")
            then = json.loads(saved["facts"])
        except Exception as error:
            raise RunError(f"{self.path}: not a training state of this version ({error!r:.80}); remove it") from error
        assert_same(then, as_stored(self.facts | facts), f"{self.path.name} is the state of another training")
        return saved

    def save(self, facts: Facts, saved: Facts) -> None:
        """Write the state, whole or not at all."""
        try:
            with atomic.replacing(self.path) as part:
                torch.save({"facts": json.dumps(as_stored(self.facts | facts)), **saved}, part)
        except (OSError, RuntimeError) as error:  # PyTorch's own writer knows no OSError
            raise OSError(f"{self.path}: cannot be written; is the disk full? The state before it is kept") from error


def as_stored(facts: Facts) -> Facts:
    """``facts`` as JSON gives them back."""
    return json.loads(json.dumps(facts, default=str))


def assert_same(then: Facts, now: Facts, what: str) -> None:
    """Raise RunError, naming up to five fields that differ, unless both are equal."""
    then, now = _flat(then), _flat(now)
    names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if names:
        differ = ", ".join(f"{name} {_short(then.get(name))} there, {_short(now.get(name))} here" for name in names[:5])
        more = f" and {len(names) - 5} more" * (len(names) > 5)
        raise RunError(f"{what} ({differ}{more}); choose another --out, or the settings of that run")


def _flat(facts: Facts) -> Facts:
    """Facts within facts under a name of both: {"a": {"b": 1}} is {"a b": 1}."""
    flat: Facts = {}
    for name, value in facts.items():
        inner = {f"{name} {key}": v for key, v in _flat(value).items()} if isinstance(value, dict) else {name: value}
        flat |= inner
    return flat


def _short(value: object) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
