"""The split lists of UCF-101 (and of HMDB-like copies of its form): which videos train and which test."""

import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from lrcn_utils.data.report import Report
from lrcn_utils.data.text import read_lines

NAME = re.compile(r"v_\w+_g(\d+)_c\d+")
LINE = re.compile(rf"([^/\s]+)/({NAME.pattern})\.avi(?:\s+\d+)?")


def group(path: Path) -> int:
    """The group of a video, 7 for ``v_Archery_g07_c02.avi``. Raises ValueError for a name of another form."""
    found = NAME.fullmatch(path.stem)
    if not found:
        raise ValueError(f"{path.name}: the name is not of the form v_<Class>_gGG_cCC.avi")
    return int(found[1])


def listed(root: Path, split: int, report: Report, classes: Collection[str] | None = None) -> dict[str, list[Path]]:
    """The videos that the lists of split 1, 2 or 3 name, on disk or not: {"train": paths, "test": paths}.

    ``classes``: only these. Malformed lines are reported by file and line, and left out.
    Raises FileNotFoundError for a missing list, ValueError when a group is on both sides.
    """
    sides = {}
    for side in ("train", "test"):
        paths = _read(root / "ucfTrainTestlist" / f"{side}list{split:02d}.txt", root / "UCF-101", report)
        sides[side] = [path for path in paths if classes is None or path.parent.name in classes]
    _assert_disjoint(sides, f"split {split} in {root / 'ucfTrainTestlist'}")
    return sides


def on_disk(paths: list[Path], name: str, report: Report) -> list[Path]:
    """Those of ``paths`` that exist; how many of each class do not is reported, after the list's ``name``."""
    found = [path for path in paths if path.is_file()]
    listed_of, found_of = (Counter(path.parent.name for path in some) for some in (paths, found))
    for class_name, number in listed_of.items():
        if missing := number - found_of[class_name]:
            report.add(f"{name}: class {class_name}: {missing} of {number} videos are not on disk")
    return found


def by_group(root: Path, test_groups: Collection[int], report: Report) -> dict[str, list[Path]]:
    """All videos on disk, those of ``test_groups`` (of every class) as test and the others as training."""
    sides = {"train": [], "test": []}
    for path in sorted((root / "UCF-101").glob("*/*.avi")):
        try:
            sides["test" if group(path) in test_groups else "train"].append(path)
        except ValueError as error:
            report.add(error)
    return sides


def class_order(root: Path) -> list[str]:
    """All class names: as ``classInd.txt`` numbers them, or else the folders by name."""
    listed = root / "ucfTrainTestlist" / "classInd.txt"
    if not listed.exists():
        return sorted(folder.name for folder in (root / "UCF-101").iterdir() if folder.is_dir())
    numbered = []
    for number, line in enumerate(_lines(listed), 1):
        if line.strip():
            match = re.fullmatch(r"(\d+)\s+(\S+)", line.strip())
            if not match:
                raise ValueError(f"{listed.name}, line {number}: {line.strip()!r} is not '<number> <Class>'")
            numbered.append((int(match[1]), match[2]))
    return [name for _, name in sorted(numbered)]


def _read(listed: Path, videos: Path, report: Report) -> list[Path]:
    paths: dict[Path, None] = {}  # a set that keeps its order
    for number, line in enumerate(_lines(listed), 1):
        if not line.strip():
            continue
        match = LINE.fullmatch(line.strip())
        if match:
            paths[videos / match[1] / f"{match[2]}.avi"] = None
        else:
            form = "<Class>/v_<Class>_gGG_cCC.avi, with or without a number"
            report.add(f"{listed.name}, line {number}: {line.strip()!r} is not of the form {form}; mend or delete it")
    return list(paths)


def _lines(listed: Path) -> list[str]:
    if not listed.exists():
        raise FileNotFoundError(f"{listed}: no such list; unpack the official split lists there")
    return read_lines(listed)


def _assert_disjoint(sides: dict[str, list[Path]], where: str) -> None:
    train, test = ({(path.parent.name, group(path)) for path in sides[side]} for side in ("train", "test"))
    if shared := sorted(train & test):
        name, number = shared[0]
        raise ValueError(
            f"{where}: group g{number:02d} of {name} is in the training list and in the test list"
            f" ({len(shared)} such groups); a split must hold out whole groups"
        )
