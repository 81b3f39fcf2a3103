"""How large frames and clips are: what a command must know before it reads anything."""

from typing import NamedTuple

LENGTH, STRIDE = 16, 8  # frames of a clip, and between the beginnings of two test clips


class FrameSize(NamedTuple):
    """Height and width in pixels to which frames are resized, and the side of the square crop taken from them."""

    height: int
    width: int
    crop: int


TOY = FrameSize(60, 80, 56)
PAPER = FrameSize(240, 320, 227)
