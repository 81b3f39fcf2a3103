"""The parts of the command ``description`` and the settings of each."""

from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.training.description.settings import DescriptionSettings
from lrcn_utils.training.settings import option


@dataclass(frozen=True, kw_only=True)
class ShipSettings:
    """Finished runs, of which the shipped checkpoints are made."""

    out: Path = option(help="folder of the runs full, levels and sizes")


PARTS = {"": DescriptionSettings, "ship": ShipSettings}
RENAMED = {"--models": "--model"}
