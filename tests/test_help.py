"""Every command tells its options at once: it must not wait for PyTorch to do so."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrcn_utils.evaluate import PARTS
from lrcn_utils.models import captioning, heads
from lrcn_utils.training.__main__ import TASKS
from lrcn_utils.training.activity import models, settings
from lrcn_utils.training.activity import parts as activity
from lrcn_utils.training.captioning import settings as of_captioning
from lrcn_utils.training.extraction.parts import PARTS as EXTRACTED

REPOSITORY = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((REPOSITORY / "data_scripts").glob("*.py"))
# Runs a module or a script with --help and says what it has loaded meanwhile that takes seconds.
CHILD = """
import contextlib, io, runpy, sys
what, *sys.argv[1:] = sys.argv[1:]
shown = io.StringIO()
with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
    run = runpy.run_path if what.endswith(".py") else runpy.run_module
    run(what, run_name="__main__")
assert "--help" in shown.getvalue(), shown.getvalue()
print([name for name in ("torch", "torchvision", "cv2", "nltk", "matplotlib", "accelerate") if name in sys.modules])
"""


def parts_of(task):
    return importlib.import_module(f"lrcn_utils.training.{task}.parts").PARTS


def commands():
    yield ["lrcn_utils.training"]
    for task in TASKS:
        yield from (["lrcn_utils.training", task, *([part] if part else [])] for part in parts_of(task))
    yield ["lrcn_utils.predict"]
    yield from (["lrcn_utils.evaluate", *part] for part in ((), *((part,) for part in PARTS)))
    yield from (["lrcn_utils.extract", *part] for part in ((), *((part,) for part in EXTRACTED)))
    yield from ([str(script)] for script in SCRIPTS)


@pytest.mark.parametrize("words", list(commands()), ids=lambda words: " ".join(map(os.path.basename, words)))
def test_help_does_not_wait_for_pytorch(words):
    command = [sys.executable, "-c", CHILD, *words, "--help"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]", f"{' '.join(words)} --help has loaded {run.stdout}"


@pytest.mark.parametrize("task", TASKS)
def test_every_part_has_settings_and_a_command(task):
    commands = importlib.import_module(f"lrcn_utils.training.{task}.command").COMMANDS
    assert list(commands) == list(parts_of(task)) and all(map(callable, commands.values()))


def test_names_that_the_options_offer_are_those_of_the_models():
    """The settings name them again, because the models bring PyTorch."""
    assert set(settings.COURSE_CNNS) == set(models.BUILDERS)
    assert set(activity.RATES) == set(heads.HEADS)
    assert set(of_captioning.VARIANTS) == set(captioning.VARIANTS) and set(of_captioning.CELLS) == set(captioning.CELLS)
