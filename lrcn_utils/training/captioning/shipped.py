"""The captioners that the course ships, and the settings that make each of them.

python -m lrcn_utils.training captioning ship runs/captioning
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.training.captioning.models import Loaded, load
from lrcn_utils.training.captioning.settings import CaptioningSettings
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint
from lrcn_utils.training.cnn.models import load as load_toy_cnn

LRCN = CaptioningSettings(hidden=192, embedding=96, dropout=0.3, rate=0.004, epochs=6, batch_size=50)
SETTINGS = {
    "1u": replace(LRCN, model="1u"),
    "2u": replace(LRCN, model="2u"),
    "2f": LRCN,
    "4f": replace(LRCN, model="4f"),
    "rnn_2f": replace(LRCN, cell="rnn"),
    "mrnn": replace(LRCN, model="mrnn", dropout=0.0),
    "no_image": replace(LRCN, no_image=True),
    "2f_finetuned": replace(LRCN, fine_tune=3),
}


def shipped(name: str) -> Loaded:
    """The shipped captioner ``name``, one of ``SETTINGS``."""
    return load(path(name))


def path(name: str) -> Path:
    """The file of the shipped captioner ``name``."""
    return CHECKPOINTS / f"captioning_{name}_toy.safetensors"


def retrained(name: str, run: Callable[[CaptioningSettings], None], out: Path | str = "runs/captioning") -> Loaded:
    """The captioner ``name`` trained here, by the same settings, or found trained or begun below ``out``.

    ``run``: the command of captioning.
    """
    folder = Path(out) / name
    run(replace(SETTINGS[name], out=folder, resume=(folder / "run.json").exists()))
    return load(folder / "captioner_seed0.safetensors")


def ship(out: Path | str, run: Callable[[CaptioningSettings], None]) -> None:
    """Train what is missing below ``out``, and copy the captioners to the package in half precision."""
    for name in SETTINGS:
        model, _, config, record = retrained(name, run, out)
        if config["cnn"]["file"]:
            made = Path(out) / name / config["cnn"]["file"]
            file = CHECKPOINTS / "cnn_captioning_toy.safetensors"
            save_checkpoint(file, load_toy_cnn(made), *load_checkpoint(made)[1:])
            config["cnn"]["file"] = file.name
        save_checkpoint(path(name), model, config, record, half=True)
