"""A stage of a few pixels on which a ball moves: films and stills that cost nothing, for experiments with faults.

A film is 8 frames of a coloured ball before a backdrop. Its class is the direction in which the ball moves. The stage
has no ends: a ball that leaves on one side comes back on the other, so a single frame says nothing of the direction.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

HEIGHT, WIDTH, FRAMES, MARGIN = 24, 32, 8, 2  # the margin is what a random crop may cut away
DIRECTIONS = {"left": (0, -2), "right": (0, 2), "up": (-2, 0), "down": (2, 0)}  # pixels a frame, down and right
COLOURS = {"red": (220, 40, 30), "blue": (40, 70, 220), "green": (40, 180, 60), "purple": (190, 50, 190)}
RADIUS = 3.3


@dataclass(frozen=True)
class Films:
    """``frames`` uint8 RGB (n, 8, height, width, 3), ``labels`` (n,), and ``groups`` (n,), the film of each clip."""

    frames: np.ndarray
    labels: Tensor
    groups: Tensor

    def of(self, rows) -> "Films":
        """The clips ``rows`` alone."""
        return Films(self.frames[rows], self.labels[rows], self.groups[rows])


def backdrop(rng: np.random.Generator) -> np.ndarray:
    """Grey patches of 4 by 4 pixels, uint8 (height + margin, width + margin, 3)."""
    patches = rng.integers(40, 170, (HEIGHT // 4 + 1, WIDTH // 4 + 1)).astype(np.uint8)
    grey = np.kron(patches, np.ones((4, 4), np.uint8))[: HEIGHT + MARGIN, : WIDTH + MARGIN]
    return np.repeat(grey[..., None], 3, axis=2)


def ball(picture: np.ndarray, centre: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Paint a ball into ``picture``; what leaves it on one side comes back on the other."""
    high, wide = picture.shape[:2]
    y = (np.arange(high)[:, None] - centre[0] + high / 2) % high - high / 2
    x = (np.arange(wide)[None] - centre[1] + wide / 2) % wide - wide / 2
    picture[y**2 + x**2 <= RADIUS**2] = colour


def film(rng: np.random.Generator, scene: np.ndarray, start: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    """One clip before the backdrop ``scene``: uint8 (8, height + margin, width + margin, 3)."""
    colour = list(COLOURS.values())[rng.integers(len(COLOURS))]
    frames = np.repeat(scene[None], FRAMES, axis=0)
    for t, frame in enumerate(frames):
        ball(frame, start + t * np.array(step), colour)
    return frames


def look(frames: np.ndarray) -> Tensor:
    """What takes the place of a CNN: features (..., 76) of frames (..., height, width, 3), roughly in 0..1.

    How colourful each two columns and each two rows are (the ball), and the brightness of each patch (the backdrop).
    """
    pixels = frames.astype(np.float32) / 255
    colourful, brightness = pixels.max(-1) - pixels.min(-1), pixels.mean(-1)
    parts = [6 * _blocks(colourful, HEIGHT, 2), 6 * _blocks(colourful, 2, WIDTH), _blocks(brightness, 4, 4) / 2]
    return torch.from_numpy(np.concatenate(parts, -1))


def _blocks(values: np.ndarray, high: int, wide: int) -> np.ndarray:
    """Means of blocks of ``high`` by ``wide`` pixels: (..., height, width) -> (..., blocks)."""
    *before, height, width = values.shape
    means = values.reshape(*before, height // high, high, width // wide, wide).mean((-3, -1))
    return means.reshape(*before, -1)


def still(rng: np.random.Generator, count: int, colour: str, left: bool) -> np.ndarray:
    """A picture of ``count`` balls on the left or the right half: uint8 (height, width, 3)."""
    picture = backdrop(rng)[:HEIGHT, :WIDTH].copy()
    column = 6 if left else WIDTH - 7
    for place in range(count):
        ball(picture, np.array([4 + 8 * place, column + rng.integers(-2, 3)]), COLOURS[colour])
    return picture
