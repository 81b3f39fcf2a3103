"""What was found in files that are costly to check: each is checked once, and a JSON file remembers it."""

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from lrcn_utils.data import atomic
from lrcn_utils.data.text import read_json

Finding = dict[str, object]


@dataclass(frozen=True)
class Kind:
    """A kind of files, called ``name``: ``check`` says what is in one; ``reader``: the version of how it is read.

    ``forms``: the fields that a finding may have.
    """

    name: str
    check: Callable[[Path], Finding]
    reader: int
    forms: tuple[frozenset[str], ...]


def find(
    kind: Kind, paths: Iterable[Path], remembered: Path, *, progress: bool = False, workers: int = 2
) -> dict[Path, Finding]:
    """What is in each file. Only what ``remembered`` does not know, or what has changed since, is checked.

    It is written every few hundred files; where it cannot be written, nothing is remembered.
    """
    entries, stamps = _load(kind, remembered), {path: _stamp(path) for path in paths}
    stale = _stale(entries, stamps)
    with ThreadPoolExecutor(workers) as pool:  # FFmpeg and Pillow decode without Python's lock
        try:
            checked = zip(stale, pool.map(kind.check, stale), strict=True)
            bar = tqdm(checked, f"checking {kind.name}", len(stale), disable=not progress, leave=False)
            for number, (path, finding) in enumerate(bar, 1):
                entries[_key(path)] = {"stamp": stamps[path], **finding}
                if number % 500 == 0:
                    _save(kind, remembered, entries)
        finally:
            pool.shutdown(cancel_futures=True)
    if stale:
        _save(kind, remembered, entries)
    return {path: entries[_key(path)] for path in stamps}


def unknown(kind: Kind, paths: Iterable[Path], remembered: Path) -> list[Path]:
    """The files that ``find`` would check."""
    return _stale(_load(kind, remembered), {path: _stamp(path) for path in paths})


def _stale(entries: dict[str, Finding], stamps: dict[Path, list[int]]) -> list[Path]:
    return [path for path, stamp in stamps.items() if entries.get(_key(path), {}).get("stamp") != stamp]


def _key(path: Path) -> str:
    return "/".join(path.parts[-2:])


def _stamp(path: Path) -> list[int]:
    try:
        state = os.stat(path)
    except OSError:
        return []
    return [state.st_size, state.st_mtime_ns]


def _load(kind: Kind, remembered: Path) -> dict[str, Finding]:
    try:
        content = read_json(remembered)
        entries = content[kind.name] if content["reader"] == kind.reader else {}
        return {key: entry for key, entry in entries.items() if entry.keys() in kind.forms}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # missing, damaged or of another reader: everything is checked again


def _save(kind: Kind, remembered: Path, entries: dict[str, Finding]) -> None:
    text = json.dumps({"reader": kind.reader, kind.name: dict(sorted(entries.items()))}, indent=0)
    with contextlib.suppress(OSError):  # a read-only folder: work goes on without memory
        atomic.write_text(remembered, text)
