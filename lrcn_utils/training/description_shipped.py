"""What the course ships of video description: seed 0's models, and the scores of every run.

    run="python -m lrcn_utils.training description"
    $run --levels detailed --seeds 3 --out runs/description/full
    $run --levels short singlesentence --out runs/description/levels
    $run --levels detailed --models majority b c end --seeds 3 --sizes 108 216 432 --out runs/description/sizes
    $run ship

The scores lie in the header of the CRF's checkpoint, so that tables and curves can be made again without training.
"""

import json
from pathlib import Path

from torch import nn

from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.models.crf import TupleCRF
from lrcn_utils.models.description import SlotClassifier
from lrcn_utils.training import description_decoders as decoders
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint

CHECKPOINT = CHECKPOINTS / "description_toy_crf.safetensors"
PARTS = ("full", "levels", "sizes")


def recorded() -> dict:
    """The recorded results of Toy Kitchen that are shipped with the CRF's checkpoint.

    "full": three seeds of the detailed level on all training videos; "levels": the other levels, one seed; "sizes":
    {number of training videos: ...}; "commands": how each was made. Scores are those of ``description.toy``.
    """
    return load_checkpoint(CHECKPOINT)[2]


def load_chain(path: Path | str = CHECKPOINT) -> tuple[nn.ModuleDict, dict[str, list[str]]]:
    """The visual classifier and the CRF, as "classifier" and "crf", and the states of each slot."""
    weights, config, _ = load_checkpoint(path)
    sizes = [len(words) for words in config["states"].values()]
    chain = nn.ModuleDict(
        {
            "classifier": SlotClassifier(config["feature_size"], sizes, config["hidden"]),
            "crf": TupleCRF(sizes, [tuple(edge) for edge in config["edges"]]),
        }
    )
    chain.load_state_dict(weights)
    return chain.eval().requires_grad_(False), config["states"]


def ship(out: Path) -> None:
    """Copy seed 0's models of the finished runs in ``out`` to the package, and pack all scores."""
    chain = out / "full" / "crf_seed0.safetensors"
    _, config, record = load_checkpoint(chain)
    record["commands"] = {}
    for part in PARTS:
        results = json.loads((out / part / "results.json").read_text(encoding="utf-8"))
        record[part] = results if part == "sizes" else next(iter(results.values()))
        record["commands"][part] = load_checkpoint(out / part / "crf_seed0.safetensors")[2]["command"]
    save_checkpoint(CHECKPOINT, load_chain(chain)[0], config, record)
    for kind in decoders.KINDS:
        file = CHECKPOINTS / f"description_toy_{kind}.safetensors"
        decoders.save(file, *decoders.load(out / "full" / f"detailed_{kind}_seed0.safetensors"))
