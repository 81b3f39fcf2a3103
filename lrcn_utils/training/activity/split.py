"""The options that say which videos are trained on, and which are tested."""

from argparse import ArgumentTypeError
from dataclasses import dataclass

from lrcn_utils.training.settings import DataSettings, option


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
