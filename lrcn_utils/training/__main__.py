"""The command line of training: ``python -m lrcn_utils.training TASK [PART] ...``; each task says its own options."""

import argparse
import contextlib
import importlib
import os
import sys

from lrcn_utils.data.command import one_line
from lrcn_utils.training.processes import processes
from lrcn_utils.training.settings import RUN, parse

TASKS = ("activity", "captioning", "description", "arrow", "cnn")


def main(words: list[str] | None = None) -> None:
    """Run one command. What a user can mend ends it with one line and exit code 1."""
    words = sys.argv[1:] if words is None else words
    about = {task: importlib.import_module(f"lrcn_utils.training.{task}").__doc__.strip() for task in TASKS}
    parser = argparse.ArgumentParser(
        prog=RUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="tasks:\n" + "\n".join(f"  {task:12} {text}" for task, text in about.items()),
    )
    parser.add_argument("task", choices=TASKS, help="what to train; TASK --help lists its options")
    task = parser.parse_args(words[:1]).task
    command = importlib.import_module(f"lrcn_utils.training.{task}.command")
    part = words[1] if len(words) > 1 and words[1] in command.COMMANDS else ""
    kind, run = command.COMMANDS[part]
    prog, given = f"{RUN} {task} {part}".strip(), words[2:] if part else words[1:]
    others = ", ".join(name for name in command.COMMANDS if name)
    more = f"Parts, named right after {task}: {others}." if others and not part else ""
    settings = parse(kind, given, prog=prog, about=f"{kind.__doc__.strip()}\n{more}", renamed=command.RENAMED)
    try:
        one_line(lambda: _run(run, settings))
    except KeyboardInterrupt:
        print("stopped; the same command with --resume and its --out goes on", file=sys.stderr)
        sys.exit(130)


def _run(run, settings) -> None:
    """Run the command; of several processes the first alone is heard."""
    if processes().first:
        run(settings)
        return
    with open(os.devnull, "w", encoding="utf-8", newline="\n") as nowhere, contextlib.redirect_stdout(nowhere):
        run(settings)


if __name__ == "__main__":
    main()
