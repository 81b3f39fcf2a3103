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
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lrcn_utils.data import command, split_lists
from lrcn_utils.data.download import provide
from lrcn_utils.data.report import Report
from lrcn_utils.environment import data_root

if TYPE_CHECKING:
    from lrcn_utils.data.video import VideoInfo

SITE = "https://www.crcv.ucf.edu/data/UCF101"
ARCHIVES = {"UCF-101": "UCF101.rar", "ucfTrainTestlist": "UCF101TrainTestSplits-RecognitionTask.zip"}
# SHA-256, as TensorFlow Datasets records it. Nobody publishes one of the 6.5 GB of UCF101.rar; every clip is decoded.
DIGESTS = {"ucfTrainTestlist": "5c0d1a53b8ed364a2ac830a73f405e51bece7d98ce1254fd19ed4a36b224bd27"}


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
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser.parse_args(arguments)


def prepare(args: argparse.Namespace) -> Iterator[str]:
    """Find or fetch the dataset, decode every clip, and report line by line."""
    from lrcn_utils.data.video_index import readable  # and with it a decoder, which --help need not wait for

    if args.fetch:
        download(args.out)
    else:
        link(args.source, args.out)
    report = Report(args.strict)
    videos = split_lists.on_disk(args.out, report, args.classes)
    clips = split_lists.at_most(args.limit, videos.values())
    if not clips:
        there = ", ".join(sorted(folder.name for folder in (args.out / "UCF-101").glob("*/"))[:6])
        asked = f" of {', '.join(args.classes)}" if args.classes else ""
        raise FileNotFoundError(f"{args.out / 'UCF-101'}: there is no clip{asked}; it holds {there or 'nothing'}")
    splits = {n: split_lists.listed(args.out, n, videos, report, args.classes) for n in (1, 2, 3)}
    split_lists.report_missing(splits, videos, report)
    index = args.out / "cache" / "index.json"
    usable = readable(clips, index, report, progress=not args.quiet, workers=os.cpu_count() or 1)
    yield from describe(usable, splits)
    yield f"checked {len(clips)} clips: {len(usable)} can be used, {len(clips) - len(usable)} cannot be read"
    yield from (f"  {line}" for line in report.lines)
    yield f"index: {index}"


def download(out: Path) -> None:
    for folder, archive in ARCHIVES.items():
        provide(folder, f"{SITE}/{archive}", out, DIGESTS.get(folder))


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
