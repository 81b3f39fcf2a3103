"""The settings of image captioning."""

from dataclasses import dataclass, replace
from typing import ClassVar

from lrcn_utils.training import presets
from lrcn_utils.training.recipe import Recipe, RecipeSettings
from lrcn_utils.training.settings import option

DATASETS = ("toy", "flickr8k", "flickr30k", "coco")
VARIANTS, CELLS = ("1u", "2u", "2f", "4f"), ("lstm", "rnn")
CNNS = ("hybrid-toy", "squeezenet1_1", "alexnet", "vgg16", "resnet18")


@dataclass(frozen=True, kw_only=True)
class CaptioningSettings(RecipeSettings):
    """A captioner on fixed image features; with ``fine_tune`` its CNN is trained afterwards, too."""

    DATASETS = DATASETS
    ALTERNATIVES: ClassVar = RecipeSettings.ALTERNATIVES | {"fine_tune": "fine_tune_iterations"}
    RECIPE = {"epochs": 12, "batch_size": 100, "rate": 2e-3, "feature": "fc8"}
    DEFAULTS: ClassVar = {
        **{"cell": "lstm", "hidden": 256, "embedding": 128, "dropout": 0.0, "min_count": 5},
        **{"weight_decay": 0.0, "clip_norm": 5.0, "fine_tune": 0},
    }
    model: str = option("2f", "LRCN with one or two LSTMs, factored or not, or the m-RNN", choices=[*VARIANTS, "mrnn"])
    cell: str | None = option(None, "the recurrent layers of LRCN", choices=list(CELLS))
    no_image: bool = option(False, "the control: the same network without the image")
    cnn: str | None = option(
        None, "the CNN that sees the images (default: hybrid-toy on toy, else squeezenet1_1)", choices=CNNS
    )
    feature: str | None = option(None, "the layer that stands for the image", choices=["fc6", "fc7", "fc8", "pool"])
    hidden: int | None = option(None, "units of a recurrent layer")
    embedding: int | None = option(None, "numbers that stand for a word")
    dropout: float | None = option(None, "dropout on words, image and output of LRCN", most=1)
    min_count: int | None = option(None, "a word that is seen less often in training becomes <unk>")
    fine_tune: int | None = option(
        None, "epochs of training the CNN as well, afterwards, from pixels", metavar="EPOCHS", least=0
    )
    fine_tune_iterations: int | None = option(None, "the same in steps of the optimizer, in whole epochs")
    fine_tune_rate: float | None = option(None, "the captioner's rate meanwhile (default: a quarter of --rate)")
    fine_tune_clip_norm: float | None = option(None, "bound of the gradient meanwhile (default: --clip-norm)")

    def __post_init__(self):
        super().__post_init__()
        if self.cnn is None:
            object.__setattr__(self, "cnn", "hybrid-toy" if self.data == "toy" else "squeezenet1_1")
        if self.model == "mrnn" and (self.dropout or self.cell != "lstm"):
            raise ValueError("--dropout and --cell belong to LRCN; the m-RNN has one kind of recurrent layer")
        if self.no_image and (self.fine_tune or self.fine_tune_iterations):
            raise ValueError("--fine-tune trains the CNN by way of the image, which --no-image leaves out")

    def preset_rows(self) -> list[presets.Row]:
        """The paper's captioner, and its fine-tuning unless ``--fine-tune 0`` or ``--no-image`` leaves that out."""
        left_out = self.no_image or self.fine_tune == 0
        return presets.CAPTIONING_ROWS + ([] if left_out else presets.FINE_TUNING_ROWS)

    @property
    def recipe(self) -> Recipe:
        """How the captioner is trained on features."""
        return self.overruled(Recipe(epochs=self.epochs))

    @property
    def fine_tuning(self) -> Recipe | None:
        """How CNN and captioner are trained afterwards; None where they are not."""
        if not (self.fine_tune or self.fine_tune_iterations):
            return None
        rate = self.rate / 4 if self.fine_tune_rate is None else self.fine_tune_rate
        by = replace(self.recipe, epochs=self.fine_tune, iterations=self.fine_tune_iterations, rate=rate)
        return by if self.fine_tune_clip_norm is None else replace(by, clip_norm=self.fine_tune_clip_norm or None)

    def sizes(self, image_size: int) -> dict:
        """What ``models.build`` needs to know beside the vocabulary."""
        sizes = {"image_size": 0 if self.no_image else image_size, "variant": self.model}
        sizes |= {"hidden": self.hidden, "embedding": self.embedding}
        return sizes if self.model == "mrnn" else sizes | {"cell": self.cell, "dropout": self.dropout}
