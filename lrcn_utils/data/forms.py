"""What films and clips look like: all that a command must know of them before it reads one."""

from typing import NamedTuple

SUFFIXES = frozenset(".avi .mp4 .m4v .mov .mkv .webm .mpg .mpeg .wmv .flv .3gp .ogv .ts .mts .m2ts".split())  # noqa: SIM905
LENGTH, STRIDE = 16, 8  # frames of a clip, and between the beginnings of two test clips


class FrameSize(NamedTuple):
    """Height and width in pixels to which frames are resized, and the side of the square crop taken from them."""

    height: int
    width: int
    crop: int


TOY = FrameSize(60, 80, 56)
PAPER = FrameSize(240, 320, 227)
