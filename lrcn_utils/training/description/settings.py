"""The settings of video description."""

from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.data import tacos
from lrcn_utils.training.settings import Settings, option

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
LEAST_BATCHES = 400


@dataclass(frozen=True, kw_only=True)
class DescriptionSettings(Settings):
    """The whole experiment, on Toy Kitchen or (``--data tacos``) on the real sentences of TACoS Multi-Level.

    ``--limit``: of the videos on each side, evenly spread.
    """

    DATASETS, RECIPE = ("toy", "tacos"), RECIPE
    model: tuple[str, ...] = option(tuple(NAMES), "what writes the sentences", choices=list(NAMES))
    levels: tuple[str, ...] = option(tacos.LEVELS, "levels of detail", choices=list(tacos.LEVELS))
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

    @property
    def tacos(self) -> bool:
        """Whether there are sentences, but no videos."""
        return self.data == "tacos"


@dataclass(frozen=True, kw_only=True)
class ShipSettings:
    """Finished runs, of which the shipped checkpoints are made."""

    out: Path = option(help="folder of the runs full, levels and sizes")
