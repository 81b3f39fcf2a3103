"""COCO captions: the official JSON, and Karpathy's splits of it. Toy Kitchen's stills are in the same form."""

import json
from pathlib import Path

from lrcn_utils.data import atomic, text
from lrcn_utils.data.captions import CaptionError, CaptionSet, collect
from lrcn_utils.data.report import Report


def read_coco(file: Path | str, images: Path | str, *, strict: bool = False) -> CaptionSet:
    """The captions of one annotation file ("images" and "annotations"), with images below the folder ``images``.

    Images come in the order of the file, captions too. What cannot be used is left out, one line each in the
    set's ``report``; with ``strict`` the first is raised as a CaptionError. A file that is no JSON gives an empty set.
    Raises FileNotFoundError when the file itself is missing.
    """
    file, report = Path(file), Report(strict, CaptionError)
    content = read_json(file, report)
    paths, captions = {}, []
    for i, image in enumerate(_list(content, "images", file, report)):
        if isinstance(image, dict) and {"id", "file_name"} <= image.keys():
            paths[str(image["id"])] = Path(images) / str(image["file_name"])
        else:
            report.add(f"{file.name}, images[{i}]: needs 'id' and 'file_name'; left out", "malformed image")
    for i, annotation in enumerate(_list(content, "annotations", file, report)):
        if isinstance(annotation, dict) and "image_id" in annotation:
            captions.append((f"annotations[{i}]", str(annotation["image_id"]), annotation.get("caption")))
        else:
            report.add(f"{file.name}, annotations[{i}]: needs 'image_id'; left out", "malformed caption")
    return collect(file, paths, captions, report)


def read_karpathy(file: Path | str) -> dict[str, list[str]]:
    """{split: file names} from Karpathy's ``dataset_<name>.json``; the splits are train, restval, val and test.

    Raises FileNotFoundError, or CaptionError when the file is not in that form.
    """
    file, splits = Path(file), {}
    content = read_json(file, Report(True, CaptionError))
    try:
        for image in content["images"]:
            name = "/".join(part for part in (image.get("filepath"), image["filename"]) if part)
            splits.setdefault(image["split"], []).append(name)
    except (KeyError, TypeError, AttributeError) as error:
        raise CaptionError(
            f"{file.name}: not Karpathy's form (images with 'filename' and 'split'); get caption_datasets.zip again"
        ) from error
    return splits


def write_coco(file: Path, ids: list[int], names: list[str], captions: list[list[str]]) -> None:
    """Write captions in COCO's form, beside and then renamed. ``names`` are relative to the folder of images."""
    images = [{"id": i, "file_name": name} for i, name in zip(ids, names, strict=True)]
    pairs = [(i, caption) for i, some in zip(ids, captions, strict=True) for caption in some]
    annotations = [{"id": n, "image_id": i, "caption": caption} for n, (i, caption) in enumerate(pairs)]
    atomic.write_text(file, json.dumps({"images": images, "annotations": annotations}))


def read_json(file: Path, report: Report) -> object:
    """The content of a JSON file; an empty dict, and one problem, where it is broken."""
    try:
        return text.read_json(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{file.name}: no such caption file in {file.parent}") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError
        report.add(f"{file.name}: broken JSON ({error}); none of it is used, get the file again", "broken file")
        return {}


def _list(content: object, field: str, file: Path, report: Report) -> list:
    found = content.get(field) if isinstance(content, dict) else None
    if isinstance(found, list):
        return found
    if content != {}:
        report.add(f"{file.name}: has no list '{field}'; is it a COCO captions file?", "missing field")
    return []
