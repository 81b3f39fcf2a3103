"""The settings of a command: a frozen dataclass, made from the command line here and nowhere else.

Each field is an option of the same name. What all tasks share stands in ``DataSettings`` and, of training, in
``Settings``, so an option means the same in every task.
"""

import argparse
import types
import typing
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from lrcn_utils import environment

S = TypeVar("S")
RUN = "python -m lrcn_utils.training"


def option(
    default=MISSING,
    help: str = "",
    *,
    choices=None,
    kind=None,
    metavar=None,
    least: int = 1,
    most=None,
    changes_result: bool = True,
):
    """A field of a settings class, and the option that sets it; without a default it is an argument that must be given.

    ``kind``: turns the text of the command line into the value, where the field's type does not say it.
    ``least``: the smallest whole number that makes sense; fractions must not be negative. ``most``: the largest.
    ``changes_result``: False for what only says where files lie or how fast the run is.
    """
    metadata = {"help": help, "choices": choices, "kind": kind, "metavar": metavar}
    return field(default=default, metadata=metadata | {"least": least, "most": most, "changes_result": changes_result})


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """What every command takes that makes a run of a dataset, whether it trains or only measures.

    ``RECIPE``: what a task fills in for the options that were not given, so that the run records what was used.
    ``DEFAULTS``: the same for options that a preset may set first; a command need not name them.
    ``DATASETS``: the names that --data knows; anything else is a folder. ``PROG``: how the command begins.
    """

    PROG: ClassVar[str] = RUN
    RECIPE: ClassVar[dict[str, Any]] = {}
    DEFAULTS: ClassVar[dict[str, Any]] = {}
    DATASETS: ClassVar[tuple[str, ...]] = ("toy",)

    data: str = option("toy", "toy (Toy Kitchen), the name of a dataset in the data folder, or a folder")
    root: Path | None = option(None, "the folder of the dataset that --data names", changes_result=False)
    cache: Path | None = option(
        None, "folder of frames and features (default: cache in the root)", changes_result=False
    )
    limit: int | None = option(None, "use at most so many items of each kind on each side of the split")
    strict: bool = option(False, "stop at the first file or line that cannot be used", changes_result=False)
    out: Path | None = option(None, "folder of the run (default: a folder of its own in runs/)", changes_result=False)
    resume: bool = option(False, "go on with the run that --out holds", changes_result=False)

    def __post_init__(self):
        for name, value in (self.RECIPE | self.DEFAULTS).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for one in fields(self):
            value = getattr(self, one.name)
            least = one.metadata["least"] if isinstance(value, int) else 0
            if isinstance(value, int | float) and not isinstance(value, bool) and not value >= least:
                raise ValueError(f"--{one.name.replace('_', '-')} {value}: must be at least {least}")
            if one.metadata["most"] is not None and value is not None and value > one.metadata["most"]:
                raise ValueError(f"--{one.name.replace('_', '-')} {value}: must be at most {one.metadata['most']}")

    @property
    def folder(self) -> Path:
        """Where the dataset lies. Raises FileNotFoundError, naming the folder, where it does not exist."""
        if self.root is None and self.data == "toy":
            return environment.toy_kitchen()
        own = self.own_data and Path(self.data).is_dir()
        found = self.root or (Path(self.data) if own else environment.data_root() / self.data)
        if not found.is_dir():
            raise FileNotFoundError(f"{found}: there is no such folder; set --data or --root to the dataset's folder")
        return found

    @property
    def own_data(self) -> bool:
        """Whether --data is a folder rather than the name of a dataset."""
        return self.data not in self.DATASETS

    @property
    def cache_folder(self) -> Path:
        """Where frames and features are kept: below the dataset, or in the data folder where that is read-only."""
        return self.cache or environment.cache_folder(self.folder)


@dataclass(frozen=True, kw_only=True)
class Settings(DataSettings):
    """What every training command takes."""

    seed: int = option(0, "the first seed", least=0, most=2**31)
    seeds: int = option(1, "how many seeds, from --seed on")
    epochs: int | None = option(None, "epochs, instead of the recipe's")
    batch_size: int | None = option(None, "items in a batch, instead of the recipe's")
    rate: float | None = option(None, "learning rate, instead of the recipe's")
    accumulate: int = option(1, "batches whose gradients are added up for one step of the optimizer")
    workers: int = option(0, "processes that read data beside the training", least=0, changes_result=False)
    tensorboard: bool = option(False, "write TensorBoard's event files beside the tables", changes_result=False)

    @property
    def all_seeds(self) -> range:
        return range(self.seed, self.seed + self.seeds)


def parse(settings: type[S], words: list[str], *, prog: str, about: str, renamed: dict[str, str] | None = None) -> S:
    """The settings that the words of a command line give.

    ``renamed``: options of earlier versions, and what each is called now. Ends with usage and one line, as argparse
    does, when a word does not fit.
    """
    usage = f"{prog} [options]"
    parser = argparse.ArgumentParser(prog=prog, usage=usage, description=about, allow_abbrev=False)
    for word in words:
        if new := (renamed or {}).get(word.partition("=")[0]):
            parser.error(f"{word.partition('=')[0]} is now {new}")
    hints = typing.get_type_hints(settings)
    known = getattr(settings, "RECIPE", {}) | getattr(settings, "DEFAULTS", {})
    for one in fields(settings):
        name = one.name if one.default is MISSING else f"--{one.name.replace('_', '-')}"
        parser.add_argument(name, **_argument(one, hints[one.name], known.get(one.name)))
    given = vars(parser.parse_args(words))
    try:
        return settings(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
    except ValueError as error:
        parser.error(str(error))


def _argument(one, hint, recipe) -> dict[str, Any]:
    text = one.metadata["help"] + ("" if recipe is None else f" ({recipe})")
    shown = {"help": text} | ({} if one.default is MISSING else {"default": one.default})
    base = _base(hint)
    if base is bool:
        return {"action": "store_true" if hint is bool else argparse.BooleanOptionalAction, **shown}
    if typing.get_origin(base) is tuple and one.metadata["kind"] is None:
        shown |= {"nargs": "+", "type": typing.get_args(base)[0]}
    else:
        shown["type"] = one.metadata["kind"] or base
    extra = {key: one.metadata[key] for key in ("choices", "metavar") if one.metadata[key] is not None}
    return shown | extra


def _base(hint):
    if isinstance(hint, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def command(settings: DataSettings, task: str) -> str:
    """The command line that gives the same results again; of files and folders it has the names alone."""
    words = [settings.PROG, *task.split()]
    unsaid = {} if getattr(settings, "preset", None) else settings.DEFAULTS
    for one in fields(settings):
        value = getattr(settings, one.name)
        if value == unsaid.get(one.name, one.default) or not one.metadata["changes_result"]:
            continue
        if one.default is not MISSING:
            words.append(f"--{'no-' * (value is False)}{one.name.replace('_', '-')}")
        if isinstance(value, tuple):
            words.append((",".join if one.metadata["kind"] else " ".join)(map(_shown, value)))
        elif not isinstance(value, bool):
            words.append(_shown(Path(value) if one.name == "data" and settings.own_data else value))
    return " ".join(words)


def _shown(value) -> str:
    return value.name if isinstance(value, Path) else str(value)


def that_change_results(settings: DataSettings) -> dict[str, Any]:
    """{name: value} of the settings that the results depend on. Files and data are told apart by contents instead."""
    chosen = (one.name for one in fields(settings) if one.metadata["changes_result"] and one.name != "data")
    return {name: value for name in chosen if not _by_contents(value := getattr(settings, name))}


def _by_contents(value) -> bool:
    return value is None or any(isinstance(one, Path) for one in (value if isinstance(value, tuple) else [value]))
