"""The settings of activity recognition and the recipes of its models."""

from argparse import ArgumentTypeError
from dataclasses import dataclass, fields, replace
from pathlib import Path

from lrcn_utils.data.clips import PAPER, TOY, FrameSize
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.training.activity.models import COURSE_CNNS
from lrcn_utils.training.settings import DataSettings, Settings, option

TOY_CNN = CHECKPOINTS / "cnn_hybrid_toy.safetensors"
FROZEN_CNNS = ("squeezenet1_1", "alexnet", "vgg16", "resnet18")
# Networks without fc6 take images of any size: whole frames of the paper's size, not a crop of them.
NO_FC6, WHOLE = ("squeezenet1_1", "resnet18"), FrameSize(PAPER.height, PAPER.width, 224)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    ``every``: only every n-th frame of a clip is used (neighbours look alike). ``warm_up``: so many epochs for LSTM and
    classifier ``alone``, on the features of the CNN as it starts. ``freeze_conv1``: conv1 keeps the weights it starts
    with, which halves the cost of a step. ``brightness``: each clip is made lighter or darker by up to this share.
    """

    epochs: int
    rate: float = 1e-3
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    clip_norm: float | None = None
    batch_size: int = 16
    every: int = 1
    brightness: float = 0.0
    warm_up: int = 0
    freeze_conv1: bool = False

    def alone(self) -> "Recipe":
        """How LSTM and classifier are warmed up: larger batches and steps than with the CNN."""
        return replace(self, epochs=self.warm_up, rate=3e-3, batch_size=16, freeze_conv1=False)


# Chosen on groups 8 to 10 of split 1. Small rates on RGB: pushed to name what no frame tells, the CNN forgets places.
RECIPES = {
    ("single-frame", "rgb"): Recipe(epochs=3, rate=1e-4, every=4),
    ("single-frame", "flow"): Recipe(epochs=7, every=4),
    ("lrcn", "rgb"): Recipe(epochs=3, rate=2e-4, batch_size=4, clip_norm=5, warm_up=60, freeze_conv1=True),
    ("lrcn", "flow"): Recipe(epochs=2, rate=5e-4, batch_size=4, clip_norm=5, warm_up=20, freeze_conv1=True),
}
# On cached features of a frozen ImageNet CNN, for both inputs; chosen by cross-validation over the training groups
# of the real clips, with an LSTM of 64 units and a dropout of 0.5 on the features.
FROZEN_RECIPES = {
    "single-frame": Recipe(epochs=30, every=4),
    "lrcn": Recipe(epochs=20, clip_norm=5),
}


def _groups(text: str) -> tuple[int, ...]:
    """Group numbers from "8-11" or "1,3,8-10"."""
    found = []
    for part in text.split(","):
        ends = part.split("-")
        if len(ends) > 2 or not all(end.strip().isdecimal() for end in ends) or int(ends[0]) > int(ends[-1]):
            raise ArgumentTypeError(f"{part!r} is not a group, as 8, nor a range of groups, as 8-11")
        found += range(int(ends[0]), int(ends[-1]) + 1)
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Split(DataSettings):
    """Which videos are trained on, and which are tested."""

    DATASETS = ("toy", "ucf101")
    split: int = option(1, "official split", choices=[1, 2, 3])
    test_groups: tuple[int, ...] | None = option(
        None, "test on these groups, train on all others", kind=_groups, metavar="8-11"
    )
    validation_groups: tuple[int, ...] | None = option(
        None, "keep these groups from training, and test on them", kind=_groups, metavar="8-10"
    )
    random_split: bool = option(False, "mix the clips of all groups first: the leak, for comparison")


@dataclass(frozen=True, kw_only=True)
class ActivityData(Split, Settings):
    """Which videos are trained on and tested, and what stays the same for all models of a table."""

    classes: tuple[str, ...] | None = option(None, "only these classes", metavar="CLASS")
    cnn: str = option("hybrid-toy", "the CNN that sees the frames", choices=[*COURSE_CNNS, *FROZEN_CNNS])
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
    crops: str = option("centre", "crops of a test frame", choices=["centre", "ten"])
    optimizer: str | None = option(None, "instead of the recipe's", choices=["adamw", "sgd"])
    clip_norm: float | None = option(None, "instead of the recipe's; 0 for none")
    weight_decay: float | None = option(None, "instead of the recipe's")
    warm_up: int | None = option(None, "epochs for the LSTM alone, instead of the recipe's", least=0)
    brightness: float | None = option(None, "instead of the recipe's", most=1)

    def __post_init__(self):
        super().__post_init__()
        if self.frozen:
            for name in ("cnn_weights", "start", "warm_up", "brightness"):
                if getattr(self, name, None) is not None:
                    raise ValueError(f"--{name.replace('_', '-')} has no meaning for {self.cnn}, which stays as it is")
        if self.cnn in NO_FC6 and self.feature not in (None, "pool"):
            raise ValueError(f"--feature {self.feature}: {self.cnn} has no such layer; it has pool")
        if self.cnn not in NO_FC6 and self.feature == "pool":
            raise ValueError(f"--feature pool: {self.cnn} has no such layer; it has fc6 and fc7")

    @property
    def frozen(self) -> bool:
        """Whether the CNN is an ImageNet network that is not trained, and whose features are kept."""
        return self.cnn in FROZEN_CNNS

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

    def single_frame(self) -> "ActivitySettings":
        """The single-frame model that starts this LRCN: by its own recipe, whatever was changed for the LRCN."""
        options = {one.name for one in fields(Recipe)} & {one.name for one in fields(self)}
        return replace(
            self, model="single-frame", **dict.fromkeys(options | {"feature", "hidden", "feature_dropout", "start"})
        )

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
        recipe = FROZEN_RECIPES[self.model] if self.frozen else RECIPES[self.model, self.input]
        changed = {one.name: getattr(self, one.name, None) for one in fields(Recipe)}
        recipe = replace(recipe, **{name: value for name, value in changed.items() if value is not None})
        return replace(recipe, clip_norm=recipe.clip_norm or None)

    @property
    def views(self) -> str:
        """What is seen of a test frame when features are extracted."""
        return self.training_views if self.crops == "centre" else self.crops

    @property
    def training_views(self) -> str:
        """What is seen of a training frame when features are extracted."""
        return "whole" if self.cnn in NO_FC6 else "centre"

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

    def streams(self) -> list[ActivitySettings]:
        """The settings of each model: the single frame and LRCN, on fc6 and fc7 where the CNN has them."""
        shared = {one.name: getattr(self, one.name) for one in fields(self)}
        own = dict.fromkeys(("feature", "hidden", "feature_dropout", "warm_up"))
        features = ["fc6", "fc7"] if self.cnn not in NO_FC6 and self.feature is None else [self.feature]
        kinds = [own | {"model": "single-frame"}, *({"model": "lrcn", "feature": feature} for feature in features)]
        return [ActivitySettings(**shared | kind | {"input": name}) for kind in kinds for name in ("rgb", "flow")]


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
