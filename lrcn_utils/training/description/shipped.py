"""What the course ships of video description: seed 0's models, and the scores of every run.

    run="python -m lrcn_utils.training description"
    $run --levels detailed --seeds 3 --out runs/description/full
    $run --levels short singlesentence --out runs/description/levels
    $run --levels detailed --model majority b c end --seeds 3 --sizes 180 360 720 --out runs/description/sizes
    $run ship runs/description

The scores lie in the header of the CRF's checkpoint, so that tables and curves can be made again without training.
"""

from pathlib import Path

from lrcn_utils.data.text import read_json
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint
from lrcn_utils.training.description import decoders
from lrcn_utils.training.description.chain import load
from lrcn_utils.training.description.decoders import KINDS

CHECKPOINT = CHECKPOINTS / "description_toy_crf.safetensors"
PARTS = ("full", "levels", "sizes")


def path(kind: str) -> Path:
    """The file of the shipped decoder of ``kind``."""
    return CHECKPOINTS / f"description_toy_{kind}.safetensors"


def recorded() -> dict:
    """The recorded results of Toy Kitchen that are shipped with the CRF's checkpoint.

    "full": three seeds of the detailed level on all training videos; "levels": the other levels, one seed; "sizes":
    {number of training videos: ...}; "commands": how each was made.
    """
    return load_checkpoint(CHECKPOINT)[2]


def ship(out: Path | str) -> None:
    """Copy seed 0's models of the finished runs in ``out`` to the package, and pack all scores."""
    out = Path(out)
    made = out / "full" / "crf_seed0.safetensors"
    _, config, record = load_checkpoint(made)
    record["commands"] = {}
    for part in PARTS:
        results = read_json(out / part / "results.json")
        scores = results["scores"]
        record[part] = scores if part == "sizes" else next(iter(scores.values()))
        record["commands"][part] = results["command"]
    save_checkpoint(CHECKPOINT, load(made)[0], config, record)
    for kind in KINDS:
        model, _, config, record = decoders.load(out / "full" / f"detailed_{kind}_seed0.safetensors")
        config["chain"] = CHECKPOINT.name
        save_checkpoint(path(kind), model, config, record, half=True)
