"""Images with their reference captions, in whatever dataset they came: one form for COCO, Flickr and Toy Kitchen."""

import hashlib
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lrcn_utils.data.caption_files import CaptionFile
from lrcn_utils.data.report import Report


class CaptionError(ValueError):
    """A caption file that cannot be used: ``file: what is wrong; how to mend it``."""


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


def collect(found: CaptionFile, folder: Path, ids: Iterable[str] | None = None) -> CaptionSet:
    """What a caption file says, with the images below ``folder``: those of ``ids`` (all for None), in that order.

    Left out, one line each: captions of an unknown id, empty ones, ones not in Latin script; images that are not on
    disk, and images without a caption. Where the name differs in upper and lower case only, the image is found.
    """
    file, report = found.path, found.report
    on_disk, entries = _Finder(), found.names if ids is None else dict.fromkeys(ids)
    images = {key: on_disk(folder / found.names[key]) for key in entries}
    kept: dict[str, list[str]] = {key: [] for key in images}
    missing = {key for key, path in images.items() if path is None}
    for key in sorted(missing):
        path = folder / found.names[key]
        report.add(f"{path.name}: no such image in {path.parent.name}/", "missing image", "left out")
    for where, key, text in found.captions:
        if key not in found.names:
            report.add(f"{file.name}, {where}: no image has the id {key}", "unknown id", "caption left out")
        elif key not in images:
            continue
        elif fault := why_unusable(text):
            report.add(f"{file.name}, {where} (image {key}): {fault}", "unusable caption", "caption left out")
        else:
            kept[key].append(" ".join(text.split()))
    for key in images:
        if not kept[key] and key not in missing:
            report.add(f"{file.name}: image {key} has no usable caption", "no caption", "left out")
    used = [key for key in images if kept[key] and key not in missing]
    return CaptionSet(used, [images[key] for key in used], [kept[key] for key in used], report)


class _Finder:
    """The file of a path, also where its name has other capitals or, as on a Mac, another normal form."""

    def __init__(self):
        self._folders: dict[Path, dict[str, Path]] = {}

    def __call__(self, path: Path) -> Path | None:
        if os.path.isfile(path):
            return path
        if path.parent not in self._folders:
            there = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
            self._folders[path.parent] = {_folded(file.name): file for file in there}
        alike = self._folders[path.parent].get(_folded(path.name))
        return alike if alike and os.path.isfile(alike) else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def draw_splits(names: Iterable[str], seed: int = 0) -> dict[str, str]:
    """{name: "train", "val" or "test"}: a tenth each, at least one, for val and test, the rest for train.

    The draw depends on ``seed`` and on which names there are, not on their order.
    """
    names = list(names)
    drawn = sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode(errors="replace")).digest())
    share = max(1, len(names) // 10)
    splits = dict.fromkeys(drawn[:share], "val") | dict.fromkeys(drawn[share : 2 * share], "test")
    return {name: splits.get(name, "train") for name in names}


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
