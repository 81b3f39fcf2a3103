"""COCO captions: the official JSON. Toy Kitchen's stills and one's own prepared pictures are in the same form."""

import json
from pathlib import Path

from lrcn_utils.data import atomic, text
from lrcn_utils.data.caption_files import CaptionFile, read_coco_content
from lrcn_utils.data.captions import CaptionError, CaptionSet, collect
from lrcn_utils.data.report import Report


def read_coco(file: Path | str, images: Path | str, *, strict: bool = False) -> CaptionSet:
    """The captions of one annotation file ("images" and "annotations"), with images below the folder ``images``.

    Images come in the order of the file, captions too. What cannot be used is left out, one line each in the
    set's ``report``; with ``strict`` the first is raised as a CaptionError. A file that is no JSON gives an empty set.
    Raises FileNotFoundError when the file itself is missing.
    """
    found = CaptionFile(Path(file), Report(strict, CaptionError))
    try:
        read_coco_content(found, text.read_json(file))
    except ValueError as error:
        found.report.add(str(error), "broken file", "none of it is used")
    return collect(found.done(), Path(images))


def write_coco(file: Path, ids: list[str], names: list[str], captions: list[list[str]]) -> None:
    """Write captions in COCO's form, whole or not at all. ``names`` are relative to the folder of images."""
    ids = [int(i) if i.isdecimal() else i for i in ids]  # COCO's ids are numbers
    images = [{"id": i, "file_name": name} for i, name in zip(ids, names, strict=True)]
    pairs = [(i, caption) for i, some in zip(ids, captions, strict=True) for caption in some]
    annotations = [{"id": n, "image_id": i, "caption": caption} for n, (i, caption) in enumerate(pairs)]
    atomic.write_text(file, json.dumps({"images": images, "annotations": annotations}))
