"""Which videos a run of activity recognition trains on and tests, and what tells them from others."""

import random
from collections.abc import Sequence
from dataclasses import replace

from lrcn_utils.data.cache import digest, digest_of
from lrcn_utils.data.ucf101 import UCF101Index, Video, read_index
from lrcn_utils.training.activity.split import Split


def choose_videos(settings: Split, classes: Sequence[str] | None = None) -> UCF101Index:
    """The videos of the run; ``--validation-groups`` and ``--random-split`` change who is tested.

    ``classes``: only these; None for all. Raises ValueError when no training video, or no test video, is
    left.
    """
    index = read_index(
        settings.folder,
        settings.split,
        test_groups=settings.test_groups,
        classes=classes,
        limit=settings.limit,
        cache=settings.cache_folder,
        strict=settings.strict,
        progress=True,
    )
    if settings.validation_groups:
        held = [video for video in index.train if video.group in settings.validation_groups]
        kept = [video for video in index.train if video.group not in settings.validation_groups]
        index = replace(index, train=kept, test=held)
    if settings.random_split:
        index = mix(index)
    for side, videos in (("training", index.train), ("test", index.test)):
        if not videos:
            raise ValueError(f"{settings.folder}: no {side} video is left; look at the lists, --classes and the groups")
    return index


def mix(index: UCF101Index, seed: int = 0) -> UCF101Index:
    """The leak: as many test videos, but drawn from all groups, so that a group lies on both sides."""
    videos = [*index.train, *index.test]
    random.Random(seed).shuffle(videos)
    return replace(index, train=videos[len(index.test) :], test=videos[: len(index.test)])


def counts(index: UCF101Index) -> str:
    """How many classes and videos there are, in a line."""
    return f"{len(index.classes)} classes, {len(index.train)} training and {len(index.test)} test videos"


def identity(index: UCF101Index, inputs: set[str]) -> dict[str, str]:
    """Both sides by the contents of their files: of the films, of their flow, or of both."""
    sides = {"training videos": index.train, "test videos": index.test}
    return {name: digest_of([_contents(video, inputs) for video in side]) for name, side in sides.items()}


def _contents(video: Video, inputs: set[str]) -> list[str]:
    files = [path for name, path in (("rgb", video.path), ("flow", video.flow_path)) if name in inputs]
    return [video.class_name, video.name, *(digest(path) for path in files if path.exists())]


def split_words(settings: Split) -> str:
    """The options of the command line that say on which side of the split a video is."""
    words = [f"--split {settings.split}"]
    for name in ("test_groups", "validation_groups"):
        if groups := getattr(settings, name):
            words.append(f"--{name.replace('_', '-')} {','.join(map(str, groups))}")
    return " ".join([*words, *["--random-split"] * settings.random_split])
