"""Features of a frozen CNN, computed once for every frame or image and kept in the one cache: then an epoch takes a
second.

An entry depends on the contents of its file, on the CNN's weights and on how the pixels reach it. A run that was
killed goes on with the next file.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from lrcn_utils.data import clips
from lrcn_utils.data.cache import ArrayCache
from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.image import READER as IMAGE_READER
from lrcn_utils.data.pixels import image_batches
from lrcn_utils.data.report import Report
from lrcn_utils.data.ucf101 import ClipDataset, Video
from lrcn_utils.data.video import READER as VIDEO_READER
from lrcn_utils.training.calls import at_once, features_of_each, look
from lrcn_utils.training.checkpoints import weights_digest
from lrcn_utils.training.processes import processes

IN_MEMORY = 2**28  # bytes of features that a process keeps in memory; those beyond are read anew each time
FRAMES_AT_ONCE = 16


class FrameFeatures(Sequence):
    """Features of the videos of a ClipDataset, in its order: [i] is a read-only array (views, frames, d), float16.

    What was read stays in memory while it is within ``IN_MEMORY`` bytes: all of Toy Kitchen's. The rest is mapped from
    its file each time, so that memory does not grow with the dataset.
    """

    def __init__(self, dataset: ClipDataset, kept: ArrayCache):
        self.videos, self.files, self.kept = dataset.videos, [dataset.path(video) for video in dataset.videos], kept
        self.held: dict[int, np.ndarray] = {}
        self.room = IN_MEMORY

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> np.ndarray:
        if index in self.held:
            return self.held[index]
        found = self.kept.read(self.files[index])
        if found.nbytes <= self.room:
            self.room -= found.nbytes
            self.held[index] = found = found.copy()
            found.flags.writeable = False
        return found


def extract(
    dataset: ClipDataset,
    cnn: nn.Module,
    layer: str,
    cache: Path | str,
    *,
    views: str = "centre",
    spread: int | None = None,
    report: Report | None = None,
    progress: bool = False,
) -> FrameFeatures:
    """Features of the frames of the dataset's videos, computed where they are not in ``cache`` yet.

    ``cnn``: a module with ``features(images, layer)``, images float (n, 3, h, w) in 0..1; it is put in evaluation
    mode. ``views``: one of ``clips.VIEWS``; whole frames need a CNN that takes images of any size. ``spread``: only
    so many frames of each video, evenly spread over it (a shorter one repeats some), instead of all.
    A video is streamed through the CNN: memory does not grow with its length, nor with the number of videos.
    A video that cannot be read raises VideoError, or is added to ``report`` and left out.
    """
    kept = feature_cache(dataset, cnn, layer, cache, views=views, spread=spread)
    cnn.eval()

    def read(video: Video) -> Iterator[np.ndarray]:
        return _pictures(dataset, video, views, spread)

    report = Report(strict=True) if report is None else report
    own = processes().share(dataset.videos)
    own = tqdm(own, desc="features", disable=not (progress and processes().first), leave=False)
    begun = set()

    def missing() -> Iterator[Video]:
        for video in own:
            if (file := dataset.path(video)) not in kept and kept.path(file) not in begun:
                begun.add(kept.path(file))  # a film that lies there twice is extracted once
                yield video

    with torch.inference_mode():
        for video, found in features_of_each(missing(), read, cnn, layer, report):
            found = found.half().unflatten(0, (-1, clips.NUMBER_OF_VIEWS[views])).transpose(0, 1).numpy()
            kept.write(dataset.path(video), found.shape, np.float16, [found])
    processes().wait()
    return FrameFeatures(dataset, kept)


def feature_cache(
    dataset: ClipDataset, cnn: nn.Module, layer: str, cache: Path | str, *, views: str, spread: int | None = None
) -> ArrayCache:
    """Where ``extract`` keeps what it computes. Raises ValueError when there are no such ``views``."""
    if views not in clips.VIEWS:
        raise ValueError(f"views={views!r}: choose one of {', '.join(clips.VIEWS)}")
    how = {"input": dataset.input, "size": list(dataset.frames), "views": views, "spread": spread}
    network = {"layer": layer, "weights": weights_digest(cnn)}
    return ArrayCache(cache, "features", **how, **network, reader=VIDEO_READER)


def _pictures(dataset: ClipDataset, video: Video, views: str, spread: int | None) -> Iterator[np.ndarray]:
    """What is seen of a video, uint8 (frames x views, h, w, 3), some frames at a time: frame by frame all its views."""
    frames = dataset.stream(video)
    if spread:
        frames = clips.evenly_spread(frames, dataset.length(video), spread)
    while some := list(islice(frames, FRAMES_AT_ONCE)):
        seen = clips.VIEWS[views](np.stack(some), dataset.frames.crop, dataset.input == "flow").swapaxes(0, 1)
        yield np.ascontiguousarray(seen).reshape(-1, *seen.shape[2:])


@torch.inference_mode()
def cnn_features(cnn: nn.Module, frames: np.ndarray, layer: str) -> Tensor:
    """Features (..., d) on the CPU of uint8 frames (..., height, width, 3), 16 a call on a CPU."""
    device = next(cnn.parameters()).device
    images = torch.from_numpy(np.ascontiguousarray(frames)).to(device).flatten(0, -4)
    found = [look(cnn, some, layer).cpu() for some in images.split(at_once(device, *images.shape[1:3]))]
    return torch.cat(found).unflatten(0, frames.shape[:-3])


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


def extract_images(
    images: CaptionSet, cnn: nn.Module, layer: str, cache: Path | str, *, workers: int = 0, strict: bool = False
) -> tuple[CaptionSet, Tensor]:
    """Features (n, d) of the centre crops of the images, and the set without those that cannot be read.

    Computed where they are not in ``cache`` yet; an image that could not be read is tried again. Pixels are not kept.
    """
    side = warp_size(cnn)
    kept = image_cache(cnn, layer, cache)
    cnn.eval()

    def fill(numbers: Sequence[int]) -> None:
        missing = images.subset(i for i in numbers if images.images[i] not in kept)
        for rows, pixels in image_batches(missing, side, side, workers=workers, strict=strict):
            crops = clips.centre_crop(pixels.permute(0, 2, 3, 1).numpy(), cnn.crop)
            for row, found in zip(rows, cnn_features(cnn, crops, layer).numpy(), strict=True):
                kept.write(missing.images[row], found.shape, np.float32, [found])

    fill(processes().share(range(len(images))))
    processes().wait()
    if processes().count > 1:
        fill(range(len(images)))  # what another process could not read is reported here too
    found = [kept.read(file) for file in images.images]
    rows = [i for i, features in enumerate(found) if features is not None]
    features = np.stack([found[i] for i in rows]) if rows else np.empty((0, 0), np.float32)
    return images.subset(rows), torch.from_numpy(features)


def image_cache(cnn: nn.Module, layer: str, cache: Path | str) -> ArrayCache:
    """Where ``extract_images`` keeps what it computes."""
    network = {"layer": layer, "weights": weights_digest(cnn)}
    return ArrayCache(cache, "image_features", warp=warp_size(cnn), crop=cnn.crop, **network, reader=IMAGE_READER)


def warp_size(cnn: nn.Module) -> int:
    """Images are warped to this height and width: 256 before a crop of 227 or 224, 60 before the toy crop of 56."""
    return 60 if cnn.crop == 56 else 256
