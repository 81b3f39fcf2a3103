"""Write a trained model as files that run without the code that trained it, and check that they compute the same.

    python -m lrcn_utils.export runs/mine/lrcn-pool_rgb_seed0.safetensors --out exported/mine
    python -m lrcn_utils.predict film.avi --model exported/mine

The second command needs ONNX Runtime and no PyTorch. Each part of the model is a file: "cnn", from images to
features; "clip", from the features of a clip to probabilities at each step; "tuple", from those of a film to the
CRF's marginals and best tuple; "start" and "step", one step of beam search. Numbers of images, beams, clips and
frames are free. Every file is compared with PyTorch, and the whole is refused where one differs too much; export.json
says by how much each does, what goes in and comes out, and what was exported with which versions.
"""

import argparse
from functools import partial
from pathlib import Path

PROG = "python -m lrcn_utils.export"
FORMATS = ("onnx", "pt2")


def main(words: list[str] | None = None) -> None:
    """The command. What a user can mend ends it with one line and exit code 1."""
    parser = argparse.ArgumentParser(
        prog=PROG, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="of activity, captioning or description")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument("--format", choices=FORMATS, default="onnx", help="%(default)s, or PyTorch's own pt2")
    args = parser.parse_args(words)

    from lrcn_utils.data.command import one_line
    from lrcn_utils.export.folder import export

    one_line(partial(export, args.checkpoint, args.out, args.format))


if __name__ == "__main__":
    main()
