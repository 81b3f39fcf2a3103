"""Images with their reference captions, in whatever dataset they came: one form for COCO, Flickr and Toy Kitchen."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch.utils.data import DataLoader, Dataset

from lrcn_utils.data.report import Report


class CaptionError(ValueError):
    """A caption file or an image that cannot be used: ``file: what is wrong; how to mend it``."""


@dataclass
class CaptionSet:
    """Images and their captions, in the same order; ``report`` tells what was left out and why."""

    ids: list[str]
    images: list[Path]
    captions: list[list[str]]
    report: Report = field(default_factory=Report)

    def __len__(self) -> int:
        return len(self.ids)

    def limit(self, n: int | None) -> "CaptionSet":
        """The first ``n`` images (all for None)."""
        return self.subset(range(len(self))[:n])

    def subset(self, kept: Iterable[int]) -> "CaptionSet":
        """The images with these indices, in this order."""
        kept = list(kept)
        parts = ([values[i] for i in kept] for values in (self.ids, self.images, self.captions))
        return CaptionSet(*parts, self.report)

    def pairs(self) -> list[tuple[int, str]]:
        """(index of the image, caption), every caption once."""
        return [(i, caption) for i, captions in enumerate(self.captions) for caption in captions]


def collect(
    file: Path, images: dict[str, Path], captions: Iterable[tuple[str, str, str]], report: Report
) -> CaptionSet:
    """Join ``images`` {id: path} and ``captions`` (where in the file, id, text) to a CaptionSet.

    Left out, one line each: captions of an unknown id, empty ones, ones not in Latin script; images that are not on
    disk, and images without a caption.
    """
    kept: dict[str, list[str]] = {name: [] for name in images}
    missing = {name for name, path in images.items() if not path.is_file()}
    for name in sorted(missing):
        report.add(f"{images[name].name}: no such image in {images[name].parent.name}/; left out", "missing image")
    for where, name, text in captions:
        if name not in images:
            report.add(f"{file.name}, {where}: no image has the id {name}; caption left out", "unknown id")
        elif fault := why_unusable(text):
            report.add(f"{file.name}, {where} (image {name}): {fault}; caption left out", "unusable caption")
        elif name not in missing:
            kept[name].append(" ".join(text.split()))
    for name in images:
        if not kept[name] and name not in missing:
            report.add(f"{file.name}: image {name} has no usable caption; left out", "no caption")
    used = [name for name in images if kept[name]]
    return CaptionSet(used, [images[n] for n in used], [kept[n] for n in used], report)


def why_unusable(caption: object) -> str | None:
    """What is wrong with a caption, or None: it must be text, with words, most of their letters Latin."""
    if not isinstance(caption, str):
        return f"the caption is {caption!r}, not text"
    letters = [character for character in caption if character.isalpha()]
    if not letters:
        return "the caption is empty"
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    if 2 * latin < len(letters):
        return "the caption is in another script than Latin"
    return None


def load_image(path: Path, height: int, width: int) -> np.ndarray:
    """The image as uint8 (height, width, 3) RGB, warped to that size as the released code does.

    Raises CaptionError when the file is no image or is cut short.
    """
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR))
    except (OSError, UnidentifiedImageError) as error:
        raise CaptionError(f"{Path(path).name}: cannot be read as an image ({error}); get it again") from error


def image_batches(
    caption_set: CaptionSet, height: int, width: int, *, size: int = 32, workers: int = 0, strict: bool = False
) -> Iterator[tuple[list[int], torch.Tensor]]:
    """(indices, uint8 pixels (n, 3, height, width)) of the images that can be read, ``size`` at a time.

    Those that cannot are added to the set's report, or raised as a CaptionError with ``strict``.
    """
    images = _Readable(caption_set.images, height, width)
    for batch in DataLoader(images, size, collate_fn=list, num_workers=workers, generator=torch.Generator()):
        good = [(i, pixels) for i, pixels in batch if not isinstance(pixels, str)]
        for fault in (fault for _, fault in batch if isinstance(fault, str)):
            if strict:
                raise CaptionError(fault)
            caption_set.report.add(fault, "unreadable image")
        if good:
            yield [i for i, _ in good], torch.stack([pixels for _, pixels in good])


class PixelFiles(Dataset):
    """Images read when asked for: [i] is uint8 (3, height, width). For sets that do not fit in memory."""

    def __init__(self, paths: list[Path], height: int, width: int | None = None):
        self.paths, self.height, self.width = paths, height, width or height

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.from_numpy(load_image(self.paths[i], self.height, self.width)).permute(2, 0, 1).contiguous()


class _Readable(PixelFiles):
    def __getitem__(self, i: int) -> tuple[int, torch.Tensor | str]:
        try:
            return i, super().__getitem__(i)
        except CaptionError as error:
            return i, str(error)


def load_images(
    caption_set: CaptionSet, height: int, width: int, strict: bool = False
) -> tuple[CaptionSet, torch.Tensor]:
    """All images as uint8 (n, 3, height, width), and the set without those that cannot be read. For small sets."""
    batches = list(image_batches(caption_set, height, width, strict=strict))
    kept = [i for indices, _ in batches for i in indices]
    empty = torch.empty(0, 3, height, width, dtype=torch.uint8)
    return caption_set.subset(kept), torch.cat([empty, *(pixels for _, pixels in batches)])
