"""The recipes of the activity models, by which they are trained unless options say otherwise."""

from dataclasses import dataclass, replace

from lrcn_utils.data.forms import LENGTH
from lrcn_utils.training import recipe


@dataclass(frozen=True)
class Recipe(recipe.Recipe):
    """How a model of clips is trained, beside what is said for every recipe.

    ``every``: only every n-th frame of a clip is used (neighbours look alike). ``warm_up``: so many epochs for LSTM and
    classifier ``alone``, on the features of the CNN as it starts. ``freeze_conv1``: conv1 keeps the weights it starts
    with, which halves the cost of a step. ``brightness``: each clip is made lighter or darker by up to this share.
    ``clip_length``: frames in a row of a training clip.
    """

    every: int = 1
    brightness: float = 0.0
    warm_up: int = 0
    freeze_conv1: bool = False
    clip_length: int = LENGTH

    def alone(self) -> "Recipe":
        """How LSTM and classifier are warmed up: larger batches and steps than with the CNN."""
        by = {"rate": 3e-3, "batch_size": 16, "accumulate": 1, "freeze_conv1": False}
        return replace(self, epochs=self.warm_up, iterations=None, drop_every=None, **by)


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
