"""Which images of a dataset are whole: each is decoded once, and what was found is remembered in a JSON file."""

from pathlib import Path

from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.findings import Kind, find, unknown
from lrcn_utils.data.image import READER, ImageError, read_image


def readable(images: CaptionSet, remembered: Path, *, progress: bool = False, workers: int = 2) -> CaptionSet:
    """The images that can be read, with their captions; the others are added to the set's report.

    ``remembered``: the JSON file of earlier findings; an image whose size or time stamp has changed is decoded again.
    """
    found = find(_kind(), images.images, remembered, progress=progress, workers=workers)
    for path in images.images:
        if "error" in found[path]:
            images.report.add(ImageError(found[path]["error"]), "unreadable image", "left out")
    return images.subset(i for i, path in enumerate(images.images) if "error" not in found[path])


def _check(path: Path) -> dict:
    try:
        read_image(path, (8, 8))
    except ImageError as error:
        return {"error": str(error)}
    return {}


def unchecked(images: CaptionSet, remembered: Path) -> list[Path]:
    """The images that ``readable`` would decode."""
    return unknown(_kind(), images.images, remembered)


def _kind() -> Kind:
    return Kind("images", _check, READER, (frozenset({"stamp", "error"}), frozenset({"stamp"})))
