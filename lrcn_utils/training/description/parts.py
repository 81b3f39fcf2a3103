"""The parts of the command ``description`` and of ``evaluate``, and the settings of each."""

from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.training.description.settings import DescriptionSettings
from lrcn_utils.training.settings import DataSettings, option


@dataclass(frozen=True, kw_only=True)
class ShipSettings:
    """Finished runs, of which the shipped checkpoints are made."""

    out: Path = option(help="folder of the runs full, levels and sizes")


@dataclass(frozen=True, kw_only=True)
class DescriberSettings(DataSettings):
    """Score a decoder on a split of its dataset: BLEU, ROUGE-L and CIDEr-D of greedy and of beam search.

    On Toy Kitchen the films are read anew by the classifier and the CRF beside the decoder; on TACoS Multi-Level the
    tuples are those of crf.csv. Sentences are those of the level that the decoder learned. ``--limit``: of the videos,
    evenly spread.
    """

    PROG = "python -m lrcn_utils.evaluate"
    DATASETS = ("toy", "tacos")
    checkpoint: Path = option(help="a decoder that you trained, as short_c_seed0.safetensors")
    split: str = option("test", "the videos that it is scored on", choices=["train", "test"])
    beam: int = option(3, "width of the beam")
    meteor: bool = option(False, "METEOR too, which needs Java")


PARTS = {"": DescriptionSettings, "ship": ShipSettings}
RENAMED = {"--models": "--model"}
