"""Measure one row: its ways in turn, in a process of its own, beside the best matrix product of that process.

Each round calls every way once, in an order that is drawn anew, so that what slows the machine for a while slows all
of them. A sample is the mean of as many calls as take a fiftieth of a second. On one thread CPU time decides, which a
busy machine hardly moves; on more threads, and on a GPU, wall time does.
"""

import contextlib
import io
import math
import os
import random
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from benchmarks.row import FLOOR, GROWTH, SECONDS, Missing, Row, Work
from lrcn_utils import environment

SAMPLE, SECONDS_OF_A_ROW, MOST_ROUNDS = 0.02, 2.0, 25
PRODUCT = {"cpu": 2048, "cuda": 8192}  # the side of the matrices whose product is the machine's best
SHOWN = 8  # operators of a profile
MORE_THREADS = 1.2  # a bar over the floor allows so much more, as no work is shared out without a rest
PROFILED = 0.2  # seconds of calls, at least


@dataclass
class Times:
    """Seconds of a call, quartiles (first, median, third) by the wall's clock and the processor's; memory in MB.

    ``memory`` is the most that the process held while the way was called the first two times, on a GPU the most that
    its tensors held there.
    """

    wall: tuple[float, float, float]
    cpu: tuple[float, float, float]
    memory: float | None
    rounds: int

    def seconds(self, clock: str) -> float:
        return getattr(self, clock)[1]


@dataclass
class Result:
    """What was found for a row. ``fault``: why there is nothing. ``figure``: what the bar is for, see ``Row.over``.

    ``floor``: seconds; ``share_of_peak``: the floor over the first way's time.
    ``product``: GFLOP a second of the matrix product, the best and the median of the rounds.
    ``profile``: where the time goes, (operator, its share), for a row that misses its bar.
    """

    row: str
    over: str
    bar: float | None = None
    clock: str = "cpu"
    ways: dict[str, Times] = field(default_factory=dict)
    floor: float | None = None
    product: list[float] | None = None
    figure: float | None = None
    spread: tuple[float, float] | None = None
    memory_figure: float | None = None
    memory_bar: float | None = None
    share_of_peak: float | None = None
    profile: list[tuple[str, float]] = field(default_factory=list)
    fault: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the row keeps within its bars; None where it has none, or could not be measured."""
        pairs = [(self.figure, self.bar), (self.memory_figure, self.memory_bar)]
        asked = [(found, bar) for found, bar in pairs if found is not None and bar is not None]
        return all(found <= bar for found, bar in asked) if asked else None


def measure(row: Row, threads: int = 1) -> dict:
    """The ``Result`` of a row as plain JSON; a row that fails says so in ``fault`` and stops no other."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    clock = "cpu" if threads == 1 and environment.device().type == "cpu" else "wall"
    bar = MORE_THREADS * row.bar if threads > 1 and row.bar and row.over == FLOOR else row.bar
    result = Result(row.name, row.over, bar, row.clock or clock, memory_bar=row.memory_bar)
    try:
        with contextlib.redirect_stdout(None), contextlib.redirect_stderr(io.StringIO()):  # bars of progress
            _measure(row, row.build(), result)
    except Missing as missing:
        result.fault = str(missing)
    except Exception:  # whatever it is, the other rows are to be measured
        result.fault = traceback.format_exc(limit=-3)
    return asdict(result) | {"holds": result.holds}


def _measure(row: Row, work: Work, result: Result) -> None:
    if work.measured:
        for name, (wall, cpu) in work.measured.items():
            result.ways[name] = Times((wall,) * 3, (cpu,) * 3, None, 1)
    else:
        _time(row, work, result)
    _figure(row, work, result)
    if result.holds is False and work.ways:
        result.profile = profile(next(iter(work.ways.values())))


def _time(row: Row, work: Work, result: Result) -> None:
    once, memory = _first_calls(work)
    ways = dict(work.ways)
    if work.flops:
        product = ways[FLOOR] = _Product()
        once[FLOOR] = _sample(product, 2)[0]
    samples = _rounds(ways, once, row.least)
    for name in work.ways:
        times = work.times.get(name, 1)
        wall, cpu = (_quartiles([times * one[side] for one in samples[name]]) for side in (0, 1))
        result.ways[name] = Times(wall, cpu, memory[name], len(samples[name]))
    if work.flops:
        seconds = [one[result.clock == "cpu"] for one in samples[FLOOR]]
        result.floor = work.flops / product.flops * min(seconds)
        result.product = [product.flops / found / 1e9 for found in (min(seconds), _quartiles(seconds)[1])]


def _figure(row: Row, work: Work, result: Result) -> None:
    first = next(iter(result.ways))
    if row.over == SECONDS:
        first = max(result.ways, key=lambda name: result.ways[name].seconds(result.clock))
    own = getattr(result.ways[first], result.clock)
    if result.floor:
        result.share_of_peak = result.floor / own[1]
    if row.over == GROWTH:
        seconds = [result.ways[name].seconds(result.clock) for name in work.sizes]
        result.figure = exponent(list(work.sizes.values()), seconds)
        peaks = [result.ways[name].memory for name in work.sizes]
        result.memory_figure = peaks[-1] / peaks[0] if row.memory_bar else None
        return
    if row.over == SECONDS:
        below = 1.0
    elif row.over == FLOOR:
        below = result.floor
    else:
        below = result.ways[row.over].seconds(result.clock)
    result.figure, result.spread = own[1] / below, (own[0] / below, own[2] / below)


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The steepest growth of time from one size to the next: e of seconds ~ size^e. 1 is in proportion."""
    pairs = zip(pairwise(sizes), pairwise(seconds), strict=True)
    return max(math.log(t1 / t0) / math.log(n1 / n0) for (n0, n1), (t0, t1) in pairs)


def _first_calls(work: Work) -> tuple[dict[str, float], dict[str, float]]:
    """Call every way twice, and compare what they return: the seconds of a call, and the most memory (MB) it took."""
    once, memory, found = {}, {}, {}
    for name, call in work.ways.items():
        _forget_peak()
        call()
        began = time.perf_counter()
        found[name] = call()
        _finish()
        once[name], memory[name] = time.perf_counter() - began, _peak()
    first = next(iter(found.values()))
    if not work.sizes:
        for name, other in found.items():
            _same(name, first, other)
    return once, memory


def _same(name: str, first: object, other: object) -> None:
    if first is None or other is None:
        return
    if isinstance(first, torch.Tensor):
        part = first[: len(other)] if other.dim() else first
        torch.testing.assert_close(other, part, rtol=1e-3, atol=1e-3, msg=lambda text: f"{name}: {text}")
    elif list(other) != list(first)[: len(other)]:
        raise AssertionError(f"{name}: gives other results than the course's own way")


def _forget_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):  # Linux alone can; elsewhere a peak is that of all that went before
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii", newline="\n")


def _peak() -> float | None:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


class _Product:
    """The product of two square matrices of ones and noise, the best that the machine does."""

    def __init__(self):
        device = environment.device()
        side = PRODUCT[device.type]
        self.a, self.b = torch.randn(2, side, side, device=device)
        self.out, self.flops = torch.empty_like(self.a), 2 * side**3

    def __call__(self) -> None:
        torch.mm(self.a, self.b, out=self.out)


def _rounds(ways: dict[str, Callable], once: dict[str, float], least: int) -> dict[str, list[tuple[float, float]]]:
    """Samples (wall, CPU) of a call of each way, all ways once a round. ``once``: seconds of a call, roughly."""
    calls = {name: max(1, math.ceil(SAMPLE / max(seconds, 1e-9))) for name, seconds in once.items()}
    a_round = sum(once[name] * calls[name] for name in ways)
    order, random_order = list(ways), random.Random(0)
    samples = {name: [] for name in ways}
    for _ in range(max(least, min(MOST_ROUNDS, int(SECONDS_OF_A_ROW / a_round)))):
        random_order.shuffle(order)
        for name in order:
            samples[name].append(_sample(ways[name], calls[name]))
    return samples


def _sample(call: Callable, calls: int) -> tuple[float, float]:
    _finish()
    wall, cpu = time.perf_counter(), processor()
    for _ in range(calls):
        call()
    _finish()
    return (time.perf_counter() - wall) / calls, (processor() - cpu) / calls


def processor() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _finish() -> None:
    if torch.cuda.is_available():  # a GPU works on after the call has returned
        torch.cuda.synchronize()


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    return tuple(float(value) for value in np.quantile(values, (0.25, 0.5, 0.75)))


def profile(call: Callable) -> list[tuple[str, float]]:
    """Where a call spends its time: the operators of PyTorch with the largest shares of it, and all that is outside.

    What the profiler itself takes to begin and to end is left out.
    """
    gpu = torch.cuda.is_available()
    activities = [torch.profiler.ProfilerActivity.CPU] + [torch.profiler.ProfilerActivity.CUDA] * gpu
    with torch.profiler.profile(activities=activities):
        call()  # the first call under a profiler is slow
    with torch.profiler.profile(activities=activities) as found:
        began = time.perf_counter()  # the profiler goes by the wall's clock too
        while time.perf_counter() - began < PROFILED:
            call()
            _finish()
        spent = 1e6 * (time.perf_counter() - began)
    key = "self_device_time_total" if gpu else "self_cpu_time_total"
    times = sorted(((event.key, getattr(event, key)) for event in found.key_averages()), key=lambda one: -one[1])
    total = sum(time for _, time in times)
    whole = total if gpu else max(spent, total)
    rest = [] if gpu else [("outside PyTorch's operators", (whole - total) / whole)]
    return [(name, time / whole) for name, time in times[:SHOWN]] + rest
