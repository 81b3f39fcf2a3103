"""Which videos of a dataset are whole: each is decoded once, and what was found is remembered in a JSON file."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

from lrcn_utils.data.findings import Kind, find, unknown
from lrcn_utils.data.report import Report
from lrcn_utils.data.video import READER, VideoError, VideoInfo, check_video


def readable(
    paths: Iterable[Path], remembered: Path, report: Report, *, progress: bool = False, workers: int = 2
) -> dict[Path, VideoInfo]:
    """What is in each video that can be read; the others are reported, a line each.

    ``remembered``: the JSON file of earlier findings; a video whose size or time stamp has changed is decoded again.
    """
    found = {}
    for path, entry in find(_kind(), paths, remembered, progress=progress, workers=workers).items():
        if "error" in entry:
            report.add(VideoError(path, entry["error"]))
            continue
        found[path] = info = VideoInfo(**{name: value for name, value in entry.items() if name != "stamp"})
        if info.note:
            report.add(f"{path.name}: {info.note}; its frames are used")
    return found


def _check(path: Path) -> dict:
    try:
        return asdict(check_video(path))
    except VideoError as error:
        return {"error": error.why}


def unchecked(paths: Iterable[Path], remembered: Path) -> list[Path]:
    """The videos that ``readable`` would decode."""
    return unknown(_kind(), paths, remembered)


def _kind() -> Kind:
    known = {"stamp", *(field.name for field in fields(VideoInfo))}
    return Kind("videos", _check, READER, (frozenset({"stamp", "error"}), frozenset(known)))
