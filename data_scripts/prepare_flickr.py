"""Prepare Flickr8k or Flickr30k, or any part of one: find or fetch it, and check every caption and image.

    python data_scripts/prepare_flickr.py --data flickr8k --root ~/Flickr8k       a copy; a part of it will do
    python data_scripts/prepare_flickr.py --data flickr8k --fetch                 1.1 GB
    python data_scripts/prepare_flickr.py --data flickr30k --root ~/flickr30k     a copy (it is given out by form only)

The folder needs a folder of images and the captions: the authors' token file, Kaggle's captions.txt or results.csv, or
Karpathy's dataset_flickr8k.json or dataset_flickr30k.json. The splits are those of the authors' lists or of Karpathy's
file; where there is neither they are drawn by a fixed seed. Nothing is written.
Captions and images that cannot be used are listed; the others are used.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from lrcn_utils.data import command
from lrcn_utils.data.download import DownloadError, provide
from lrcn_utils.data.flickr import has_lists, list_names, read_flickr
from lrcn_utils.environment import data_root

# The authors' site is gone; this copy of the two archives has been the usual source since.
SITE = "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k"
# MD5, as several projects record them; none gives a SHA-256.
IMAGES, TEXT = "f18a1e2920de5bd84dae7cf08ec78978", "bf6c1abcb8e4a833b7f922104de18627"


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    root = (args.root or data_root() / args.data).expanduser()
    return command.run("prepare_flickr", check(root, args))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["flickr8k", "flickr30k"], default="flickr8k")
    parser.add_argument("--root", type=Path, help="its folder (default: its name in the data folder)")
    parser.add_argument("--fetch", action="store_true", help="download what is missing; resumes where it broke off")
    parser.add_argument("--limit", type=int, help="check only the first images of every split")
    parser.add_argument("--strict", action="store_true", help="stop at the first caption or image that is not right")
    return parser.parse_args(arguments)


def download(data: str, root: Path) -> None:
    if data == "flickr30k":
        raise DownloadError("Flickr30k is given out by a form on its site; unpack it yourself and pass --root")
    provide("Flicker8k_Dataset", f"{SITE}/Flickr8k_Dataset.zip", root, IMAGES)
    provide("Flickr8k.token.txt", f"{SITE}/Flickr8k_text.zip", root, TEXT)


def check(root: Path, args: argparse.Namespace) -> Iterator[str]:
    """Read every split, open every image, and report line by line. Raises FileNotFoundError where there is no image."""
    from lrcn_utils.data.pixels import load_images  # PyTorch, which --help need not wait for

    if args.fetch:
        download(args.data, root)
    said, images = set(), 0
    for split in ("train", "val", "test"):
        if split == "test" and has_lists(root) and not any((root / name).exists() for name in list_names(split)):
            yield "test: no list"
            continue
        caption_set = read_flickr(root, split, strict=args.strict).limit(args.limit)
        used, _ = load_images(caption_set, 8, 8, args.strict)
        words = sum(len(caption.split()) for _, caption in used.pairs())
        yield f"{split}: {len(used)} images, {len(used.pairs())} captions, {words} words"
        yield from (f"  {line}" for line in used.report.lines if line not in said)
        said.update(used.report.lines)
        images += len(used)
    if not images:
        raise FileNotFoundError(f"{root}: no image with a caption is there; unpack the images there")


if __name__ == "__main__":
    sys.exit(main())
