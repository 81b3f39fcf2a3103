"""The parts of the command ``captioning`` and of ``evaluate``, and the settings of each."""

from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.training.captioning.settings import DATASETS, CaptioningSettings
from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.settings import DataSettings, Settings, option

SPLITS = ("train", "val", "test")
# What each model sees of an image, and its rate and epochs, chosen on the val images.
MODELS = {
    "LRCN-2f on fc8": ("fc8", 8e-3, 8),
    "LRCN-2f on the mean of the map": ("mean", 8e-3, 8),
    "LRCN-2f on the flat map": ("flat", 8e-3, 16),
    "attention over the map": ("map", 8e-3, 16),
}


@dataclass(frozen=True, kw_only=True)
class AttentionSettings(Settings):
    """LRCN-2f on one vector an image, and a captioner that attends over the places of a map, at one size."""

    RECIPE = {"batch_size": 50}
    parameters: int = option(225_000, "parameters that each model may have")
    dropout: float = option(0.3, "dropout on words, image and output", most=1)
    only: str | None = option(None, "one of the models alone", choices=list(MODELS))
    on: str = option("test", "score on val to choose a rate, on test to report", choices=["val", "test"])

    def recipe(self, name: str) -> Recipe:
        """The rate and the epochs of a model, unless --rate and --epochs say otherwise."""
        _, rate, epochs = MODELS[name]
        given = {"rate": self.rate or rate, "batch_size": self.batch_size, "accumulate": self.accumulate}
        return Recipe(self.epochs or epochs, **given, weight_decay=0.0, clip_norm=5.0)


@dataclass(frozen=True, kw_only=True)
class ShipSettings:
    """Where the runs are of which the shipped captioners are made; those that are missing are trained."""

    out: Path = option(help="folder of the runs, one below it for each captioner")


@dataclass(frozen=True, kw_only=True)
class CaptionerSettings(DataSettings):
    """Score a captioner on a split of its dataset: loss, BLEU, ROUGE-L and CIDEr-D of greedy and of beam search."""

    PROG = "python -m lrcn_utils.evaluate"
    DATASETS = DATASETS
    checkpoint: Path = option(help="a captioner that you trained")
    split: str = option("test", "the images that it is scored on", choices=SPLITS)
    beam: int = option(3, "width of the beam")
    meteor: bool = option(False, "METEOR too, which needs Java")
    retrieval: bool = option(False, "R@K and the median rank too; every caption is scored beside every image")
    page: Path | None = option(None, "write a page of pictures with their captions", changes_result=False)


@dataclass(frozen=True, kw_only=True)
class PredictionsSettings:
    """Score a file of predictions, a list of {"image_id", "caption"}, against captions in any form that is known."""

    predictions: Path = option(help="JSON: a list of records with image_id and caption")
    references: Path = option(help="the captions that people wrote: COCO's annotation file, or another known form")
    meteor: bool = option(False, "METEOR too, which needs Java")


PARTS = {"": CaptioningSettings, "attention": AttentionSettings, "ship": ShipSettings}
RENAMED = {"--variant": "--model", "--layer": "--feature"}
