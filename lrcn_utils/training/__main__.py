"""The command line of training: ``python -m lrcn_utils.training TASK ...``; each task says its own options."""

import argparse
import ast
import importlib
import sys
from pathlib import Path

TASKS = {
    "activity": "lrcn_utils.training.activity",
    "captioning": "lrcn_utils.training.captioning",
    "description": "lrcn_utils.training.description",
    "cnn": "lrcn_utils.training.cnn",
}


def main(arguments: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m lrcn_utils.training",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="tasks:\n" + "\n".join(f"  {name:12} {first_line(name)}" for name in TASKS),
    )
    parser.add_argument("task", choices=TASKS, help="what to train; TASK --help lists its options")
    task = parser.parse_args(arguments[:1]).task
    module = importlib.import_module(TASKS[task])
    own = argparse.ArgumentParser(prog=f"{parser.prog} {task}", description=module.__doc__)
    module.add_arguments(own)
    module.run(own.parse_args(arguments[1:]))


def first_line(task: str) -> str:
    """The first line of a task's docstring, read without importing it."""
    file = Path(__file__).with_name(f"{task}.py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file.exists() else None
    return (text or "").partition("\n")[0]


if __name__ == "__main__":
    main()
