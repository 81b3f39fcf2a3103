"""Prepare UCF-101, or any part of it, for the course: find or fetch it, check every clip, write the index.

    python data_scripts/prepare_ucf101.py --source ~/Downloads/UCF101     an unpacked copy; a subset will do
    python data_scripts/prepare_ucf101.py --fetch                         6.5 GB from the dataset's own site

The folder OUT (default: data/ucf101) then has UCF-101/ and ucfTrainTestlist/, as links where --source is elsewhere, and
cache/index.json, which says for every clip how many frames it has or why it cannot be read. Every clip is decoded
once; started again, only what has changed. Clips that are missing or cannot be read are listed; the others are used.
"""

import argparse
import os
import sys
from collections import defaultdict
from itertools import groupby
from pathlib import Path

from lrcn_utils.data import split_lists
from lrcn_utils.data.download import DownloadError, fetch, unpack
from lrcn_utils.data.report import Report
from lrcn_utils.data.video import VideoError, VideoInfo
from lrcn_utils.data.video_index import check_all
from lrcn_utils.environment import data_root

SITE = "https://www.crcv.ucf.edu/data/UCF101"
ARCHIVES = {"UCF-101": "UCF101.rar", "ucfTrainTestlist": "UCF101TrainTestSplits-RecognitionTask.zip"}


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    try:
        if args.fetch:
            download(args.out)
        else:
            link(args.source, args.out)
        print("\n".join(check(args)))
    except (DownloadError, FileNotFoundError, ValueError) as error:
        sys.exit(f"prepare_ucf101: {error}")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--source", type=Path, metavar="DIR", help="an unpacked copy: UCF-101/ lies in it")
    where.add_argument("--fetch", action="store_true", help="download and unpack it; resumes where it broke off")
    parser.add_argument("--out", type=Path, default=data_root() / "ucf101", help="default: %(default)s")
    parser.add_argument("--classes", nargs="+", help="check only these classes")
    parser.add_argument("--limit", type=int, help="check at most so many clips of each class")
    parser.add_argument("--strict", action="store_true", help="stop at the first clip or list entry that is not right")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser.parse_args(arguments)


def download(out: Path) -> None:
    for folder, archive in ARCHIVES.items():
        if not (out / folder).exists():
            print(f"{folder}: fetching {SITE}/{archive}")
            unpack(fetch(f"{SITE}/{archive}", out / archive, progress=True), out)


def link(source: Path, out: Path) -> None:
    """Make ``out``/UCF-101 and ``out``/ucfTrainTestlist point into ``source``."""
    source = source.expanduser().resolve()
    if source.name == "UCF-101" and not (source / "UCF-101").exists():
        source = source.parent
    for folder in ARCHIVES:
        if not (source / folder).is_dir():
            raise FileNotFoundError(f"{source}: there is no folder {folder} in it; unpack {ARCHIVES[folder]} there")
        target, place = source / folder, out / folder
        if place.exists() and place.resolve() == target.resolve():
            continue
        if place.exists() and not place.is_symlink():
            raise FileNotFoundError(f"{place}: holds another copy; move it away, or choose another --out")
        out.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        try:
            os.symlink(target, place, target_is_directory=True)
        except OSError as error:  # Windows without the right to make links
            raise FileNotFoundError(f"{place}: cannot link ({error}); move {target} there instead") from error


def check(args: argparse.Namespace) -> list[str]:
    """Decode every clip and report, line by line."""
    report = Report(args.strict)
    splits = {n: split_lists.listed(args.out, n, report, args.classes) for n in (1, 2, 3)}
    clips = choose(split_lists.by_group(args.out, (), report)["train"], args)
    if not clips:
        there = ", ".join(sorted(folder.name for folder in (args.out / "UCF-101").glob("*/"))[:6])
        asked = f" of {', '.join(args.classes)}" if args.classes else ""
        raise FileNotFoundError(f"{args.out / 'UCF-101'}: there is no clip{asked}; it holds {there or 'nothing'}")
    report_missing(splits, report)
    index = args.out / "cache" / "index.json"
    found = check_all(clips, index, progress=not args.quiet, workers=os.cpu_count() or 1)
    usable = {path: info for path, info in found.items() if isinstance(info, VideoInfo)}
    for path, finding in found.items():
        if isinstance(finding, VideoError):
            report.add(finding)
        elif finding.note:
            report.add(f"{path.name}: {finding.note}; its frames are used")
    return [
        *describe(usable, splits),
        f"checked {len(found)} clips: {len(usable)} can be used, {len(found) - len(usable)} cannot be read",
        *(f"  {line}" for line in report.lines),
        f"index: {index}",
    ]


def choose(clips: list[Path], args: argparse.Namespace) -> list[Path]:
    by_class = groupby(clips, key=lambda path: path.parent.name)
    return [c for name, some in by_class if not args.classes or name in args.classes for c in list(some)[: args.limit]]


def report_missing(splits: dict[int, dict[str, list[Path]]], report: Report) -> None:
    """One line for the classes of which nothing is there, and one for each of which something is missing."""
    lists, clips = defaultdict(set), defaultdict(set)
    for number, sides in splits.items():
        for side, paths in sides.items():
            for path in paths:
                lists[path.parent.name].add(f"{side}list{number:02d}.txt")
                clips[path.parent.name].add(path)
    missing = {name: sum(not path.is_file() for path in paths) for name, paths in clips.items()}
    absent = [name for name in clips if missing[name] == len(clips[name])]
    if absent:
        first, *others = sorted(set().union(*(lists[name] for name in absent)))
        where = f"{first} and {len(others)} other list{'s' * (len(others) > 1)}" if others else first
        shown, are = ", ".join(absent[:4]) + ", ..." * (len(absent) > 4), "is" if len(absent) == 1 else "are"
        report.add(f"{where}: {len(absent)} of the {len(clips)} classes in the lists {are} not on disk ({shown})")
    for name in clips:
        if 0 < missing[name] < len(clips[name]):
            report.add(f"class {name}: {missing[name]} of {len(clips[name])} clips missing on disk")


def describe(usable: dict[Path, VideoInfo], splits: dict[int, dict[str, list[Path]]]) -> list[str]:
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
