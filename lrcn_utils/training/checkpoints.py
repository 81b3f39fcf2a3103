"""Checkpoints: weights in safetensors, with the configuration and the record of how they were made in the header."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from lrcn_utils.data import atomic


def save_checkpoint(
    path: Path | str, model: torch.nn.Module, config: dict, record: dict, *, half: bool = False
) -> None:
    """Write ``model``'s weights to ``path`` (``.safetensors``), whole or not at all.

    ``config``: all that is needed to build the model again (the vocabulary too), JSON-able.
    ``record``: the command, seed and score that made it, JSON-able.
    ``half``: weights in half precision, as the course ships them; ``model`` stays as it is.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if half:
        tensors = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    header = {"config": json.dumps(config), "record": json.dumps(record)}
    try:
        with atomic.replacing(path) as part:
            save_file(tensors, part, metadata=header)
            part.chmod(0o644)  # safetensors writes for the owner alone; a class shares its models
    except (OSError, SafetensorError) as error:
        raise OSError(f"{path}: cannot be written ({error}); is the disk full?") from error


def load_checkpoint(path: Path | str, task: str | None = None) -> tuple[dict[str, torch.Tensor], dict, dict]:
    """Read (weights, config, record) from ``path``, weights on the CPU. ``task``: what it must be a model of.

    Raises FileNotFoundError with the file's name, or ValueError when it is not whole, or a model of something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: no such checkpoint in {path.parent}")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise ValueError(f"{path.name}: not a whole safetensors file ({error}); copy or make it again") from error
    if "config" not in header:
        raise ValueError(f"{path.name}: the header has no field 'config'; save it with save_checkpoint")
    config = json.loads(header["config"])
    if task not in (None, config.get("task")):
        raise ValueError(f"{path.name}: a checkpoint of {config.get('task', 'an unknown task')}, not of {task}")
    return weights, config, json.loads(header["record"])


def weights_digest(module: torch.nn.Module) -> str:
    """16 hexadecimal digits that stand for all weights and buffers of ``module``, whatever device they are on."""
    found = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(module.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().float().contiguous().numpy().data)
    return found.hexdigest()
