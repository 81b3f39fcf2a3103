"""What a row of the table is: some work, the ways to do it, and the bar that it is held to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

FLOOR, SECONDS, GROWTH = "floor", "seconds", "growth"


class Missing(Exception):
    """A row that cannot be measured here; the message says what is missing."""


@dataclass
class Work:
    """The ways to do one piece of work, made ready: each is called without arguments, again and again.

    The first way is the course's own. What the ways return is compared, so that none is quick by doing something else:
    tensors to 1e-3 and lists, both up to the end of the other way's; None is not compared.
    ``flops``: additions and multiplications that the work needs, for its floor.
    ``times``: of a way that does a part of the work only, how many such parts are the whole. Its time is multiplied.
    ``sizes``: the size of the work of each way, where the row is about growth.
    ``measured``: (wall, CPU) seconds of each way where it has been called already, as it cannot be called often.
    """

    ways: Mapping[str, Callable[[], object]]
    flops: float | None = None
    times: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row: ``build`` makes its work, in the process in which it is measured.

    ``over`` says what its figure is: the first way's time over that of the ``FLOOR``, or over that of another way,
    named here; the CPU ``SECONDS`` of its slowest way; or the exponent of ``GROWTH`` of time with size.
    ``bar``: the most that the figure may be.
    ``memory_bar``: for growth, how often the memory of the smallest size the largest may take at its peak.
    ``clock``: "wall" where waiting is part of the work, as for other processes; else as ``measure`` decides.
    ``least``: the fewest times that each way is timed.
    ``process``: rows that follow one another and have the same one are measured in one process; by default each has
    its own, so that none finds the memory of another.
    ``lesson``: whether it is what a notebook does, which gives freed memory back to the system; commands keep theirs.
    ``usual``: whether it is measured with all others, or is so slow that it is only when asked for by its name.
    """

    name: str
    build: Callable[[], Work]
    over: str = FLOOR
    bar: float | None = None
    memory_bar: float | None = None
    clock: str | None = None
    least: int = 7
    process: str | None = None
    lesson: bool = False
    usual: bool = True


class Topic:
    """The rows of one topic, in the order in which they are written; a decorator for what builds their work.

    ``facts``: those of ``Row`` that are the same for all of its rows, where a row does not say otherwise.
    """

    def __init__(self, **facts):
        self.rows, self._facts, self._first = [], facts, {}

    def row(self, name: str, *settings, **facts) -> Callable:
        """Add a row; ``settings`` go to the function that is decorated, ``facts`` are those of ``Row``."""

        def decorated(build: Callable[..., Work]) -> Callable[..., Work]:
            # Of several decorators the lowest is called first: the one above it goes before it.
            place = self._first.setdefault(build, len(self.rows))
            self.rows.insert(place, Row(name, partial(build, *settings), **self._facts | facts))
            return build

        return decorated

    def add(self, name: str, build: Callable[..., Work], *settings, **facts) -> None:
        """Add a row after all others."""
        self.rows.append(Row(name, partial(build, *settings), **self._facts | facts))
