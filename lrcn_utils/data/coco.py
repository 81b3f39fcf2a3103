"""COCO captions: the official JSON, and that of predictions.

Toy Kitchen's stills and one's own prepared pictures are in the same form.
"""

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
    ids = list(map(_number, ids))
    images = [{"id": i, "file_name": name} for i, name in zip(ids, names, strict=True)]
    pairs = [(i, caption) for i, some in zip(ids, captions, strict=True) for caption in some]
    annotations = [{"id": n, "image_id": i, "caption": caption} for n, (i, caption) in enumerate(pairs)]
    atomic.write_text(file, json.dumps({"images": images, "annotations": annotations}))


def read_predictions(file: Path) -> dict[str, str]:
    """{image: caption} of a file in the form of COCO's results. Raises ValueError, naming file, record and field."""
    content = text.read_json(file)
    if not isinstance(content, list) or not content:
        raise ValueError(f'{file.name}: needs a list of records {{"image_id": ..., "caption": ...}}')
    found: dict[str, str] = {}
    for i, record in enumerate(content):
        if not isinstance(record, dict) or not {"image_id", "caption"} <= record.keys():
            raise ValueError(f"{file.name}, record [{i}]: needs 'image_id' and 'caption'")
        if not isinstance(record["caption"], str):
            raise ValueError(f"{file.name}, record [{i}]: the caption is not a text")
        if str(record["image_id"]) in found:
            raise ValueError(f"{file.name}, record [{i}]: image {record['image_id']} has a caption already")
        found[str(record["image_id"])] = record["caption"]
    return found


def write_predictions(file: Path, ids: list[str], captions: list[str]) -> None:
    """Write one caption an image in the form of COCO's results, to be sent to a server or scored again."""
    records = [{"image_id": _number(i), "caption": caption} for i, caption in zip(ids, captions, strict=True)]
    atomic.write_text(file, json.dumps(records, indent=1))


def _number(key: str) -> int | str:
    return int(key) if key.isdecimal() else key  # COCO's ids are numbers
