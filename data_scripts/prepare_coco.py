"""Prepare COCO 2014 captions, or any part of them: find or fetch them, split them as Karpathy did, check each one.

    python data_scripts/prepare_coco.py --root ~/coco      an unpacked copy; a part of the images will do
    python data_scripts/prepare_coco.py --fetch            20 GB from the dataset's own site, resumable

The folder needs annotations/captions_{train,val}2014.json (one of them will do), the images in train2014/ and val2014/,
and Karpathy's dataset_coco.json anywhere below it. Written: annotations/captions_{train,val,test}.json in COCO's own
form, which ``python -m lrcn_utils.training captioning --data coco`` reads. The paper trains on Karpathy's train part
alone, without "restval", and so does this. Without dataset_coco.json the official halves train2014 and val2014 are
taken as train and val. Captions and images that cannot be used are listed; the others are used.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from lrcn_utils.data import command
from lrcn_utils.data.caption_files import read_captions
from lrcn_utils.data.captions import CaptionError, CaptionSet
from lrcn_utils.data.coco import read_coco, write_coco
from lrcn_utils.data.download import provide
from lrcn_utils.data.report import Report
from lrcn_utils.environment import data_root

# images.cocodataset.org has no certificate of its own; the same files lie behind Amazon's.
SITE = "https://s3.amazonaws.com/images.cocodataset.org"
SPLITS = "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip"
HALVES = ("train2014", "val2014")
# SHA-256, as TensorFlow Datasets records them.
DIGESTS = {
    "annotations": "031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009",
    "train2014": "ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
    "val2014": "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
    "splits": "4cfd70132527b80933105e5829dc9034eaab9573482e2e680abbab6130244817",
}


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    return command.run("prepare_coco", prepare(args.root.expanduser(), args))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=data_root() / "coco", help="its folder (default: %(default)s)")
    parser.add_argument("--fetch", action="store_true", help="download what is missing; resumes where it broke off")
    parser.add_argument("--limit", type=int, help="use only the first images of every split")
    parser.add_argument("--strict", action="store_true", help="stop at the first caption or image that is not right")
    return parser.parse_args(arguments)


def download(root: Path) -> None:
    archive = f"{SITE}/annotations/annotations_trainval2014.zip"
    provide("annotations/captions_val2014.json", archive, root, DIGESTS["annotations"])
    provide("dataset_coco.json", SPLITS, root, DIGESTS["splits"])
    for half in HALVES:
        provide(half, f"{SITE}/zips/{half}.zip", root, DIGESTS[half])


def prepare(root: Path, args: argparse.Namespace) -> Iterator[str]:
    """Write the three caption files, and report line by line. Raises FileNotFoundError where there is no image."""
    if args.fetch:
        download(root)
    files = {half: root / "annotations" / f"captions_{half}.json" for half in HALVES}
    there = [half for half in HALVES if files[half].exists()]
    if not there:
        raise FileNotFoundError(
            f"{root}: has neither of annotations/captions_{{train,val}}2014.json; unpack them there"
        )
    everything = {}
    for half in there:
        found = read_coco(files[half], root / half, strict=args.strict)
        yield from (f"  {line}" for line in found.report.lines)
        everything |= by_name(found, root)
    if not everything:
        raise FileNotFoundError(f"{root}: no image with a caption in {' or '.join(there)}; unpack the images there")
    for split, names in splits(root, everything).items():
        used = [name for name in names if name in everything][: args.limit]
        file = root / "annotations" / f"captions_{split}.json"
        write_coco(file, [everything[name][0] for name in used], used, [everything[name][1] for name in used])
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
    theirs = read_captions(found[0], Report(True, CaptionError)).splits
    return {split: [name for name in theirs if theirs[name] == split] for split in ("train", "val", "test")}


if __name__ == "__main__":
    sys.exit(main())
