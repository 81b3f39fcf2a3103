"""How a command ends: with what it found, or with what is wrong in one line."""

import sys
from collections.abc import Callable, Iterable


def one_line(function: Callable, name: str = ""):
    """``function()``; where wrong input ends it, the process exits with one line and no traceback."""
    try:
        return function()
    except (OSError, ValueError, ImportError, ArithmeticError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"{name}: {why}" if name else why)


def run(name: str, lines: Iterable[str]) -> int:
    """Print ``lines`` as they come, for a script of data_scripts/ called ``name``; returns its exit code."""

    def show() -> None:
        for line in lines:
            print(line, flush=True)

    one_line(show, name)
    return 0
