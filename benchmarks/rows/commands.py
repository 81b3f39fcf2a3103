"""How long a command takes to say what it can do: ``--help``, from a cold interpreter."""

import subprocess
import sys
from pathlib import Path

from benchmarks.row import SECONDS, Topic, Work
from lrcn_utils.training.__main__ import TASKS

TOPIC = Topic(over=SECONDS, bar=0.3, process="commands")
REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ["training", *(f"training {task}" for task in TASKS), "evaluate", "predict"]
SCRIPTS = sorted(path.name for path in (REPOSITORY / "data_scripts").glob("[!_]*.py"))


def _help(*words: str) -> Work:
    def ask() -> None:
        subprocess.run([sys.executable, *words, "--help"], cwd=REPOSITORY, check=True, capture_output=True)

    return Work({"ours": ask})


for _name in MODULES:
    _words = ("-m", *f"lrcn_utils.{_name}".split())
    TOPIC.add(f"start: python -m lrcn_utils.{_name} --help", _help, *_words)
for _name in SCRIPTS:
    TOPIC.add(f"start: data_scripts/{_name} --help", _help, f"data_scripts/{_name}")
