"""Make for a whole dataset, once and before any training, what trainings read: features of a frozen CNN, optical flow.

    python -m lrcn_utils.extract flow data/ucf101
    python -m lrcn_utils.extract activity --data ucf101 --cnn squeezenet1_1 --input flow
    python -m lrcn_utils.extract captioning --data flickr8k --root DIR --feature pool

"activity" and "captioning" take the options of the training that follows, which then finds all features in the cache;
options that say only how one trains do nothing here. What is there already is kept: a command that was killed goes on
when it is started again. Under a launcher the files are divided over all processes of all machines, which share a disk:

    torchrun --standalone --nproc-per-node 4 -m lrcn_utils.extract flow data/ucf101
    accelerate launch --multi_gpu -m lrcn_utils.extract activity --data ucf101 --cnn vgg16

What was made from which file, and what failed, stands in index.json beside it. Each part lists its options with --help.
"""

import sys

from lrcn_utils import environment
from lrcn_utils.data.command import one_line, part_of

PROG = "python -m lrcn_utils.extract"
NAMES = ("activity", "captioning", "flow")


def main(words: list[str] | None = None) -> int:
    """The command. What a user can mend ends it with one line and exit code 1."""
    words = sys.argv[1:] if words is None else words
    part = part_of(words, NAMES, prog=PROG, about=__doc__, what="what is made")

    from lrcn_utils.training.extraction.parts import PARTS
    from lrcn_utils.training.settings import parse

    kind = PARTS[part]
    settings = parse(kind, words[1:], prog=f"{PROG} {part}", about=kind.__doc__.strip())
    environment.keep_freed_memory()
    one_line(lambda: _run(part, settings))
    return 0


def _run(part: str, settings) -> None:
    """Run the command, which is imported now: who asks for help need not wait for PyTorch."""
    from lrcn_utils.training.extraction.command import COMMANDS
    from lrcn_utils.training.processes import first_alone_speaks

    with first_alone_speaks():
        COMMANDS[part](settings)


if __name__ == "__main__":
    main()
