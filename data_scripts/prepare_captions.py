"""Prepare pictures of your own with captions of your own: check them all, split them, write them as a dataset.

    python data_scripts/prepare_captions.py --source captions.csv --images ~/pictures --out ~/mine
    python -m lrcn_utils.training captioning --data ~/mine

SOURCE is a table (CSV) whose first line names the columns, one line a caption:

    image,caption,split
    dogs/1.jpg,A dog runs over the grass.,train

or JSON of such records, or of {image: captions}, or the form of COCO, Flickr8k, Flickr30k or Karpathy. Images are named
relative to --images. The column split (train, val, test) may be missing: then a tenth of the images, at least one, is
drawn for val and for test. Written: OUT/annotations/captions_{train,val,test}.json in COCO's own form, and OUT/images,
links to the pictures, or copies where links cannot be made. Run it again when something has changed.
Captions and images that cannot be used are listed; the others are used.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from lrcn_utils.data import atomic, command
from lrcn_utils.data.caption_files import CaptionFile, read_captions
from lrcn_utils.data.captions import CaptionError, CaptionSet, collect, draw_splits
from lrcn_utils.data.coco import write_coco
from lrcn_utils.data.report import Report

SPLITS = ("train", "val", "test")


def main(arguments: list[str] | None = None) -> int:
    return command.run("prepare_captions", prepare(parse(arguments)))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, metavar="FILE", help="the captions: CSV or JSON")
    parser.add_argument(
        "--images", type=Path, required=True, metavar="DIR", help="the folder that the names start from"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the dataset's folder")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other splits (default: 0)")
    parser.add_argument("--limit", type=int, help="use only the first images of every split")
    parser.add_argument("--strict", action="store_true", help="stop at the first caption or image that is not right")
    return parser.parse_args(arguments)


def prepare(args: argparse.Namespace) -> Iterator[str]:
    """Check and write everything, and report line by line. Raises CaptionError where there is too little to use."""
    from lrcn_utils.data.pixels import load_images  # PyTorch, which --help need not wait for

    folder = args.images.expanduser().resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"{args.images}: there is no such folder of images")
    found = read_captions(args.source.expanduser(), Report(args.strict, CaptionError))
    used, _ = load_images(collect(found, folder, below(found, folder)), 8, 8, args.strict)
    parts = split(used, found.splits, args.seed)
    yield from (f"  {line}" for line in used.report.lines)
    if not parts["train"] or not parts["val"]:
        counts = ", ".join(f"{len(part)} for {name}" for name, part in parts.items())
        raise CaptionError(f"too few images can be used ({counts}); train and val need at least one each")
    numbers = {key: str(number) for number, key in enumerate(used.ids, 1)}
    for name in SPLITS:
        part = parts[name].limit(args.limit)
        files = [path.relative_to(folder).as_posix() for path in part.images]
        for path, file in zip(part.images, files, strict=True):
            link(path, args.out.expanduser() / "images" / file)
        file = args.out.expanduser() / "annotations" / f"captions_{name}.json"
        write_coco(file, [numbers[key] for key in part.ids], files, part.captions)
        yield f"{name}: {len(part)} images, {len(part.pairs())} captions; wrote {file}"


def below(found: CaptionFile, folder: Path) -> list[str]:
    """The ids of the images whose names stay below ``folder``; the others are reported."""
    inside = {key: Path(os.path.normpath(folder / name)).is_relative_to(folder) for key, name in found.names.items()}
    for key in (key for key in inside if not inside[key]):
        found.report.add(f"{found.path.name}: image {key} does not lie below --images", "image elsewhere", "left out")
    return [key for key in inside if inside[key]]


def split(used: CaptionSet, told: dict[str, str], seed: int) -> dict[str, CaptionSet]:
    """{split: its images}, as ``told`` {id: split}, or drawn where none is told."""
    splits = told or draw_splits(used.ids, seed)
    for key in used.ids:
        if splits.get(key) not in SPLITS:
            said = f"its split is {splits[key]!r}" if key in splits else "it has no split"
            used.report.add(f"image {key}: {said}; want one of {', '.join(SPLITS)}", "split", "left out")
    return {name: used.subset(i for i, key in enumerate(used.ids) if splits.get(key) == name) for name in SPLITS}


def link(source: Path, target: Path) -> None:
    """Make ``target`` a link to ``source``, or a copy of it where links cannot be made."""
    if target.exists() and target.samefile(source):
        return
    with atomic.replacing(target) as part:
        try:
            part.symlink_to(source)
        except OSError:  # Windows without the right to make links, and some disks
            shutil.copyfile(source, part)


if __name__ == "__main__":
    sys.exit(main())
