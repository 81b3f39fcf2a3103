"""Prepare COCO 2014 captions, or any part of them: find or fetch them, split them as Karpathy did, check each one.

    python data_scripts/prepare_coco.py --root ~/coco      an unpacked copy; a part of the images will do
    python data_scripts/prepare_coco.py --source ~/coco    the same, linked into data/coco: nothing is written there
    python data_scripts/prepare_coco.py --fetch            20 GB from its own site; --dry-run says what it costs

The folder needs annotations/captions_{train,val}2014.json (one of them will do), the images in train2014/ and val2014/,
and Karpathy's dataset_coco.json anywhere below it. Written: annotations/captions_{train,val,test}.json in COCO's own
form, which ``python -m lrcn_utils.training captioning --data coco`` reads. The paper trains on Karpathy's train part
alone, without "restval", and so does this. Without dataset_coco.json the official halves train2014 and val2014 are
taken as train and val. Every image is decoded once; started again, only what has changed: cache/images.json remembers.
Captions and images that cannot be used are listed; the others are used.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from lrcn_utils.data import command
from lrcn_utils.data.caption_files import read_captions
from lrcn_utils.data.captions import CaptionError, CaptionSet
from lrcn_utils.data.coco import read_coco, write_coco
from lrcn_utils.data.report import Report
from lrcn_utils.data.sources import Archive, Source, add_options, link
from lrcn_utils.environment import cache_folder, data_root

# images.cocodataset.org has no certificate of its own; the same files lie behind Amazon's.
SITE = "https://s3.amazonaws.com/images.cocodataset.org"
HALVES = ("train2014", "val2014")
# Sizes and SHA-256, as TensorFlow Datasets records them.
SOURCE = Source(
    "COCO 2014 captions (Lin and others, 2014; 123,287 images of five captions)",
    "https://cocodataset.org/#download",
    "annotations: CC BY 4.0; the images belong to those who put them on Flickr, under its terms",
    (
        Archive(
            "annotations/captions_val2014.json",
            f"{SITE}/annotations/annotations_trainval2014.zip",
            252_872_794,
            "031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009",
        ),
        Archive(
            "train2014",
            f"{SITE}/zips/train2014.zip",
            13_510_573_713,
            "ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
        ),
        Archive(
            "val2014",
            f"{SITE}/zips/val2014.zip",
            6_645_013_297,
            "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
        ),
        Archive(
            "dataset_coco.json",
            "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip",
            36_745_453,
            "4cfd70132527b80933105e5829dc9034eaab9573482e2e680abbab6130244817",
        ),
    ),
)
CHECK_SECONDS = 0.008  # an image, on one core


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    return command.run("prepare_coco", prepare(args.root.expanduser(), args))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=data_root() / "coco", help="its folder (default: %(default)s)")
    add_options(parser)
    parser.add_argument("--limit", type=int, help="use only the first images of every split")
    parser.add_argument("--strict", action="store_true", help="stop at the first caption or image that is not right")
    return parser.parse_args(arguments)


def prepare(root: Path, args: argparse.Namespace) -> Iterator[str]:
    """Write the three caption files, and report line by line. Raises FileNotFoundError where there is no image."""
    from lrcn_utils.data.image_index import readable, unchecked  # Pillow, which --help need not wait for

    yield from SOURCE.describe()
    root = yield from SOURCE.provide(root, args, link_parts)
    if root is None:
        return
    files = {half: root / "annotations" / f"captions_{half}.json" for half in HALVES}
    there = [half for half in HALVES if files[half].exists()]
    if not there:
        raise FileNotFoundError(
            f"{root}: has neither of annotations/captions_{{train,val}}2014.json; unpack them there"
        )
    report, everything = Report(args.strict, CaptionError), {}
    for half in there:
        found = read_coco(files[half], root / half, strict=args.strict)
        yield from (f"  {line}" for line in found.report.lines)
        everything |= by_name(found, root)
    if not everything:
        raise FileNotFoundError(f"{root}: no image with a caption in {' or '.join(there)}; unpack the images there")
    listed = splits(root, everything)
    chosen = {split: [name for name in names if name in everything][: args.limit] for split, names in listed.items()}
    index, workers = cache_folder(root) / "images.json", os.cpu_count() or 1
    sets = {split: images_of(names, everything, root, report) for split, names in chosen.items()}
    count, todo = sum(map(len, sets.values())), sum(len(unchecked(images, index)) for images in sets.values())
    yield command.estimate(count, todo, "images to decode", CHECK_SECONDS * todo, 1000 * count, workers)
    if args.dry_run:
        return
    for split, images in sets.items():
        used = readable(images, index, progress=not args.quiet, workers=workers)
        file = root / "annotations" / f"captions_{split}.json"
        write_coco(file, used.ids, [path.relative_to(root).as_posix() for path in used.images], used.captions)
        absent = len(listed[split]) - sum(name in everything for name in listed[split])
        yield f"{split}: {len(used)} images, {absent} of its images are not here; wrote {file.name}"
    yield from (f"  {line}" for line in report.lines)


def images_of(names: list[str], everything: dict, root: Path, report: Report) -> CaptionSet:
    ids, captions = [everything[name][0] for name in names], [everything[name][1] for name in names]
    return CaptionSet(ids, [root / name for name in names], captions, report)


def link_parts(source: Path, root: Path) -> None:
    """Link what of the dataset lies in ``source`` into ``root``; folders into which something is written are made."""
    annotations = [source / "annotations" / f"captions_{half}.json" for half in HALVES]
    for file in (file for file in annotations if file.exists()):
        link(file, root / "annotations" / file.name)
    for half in (half for half in HALVES if (source / half).is_dir()):
        link(source / half, root / half)
    if theirs := sorted(source.glob("**/dataset_coco.json")):
        link(theirs[0], root / "dataset_coco.json")


def by_name(found: CaptionSet, root: Path) -> dict[str, tuple[str, list[str]]]:
    """{path of the image below ``root``: (id, captions)}."""
    names = (path.relative_to(root).as_posix() for path in found.images)
    return dict(zip(names, zip(found.ids, found.captions, strict=True), strict=True))


def splits(root: Path, everything: dict) -> dict[str, list[str]]:
    """{split: names}, Karpathy's, or the official halves where his file is missing."""
    found = sorted(root.glob("**/dataset_coco.json"))
    if not found:
        return {half.removesuffix("2014"): [n for n in everything if n.startswith(half)] for half in HALVES}
    theirs = read_captions(found[0], Report(True, CaptionError)).splits
    return {split: [name for name in theirs if theirs[name] == split] for split in ("train", "val", "test")}


if __name__ == "__main__":
    sys.exit(main())
