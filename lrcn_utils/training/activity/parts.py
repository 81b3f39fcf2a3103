"""The parts of the command ``activity`` and the settings of each."""

from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.training.activity.recipes import Recipe
from lrcn_utils.training.activity.settings import ActivitySettings, TableSettings
from lrcn_utils.training.activity.split import Split
from lrcn_utils.training.settings import Settings, option

# Chosen on groups 8 to 10, of 0.001 and 0.003 (the transformer: of 0.0003 and 0.001).
RATES = {
    "mean of frames": 1e-3,
    "attention over time": 1e-3,
    "temporal convolution": 1e-3,
    "GRU": 3e-3,
    "LSTM": 3e-3,
    "transformer": 1e-3,
}


@dataclass(frozen=True, kw_only=True)
class HeadsSettings(Split, Settings):
    """What reads the features of a clip: the LSTM, and the models that came before and after it, at one size."""

    RECIPE = {"epochs": 30, "batch_size": 16}
    parameters: int = option(530_448, "parameters that each model may have: those of an LSTM of 256 units")
    only: str | None = option(None, "one of the models alone", choices=list(RATES))

    def recipe(self, name: str) -> Recipe:
        """The recipe of a model: its own rate, chosen on groups 8 to 10, unless --rate says otherwise."""
        rate = self.rate or RATES[name]
        given = {"batch_size": self.batch_size, "accumulate": self.accumulate}
        return Recipe(self.epochs, rate, clip_norm=5, **given)


@dataclass(frozen=True, kw_only=True)
class ControlsSettings(Split):
    """Trained models of one kind, and the videos on which their controls are measured.

    A checkpoint says itself which classes it knows, what it sees of a frame and how; the split must be its own.
    """

    checkpoint: tuple[Path, ...] = option(
        (Path("lrcn_rgb"),),
        "the trained model: a file, or the name of a shipped one; several that differ in their seed give a spread",
        metavar="MODEL",
    )


@dataclass(frozen=True, kw_only=True)
class FuseSettings:
    """Saved scores of two streams, to be averaged."""

    rgb: Path = option(help="scores of the RGB stream (.npz)")
    flow: Path = option(help="scores of the flow stream (.npz)")


@dataclass(frozen=True, kw_only=True)
class ShipSettings:
    """A finished run, of which the shipped checkpoints are made."""

    out: Path = option(help="folder of the finished run")


PARTS = {
    "": ActivitySettings,
    "table": TableSettings,
    "controls": ControlsSettings,
    "heads": HeadsSettings,
    "fuse": FuseSettings,
    "ship": ShipSettings,
}
RENAMED = {"--batch": "--batch-size"}
