"""The settings of image captioning."""

from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.models.captioning import CELLS, VARIANTS
from lrcn_utils.training.captioning.images import DATASETS
from lrcn_utils.training.settings import Settings, option

CNNS = ("hybrid-toy", "squeezenet1_1", "alexnet", "vgg16", "resnet18")


@dataclass(frozen=True, kw_only=True)
class CaptioningSettings(Settings):
    """A captioner on fixed image features; with ``fine_tune`` its CNN is trained afterwards, too."""

    DATASETS = DATASETS
    RECIPE = {"epochs": 12, "batch_size": 100, "rate": 2e-3, "feature": "fc8"}
    model: str = option("2f", "LRCN with one or two LSTMs, factored or not, or the m-RNN", choices=[*VARIANTS, "mrnn"])
    cell: str = option("lstm", "the recurrent layers of LRCN", choices=list(CELLS))
    no_image: bool = option(False, "the control: the same network without the image")
    cnn: str | None = option(
        None, "the CNN that sees the images (default: hybrid-toy on toy, else squeezenet1_1)", choices=CNNS
    )
    feature: str | None = option(None, "the layer that stands for the image", choices=["fc6", "fc7", "fc8", "pool"])
    hidden: int = option(256, "units of a recurrent layer")
    embedding: int = option(128, "numbers that stand for a word")
    dropout: float = option(0.0, "dropout on words, image and output of LRCN", most=1)
    weight_decay: float = option(0.0, "weight decay of Adam")
    min_count: int = option(5, "a word that is seen less often in training becomes <unk>")
    fine_tune: int = option(0, "epochs of training the CNN as well, afterwards, from pixels", metavar="EPOCHS", least=0)

    def __post_init__(self):
        super().__post_init__()
        if self.cnn is None:
            object.__setattr__(self, "cnn", "hybrid-toy" if self.data == "toy" else "squeezenet1_1")
        if self.model == "mrnn" and (self.dropout or self.cell != "lstm"):
            raise ValueError("--dropout and --cell belong to LRCN; the m-RNN has one kind of recurrent layer")
        if self.no_image and self.fine_tune:
            raise ValueError("--fine-tune trains the CNN by way of the image, which --no-image leaves out")

    def sizes(self, image_size: int) -> dict:
        """What ``models.build`` needs to know beside the vocabulary."""
        sizes = {"image_size": 0 if self.no_image else image_size, "variant": self.model}
        sizes |= {"hidden": self.hidden, "embedding": self.embedding}
        return sizes if self.model == "mrnn" else sizes | {"cell": self.cell, "dropout": self.dropout}


@dataclass(frozen=True, kw_only=True)
class ShipSettings:
    """Where the runs are of which the shipped captioners are made; those that are missing are trained."""

    out: Path = option(help="folder of the runs, one below it for each captioner")
