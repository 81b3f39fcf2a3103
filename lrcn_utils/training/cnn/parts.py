"""The command ``cnn``, which has one part, and its settings."""

from dataclasses import dataclass

from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.settings import Settings, option


@dataclass(frozen=True, kw_only=True)
class CNNSettings(Settings):
    """The toy CNN. ``--limit``: of the stills on disk."""

    RECIPE = {"epochs": 10, "batch_size": 32, "rate": 1e-3}
    more_stills: int = option(16_000, "training stills drawn beyond those on disk", least=0)
    films: int = option(7_000, "films drawn beyond those on disk, four frames of each", least=1)

    def __post_init__(self):
        super().__post_init__()
        if self.own_data:
            raise ValueError("--data: the CNN learns from Toy Kitchen's ground truth, which no other dataset has")

    @property
    def recipe(self) -> Recipe:
        given = {"batch_size": self.batch_size, "accumulate": self.accumulate}
        return Recipe(self.epochs, self.rate, weight_decay=1e-2, **given)


PARTS = {"": CNNSettings}
RENAMED = {"--batch": "--batch-size"}
