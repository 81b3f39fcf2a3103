"""Which videos of a dataset are whole: each is decoded once, and what was found is remembered in a JSON file."""

import contextlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path

from tqdm import tqdm

from lrcn_utils.data import atomic
from lrcn_utils.data.report import Report
from lrcn_utils.data.text import read_json
from lrcn_utils.data.video import READER, VideoError, VideoInfo, check_video

FORMS = ({"stamp", "error"}, {"stamp", *(field.name for field in fields(VideoInfo))})  # of an entry in the JSON file


def readable(
    paths: Iterable[Path], remembered: Path, report: Report, *, progress: bool = False, workers: int = 2
) -> dict[Path, VideoInfo]:
    """What is in each video that can be read; the others are reported, a line each.

    ``remembered``: the JSON file of earlier findings; a video whose size or time stamp has changed is decoded again.
    It is written every few hundred videos; where it cannot be written, nothing is remembered.
    """
    paths = list(dict.fromkeys(paths))
    entries = _load(remembered)
    stamps = {path: _stamp(path) for path in paths}
    stale = [path for path in paths if entries.get(_key(path), {}).get("stamp") != stamps[path]]
    with ThreadPoolExecutor(workers) as pool:  # FFmpeg decodes without Python's lock
        checked = tqdm(
            zip(stale, pool.map(_check, stale), strict=True),
            desc="checking videos",
            total=len(stale),
            disable=not progress,
            leave=False,
        )
        for number, (path, finding) in enumerate(checked, 1):
            entries[_key(path)] = {"stamp": stamps[path], **finding}
            if number % 500 == 0:
                _save(remembered, entries)
    if stale:
        _save(remembered, entries)
    found = {}
    for path in paths:
        entry = entries[_key(path)]
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


def _key(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _stamp(path: Path) -> list[int]:
    try:
        state = os.stat(path)
    except OSError:
        return []
    return [state.st_size, state.st_mtime_ns]


def _load(remembered: Path) -> dict:
    try:
        content = read_json(remembered)
        entries = content["videos"] if content["reader"] == READER else {}
        return {key: entry for key, entry in entries.items() if entry.keys() in FORMS}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # missing, damaged or of another reader: everything is checked again


def _save(remembered: Path, entries: dict) -> None:
    text = json.dumps({"reader": READER, "videos": dict(sorted(entries.items()))}, indent=0)
    with contextlib.suppress(OSError):  # a read-only folder: work goes on without memory
        atomic.write_text(remembered, text)
