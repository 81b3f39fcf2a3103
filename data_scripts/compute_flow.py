"""Estimate the optical flow of every video of a dataset in the form of UCF-101, and store it as flow images.

    python data_scripts/compute_flow.py data/toy_kitchen
    python data_scripts/compute_flow.py data/ucf101 --workers 8

Reads ROOT/UCF-101/<Class>/<name>.avi and writes ROOT/flow/<Class>/<name>.avi: H.264 videos whose frame t is the flow
from frame t to t+1 (16 u + 128, 16 v + 128 and 16 |(u, v)| + 128, clipped to 0..255). Started again it goes on where
it ended, and does again what has changed.
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from lrcn_utils.data import flow
from lrcn_utils.data.video import VideoError, frame_size, iter_frames


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    videos = find(args.root, args.classes, args.limit)
    if not videos:
        sys.exit(f"{args.root / 'UCF-101'}: there are no videos of the form <Class>/<name>.avi in it")
    for left_over in (args.root / "flow").glob("*/*.part"):  # of a run that was killed
        left_over.unlink()
    to_do = [video for video in videos if not is_done(video, args.root, args.size)]
    made, images, problems = 0, 0, []
    flow.single_thread()  # of OpenCV, as every worker is a thread; OpenCV and FFmpeg work without Python's lock
    with ThreadPoolExecutor(args.workers) as pool:
        results = pool.map(partial(compute, root=args.root, size=args.size), to_do)
        try:
            for count, problem in tqdm(results, desc="flow", total=len(to_do), disable=args.quiet):
                if problem and args.strict:
                    sys.exit(problem)
                if problem:
                    problems.append(problem)
                made, images = made + (count > 0), images + count
        finally:
            pool.shutdown(cancel_futures=True)  # else an interrupt would wait for all videos
    stored = sum(file.stat().st_size for file in (args.root / "flow").glob("*/*.avi"))
    print(f"{len(videos)} videos: {len(videos) - len(to_do)} were done, {made} made now ({images} flow images),")
    print(f"{len(problems)} could not be read; {args.root / 'flow'} holds {stored / 1e6:.1f} MB.")
    print("\n".join(problems), end="\n" if problems else "")
    return 0


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


def find(root: Path, classes: list[str] | None, limit: int | None) -> list[Path]:
    """The videos, class by class, by name."""
    videos = sorted((root / "UCF-101").glob("*/*.avi"))
    by_class = groupby(videos, key=lambda video: video.parent.name)
    return [v for name, some in by_class if not classes or name in classes for v in list(some)[:limit]]


def is_done(video: Path, root: Path, size: tuple[int, int] | None) -> bool:
    """Whether the video's flow is there, newer than the video, and of the size asked for."""
    stored = flow_path(video, root)
    if not stored.exists() or stored.stat().st_mtime_ns < video.stat().st_mtime_ns:
        return False
    return size is None or frame_size(stored) == size


def compute(video: Path, root: Path, size: tuple[int, int] | None) -> tuple[int, str]:
    """Write the flow of one video: (images written, "") or (0, what is wrong with it)."""
    try:
        return flow.write_flow_video(flow_path(video, root), iter_frames(video, size)), ""
    except VideoError as error:
        return 0, str(error)


def flow_path(video: Path, root: Path) -> Path:
    return root / "flow" / video.parent.name / video.name


if __name__ == "__main__":
    sys.exit(main())
