"""The command line of training: ``python -m lrcn_utils.training TASK [PART] ...``; each task says its own options."""

import argparse
import importlib
import sys

from lrcn_utils import environment
from lrcn_utils.data.command import one_line
from lrcn_utils.training.recipe import told
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
    known = importlib.import_module(f"lrcn_utils.training.{task}.parts")
    part = words[1] if len(words) > 1 and words[1] in known.PARTS else ""
    kind = known.PARTS[part]
    prog, given = f"{RUN} {task} {part}".strip(), words[2:] if part else words[1:]
    others = ", ".join(name for name in known.PARTS if name)
    more = f"Parts, named right after {task}: {others}." if others and not part else ""
    settings = parse(kind, given, prog=prog, about=f"{kind.__doc__.strip()}\n{more}", renamed=known.RENAMED)
    environment.keep_freed_memory()
    try:
        one_line(lambda: _run(task, part, settings))
    except KeyboardInterrupt:
        print("stopped; the same command with --resume and its --out goes on", file=sys.stderr)
        sys.exit(130)


def _run(task: str, part: str, settings) -> None:
    """Run the command, which is imported now: who asks for help need not wait for PyTorch.

    Of several processes the first alone is heard.
    """
    from lrcn_utils.training.processes import first_alone_speaks

    command = importlib.import_module(f"lrcn_utils.training.{task}.command").COMMANDS[part]
    with first_alone_speaks():
        for line in told(settings):
            print(line, flush=True)
        command(settings)


if __name__ == "__main__":
    main()
