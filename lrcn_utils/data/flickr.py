"""Flickr8k and Flickr30k: a file of captions, a folder of images and the lists of the splits, as they are given out.

The captions are the token file of the authors, a table of Kaggle's, or Karpathy's ``dataset_flickr8k.json``.
"""

from pathlib import Path

from lrcn_utils.data.caption_files import CaptionFile, plain, read_captions
from lrcn_utils.data.captions import CaptionError, CaptionSet, collect, draw_splits
from lrcn_utils.data.report import Report
from lrcn_utils.data.text import read_lines

CAPTION_FILES = ("Flickr8k.token.txt", "results_20130124.token", "captions.txt", "results.csv")
KARPATHY = ("dataset_flickr8k.json", "dataset_flickr30k.json")
IMAGE_FOLDERS = ("Images", "Flicker8k_Dataset", "flickr30k-images", "flickr30k_images")  # the second: sic
# Flickr8k calls the middle split "dev". Flickr30k has no official lists; its Entities lists have bare numbers.
LISTS = ("Flickr_8k.{dev}Images.txt", "{dev}Images.txt", "{val}.txt")


def read_flickr(root: Path | str, split: str, *, strict: bool = False) -> CaptionSet:
    """The captions of ``split`` ("train", "val" or "test") of Flickr8k or Flickr30k below ``root``.

    The split is that of the lists, or of Karpathy's file, or is drawn by a fixed seed where there is neither (a line
    of the report says so). Images come in the order of the list. What cannot be used is left out, one line each in
    the set's ``report``; with ``strict`` the first is raised as a CaptionError. Raises FileNotFoundError when a file
    is missing.
    """
    root, report = Path(root), Report(strict, CaptionError)
    found = read_captions(_first(root, [*CAPTION_FILES, *KARPATHY], "token file or other file of captions"), report)
    folder = _first(root, IMAGE_FOLDERS, "folder of images")
    return collect(found, folder, _names(root, split, found))


def list_names(split: str) -> list[str]:
    """The file names under which the list of ``split`` ("train", "val" or "test") is looked for."""
    return [form.format(dev="dev" if split == "val" else split, val=split) for form in LISTS]


def has_lists(root: Path) -> bool:
    """Whether any list of a split is there."""
    return any((root / name).exists() for split in ("train", "val", "test") for name in list_names(split))


def _names(root: Path, split: str, found: CaptionFile) -> list[str]:
    if has_lists(root):
        return _listed(_first(root, list_names(split), f"list of the {split} split"), found)
    splits = found.splits
    if not splits and (theirs := next((root / name for name in KARPATHY if (root / name).exists()), None)):
        splits = read_captions(theirs, found.report).splits
    if not splits:
        splits = draw_splits(found.names)
        found.report.note(
            f"{found.path.name}: there are no lists of the splits, so a tenth of its images each was drawn for val and"
            f" test; for the official splits put {', '.join(LISTS[0].format(dev=s) for s in ('train', 'dev', 'test'))}"
            " beside it"
        )
    return [name for name, its_split in splits.items() if its_split == split and name in found.names]


def _listed(file: Path, found: CaptionFile) -> list[str]:
    lines = [line.strip() for line in read_lines(file) if line.strip()]
    names = [plain(line if Path(line).suffix else f"{line}.jpg") for line in lines]
    if len(set(names)) < len(names):
        found.report.note(f"{file.name}: images that stand twice, and are used once: {len(names) - len(set(names))}")
    for name in names:
        if name not in found.names:
            found.report.add(f"{file.name}: {name} has no caption in {found.path.name}", "unknown id", "left out")
    return [name for name in dict.fromkeys(names) if name in found.names]


def _first(root: Path, names: list[str] | tuple[str, ...], what: str) -> Path:
    for name in names:
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{root}: no {what} ({' or '.join(names)}); unpack the dataset there, or name its folder")
