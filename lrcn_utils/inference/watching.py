"""A film is judged while it runs, whatever computes the numbers: clips of 16 frames, stride 8 (paper, Section 4).

How long the film is shows only at its end, and nothing grows with it but a row of probabilities for each clip.
"""

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np

from lrcn_utils.data.clips import LENGTH, STRIDE
from lrcn_utils.inference.film import Thinned
from lrcn_utils.metrics.activity import average_clips, average_steps

FRAMES_AT_ONCE = 16
Computed = Callable[[np.ndarray], np.ndarray]


class ClipWatcher:
    """One model that watches one film. Of the features of the frames only the last 16 are held.

    ``look``: uint8 (time, height, width, 3) -> what is seen of it (views, time, h, w, 3); ``features``: from there to
    (views, time, d); ``step_probabilities``: clips of features (n, time, d) -> (n, time, classes).
    ``frames``: how many it has seen; ``clips``: {first frame: probabilities (classes,)} of each test clip.
    """

    def __init__(self, look: Computed, features: Computed, step_probabilities: Computed):
        self.look, self.features, self.step_probabilities = look, features, step_probabilities
        self.frames, self.clips = 0, {}
        self._held: np.ndarray | None = None  # (views, at most 16, d)
        self._beliefs = Thinned()  # {frame: the softmax at it in each clip that holds it}

    def see(self, frames: np.ndarray) -> None:
        """The next frames, uint8 (time, height, width, 3)."""
        features = self.features(self.look(frames))
        held = features if self._held is None else np.concatenate([self._held, features], axis=1)
        self.frames += len(frames)
        first = self.frames - held.shape[1]
        starts = range(first, self.frames - LENGTH + 1)
        self._read(held, first, [start for start in starts if start % STRIDE == 0 and start not in self.clips])
        self._held = held[:, -LENGTH:]

    def end(self) -> None:
        """The film is over: the last clip ends on its last frame, and a film shorter than a clip is one clip."""
        last = max(self.frames - LENGTH, 0)
        if last not in self.clips:
            self._read(self._held, last, [last])

    def _read(self, held: np.ndarray, first: int, starts: list[int]) -> None:
        if not starts:
            return
        clips = np.stack([held[:, start - first : start - first + LENGTH] for start in starts])
        steps = self.step_probabilities(clips.reshape(-1, *clips.shape[2:])).reshape(*clips.shape[:3], -1).mean(1)
        # Lists, not arrays: what outlives a batch must not lie between its large arrays, or their memory is not
        # used again, and a long film takes hundreds of megabytes.
        self.clips |= zip(starts, average_steps(steps).tolist(), strict=True)
        for start, clip in zip(starts, steps.tolist(), strict=True):
            for frame, belief in enumerate(clip, start):
                self._beliefs.keep(frame, [*self._beliefs.get(frame, []), belief])

    @property
    def probabilities(self) -> np.ndarray:
        """Probabilities of the film (classes,): the softmax averaged over the steps of a clip, then over the clips."""
        return average_clips(list(self.clips.values()))

    def belief(self, frame: int) -> np.ndarray:
        """The softmax at ``frame``, one of those that are shown, averaged over the clips that hold it: (classes,)."""
        return np.mean(self._beliefs.at(frame), axis=0)


def watch(frames: Iterable[np.ndarray], *watchers: ClipWatcher) -> None:
    """Show a whole film, frame by frame, to all ``watchers`` at once."""
    frames = iter(frames)
    while some := list(islice(frames, FRAMES_AT_ONCE)):
        for watcher in watchers:
            watcher.see(np.stack(some))
    for watcher in watchers:
        watcher.end()
