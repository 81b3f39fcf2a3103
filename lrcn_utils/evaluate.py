"""How good captions are, scored as the COCO server does: those of a captioner or a decoder on a split, or of a file.

    python -m lrcn_utils.evaluate captioner runs/captioning-1a2b3c4d/captioner_seed0.safetensors \\
        --data flickr8k --root DIR --split test --retrieval --page captions.html
    python -m lrcn_utils.evaluate description runs/description-1a2b3c4d/detailed_c_seed0.safetensors
    python -m lrcn_utils.evaluate predictions mine.json captions_val2014.json

Each of them lists its options with --help.
"""

import sys

from lrcn_utils import environment
from lrcn_utils.data.command import one_line, part_of

PROG = "python -m lrcn_utils.evaluate"
PARTS = ("captioner", "description", "predictions")


def main(words: list[str] | None = None) -> None:
    """The command. What a user can mend ends it with one line and exit code 1."""
    words = sys.argv[1:] if words is None else words
    part = part_of(words, PARTS, prog=PROG, about=__doc__, what="what is scored")

    from lrcn_utils.training.captioning.parts import CaptionerSettings, PredictionsSettings
    from lrcn_utils.training.description.parts import DescriberSettings
    from lrcn_utils.training.settings import parse

    kind, run = {
        "captioner": (CaptionerSettings, _captioner),
        "description": (DescriberSettings, _description),
        "predictions": (PredictionsSettings, _predictions),
    }[part]
    settings = parse(kind, words[1:], prog=f"{PROG} {part}", about=kind.__doc__.strip())
    environment.keep_freed_memory()
    one_line(lambda: run(settings))


def _captioner(settings) -> None:
    from lrcn_utils.inference.caption_page import write_page
    from lrcn_utils.training.captioning.evaluation import evaluate_captioner

    found = evaluate_captioner(settings)
    if settings.page:
        write_page(settings.page, found)
        print(f"wrote {settings.page}")


def _description(settings) -> None:
    from lrcn_utils.training.description.evaluation import evaluate_decoder

    evaluate_decoder(settings)


def _predictions(settings) -> None:
    from lrcn_utils.training.captioning.evaluation import evaluate_predictions

    evaluate_predictions(settings)


if __name__ == "__main__":
    main()
