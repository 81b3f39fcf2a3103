"""The split lists of UCF-101 (and of copies of its form): which videos train and which test, and which are on disk."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from lrcn_utils.data.forms import SUFFIXES
from lrcn_utils.data.report import Report
from lrcn_utils.data.text import read_lines

FORM = "v_<Class>_gGG_cCC"
NAME = re.compile(r"v_[^/\\\x00-\x1f]+_g([0-9]{1,9})_c[0-9]{1,9}")
LINE = re.compile(rf"([^/\\]+)[/\\]({NAME.pattern})(\.[A-Za-z0-9]+)(?:\s+[0-9]+)?")

# The videos on disk by (class, name): a list finds its videos whatever container and case of suffix they have.
Videos = dict[tuple[str, str], Path]


def group(path: Path) -> int:
    """The group of a video, 7 for ``v_Archery_g07_c02.avi``. Raises ValueError for a name of another form."""
    found = NAME.fullmatch(path.name.rpartition(".")[0] or path.name)
    if not found:
        raise ValueError(f"{path.name}: the name is not of the form {FORM}")
    return int(found[1])


def class_of(path: Path) -> str:
    """The class of a video: the name of its folder."""
    return path.parts[-2]


def on_disk(root: Path, report: Report, classes: Collection[str] | None = None) -> Videos:
    """The videos in the class folders of ``root``/UCF-101, sorted; ``classes``: only these.

    What else lies there is left out, and costs one line in all.
    """
    videos, others = {}, []
    for folder in sorted((root / "UCF-101").glob("*/")):
        if folder.name.startswith(".") or (classes is not None and folder.name not in classes):
            continue
        for name in sorted(os.listdir(folder)):  # names and not paths, of which a large dataset has very many
            stem, suffix = os.path.splitext(name)
            if name.startswith("."):
                continue
            if suffix.lower() in SUFFIXES and NAME.fullmatch(stem) and (folder.name, stem) not in videos:
                videos[folder.name, stem] = folder / name
            else:
                others.append(ascii(f"{folder.name}/{name}").strip("'"))
    if others:
        shown = ", ".join(others[:3]) + ", ..." * (len(others) > 3)
        why = f"not a video named {FORM}, or a second one of that name"
        report.add(f"UCF-101: {len(others)} left out ({why}): {shown}")
    return videos


def listed(
    root: Path, split: int, videos: Videos, report: Report, classes: Collection[str] | None = None
) -> dict[str, list[Path]]:
    """The videos that the lists of split 1, 2 or 3 name, on disk or not: {"train": paths, "test": paths}.

    ``classes``: only these. Malformed lines are reported by file and line, and left out.
    Raises FileNotFoundError for a missing list, ValueError when a group is on both sides.
    """
    sides = {}
    for side in ("train", "test"):
        paths = _read(root / "ucfTrainTestlist" / f"{side}list{split:02d}.txt", root / "UCF-101", videos, report)
        sides[side] = [path for path in paths if classes is None or class_of(path) in classes]
    _assert_disjoint(sides, f"split {split} in {root / 'ucfTrainTestlist'}")
    return sides


def report_missing(splits: dict[int, dict[str, list[Path]]], videos: Videos, report: Report) -> None:
    """One line for the classes of which nothing is on disk, and one for each of which something is missing."""
    lists, wanted, there = defaultdict(set), defaultdict(set), set(videos.values())
    for number, sides in splits.items():
        for side, paths in sides.items():
            for path in paths:
                lists[class_of(path)].add(f"{side}list{number:02d}.txt")
                wanted[class_of(path)].add(path)
    missing = {name: len(paths - there) for name, paths in wanted.items()}
    absent = [name for name in wanted if missing[name] == len(wanted[name])]
    if absent:
        first, *others = sorted(set().union(*(lists[name] for name in absent)))
        where = f"{first} and {len(others)} other list{'s' * (len(others) > 1)}" if others else first
        shown, are = ", ".join(absent[:4]) + ", ..." * (len(absent) > 4), "is" if len(absent) == 1 else "are"
        report.add(f"{where}: {len(absent)} of the {len(wanted)} classes in the lists {are} not on disk ({shown})")
    for name in wanted:
        if 0 < missing[name] < len(wanted[name]):
            line = f"class {name}: {missing[name]} of {len(wanted[name])} clips missing on disk"
            report.add(line, kind="classes with clips missing on disk")


def by_group(videos: Iterable[Path], test_groups: Collection[int]) -> dict[str, list[Path]]:
    """The videos of ``test_groups`` (of every class) as test and the others as training."""
    sides = {"train": [], "test": []}
    for path in videos:
        sides["test" if group(path) in test_groups else "train"].append(path)
    return sides


def at_most(limit: int | None, paths: Iterable[Path]) -> list[Path]:
    """The first ``limit`` videos of each class; None for all."""
    seen, kept = Counter(), []
    for path in paths:
        seen[class_of(path)] += 1
        if limit is None or seen[class_of(path)] <= limit:
            kept.append(path)
    return kept


def class_order(root: Path) -> list[str]:
    """All class names: as ``classInd.txt`` numbers them, or else the folders by name."""
    listed = root / "ucfTrainTestlist" / "classInd.txt"
    if not listed.exists():
        return sorted(folder.name for folder in (root / "UCF-101").iterdir() if folder.is_dir())
    numbered = []
    for number, line in enumerate(_lines(listed), 1):
        if line.strip():
            match = re.fullmatch(r"([0-9]{1,9})\s+(.+)", line.strip())
            if not match:
                raise ValueError(f"{listed.name}, line {number}: {line.strip()!r} is not '<number> <Class>'")
            numbered.append((int(match[1]), match[2]))
    return [name for _, name in sorted(numbered)]


def _read(listed: Path, folder: Path, videos: Videos, report: Report) -> list[Path]:
    paths: dict[Path, None] = {}  # a set that keeps its order
    for number, line in enumerate(_lines(listed), 1):
        if not line.strip():
            continue
        match = LINE.fullmatch(line.strip())
        if match and match[4].lower() in SUFFIXES:
            name, stem = match[1], match[2]
            paths[videos.get((name, stem)) or folder / name / f"{stem}{match[4]}"] = None
        else:
            form = f"<Class>/{FORM}.avi, with or without a number"
            line = f"{listed.name}, line {number}: {line.strip()!r} is not of the form {form}; mend or delete it"
            report.add(line, kind=f"lines of {listed.name}")
    return list(paths)


def _lines(listed: Path) -> list[str]:
    if not listed.exists():
        raise FileNotFoundError(f"{listed}: no such list; unpack the official split lists there")
    return read_lines(listed)


def _assert_disjoint(sides: dict[str, list[Path]], where: str) -> None:
    train, test = ({(class_of(path), group(path)) for path in sides[side]} for side in ("train", "test"))
    if shared := sorted(train & test):
        name, number = shared[0]
        raise ValueError(
            f"{where}: group g{number:02d} of {name} is in the training list and in the test list"
            f" ({len(shared)} such groups); a split must hold out whole groups"
        )
