"""Features of a frozen CNN, computed once for every frame and kept on disk: then an epoch takes a second.

One ``.npy`` a video, float16 (views, frames, d), written beside and renamed: a run that was killed goes on with the
next video. The folder's name says everything that the numbers depend on, the CNN's weights included.
"""

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from lrcn_utils.data import clips
from lrcn_utils.data.ucf101 import ClipDataset, Video

FRAMES_AT_ONCE = 16
PIXELS_AT_ONCE = 320_000  # to the CNN: with more, the maps of its first layers leave a CPU's cache, at half the speed

# What is seen of a frame: uint8 (time, height, width, 3), the crop's side, flow or not -> (views, time, h, w, 3).
VIEWS: dict[str, Callable[[np.ndarray, int, bool], np.ndarray]] = {
    "centre": lambda frames, crop, flow: clips.centre_crop(frames, crop)[None],
    "centre and mirror": lambda frames, crop, flow: _and_mirror(clips.centre_crop(frames, crop), flow),
    "whole": lambda frames, crop, flow: frames[None],
    "whole and mirror": lambda frames, crop, flow: _and_mirror(frames, flow),
    "ten": lambda frames, crop, flow: clips.ten_crops(frames, crop, flow=flow),
}


def _and_mirror(frames: np.ndarray, flow: bool) -> np.ndarray:
    return np.stack([frames, clips.mirror(frames, flow=flow)])


class FrameFeatures(Sequence):
    """Features of the videos of a ClipDataset, in its order: [i] is a read-only map (views, frames, d), float16."""

    def __init__(self, dataset: ClipDataset, folder: Path):
        self.videos, self.folder = dataset.videos, folder

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> np.ndarray:
        return np.load(self.folder / f"{self.videos[index].name}.npy", mmap_mode="r")


def extract(
    dataset: ClipDataset,
    cnn: nn.Module,
    layer: str,
    cache: Path | str,
    *,
    views: str = "centre",
    progress: bool = False,
) -> FrameFeatures:
    """Features of every frame of the dataset's videos, computed where they are not in ``cache`` yet.

    ``cnn``: a module with ``features(images, layer)``, images float (n, 3, h, w) in 0..1; it is put in evaluation
    mode. ``views``: one of ``VIEWS``; whole frames need a CNN that takes images of any size.
    A video is streamed through the CNN: memory does not grow with its length, nor with the number of videos.
    """
    if views not in VIEWS:
        raise ValueError(f"views={views!r}: choose one of {', '.join(VIEWS)}")
    size = "x".join(str(side) for side in dataset.frames)
    name = f"features_{dataset.input}_{size}_{layer}_{views.replace(' ', '_')}_{fingerprint(cnn):08x}"
    folder = Path(cache) / name
    folder.mkdir(parents=True, exist_ok=True)
    cnn.eval()
    for video in tqdm(dataset.videos, desc="features", disable=not progress, leave=False):
        kept, modified = folder / f"{video.name}.npy", os.stat(dataset.path(video)).st_mtime_ns
        if not kept.exists() or os.stat(kept).st_mtime_ns != modified:  # it carries its video's time stamp
            _keep(kept, modified, _of_video(dataset, video, cnn, layer, views))
    return FrameFeatures(dataset, folder)


def fingerprint(cnn: nn.Module) -> int:
    """A checksum of all weights and buffers: other weights, other features."""
    found = 0
    for key, tensor in sorted(cnn.state_dict().items()):
        found = zlib.crc32(tensor.detach().cpu().contiguous().numpy().tobytes(), zlib.crc32(key.encode(), found))
    return found


@torch.inference_mode()
def _of_video(dataset: ClipDataset, video: Video, cnn: nn.Module, layer: str, views: str) -> np.ndarray:
    device = next(cnn.parameters()).device
    parts = []
    for frames in _in_parts(dataset.stream(video), FRAMES_AT_ONCE):
        seen = VIEWS[views](frames, dataset.frames.crop, dataset.input == "flow")
        images = torch.from_numpy(np.ascontiguousarray(seen)).to(device).flatten(0, 1)
        found = []
        for some in images.split(max(1, PIXELS_AT_ONCE // images[0, ..., 0].numel())):
            # A view with the channels last, as they lie in memory, is twice as fast for SqueezeNet on a CPU.
            found.append(cnn.features(some.permute(0, 3, 1, 2) / 255, layer))
        parts.append(torch.cat(found).unflatten(0, seen.shape[:2]).half().cpu())
    return torch.cat(parts, dim=1).numpy()


def _in_parts(frames: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray]:
    held = []
    for frame in frames:
        held.append(frame)
        if len(held) == size:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)


def _keep(kept: Path, modified: int, features: np.ndarray) -> None:
    part = kept.with_name(f"{kept.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            np.save(file, features)
        os.utime(part, ns=(modified, modified))
        os.replace(part, kept)
    finally:
        part.unlink(missing_ok=True)


class FeatureClips(Dataset):
    """Training clips of cached features: item i is (float32 (16, d), label), from a random start of video i.

    One view is drawn for the whole clip, as one crop and one mirror are drawn for a clip of frames. Which clip it
    is, is a function of (seed, epoch, i) alone. Batch with ``clips.collate_clips``.
    """

    def __init__(self, features: FrameFeatures, length: int = clips.LENGTH):
        self.features, self.length = features, length
        self.seed = self.epoch = 0

    def __len__(self) -> int:
        return len(self.features)

    def set_epoch(self, seed: int, epoch: int) -> None:
        """Draw the clips of this epoch: the same ones whenever (seed, epoch) are the same."""
        self.seed, self.epoch = seed, epoch

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        found = self.features[index]
        numbers = clips.training_clip(found.shape[1], rng, self.length)
        clip = found[rng.integers(len(found)), numbers[0] : numbers[-1] + 1]
        return torch.from_numpy(clip.astype(np.float32)), self.features.videos[index].label
