"""How a check speaks: one sentence, never a traceback, and what has passed is written down beside the notebook."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch

from lrcn_utils.data import atomic

PROGRESS = "progress.json"  # in the folder of the notebook: {lesson: [names of the exercises that passed]}


class Wrong(Exception):
    """What is wrong with an answer, as a sentence to the student."""


def expect(holds: bool, otherwise: str) -> None:
    """Raise ``Wrong`` with the sentence ``otherwise`` unless ``holds``."""
    if not holds:
        raise Wrong(otherwise)


def exercise(check: Callable) -> Callable[[Callable], None]:
    """Make an exercise of ``check``, which tries a student's function and raises ``Wrong`` with what it finds.

    The exercise prints the sentence. Whatever else the student's function raises becomes a sentence, too. The check
    runs with random numbers of its own, so it changes none of the notebook's. Its ``or_raise`` is for grading: it
    prints nothing, and raises ``Wrong`` or whatever the function raises.
    """
    lesson, name = check.__module__.rsplit(".", 1)[-1], check.__name__

    def or_raise(answer: Callable) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            check(answer)

    @functools.wraps(check)
    def run(answer: Callable) -> None:
        try:
            or_raise(answer)
        except Wrong as wrong:
            print(f"Not yet: {wrong}")
        except NotImplementedError:
            print("Not yet: the function is still to be written.")
        except Exception as error:  # the student's code may raise anything
            print(f"Not yet: your function stops with {type(error).__name__}: {_one_line(error)}")
        else:
            print("Passed.")
            record(lesson, name)

    run.is_exercise, run.or_raise = True, or_raise
    return run


def exercises_of(module: ModuleType) -> list[str]:
    """The names of the exercises that ``module`` holds, in the order of its lines."""
    return [name for name, value in vars(module).items() if getattr(value, "is_exercise", False)]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or "no message"


def record(lesson: str, name: str, folder: Path | None = None) -> None:
    """Write down that an exercise has passed, in ``folder`` (default: the working folder, which is the notebook's)."""
    file = (folder or Path.cwd()) / PROGRESS
    passed = progress(file.parent)
    if name not in passed.get(lesson, []):
        passed.setdefault(lesson, []).append(name)
        atomic.write_text(file, json.dumps(passed, indent=1))


def progress(folder: Path | None = None) -> dict[str, list[str]]:
    """What has passed: {lesson: [exercises]}; a file that is lost or broken counts as nothing."""
    file = (folder or Path.cwd()) / PROGRESS
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
