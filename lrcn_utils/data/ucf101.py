"""Datasets in the form of UCF-101: the readable videos of a split, and clips of them for a model.

    root/UCF-101/<Class>/v_<Class>_gGG_cCC.avi      videos; those of one group show one person in one place
    root/ucfTrainTestlist/{classInd,trainlist01..03,testlist01..03}.txt
    root/flow/<Class>/v_<Class>_gGG_cCC.avi         flow images, from data_scripts/compute_flow.py
    root/cache/                                     what was derived from them; may be deleted at any time

Videos may have any suffix of ``forms.SUFFIXES``. A subset of the classes, or of the videos, is normal. Groups never
cross a split.
"""

import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from lrcn_utils.data import clips, flow, split_lists
from lrcn_utils.data.clips import FrameSize
from lrcn_utils.data.frame_cache import frame_cache, read_frames
from lrcn_utils.data.report import Report
from lrcn_utils.data.video import iter_frames
from lrcn_utils.data.video_index import readable


@dataclass(frozen=True)
class Video:
    """One video: its file, its class (``label`` counts from 0 in the index's ``classes``), group and length."""

    path: Path
    class_name: str
    label: int
    group: int
    frames: int

    @property
    def name(self) -> str:
        """``v_<Class>_gGG_cCC``, without suffix."""
        return self.path.stem

    @property
    def root(self) -> Path:
        return self.path.parents[2]

    @property
    def flow_path(self) -> Path:
        """Where its flow images lie: an AVI, whatever container the video has."""
        return flow_path(self.path)

    @property
    def flow_frames(self) -> int:
        """One fewer than the video's frames; but a video of one frame has one flow image, of no motion."""
        return max(self.frames - 1, 1)


def flow_path(video: Path) -> Path:
    """Where the flow of a video lies: root/UCF-101/<Class>/<name>.* -> root/flow/<Class>/<name>.avi."""
    return video.parents[2] / "flow" / video.parent.name / f"{video.stem}.avi"


@dataclass(frozen=True)
class UCF101Index:
    """The readable videos of one split. ``classes``: the names of the classes present, in the official order."""

    root: Path
    classes: list[str]
    train: list[Video]
    test: list[Video]
    report: Report = field(repr=False)


def read_index(
    root: Path | str,
    split: int = 1,
    *,
    test_groups: Collection[int] | None = None,
    classes: Collection[str] | None = None,
    limit: int | None = None,
    cache: Path | str | None = None,
    strict: bool = False,
    progress: bool = False,
) -> UCF101Index:
    """The videos of official split 1, 2 or 3; or, with ``test_groups``, those groups against all others.

    ``classes``: only these; ``limit``: at most so many videos of a class on either side. Every video is decoded
    once, to see that it is whole and to count its frames; ``cache``/index.json (``root``/cache) remembers.
    What is missing or cannot be read is left out and stands in ``report``, a line each; ``strict`` raises it.
    Raises FileNotFoundError where there is no such dataset, ValueError when a group is on both sides of the split, or
    when no video is left to train or to test on (with ``test_groups=()`` none is asked for on the test side).
    """
    root = Path(root)
    cache = root / "cache" if cache is None else Path(cache)
    if not (root / "UCF-101").is_dir():
        scripts = "data_scripts/prepare_ucf101.py, or prepare_videos.py for films of your own"
        raise FileNotFoundError(f"{root}: there is no folder UCF-101 in it; run {scripts}")
    report = Report(strict)
    order = _wanted_classes(root, classes)
    videos = split_lists.on_disk(root, report, classes)
    if test_groups is None:
        named = split_lists.listed(root, split, videos, report, classes)
        split_lists.report_missing({split: named}, videos, report)
        there = set(videos.values())
        sides = {side: [path for path in paths if path in there] for side, paths in named.items()}
    else:
        sides = split_lists.by_group(videos.values(), test_groups)
    sides = {side: split_lists.at_most(limit, paths) for side, paths in sides.items()}

    wanted = ("train",) if test_groups is not None and not test_groups else ("train", "test")
    chosen = f"split {split}" if test_groups is None else "these test groups"
    _assert_videos(root, sides, wanted, chosen, report)
    found = readable([*sides["train"], *sides["test"]], cache / "index.json", report, progress=progress)
    sides = {side: [path for path in paths if path in found] for side, paths in sides.items()}
    _assert_videos(root, sides, wanted, chosen, report)

    present = {split_lists.class_of(path) for path in found}
    names = [name for name in order if name in present]
    labels = {name: label for label, name in enumerate(names)}
    train, test = (
        [
            Video(p, name := split_lists.class_of(p), labels[name], split_lists.group(p), found[p].frames)
            for p in sides[side]
        ]
        for side in ("train", "test")
    )
    return UCF101Index(root, names, train, test, report)


def _assert_videos(root: Path, sides: dict, wanted: Collection[str], chosen: str, report: Report) -> None:
    for side in wanted:
        if not sides[side]:
            first = f" ({report.lines[0]})" if report.lines else ""
            raise ValueError(f"{root}: with {chosen} there is no video to {side} on{first}; choose others")


def _wanted_classes(root: Path, classes: Collection[str] | None) -> list[str]:
    order = split_lists.class_order(root)
    if classes is None:
        # A folder that classInd.txt does not name comes last rather than not at all.
        folders = sorted(folder.name for folder in (root / "UCF-101").iterdir() if folder.is_dir())
        return order + [name for name in folders if name not in order]
    if unknown := sorted(set(classes) - set(order)):
        raise ValueError(f"there is no class {', '.join(unknown)}; the classes are {', '.join(order)}")
    return [name for name in order if name in set(classes)]


class ClipDataset(Dataset):
    """Clips of videos as a model takes them; never more than one video in memory.

    In training item i is (clip, label): 16 frames of video i from a random start, with one random crop and mirror,
    uint8 (16, 3, crop, crop) in 0..255: a quarter of the bytes on their way to the device, where the model makes
    numbers in 0..1 of them. Which clip, is a function of (seed, epoch, i) alone: see ``set_epoch``.
    With ``train=False`` item i is (test clips, label): float32 (clips, 16, 3, crop, crop), centre crops.
    A video of fewer than 16 frames gives one clip of all of them; batch with ``clips.collate_clips`` then.

    ``input``: "rgb", or "flow" for the flow images of ``root``/flow. ``cache``: True keeps the resized frames under
    ``root``/cache (or the folder given) after the first reading; False decodes every time. ``length``: frames of a
    training clip, if not 16.
    Raises FileNotFoundError when flow is missing, ValueError when it was made from another video than the one that
    is there now, OSError when the frames would not fit on the disk.
    """

    def __init__(
        self,
        videos: Sequence[Video],
        frames: FrameSize = clips.TOY,
        *,
        train: bool = True,
        input: Literal["rgb", "flow"] = "rgb",
        cache: bool | Path | str = True,
        length: int = clips.LENGTH,
    ):
        if input not in ("rgb", "flow"):
            raise ValueError(f"input must be 'rgb' or 'flow', not {input!r}")
        self.videos, self.frames, self.train, self.input = list(videos), frames, train, input
        self.clip_length = length
        self.seed = self.epoch = 0
        self.folder = self._cache_folder(cache)
        if input == "flow":
            self._assert_flow()

    def __len__(self) -> int:
        return len(self.videos)

    def set_epoch(self, seed: int, epoch: int) -> None:
        """Draw the clips of this epoch: the same ones whenever (seed, epoch) are the same."""
        self.seed, self.epoch = seed, epoch

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        video = self.videos[index]
        if not self.train:
            return self.test_clips(video), video.label
        rng = np.random.default_rng((self.seed, self.epoch, index))
        numbers = clips.training_clip(self.length(video), rng, self.clip_length)
        clip = self.read(video, numbers[0], numbers[-1] + 1)
        seen = clips.crop_and_mirror(clip, self.frames, rng, flow=self.input == "flow")
        return clips.as_pixels(seen), video.label

    def length(self, video: Video) -> int:
        """How many frames (or flow images) the video has."""
        return video.flow_frames if self.input == "flow" else video.frames

    def read(self, video: Video, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Resized frames of a video before any crop: uint8 (time, height, width, 3)."""
        size = self.frames.height, self.frames.width
        return read_frames(self.path(video), self.length(video), size, start=start, stop=stop, cache=self.folder)

    def stream(self, video: Video) -> Iterator[np.ndarray]:
        """The frames that ``read`` gives, one by one: a video that is not cached is decoded once and never held."""
        if self.folder is not None:
            return iter(self.read(video))
        return iter_frames(self.path(video), (self.frames.height, self.frames.width))

    def test_clips(self, video: Video, crops: Literal["centre", "ten"] = "centre") -> torch.Tensor:
        """All test clips of a video, float32 (clips, 16, 3, crop, crop); with ten crops, ten for each clip in a row."""
        frames, parts = self.read(video), []
        for start in clips.test_clip_starts(len(frames)):
            clip = frames[start : start + clips.LENGTH]
            if crops == "ten":
                parts.append(clips.ten_crops(clip, self.frames.crop, flow=self.input == "flow"))
            else:
                parts.append(clips.centre_crop(clip, self.frames.crop)[None])
        return clips.as_input(np.concatenate(parts))

    def path(self, video: Video) -> Path:
        """The file that is read: the video, or its flow."""
        return video.flow_path if self.input == "flow" else video.path

    def _cache_folder(self, cache: bool | Path | str) -> Path | None:
        if cache is False or not self.videos:
            return None
        folder = self.videos[0].root / "cache" if cache is True else Path(cache)
        size = self.frames.height, self.frames.width
        if not frame_cache(folder, size).folder.exists():
            needed = sum(self.length(v) for v in self.videos) * size[0] * size[1] * 3
            existing = next(above for above in (folder, *folder.parents) if above.exists())
            if needed > (free := shutil.disk_usage(existing).free):
                raise OSError(
                    f"{folder}: the frames need {needed / 1e9:.3g} GB and {free / 1e9:.3g} GB are free; make room,"
                    " choose another --cache, or pass cache=False (--decode) to decode every time"
                )
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OSError(
                    f"{folder}: cannot be made ({error.strerror}); choose another --cache, "
                    "or pass cache=False (--decode)"
                ) from error
        return folder

    def _assert_flow(self) -> None:
        total, mend = len(self.videos), f"run data_scripts/compute_flow.py {self.videos[0].root}" if self.videos else ""
        if missing := [video.name for video in self.videos if not video.flow_path.exists()]:
            raise FileNotFoundError(f"flow is missing for {len(missing)} of {total} videos, first {missing[0]}; {mend}")
        if other := [video.name for video in self.videos if not flow.is_of(video.flow_path, video.path)]:
            what = f"the flow of {len(other)} of {total} videos was made from other files than these"
            raise ValueError(f"{what}, first {other[0]}; {mend}")
