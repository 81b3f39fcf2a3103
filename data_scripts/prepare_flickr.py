"""Prepare Flickr8k or Flickr30k, or any part of one: find or fetch it, and check every caption and image.

    python data_scripts/prepare_flickr.py --data flickr8k --root ~/Flickr8k       a copy; a part of it will do
    python data_scripts/prepare_flickr.py --data flickr8k --fetch                 1.1 GB
    python data_scripts/prepare_flickr.py --data flickr30k --root ~/flickr30k     a copy (it is given out by form only)

The folder needs the token file, a folder of images and the lists of the splits. Flickr30k comes without lists: they
are written from Karpathy's dataset_flickr30k.json where that lies in the folder. Nothing else is written.
Captions and images that cannot be used are listed; the others are used.
"""

import argparse
import sys
from pathlib import Path

from lrcn_utils.data.captions import CaptionError, load_images
from lrcn_utils.data.coco import read_karpathy
from lrcn_utils.data.download import DownloadError, fetch, unpack
from lrcn_utils.data.flickr import list_names, read_flickr
from lrcn_utils.environment import data_root

# The authors' site is gone; this copy of the two archives has been the usual source since.
SITE = "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k"
ARCHIVES = {"Flicker8k_Dataset": "Flickr8k_Dataset.zip", "Flickr8k.token.txt": "Flickr8k_text.zip"}


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    root = (args.root or data_root() / args.data).expanduser()
    try:
        if args.fetch:
            download(args.data, root)
        write_lists(root)
        for line in check(root, args):
            print(line)
    except (DownloadError, FileNotFoundError, CaptionError) as error:
        sys.exit(f"prepare_flickr: {error}")
    return 0


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
    for part, archive in ARCHIVES.items():
        if not (root / part).exists():
            print(f"{part}: fetching {SITE}/{archive}")
            unpack(fetch(f"{SITE}/{archive}", root / archive, progress=True), root)


def write_lists(root: Path) -> None:
    """Split lists from Karpathy's JSON, where there are none yet."""
    found = sorted(root.glob("**/dataset_flickr*k.json"))
    if not found or any((root / name).exists() for name in list_names("train")):
        return
    for split, names in read_karpathy(found[0]).items():
        (root / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def check(root: Path, args: argparse.Namespace):
    """Read every split, open every image, and report line by line."""
    said = set()
    for split in ("train", "val", "test"):
        if split == "test" and not any((root / name).exists() for name in list_names(split)):
            yield "test: no list"
            continue
        caption_set = read_flickr(root, split, strict=args.strict).limit(args.limit)
        used, _ = load_images(caption_set, 8, 8, args.strict)
        words = sum(len(caption.split()) for _, caption in used.pairs())
        yield f"{split}: {len(used)} images, {len(used.pairs())} captions, {words} words"
        for line in used.report.lines:
            if line not in said:
                yield f"  left out: {line}"
            said.add(line)


if __name__ == "__main__":
    sys.exit(main())
