"""Checkpoints: weights in safetensors, with the configuration and the record of how they were made in the header."""

import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(
    path: Path | str, model: torch.nn.Module, config: dict, record: dict, *, half: bool = False
) -> None:
    """Write ``model``'s weights to ``path`` (``.safetensors``), beside and then renamed.

    ``config``: all that is needed to build the model again (the vocabulary too), JSON-able.
    ``record``: the command, seed and score that made it, JSON-able.
    ``half``: weights in half precision, as the course ships them; ``model`` stays as it is.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if half:
        tensors = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, metadata={"config": json.dumps(config), "record": json.dumps(record)})
    part.chmod(0o644)  # safetensors writes for the owner alone; a class shares its models
    os.replace(part, path)


def load_checkpoint(path: Path | str) -> tuple[dict[str, torch.Tensor], dict, dict]:
    """Read (weights, config, record) from ``path``, weights on the CPU.

    Raises FileNotFoundError with the file's name, or ValueError when the header holds no configuration.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path.name}: no such checkpoint in {path.parent}")
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        if "config" not in header:
            raise ValueError(f"{path.name}: the header has no field 'config'; save it with save_checkpoint")
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    return weights, json.loads(header["config"]), json.loads(header["record"])
