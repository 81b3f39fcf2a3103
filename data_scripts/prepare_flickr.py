"""Prepare Flickr8k or Flickr30k, or any part of one: find or fetch it, and check every caption and image.

    python data_scripts/prepare_flickr.py --data flickr8k --root ~/Flickr8k       a copy; a part of it will do
    python data_scripts/prepare_flickr.py --data flickr8k --source ~/Flickr8k     the same, linked into data/flickr8k
    python data_scripts/prepare_flickr.py --data flickr8k --fetch                 1.1 GB; --dry-run says what it costs
    python data_scripts/prepare_flickr.py --data flickr30k --root ~/flickr30k     a copy (it is given out by form only)

The folder needs a folder of images and the captions: the authors' token file, Kaggle's captions.txt or results.csv, or
Karpathy's dataset_flickr8k.json or dataset_flickr30k.json. The splits are those of the authors' lists or of Karpathy's
file; where there is neither they are drawn by a fixed seed. Every image is decoded once; started again, only what has
changed: cache/images.json remembers. Captions and images that cannot be used are listed; the others are used.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from lrcn_utils.data import command
from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.download import DownloadError
from lrcn_utils.data.flickr import CAPTION_FILES, IMAGE_FOLDERS, KARPATHY, has_lists, list_names, read_flickr
from lrcn_utils.data.sources import Archive, Source, add_options, link
from lrcn_utils.environment import cache_folder, data_root

# The authors' site is gone; this copy of the two archives has been the usual source since.
SITE = "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k"
TERMS = "for research and education, not for commerce; the images belong to those who put them on Flickr"
SOURCES = {
    # MD5, as several projects record them; none gives a SHA-256.
    "flickr8k": Source(
        "Flickr8k (Hodosh, Young and Hockenmaier, 2013; 8,092 images of five captions)",
        "https://github.com/jbrownlee/Datasets",
        TERMS,
        (
            Archive("Flicker8k_Dataset", f"{SITE}/Flickr8k_Dataset.zip", 1.12e9, "f18a1e2920de5bd84dae7cf08ec78978"),
            Archive("Flickr8k.token.txt", f"{SITE}/Flickr8k_text.zip", 2.3e6, "bf6c1abcb8e4a833b7f922104de18627"),
        ),
    ),
    "flickr30k": Source(
        "Flickr30k (Young and others, 2014; 31,783 images of five captions)",
        "https://shannon.cs.illinois.edu/DenotationGraph/",
        TERMS,
    ),
}
CHECK_SECONDS = 0.006  # an image, on one core


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    root = (args.root or data_root() / args.data).expanduser()
    return command.run("prepare_flickr", check(root, args))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["flickr8k", "flickr30k"], default="flickr8k")
    parser.add_argument("--root", type=Path, help="its folder (default: its name in the data folder)")
    add_options(parser)
    parser.add_argument("--limit", type=int, help="check only the first images of every split")
    parser.add_argument("--strict", action="store_true", help="stop at the first caption or image that is not right")
    return parser.parse_args(arguments)


def check(root: Path, args: argparse.Namespace) -> Iterator[str]:
    """Read every split, open every image, and report line by line. Raises FileNotFoundError where there is no image."""
    from lrcn_utils.data.image_index import readable, unchecked  # Pillow, which --help need not wait for

    source = SOURCES[args.data]
    yield from source.describe()
    if args.fetch and not source.archives:
        raise DownloadError(f"{args.data} is given out by a form on its page; unpack it, and give --source")
    root = yield from source.provide(root, args, link_parts)
    if root is None:
        return
    index, workers = cache_folder(root) / "images.json", os.cpu_count() or 1
    splits = {split: found for split in ("train", "val", "test") if (found := read(root, split, args)) is not None}
    todo = sum(len(unchecked(images, index)) for images in splits.values())
    count = sum(map(len, splits.values()))
    yield command.estimate(count, todo, "images to decode", CHECK_SECONDS * todo, 100 * count, workers)
    if args.dry_run:
        return
    said, images = set(), 0
    for split, found in splits.items():
        used = readable(found, index, progress=not args.quiet, workers=workers)
        words = sum(len(caption.split()) for _, caption in used.pairs())
        yield f"{split}: {len(used)} images, {len(used.pairs())} captions, {words} words"
        yield from (f"  {line}" for line in used.report.lines if line not in said)
        said.update(used.report.lines)
        images += len(used)
    if "test" not in splits:
        yield "test: no list"
    if not images:
        raise FileNotFoundError(f"{root}: no image with a caption is there; unpack the images there")


def read(root: Path, split: str, args: argparse.Namespace) -> CaptionSet | None:
    """The images of ``split``; None for a test of which a partial copy has no list."""
    if split == "test" and has_lists(root) and not any((root / name).exists() for name in list_names(split)):
        return None
    return read_flickr(root, split, strict=args.strict).limit(args.limit)


def link_parts(source: Path, root: Path) -> None:
    """Link what of the dataset lies in ``source`` into ``root``."""
    lists = [name for split in ("train", "val", "test") for name in list_names(split)]
    parts = [name for name in (*CAPTION_FILES, *KARPATHY, *IMAGE_FOLDERS, *lists) if (source / name).exists()]
    if not parts:
        raise FileNotFoundError(f"{source}: has neither images nor captions of Flickr; unpack the dataset there")
    for name in parts:
        link(source / name, root / name)


if __name__ == "__main__":
    sys.exit(main())
