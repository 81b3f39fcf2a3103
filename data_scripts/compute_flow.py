"""Estimate the optical flow of every video of a dataset in the form of UCF-101, and store it as flow images.

    python data_scripts/compute_flow.py data/toy_kitchen
    python data_scripts/compute_flow.py data/ucf101 --workers 8

Reads the videos of ROOT/UCF-101/<Class>/ and writes ROOT/flow/<Class>/<name>.avi: H.264 videos whose frame t is the
flow from frame t to t+1 (16 u + 128, 16 v + 128 and 16 |(u, v)| + 128, clipped to 0..255). Each says in its comment
which video it was made from. Started again it goes on where it ended, and does again what has changed.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tqdm import tqdm

from lrcn_utils.data import command, flow, split_lists
from lrcn_utils.data.report import Report
from lrcn_utils.data.split_lists import FORM
from lrcn_utils.data.video import VideoError


def main(arguments: list[str] | None = None) -> int:
    return command.run("compute_flow", compute(parse(arguments)))


def compute(args: argparse.Namespace) -> Iterator[str]:
    """Make the flow of every video that has none yet, and report line by line."""
    report = Report(args.strict)
    videos = split_lists.at_most(args.limit, split_lists.on_disk(args.root, report, args.classes).values())
    if not videos:
        raise FileNotFoundError(f"{args.root / 'UCF-101'}: there are no videos of the form <Class>/{FORM}.avi in it")
    for left_over in (args.root / "flow").glob("*/*.part"):  # of a run that was killed
        left_over.unlink()
    flow.single_thread()  # of OpenCV, as every worker is a thread; OpenCV and FFmpeg work without Python's lock
    counts = []
    with ThreadPoolExecutor(args.workers) as pool:
        results = pool.map(partial(make, size=args.size), videos)
        try:
            for made in tqdm(results, desc="flow", total=len(videos), disable=args.quiet):
                if isinstance(made, VideoError):
                    report.add(made)
                else:
                    counts.append(made)
        finally:
            pool.shutdown(cancel_futures=True)  # else an interrupt would wait for all videos
    stored = sum(file.stat().st_size for file in (args.root / "flow").glob("*/*.avi"))
    new = sum(count > 0 for count in counts)
    yield f"{len(videos)} videos: {len(counts) - new} were done, {new} made now ({sum(counts)} flow images),"
    yield f"{len(videos) - len(counts)} could not be read; {args.root / 'flow'} holds {stored / 1e6:.1f} MB."
    yield from report.lines


def make(video: Path, size: tuple[int, int] | None) -> int | VideoError:
    """Images written, 0 if the flow was there; or what is wrong with the video."""
    from lrcn_utils.data.ucf101 import flow_path  # and with it PyTorch, which --help need not wait for

    try:
        return flow.make_flow(video, flow_path(video), size)
    except VideoError as error:
        return error


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="the dataset's folder; UCF-101/ lies in it")
    parser.add_argument(
        "--size", type=height_x_width, help="resize frames to HEIGHTxWIDTH first, as 240x320; default: as they are"
    )
    parser.add_argument("--classes", nargs="+", help="only these classes")
    parser.add_argument("--limit", type=int, help="at most so many videos of each class")
    parser.add_argument(
        "--workers", type=int, default=min(os.cpu_count() or 1, 8), help="videos at a time (%(default)s)"
    )
    parser.add_argument("--strict", action="store_true", help="stop at the first video that cannot be read")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser.parse_args(arguments)


def height_x_width(text: str) -> tuple[int, int]:
    try:
        height, width = (int(number) for number in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, as 240x320") from None
    return height, width


if __name__ == "__main__":
    sys.exit(main())
