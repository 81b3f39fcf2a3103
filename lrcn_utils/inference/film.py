"""A film of any length, streamed as often as it is asked for; of its frames only some are ever held."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lrcn_utils.data import flow
from lrcn_utils.data.video import iter_frames

MOST = 600  # frames of a film that are kept to be shown


@dataclass(frozen=True)
class Film:
    """A video file: its path, or the content of an uploaded one. ``progress``: count its frames on a terminal."""

    name: str
    source: Path | bytes = field(repr=False)
    progress: bool = False

    def frames(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """The frames, uint8 (height, width, 3) of ``size``, one by one. Raises VideoError as ``iter_frames`` does."""
        source = self.source
        if isinstance(source, bytes):
            source = io.BytesIO(source)  # a new one each time: two readers must not move each other's place
            source.name = self.name
        disable = None if self.progress else True  # None: there is no bar where nobody watches
        return iter(tqdm(iter_frames(source, size), self.name, unit=" frames", leave=False, disable=disable))

    def flow(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Flow images, uint8 of ``size``, one fewer than there are frames; a single frame gives one of no motion.

        As for a dataset's stored flow, it is estimated at twice the size and then halved. Raises VideoError, and
        ImportError without OpenCV.
        """
        height, width = size
        image = None
        for motion in flow.iter_flow(self.frames((2 * height, 2 * width))):
            image = flow.flow_image(motion).reshape(height, 2, width, 2, 3).mean((1, 3)).round().astype(np.uint8)
            yield image
        if image is None:
            yield np.full((height, width, 3), flow.CENTRE, np.uint8)


class Thinned(dict[int, Any]):
    """{frame number: value} of at most ``MOST`` frames of a film: all, then every 2nd, every 4th, as it grows."""

    def __init__(self):
        super().__init__()
        self.every = 1

    def wants(self, number: int) -> bool:
        """Whether frame ``number`` is among those that are kept now."""
        return number % self.every == 0

    def keep(self, number: int, value: Any) -> None:
        """Keep the value of frame ``number``, if it is wanted."""
        if self.wants(number):
            self[number] = value
        if len(self) > MOST:
            self.every *= 2
            for other in [other for other in self if not self.wants(other)]:
                del self[other]

    def at(self, number: int) -> Any:
        """The value of frame ``number``; the last one where the film has ended before."""
        return self[number] if number in self else self[max(self)]
