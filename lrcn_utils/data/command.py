"""How a command begins, with what there is to do, and ends: with what it found, or what is wrong in one line."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence


def one_line(function: Callable, name: str = ""):
    """``function()``; where wrong input ends it, the process exits with one line and no traceback."""
    try:
        return function()
    except (OSError, ValueError, ImportError, ArithmeticError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"{name}: {why}" if name else why)


def part_of(words: Sequence[str], parts: Sequence[str], *, prog: str, about: str, what: str) -> str:
    """The first of ``words``, one of ``parts``: each part of the command ``prog`` has options of its own.

    ``about``: what --help says; ``what``: what a part is. Ends with usage and one line where it is none.
    """
    parser = argparse.ArgumentParser(prog=prog, description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=parts, help=what)
    return parser.parse_args(words[:1]).part


def run(name: str, lines: Iterable[str]) -> int:
    """Print ``lines`` as they come, for a script of data_scripts/ called ``name``; returns its exit code."""

    def show() -> None:
        for line in lines:
            print(line, flush=True)

    one_line(show, name)
    return 0


def estimate(count: int, todo: int, what: str, seconds: float, size: float, workers: int = 1) -> str:
    """How much there is to do, in a line.

    ``todo`` of ``count`` items, called ``what``, together cost ``seconds`` of one worker and take ``size`` bytes.
    """
    done = f", {count - todo} of them done" if todo < count else ""
    by = f" with {workers} workers" if workers > 1 else ""
    return f"{count} {what}{done}; to do: {todo}, about {duration(seconds / workers)}{by} and {bytes_of(size)} on disk"


def duration(seconds: float) -> str:
    """As "40 s", "12 min", "9.5 h" or "3 days"."""
    for name, unit, from_here in (("days", 86_400, 172_800), ("h", 3600, 5400), ("min", 60, 90)):
        if seconds >= from_here:
            return f"{seconds / unit:.2g} {name}" if seconds < 10 * unit else f"{seconds / unit:.0f} {name}"
    return f"{max(seconds, 1):.0f} s"


def bytes_of(size: float) -> str:
    """As "3 MB" or "6.5 GB", never less than 0.1 MB."""
    size = max(size, 1e5)
    name, unit = ("GB", 1e9) if size >= 1e9 else ("MB", 1e6)
    return f"{size / unit:.2g} {name}" if size < 10 * unit else f"{size / unit:.0f} {name}"
