"""The parts of ``python -m lrcn_utils.extract`` and the settings of each."""

from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.training.activity.settings import FROZEN_CNNS, ActivitySettings
from lrcn_utils.training.captioning.settings import CaptioningSettings
from lrcn_utils.training.settings import option


@dataclass(frozen=True, kw_only=True)
class ActivityFeatures(ActivitySettings):
    """Features of every frame of the videos, as ``training activity`` with the same options reads them."""

    dry_run: bool = option(False, "say what would be done, and do nothing", changes_result=False)

    def __post_init__(self):
        super().__post_init__()
        if not self.frozen:
            raise ValueError(f"--cnn {self.cnn} is trained itself; choose one that is not: {', '.join(FROZEN_CNNS)}")


@dataclass(frozen=True, kw_only=True)
class CaptioningFeatures(CaptioningSettings):
    """Features of all images, as ``training captioning`` with the same options and ``evaluate`` read them."""

    dry_run: bool = option(False, "say what would be done, and do nothing", changes_result=False)


def _height_x_width(text: str) -> tuple[int, int]:
    try:
        height, width = (int(number) for number in text.lower().split("x"))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, as 240x320") from None
    return height, width


@dataclass(frozen=True, kw_only=True)
class FlowSettings:
    """Optical flow of every video of a dataset in the form of UCF-101, as flow images in ROOT/flow."""

    root: Path = option(help="the dataset's folder; UCF-101/ lies in it")
    size: tuple[int, int] | None = option(
        None, "resize frames to this first (default: as they are)", kind=_height_x_width, metavar="240x320"
    )
    classes: tuple[str, ...] | None = option(None, "only these classes", metavar="CLASS")
    limit: int | None = option(None, "at most so many videos of each class")
    workers: int | None = option(None, "videos at a time in each process (default: one a core, at most 8)")
    strict: bool = option(False, "stop at the first video that cannot be read")
    quiet: bool = option(False, "no progress bar")
    dry_run: bool = option(False, "say what would be done, and do nothing")


PARTS = {"activity": ActivityFeatures, "captioning": CaptioningFeatures, "flow": FlowSettings}
