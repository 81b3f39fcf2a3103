"""Prepare COCO 2014 captions, or any part of them: find or fetch them, split them as Karpathy did, check each one.

    python data_scripts/prepare_coco.py --root ~/coco      an unpacked copy; a part of the images will do
    python data_scripts/prepare_coco.py --fetch            20 GB from the dataset's own site, resumable

The folder needs annotations/captions_{train,val}2014.json, the images in train2014/ and val2014/, and Karpathy's
dataset_coco.json anywhere below it. Written: annotations/captions_{train,val,test}.json in COCO's own form, which
``python -m lrcn_utils.training captioning --data coco`` reads. The paper trains on Karpathy's train part alone, without
"restval", and so does this. Without dataset_coco.json the official halves train2014 and val2014 are taken
as train and val. Captions and images that cannot be used are listed; the others are used.
"""

import argparse
import sys
from pathlib import Path

from lrcn_utils.data.captions import CaptionError, CaptionSet
from lrcn_utils.data.coco import read_coco, read_karpathy, write_coco
from lrcn_utils.data.download import DownloadError, fetch, unpack
from lrcn_utils.environment import data_root

SITE = "http://images.cocodataset.org"
SPLITS = "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip"
HALVES = ("train2014", "val2014")


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    root = args.root.expanduser()
    try:
        if args.fetch:
            download(root)
        for line in prepare(root, args):
            print(line)
    except (DownloadError, FileNotFoundError, CaptionError) as error:
        sys.exit(f"prepare_coco: {error}")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=data_root() / "coco", help="its folder (default: %(default)s)")
    parser.add_argument("--fetch", action="store_true", help="download what is missing; resumes where it broke off")
    parser.add_argument("--limit", type=int, help="use only the first images of every split")
    parser.add_argument("--strict", action="store_true", help="stop at the first caption or image that is not right")
    return parser.parse_args(arguments)


def download(root: Path) -> None:
    wanted = {"annotations": f"{SITE}/annotations/annotations_trainval2014.zip", "dataset_coco.json": SPLITS}
    wanted |= {half: f"{SITE}/zips/{half}.zip" for half in HALVES}
    for part, url in wanted.items():
        if not (root / part).exists():
            print(f"{part}: fetching {url}")
            unpack(fetch(url, root / url.rsplit("/", 1)[1], progress=True), root)


def prepare(root: Path, args: argparse.Namespace):
    """Write the three caption files, and report line by line."""
    everything = {}
    for half in HALVES:
        found = read_coco(root / "annotations" / f"captions_{half}.json", root / half, strict=args.strict)
        yield from (f"  left out: {line}" for line in found.report.lines)
        everything |= by_name(found, root)
    for split, names in splits(root, everything).items():
        used = [name for name in names if name in everything][: args.limit]
        numbers = [int(everything[name][0]) for name in used]
        file = root / "annotations" / f"captions_{split}.json"
        write_coco(file, numbers, used, [everything[name][1] for name in used])
        absent = len(names) - sum(name in everything for name in names)
        yield f"{split}: {len(used)} images, {absent} of its images are not here; wrote {file.name}"


def by_name(found: CaptionSet, root: Path) -> dict[str, tuple[str, list[str]]]:
    """{path of the image below ``root``: (id, captions)}."""
    names = (path.relative_to(root).as_posix() for path in found.images)
    return dict(zip(names, zip(found.ids, found.captions, strict=True), strict=True))


def splits(root: Path, everything: dict) -> dict[str, list[str]]:
    """{split: names}, Karpathy's, or the official halves where his file is missing."""
    found = sorted(root.glob("**/dataset_coco.json"))
    if not found:
        return {half.removesuffix("2014"): [n for n in everything if n.startswith(half)] for half in HALVES}
    theirs = read_karpathy(found[0])
    return {split: theirs.get(split, []) for split in ("train", "val", "test")}


if __name__ == "__main__":
    sys.exit(main())
