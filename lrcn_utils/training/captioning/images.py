"""The images of a captioning dataset with their captions, and their features: what cannot be used is printed."""

from pathlib import Path

from torch import Tensor, nn

from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.coco import read_coco
from lrcn_utils.data.flickr import read_flickr
from lrcn_utils.training.features import extract_images
from lrcn_utils.training.settings import DataSettings


def read_images(settings: DataSettings, split: str) -> CaptionSet:
    """One split, "train", "val" or "test", with its captions. Raises ValueError when nothing of it can be used."""
    found = _read(settings.data, settings.folder, split, settings.strict).limit(settings.limit)
    for line in found.report.lines:
        print(line)
    if not len(found):
        raise ValueError(f"{settings.folder}: nothing to use in the {split} split")
    return found


def _read(data: str, root: Path, split: str, strict: bool) -> CaptionSet:
    if data in ("flickr8k", "flickr30k"):
        return read_flickr(root, split, strict=strict)
    folder = root / "stills" if data == "toy" else root
    images = folder / "images" if (folder / "images").is_dir() else folder
    file = folder / "annotations" / f"captions_{split}.json"
    if not file.exists():
        raise FileNotFoundError(
            f"{file}: there is no such file; prepare_captions.py and prepare_coco.py write it, and for a copy of Flickr"
            " give --data flickr8k --root DIR"
        )
    return read_coco(file, images, strict=strict)


def features_of(
    settings: DataSettings, network: nn.Module, layer: str, images: CaptionSet, workers: int = 0
) -> tuple[CaptionSet, Tensor]:
    """The images that can be read and their features (n, d). Raises ValueError when none can be read."""
    known = len(images.report.lines)
    options = {"workers": workers, "strict": settings.strict}
    used, features = extract_images(images, network, layer, settings.cache_folder, **options)
    for line in used.report.lines[known:]:
        print(line)
    if not len(used):
        raise ValueError(f"{settings.folder}: not one of the images can be read")
    return used, features
