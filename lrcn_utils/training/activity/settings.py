"""The settings of activity recognition."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

from lrcn_utils.data.forms import PAPER, TOY, FrameSize
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.training import presets
from lrcn_utils.training.activity.recipes import FROZEN_RECIPES, RECIPES, Recipe
from lrcn_utils.training.activity.split import Split
from lrcn_utils.training.recipe import RecipeSettings
from lrcn_utils.training.settings import option

TOY_CNN = CHECKPOINTS / "cnn_hybrid_toy.safetensors"
COURSE_CNNS = ("hybrid-toy", "caffenet-toy", "hybrid", "caffenet")
FROZEN_CNNS = ("squeezenet1_1", "alexnet", "vgg16", "resnet18")
# Networks without fc6 take images of any size: whole frames of the paper's size, not a crop of them.
NO_FC6, WHOLE = ("squeezenet1_1", "resnet18"), FrameSize(PAPER.height, PAPER.width, 224)


@dataclass(frozen=True, kw_only=True)
class ActivityData(Split, RecipeSettings):
    """Which videos are trained on and tested, and what stays the same for all models of a table."""

    DEFAULTS = {"cnn": "hybrid-toy", "crops": "centre"}
    classes: tuple[str, ...] | None = option(None, "only these classes", metavar="CLASS")
    cnn: str | None = option(None, "the CNN that sees the frames", choices=[*COURSE_CNNS, *FROZEN_CNNS])
    end_to_end: bool | None = option(
        None, "train an ImageNet CNN too, instead of keeping its features; the course's CNNs are always trained"
    )
    cnn_weights: Path | None = option(
        None,
        "initial weights for the course's CNNs, or none (default: the shipped ones for hybrid-toy)",
        metavar="FILE",
    )
    feature: str | None = option(
        None, "the layer that the LSTM sees (default: fc6 where the CNN has it)", choices=["fc6", "fc7", "pool"]
    )
    hidden: int | None = option(None, "units of the LSTM (default: 256, or 64 on a frozen CNN)")
    feature_dropout: float | None = option(
        None, "dropout on the CNN's features (default: 0, or 0.5 on a frozen CNN)", most=1
    )
    crops: str | None = option(None, "crops of a test frame", choices=["centre", "ten"])
    clip_length: int | None = option(None, "frames in a row of a training clip, instead of the recipe's")
    every: int | None = option(None, "use only every n-th frame of a training clip, instead of the recipe's")
    freeze_conv1: bool | None = option(None, "conv1 of a course's CNN keeps its first weights, instead of the recipe's")
    warm_up: int | None = option(None, "epochs for the LSTM alone, instead of the recipe's", least=0)
    decode: bool = option(
        False, "decode the films every time, instead of keeping their frames in the cache", changes_result=False
    )
    brightness: float | None = option(None, "instead of the recipe's", most=1)

    def __post_init__(self):
        super().__post_init__()
        if self.cnn in FROZEN_CNNS and self.cnn_weights is not None:
            raise ValueError(f"--cnn-weights has no meaning for {self.cnn}, which comes with ImageNet's")
        if self.freeze_conv1 and self.cnn in FROZEN_CNNS:
            raise ValueError(f"--freeze-conv1 is for the course's CNNs, not for {self.cnn}")
        if self.frozen:
            for name in ("start", "warm_up", "brightness"):
                if getattr(self, name, None):
                    raise ValueError(f"--{name.replace('_', '-')} has no meaning for {self.cnn}, which stays as it is")
        if self.cnn in NO_FC6 and self.feature not in (None, "pool"):
            raise ValueError(f"--feature {self.feature}: {self.cnn} has no such layer; it has pool")
        if self.cnn not in NO_FC6 and self.feature == "pool":
            raise ValueError(f"--feature pool: {self.cnn} has no such layer; it has fc6 and fc7")

    @property
    def frozen(self) -> bool:
        """Whether the CNN is an ImageNet network that is not trained, and whose features are kept."""
        return self.cnn in FROZEN_CNNS and not self.end_to_end

    @property
    def frames(self) -> FrameSize:
        """The size of the frames that the CNN sees."""
        return WHOLE if self.cnn in NO_FC6 else TOY if self.cnn.endswith("-toy") else PAPER

    @property
    def initial_weights(self) -> Path | None:
        """The checkpoint from which a CNN of the course starts; None for random weights."""
        if self.cnn_weights is None:
            return TOY_CNN if self.cnn == "hybrid-toy" else None
        return None if self.cnn_weights == Path("none") else self.cnn_weights


@dataclass(frozen=True, kw_only=True)
class ActivitySettings(ActivityData):
    """One model on one input."""

    input: str = option("rgb", "what the CNN sees", choices=["rgb", "flow"])
    model: str = option("lrcn", "the model", choices=["single-frame", "lrcn"])
    start: Path | None = option(
        None, "single-frame checkpoint that LRCN starts from (default: one is trained first)", metavar="CHECKPOINT"
    )

    def __post_init__(self):
        super().__post_init__()
        if self.start is not None and self.cnn_weights is not None:
            raise ValueError("--start brings the weights of the CNN; leave --cnn-weights out")
        if self.model == "single-frame":
            for name in ("start", "hidden", "feature_dropout", "warm_up"):
                if getattr(self, name) is not None:
                    raise ValueError(f"--{name.replace('_', '-')} belongs to --model lrcn; the single frame has none")

    def preset_rows(self) -> list[presets.Row]:
        rows = presets.ACTIVITY_SHARED + presets.ACTIVITY_ROWS[self.model, self.input]
        return [row for row in rows if row.option != "feature" or self.cnn not in NO_FC6]

    def stages(self) -> dict[str, RecipeSettings]:
        own = {f"{self.name} {self.input}": self}
        first = self.model == "lrcn" and not self.frozen and self.start is None
        return {f"single-frame {self.input}": self.single_frame()} | own if first else own

    def single_frame(self) -> "ActivitySettings":
        """The single-frame model that starts this LRCN: by its own recipe, whatever was changed for the LRCN."""
        options = {one.name for one in fields(Recipe)} & {one.name for one in fields(self)}
        own = dict.fromkeys(options | {"feature", "hidden", "feature_dropout", "start"})
        return replace(self, model="single-frame", **own | {"accumulate": 1})

    @property
    def layer(self) -> str:
        """The layer that is read: by default the last hidden one for the single frame, fc6 for LRCN."""
        if self.cnn in NO_FC6:
            return "pool"
        return self.feature or ("fc7" if self.model == "single-frame" else "fc6")

    @property
    def name(self) -> str:
        """The model's name in tables: single-frame, lrcn-fc6, ..."""
        return "single-frame" if self.model == "single-frame" else f"lrcn-{self.layer}"

    @property
    def recipe(self) -> Recipe:
        """The recipe, with what the command line changes."""
        if self.frozen:
            return self.overruled(FROZEN_RECIPES[self.model])
        recipe = RECIPES[self.model, self.input]
        if self.cnn in FROZEN_CNNS:
            recipe = replace(recipe, freeze_conv1=False)
        return self.overruled(recipe)

    @property
    def views(self) -> str:
        """What is seen of a test frame when features are extracted."""
        return self.training_views if self.crops == "centre" else self.crops

    @property
    def training_views(self) -> str:
        """What is seen of a training frame when features are extracted."""
        return "whole" if self.frozen and self.cnn in NO_FC6 else "centre"

    def config(self, classes: list[str]) -> dict:
        """All that is needed to build the model again and to show it frames."""
        hidden, dropout = (64, 0.5) if self.frozen else (256, 0.0)
        return {
            "model": self.model,
            "cnn": self.cnn,
            "feature": self.layer,
            "input": self.input,
            "hidden": self.hidden or hidden,
            "feature_dropout": dropout if self.feature_dropout is None else self.feature_dropout,
            "normalise": self.frozen,
            "frames": list(self.frames),
            "views": self.views,
            "classes": classes,
        }


@dataclass(frozen=True, kw_only=True)
class TableSettings(ActivityData):
    """Both models on both inputs, and their averages: the paper's table."""

    def preset_rows(self) -> list[presets.Row]:
        return [row for row in presets.ACTIVITY_SHARED if row.option in ("cnn", "end_to_end", "crops")]

    def stages(self) -> dict[str, RecipeSettings]:
        return {f"{one.name} {one.input}": one for one in self.streams()}

    def streams(self) -> list[ActivitySettings]:
        """The settings of each model: the single frame and LRCN, on fc6 and fc7 where the CNN has them."""
        shared = {one.name: getattr(self, one.name) for one in fields(self)}
        own = dict.fromkeys(("feature", "hidden", "feature_dropout", "warm_up"))  # of LRCN alone
        features = ["fc6", "fc7"] if self.cnn not in NO_FC6 and self.feature is None else [self.feature]
        kinds = [own | {"model": "single-frame"}, *({"model": "lrcn", "feature": feature} for feature in features)]
        return [ActivitySettings(**shared | kind | {"input": name}) for kind in kinds for name in ("rgb", "flow")]
