"""The pixels of captioned images, as tensors: in batches, one by one when asked for, or all at once."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset

from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.image import ImageError, read_image


def image_batches(
    caption_set: CaptionSet, height: int, width: int, *, size: int = 32, workers: int = 0, strict: bool = False
) -> Iterator[tuple[list[int], torch.Tensor]]:
    """(indices, uint8 pixels (n, 3, height, width)) of the images that can be read, ``size`` at a time.

    Those that cannot are added to the set's report, or raised as an ImageError with ``strict``.
    """
    images = _Readable(caption_set.images, height, width)
    for batch in DataLoader(images, size, collate_fn=list, num_workers=workers, generator=torch.Generator()):
        good = [(i, pixels) for i, pixels in batch if not isinstance(pixels, ImageError)]
        for fault in (fault for _, fault in batch if isinstance(fault, ImageError)):
            if strict:
                raise fault
            caption_set.report.add(fault, "unreadable image", "left out")
        if good:
            yield [i for i, _ in good], torch.stack([pixels for _, pixels in good])


class PixelFiles(Dataset):
    """Images read when asked for: [i] is uint8 (3, height, width). For sets that do not fit in memory."""

    def __init__(self, paths: list[Path], height: int, width: int | None = None):
        self.paths, self.height, self.width = paths, height, width or height

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.from_numpy(read_image(self.paths[i], (self.height, self.width))).permute(2, 0, 1).contiguous()


class _Readable(PixelFiles):
    def __getitem__(self, i: int) -> tuple[int, torch.Tensor | ImageError]:
        try:
            return i, super().__getitem__(i)
        except ImageError as error:
            return i, error


def load_images(
    caption_set: CaptionSet, height: int, width: int, strict: bool = False
) -> tuple[CaptionSet, torch.Tensor]:
    """All images as uint8 (n, 3, height, width), and the set without those that cannot be read. For small sets."""
    batches = list(image_batches(caption_set, height, width, strict=strict))
    kept = [i for indices, _ in batches for i in indices]
    empty = torch.empty(0, 3, height, width, dtype=torch.uint8)
    return caption_set.subset(kept), torch.cat([empty, *(pixels for _, pixels in batches)])
