"""The settings of video description."""

from dataclasses import dataclass
from typing import ClassVar

from lrcn_utils.training import presets
from lrcn_utils.training.recipe import Recipe, RecipeSettings
from lrcn_utils.training.settings import option

LEVELS = ("detailed", "short", "singlesentence")

NAMES = {
    "majority": "the majority sentence",
    "bigram": "sentences drawn from a bigram model",
    "smt": "SMT (NLTK), CRF max",
    "smt-prob": "SMT (NLTK), CRF prob",
    "a": "(a) encoder-decoder, CRF max",
    "a-reversed": "(a) the same, last word first",
    "b": "(b) LSTM decoder, CRF max",
    "c": "(c) LSTM decoder, CRF prob",
    "end": "end to end, no CRF",
}
# Of the decoders; chosen, like their sizes, on groups 8 to 10 of Toy Kitchen's training side.
RECIPE = {"epochs": 24, "batch_size": 128, "rate": 1e-2}
BOUNDS = {"clip_norm": 5.0, "weight_decay": 0.0}
SIZES = {"hidden": 96, "embedding": 48, "dropout": 0.2}
LEAST_BATCHES = 400


@dataclass(frozen=True, kw_only=True)
class DescriptionSettings(RecipeSettings):
    """The whole experiment, on Toy Kitchen or (``--data tacos``) on the real sentences of TACoS Multi-Level.

    ``--limit``: of the videos on each side, evenly spread.
    """

    DATASETS, RECIPE = ("toy", "tacos"), RECIPE
    DEFAULTS: ClassVar = BOUNDS | SIZES
    model: tuple[str, ...] = option(tuple(NAMES), "what writes the sentences", choices=list(NAMES))
    levels: tuple[str, ...] = option(LEVELS, "levels of detail", choices=list(LEVELS))
    hidden: int | None = option(None, "units of each of a decoder's two LSTMs")
    embedding: int | None = option(None, "numbers that stand for a word")
    dropout: float | None = option(None, "dropout on a decoder's output", most=1)
    least_batches: int = option(LEAST_BATCHES, "no decoder learns from fewer: it passes over few sentences more often")
    sizes: tuple[int, ...] | None = option(
        None, "toy: learn from N training videos, evenly spread; one after another", metavar="N"
    )
    sentences: int | None = option(
        None, "tacos: learn the language from so many sentences of a level, evenly spread", metavar="N"
    )

    def __post_init__(self):
        super().__post_init__()
        for name in ("model", "levels", "sizes"):
            if value := getattr(self, name):
                object.__setattr__(self, name, tuple(dict.fromkeys(value)))
        if self.tacos and (self.sizes or self.limit):
            raise ValueError("--sizes and --limit count videos, which TACoS has not here; give --sentences")
        if not self.tacos and self.sentences:
            raise ValueError("--sentences belongs to --data tacos; on Toy Kitchen give --sizes")

    def preset_rows(self) -> list[presets.Row]:
        return presets.DESCRIPTION_ROWS

    @property
    def recipe(self) -> Recipe:
        """How the decoders are trained, and the model of the language."""
        return self.overruled(Recipe(epochs=self.epochs))

    @property
    def decoder_sizes(self) -> dict[str, float]:
        """What ``decoders.learn`` needs to know of a decoder's size."""
        return {name: getattr(self, name) for name in SIZES}

    @property
    def tacos(self) -> bool:
        """Whether there are sentences, but no videos."""
        return self.data == "tacos"
