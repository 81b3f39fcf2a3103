"""What the course ships of the activity models: one checkpoint of each, and the scores of every seed.

    python -m lrcn_utils.training activity table --seeds 3 --out runs/table
    python -m lrcn_utils.training activity ship runs/table

The scores of all seeds lie in one small file, so that tables and fusions can be made again without any training.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from lrcn_utils.data import atomic
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.training.activity.models import load
from lrcn_utils.training.activity.scores import Scores
from lrcn_utils.training.activity.table import Runs
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint

SCORES = CHECKPOINTS / "activity_scores.safetensors"
NAMES = {"single-frame": "single_frame", "lrcn-fc6": "lrcn", "lrcn-fc7": "lrcn_fc7"}


def ship(out: Path) -> None:
    """Copy seed 0's checkpoints of a finished ``table`` from ``out``, in half precision, and pack all scores."""
    runs: Runs = {}
    for model, short in NAMES.items():
        for stream in ("rgb", "flow"):
            files = sorted(out.glob(f"{model}_{stream}_seed*.npz"))
            runs[model, stream] = [Scores.load(file) for file in files]
            trained = out / f"{model}_{stream}_seed0.safetensors"
            _, config, record = load_checkpoint(trained)
            record["accuracy"] = runs[model, stream][0].accuracy
            file = CHECKPOINTS / f"activity_{short}_{stream}.safetensors"
            save_checkpoint(file, load(trained)[0], config, record, half=True)
    _pack(runs, SCORES)


def _pack(runs: Runs, file: Path) -> None:
    """Write the scores of all runs to one file, in half precision; all must be of the same videos."""
    first = next(iter(runs.values()))[0]
    header = {"names": json.dumps(first.names), "classes": json.dumps(first.classes)}
    tensors = {"labels": torch.from_numpy(np.asarray(first.labels))}
    for (model, stream), seeds in runs.items():
        for seed, scores in enumerate(seeds):
            if scores.names != first.names:
                raise ValueError(f"{model} {stream} seed {seed} was scored on other videos than the first model")
            tensors[f"{model} {stream} {seed}"] = torch.from_numpy(scores.probabilities).half()
    with atomic.replacing(file) as part:
        save_file(tensors, part, metadata=header)
        part.chmod(0o644)


def recorded(file: Path = SCORES) -> Runs:
    """The scores of every model, input and seed on Toy Kitchen's test videos of split 1."""
    runs: Runs = {}
    with safe_open(file, framework="np") as packed:
        names, classes = (json.loads(packed.metadata()[key]) for key in ("names", "classes"))
        labels = packed.get_tensor("labels")
        saved = [key.split(" ") for key in sorted(set(packed.keys()) - {"labels"})]
        for model, stream, seed in sorted(saved, key=lambda key: list(NAMES).index(key[0])):
            probabilities = packed.get_tensor(f"{model} {stream} {seed}").astype(np.float32)
            runs.setdefault((model, stream), []).append(Scores(names, labels, classes, probabilities))
    return runs
