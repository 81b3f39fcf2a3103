"""Flickr8k and Flickr30k: the token file (name.jpg#number, tab, caption) and the lists of the splits."""

import re
from pathlib import Path

from lrcn_utils.data.captions import CaptionError, CaptionSet, collect
from lrcn_utils.data.report import Report
from lrcn_utils.data.text import read_lines

TOKEN_FILES = ("Flickr8k.token.txt", "results_20130124.token")
IMAGE_FOLDERS = ("Images", "Flicker8k_Dataset", "flickr30k-images", "flickr30k_images")  # the second: sic
# Flickr8k calls the middle split "dev". Flickr30k has no official lists; its Entities lists have bare numbers.
LISTS = ("Flickr_8k.{dev}Images.txt", "{dev}Images.txt", "{val}.txt")
LINE = re.compile(r"([^\t#]+\.(?:jpg|jpeg|png))#\d+\t(.*)", re.IGNORECASE)


def read_flickr(root: Path | str, split: str, *, strict: bool = False) -> CaptionSet:
    """The captions of ``split`` ("train", "val" or "test") of Flickr8k or Flickr30k below ``root``.

    Images come in the order of the list. What cannot be used is left out, one line each in the set's ``report``;
    with ``strict`` the first is raised as a CaptionError. Raises FileNotFoundError when a file is missing.
    """
    root, report = Path(root), Report(strict, CaptionError)
    tokens = _first(root, TOKEN_FILES, "token file")
    listed = _first(root, list_names(split), f"list of the {split} split")
    folder = _first(root, IMAGE_FOLDERS, "folder of images")
    captions: dict[str, list[tuple[str, str, str]]] = {}
    for number, line in enumerate(read_lines(tokens), 1):
        if found := LINE.fullmatch(line):
            captions.setdefault(found[1], []).append((f"line {number}", found[1], found[2]))
        elif line.strip():
            start = line.split("\t")[0][:60]
            report.add(f"{tokens.name}, line {number}: {start!r} is not name.jpg#number; left out", "malformed id")
    names = [_name(line) for line in read_lines(listed) if line.strip()]
    known = [name for name in dict.fromkeys(names) if name in captions]
    for name in names:
        if name not in captions:
            report.add(f"{listed.name}: {name} has no caption in {tokens.name}; left out", "unknown id")
    images = {name: folder / name for name in known}
    return collect(tokens, images, (caption for name in known for caption in captions[name]), report)


def list_names(split: str) -> list[str]:
    """The file names under which the list of ``split`` ("train", "val" or "test") is looked for."""
    return [form.format(dev="dev" if split == "val" else split, val=split) for form in LISTS]


def _name(line: str) -> str:
    name = line.strip()
    return name if Path(name).suffix else f"{name}.jpg"


def _first(root: Path, names: tuple[str, ...] | list[str], what: str) -> Path:
    for name in names:
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{root}: no {what} ({' or '.join(names)}); run data_scripts/prepare_flickr.py")
