"""Which videos of a dataset are whole: each is decoded once, and what was found is remembered in a JSON file."""

import contextlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from lrcn_utils.data.video import VideoError, VideoInfo, check_video


def check_all(
    paths: Iterable[Path], remembered: Path, *, progress: bool = False, workers: int = 2
) -> dict[Path, VideoInfo | VideoError]:
    """What is in each video, or why it cannot be read.

    ``remembered``: the JSON file of earlier findings; a video whose size or time stamp has changed is decoded again.
    It is written beside and renamed, every few hundred videos; where it cannot be written, nothing is remembered.
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
    return {path: _finding(path, entries[_key(path)]) for path in paths}


def _check(path: Path) -> dict:
    try:
        return asdict(check_video(path))
    except VideoError as error:
        return {"error": error.why}


def _finding(path: Path, entry: dict) -> VideoInfo | VideoError:
    if "error" in entry:
        return VideoError(path, entry["error"])
    return VideoInfo(**{name: value for name, value in entry.items() if name != "stamp"})


def _key(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _stamp(path: Path) -> list[int]:
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return []
    return [state.st_size, state.st_mtime_ns]


def _load(remembered: Path) -> dict:
    try:
        return json.loads(remembered.read_text(encoding="utf-8"))["videos"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # missing or damaged: everything is checked again


def _save(remembered: Path, entries: dict) -> None:
    part = remembered.with_name(f"{remembered.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):  # a read-only folder: work goes on without memory
        remembered.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(json.dumps({"videos": dict(sorted(entries.items()))}, indent=0), encoding="utf-8")
            os.replace(part, remembered)
        finally:
            part.unlink(missing_ok=True)
