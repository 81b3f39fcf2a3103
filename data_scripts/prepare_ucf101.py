"""Prepare UCF-101, or any part of it, for the course: find or fetch it, check every clip, write the index.

    python data_scripts/prepare_ucf101.py --source ~/Downloads/UCF101     an unpacked copy; a subset will do
    python data_scripts/prepare_ucf101.py --fetch                         6.5 GB from the dataset's own site
    python data_scripts/prepare_ucf101.py --fetch --dry-run               what that would do, and cost

The folder OUT (default: data/ucf101) then has UCF-101/ and ucfTrainTestlist/, as links where --source is elsewhere, and
cache/index.json, which says for every clip how many frames it has or why it cannot be read. Every clip is decoded
once; started again, only what has changed. Clips that are missing or cannot be read are listed; the others are used.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lrcn_utils.data import command, split_lists
from lrcn_utils.data.report import Report
from lrcn_utils.data.sources import Archive, Source, link
from lrcn_utils.environment import data_root

if TYPE_CHECKING:
    from lrcn_utils.data.video import VideoInfo

SITE = "https://www.crcv.ucf.edu/data/UCF101"
# SHA-256, of the clips as torchvision records it, of the lists as TensorFlow Datasets does, too.
SOURCE = Source(
    "UCF-101 (Soomro, Zamir and Shah, 2012; 13,320 clips)",
    f"{SITE}.php",
    "its page states none; the clips were cut from films on YouTube, and are used for research",
    (
        Archive(
            "UCF-101",
            f"{SITE}/UCF101.rar",
            6.5e9,
            "ca8dfadb4c891cb11316f94d52b6b0ac2a11994e67a0cae227180cd160bd8e55",
        ),
        Archive(
            "ucfTrainTestlist",
            f"{SITE}/UCF101TrainTestSplits-RecognitionTask.zip",
            114e3,
            "5c0d1a53b8ed364a2ac830a73f405e51bece7d98ce1254fd19ed4a36b224bd27",
        ),
    ),
)
CHECK_SECONDS = 0.02  # a clip, on one core


def main(arguments: list[str] | None = None) -> int:
    return command.run("prepare_ucf101", prepare(parse(arguments)))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--source", type=Path, metavar="DIR", help="an unpacked copy: UCF-101/ lies in it")
    where.add_argument("--fetch", action="store_true", help="download and unpack it; resumes where it broke off")
    parser.add_argument("--out", type=Path, default=data_root() / "ucf101", help="default: %(default)s")
    parser.add_argument("--classes", nargs="+", help="check only these classes")
    parser.add_argument("--limit", type=int, help="check at most so many clips of each class")
    parser.add_argument("--strict", action="store_true", help="stop at the first clip or list entry that is not right")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser.parse_args(arguments)


def prepare(args: argparse.Namespace) -> Iterator[str]:
    """Find or fetch the dataset, decode every clip, and report line by line."""
    from lrcn_utils.data.video_index import readable, unchecked  # a decoder, which --help need not wait for

    yield from SOURCE.describe()
    root = args.out
    if args.fetch:
        yield from SOURCE.fetch(root, args.dry_run)
        if args.dry_run and SOURCE.missing(root):
            return
    else:
        source = copy_at(args.source)
        root = source if args.dry_run else args.out  # a link that is not there yet cannot be followed
        for archive in () if args.dry_run else SOURCE.archives:
            link(source / archive.part, args.out / archive.part)
    report = Report(args.strict)
    videos = split_lists.on_disk(root, report, args.classes)
    clips = split_lists.at_most(args.limit, videos.values())
    if not clips:
        there = ", ".join(sorted(folder.name for folder in (root / "UCF-101").glob("*/"))[:6])
        asked = f" of {', '.join(args.classes)}" if args.classes else ""
        raise FileNotFoundError(f"{root / 'UCF-101'}: there is no clip{asked}; it holds {there or 'nothing'}")
    index, workers = args.out / "cache" / "index.json", os.cpu_count() or 1
    todo = len(unchecked(clips, index))
    yield command.estimate(len(clips), todo, "clips to decode", CHECK_SECONDS * todo, 200 * len(clips), workers)
    if args.dry_run:
        return
    splits = {n: split_lists.listed(root, n, videos, report, args.classes) for n in (1, 2, 3)}
    split_lists.report_missing(splits, videos, report)
    usable = readable(clips, index, report, progress=not args.quiet, workers=workers)
    yield from describe(usable, splits)
    yield f"checked {len(clips)} clips: {len(usable)} can be used, {len(clips) - len(usable)} cannot be read"
    yield from (f"  {line}" for line in report.lines)
    yield f"index: {index}"


def copy_at(source: Path) -> Path:
    """The folder in which both parts of the dataset lie. Raises FileNotFoundError where one is missing."""
    source = source.expanduser().resolve()
    if source.name == "UCF-101" and not (source / "UCF-101").exists():
        source = source.parent
    for archive in SOURCE.archives:
        if not (source / archive.part).is_dir():
            name = archive.url.rpartition("/")[2]
            raise FileNotFoundError(f"{source}: there is no folder {archive.part} in it; unpack {name} there")
    return source


def describe(usable: "dict[Path, VideoInfo]", splits: dict[int, dict[str, list[Path]]]) -> list[str]:
    classes = sorted({path.parent.name for path in usable})
    groups = {(path.parent.name, split_lists.group(path)) for path in usable}
    lengths = [info.frames for info in usable.values()] or [0]
    sizes = ", ".join(sorted({f"{info.height}x{info.width}" for info in usable.values()}))
    named = f" ({', '.join(classes)})" if len(classes) <= 6 else ""
    lines = [
        f"{len(usable)} clips of {len(classes)} classes{named} in {len(groups)} groups",
        f"{sum(lengths)} frames of {sizes} (height x width), {min(lengths)} to {max(lengths)} a clip",
    ]
    for number, sides in splits.items():
        counts = (f"{side} {sum(p in usable for p in paths)} of {len(paths)}" for side, paths in sides.items())
        lines.append(f"split {number}: {', '.join(counts)} clips")
    return lines


if __name__ == "__main__":
    sys.exit(main())
