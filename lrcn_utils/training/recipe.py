"""How a model is trained: its recipe, the options that change it, and the preset that sets them all."""

import os
from dataclasses import dataclass, fields, replace
from typing import ClassVar, TypeVar

from lrcn_utils.training.presets import Row
from lrcn_utils.training.settings import Settings, option

R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    ``epochs`` passes over the data or, where they are given, as many whole epochs as it takes to reach ``iterations``
    steps of the optimizer. ``optimizer``: "adamw", or the paper's "sgd" with momentum 0.9. ``batch_size`` items of each
    process at once; a step adds up ``accumulate`` such batches. ``clip_norm``: of the gradient's L2 norm, None for no
    clipping. The rate falls to 0 along a cosine; with ``drop_every`` it is multiplied by ``drop_to`` after so many
    steps instead. ``caffe``: first weights, and the rate of each layer, as in the released code.
    """

    epochs: int | None
    rate: float = 1e-3
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    clip_norm: float | None = None
    batch_size: int = 16
    iterations: int | None = None
    accumulate: int = 1
    drop_every: int | None = None
    drop_to: float = 0.1
    caffe: bool = False

    def epochs_of(self, items: int, processes: int = 1) -> int:
        """How many epochs a training on so many items takes."""
        if self.iterations is None:
            return self.epochs
        steps = -(-items // (self.batch_size * self.accumulate * processes))
        return -(-self.iterations // max(steps, 1))


@dataclass(frozen=True, kw_only=True)
class RecipeSettings(Settings):
    """What a command takes whose training the paper describes.

    ``ALTERNATIVES``: {option: the option that takes its place}; both are never given at once.
    """

    ALTERNATIVES: ClassVar[dict[str, str]] = {"epochs": "iterations"}
    preset: str | None = option(
        None,
        "take the hyper-parameters of the paper and its released code; what else is given beats them",
        choices=["paper"],
    )
    iterations: int | None = option(None, "steps of the optimizer, in whole epochs, in place of --epochs")
    optimizer: str | None = option(None, "instead of the recipe's; sgd has momentum 0.9", choices=["adamw", "sgd"])
    weight_decay: float | None = option(None, "instead of the recipe's")
    clip_norm: float | None = option(None, "instead of the recipe's; 0 for none")
    drop_every: int | None = option(
        None, "multiply the rate by --drop-to after so many steps, in place of the cosine", metavar="STEPS"
    )
    drop_to: float | None = option(None, "see --drop-every (0.1)", most=1)
    caffe: bool | None = option(None, "first weights, and the rate of each layer, as in the released Caffe code")

    def __post_init__(self):
        chosen = dict(self.ALTERNATIVES) | {other: name for name, other in self.ALTERNATIVES.items()}
        for name, other in self.ALTERNATIVES.items():
            if getattr(self, name) is not None and getattr(self, other) is not None:
                raise ValueError(f"--{_words(name)} and --{_words(other)} say the same in two ways; give one of them")
        given = {name for name in chosen if getattr(self, name) is not None}
        for row in self.preset_rows() if self.preset else []:
            if hasattr(self, row.option) and getattr(self, row.option) is None and chosen.get(row.option) not in given:
                object.__setattr__(self, row.option, self._own_share(row) if row.option == "batch_size" else row.value)
        if self.drop_to is not None and self.drop_every is None and not self.preset:
            raise ValueError("--drop-to says how far the rate falls; give --drop-every too, which says when")
        super().__post_init__()
        for name, other in self.ALTERNATIVES.items():
            if getattr(self, other) is not None:
                object.__setattr__(self, name, None)  # the recipe's own, which does not count

    def preset_rows(self) -> list[Row]:
        """What ``--preset`` sets for these settings."""
        return []

    def stages(self) -> dict[str, "RecipeSettings"]:
        """The trainings of the command, one after another, with the settings of each: what ``told`` tells."""
        return {"": self}

    def overruled(self, recipe: R) -> R:
        """``recipe`` with what these settings change."""
        given = {one.name: getattr(self, one.name, None) for one in fields(recipe)}
        recipe = replace(recipe, **{name: value for name, value in given.items() if value is not None})
        return replace(recipe, clip_norm=recipe.clip_norm or None)

    def _own_share(self, row: Row) -> int:
        parts = self.accumulate * int(os.environ.get("WORLD_SIZE", 1))
        if row.value % parts:
            raise ValueError(
                f"the preset has {row.value} items a step, which {parts} batches of it cannot share; give --batch-size"
            )
        return row.value // parts


def told(settings: Settings) -> list[str]:
    """What the preset of ``settings`` sets, a line for each option with its source; what is ours is marked."""
    if not getattr(settings, "preset", None):
        return []
    lines = []
    for name, stage in settings.stages().items():
        lines.append(f"the paper's settings{f' of {name}' if name else ''}:")
        lines += [line for row in stage.preset_rows() for line in _lines(stage, row)]
    return lines


def _lines(settings: RecipeSettings, row: Row) -> list[str]:
    if not hasattr(settings, row.option):
        shown, value = f"{row.option}: {row.value}", None
    else:
        value = getattr(settings, row.option)
        shown = f"--{_words(row.option)} {value}"
        if row.option == "batch_size" and value != row.value:
            shown += f", of {row.value} a step"
        elif value is None:
            return [f"  --{_words(row.option):32} another option stands in its place ({row.value}: {row.source})"]
        elif value != row.value:
            return [f"  {shown:34} given, in place of {row.value} ({row.source})"]
    found = [f"  {shown:34} {row.source}"]
    return [*found, f"    ours differs: {row.ours}"] if row.ours else found


def _words(name: str) -> str:
    return name.replace("_", "-")
