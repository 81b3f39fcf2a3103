"""Prepare films of your own, one folder a class, so that the course trains and tests on them as on UCF-101.

    python data_scripts/prepare_videos.py --source ~/films
    python -m lrcn_utils.training activity --data data/films

SOURCE/<Class>/ holds the films of a class under any names, in any container. Films that show the same person in the
same place belong to one group, and a group is either trained on or tested on: give each group a folder of its own in
the class folder (the same name in two classes is one group), or list them in a CSV file, --groups, with the columns

    file,group
    Jump/IMG_0001.MOV,anna

where "file" is the path below SOURCE. A film of neither is a group by itself. Written to OUT (default: data/<name of
SOURCE>): UCF-101/<Class>/v_<Class>_gGG_cCC with links to the films, three splits in ucfTrainTestlist/, cache/index.json
and origin.csv, which says which film each became. Started again, it takes in what was added and drops what was removed.
"""

import argparse
import csv
import io
import os
import random
import re
import shutil
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.data import atomic, command
from lrcn_utils.data.forms import SUFFIXES
from lrcn_utils.data.report import Report
from lrcn_utils.data.text import read_csv
from lrcn_utils.environment import data_root

SPLITS = (1, 2, 3)


@dataclass
class Film:
    """A film: its file, its path below the source, its class folder, its group, its place in the prepared dataset."""

    file: Path
    below: str
    folder: str
    group: str
    target: Path = Path()


def main(arguments: list[str] | None = None) -> int:
    return command.run("prepare_videos", prepare(parse(arguments)))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="the folder of the class folders")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: a folder of the same name in the data folder")
    parser.add_argument("--groups", type=Path, metavar="FILE", help="a CSV file with the columns file,group")
    parser.add_argument("--test-share", type=float, default=0.3, help="of the films of each class (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of test groups (%(default)s)")
    parser.add_argument("--limit", type=int, help="take at most so many films of each class")
    parser.add_argument("--strict", action="store_true", help="stop at the first film or line that is not right")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser.parse_args(arguments)


def prepare(args: argparse.Namespace) -> Iterator[str]:
    """Write the dataset, and report line by line."""
    source = args.source.expanduser().resolve()
    out = (args.out or data_root() / source.name).expanduser()
    check_folders(source, out)
    report = Report(args.strict)
    films = find(source, args.limit, report)
    if args.groups:
        regroup(films, args.groups.expanduser(), report)
    give_names(films, out)
    write_layout(films, out)
    from lrcn_utils.data.video_index import readable  # and with it a decoder, which --help need not wait for

    index = out / "cache" / "index.json"
    whole = readable((f.target for f in films), index, report, progress=not args.quiet, workers=os.cpu_count() or 1)
    for film in films:
        if film.target not in whole:
            remove(film.target)
    films = [film for film in films if film.target in whole]
    write_origin(films, out)
    classes = sorted({film.target.parent.name for film in films})
    groups = {film.group for film in films}
    alone = sum(film.group == film.below for film in films)
    named = ", ".join(classes[:6]) + ", ..." * (len(classes) > 6)
    yield f"{len(films)} films in {len(groups)} groups; classes: {named}"
    if alone:
        yield f"{alone} of them are a group of their own: if some show the same person and place, see --help"
    for split, held_out in zip(SPLITS, choose_groups(films, args.test_share, args.seed), strict=True):
        write_split(out, split, films, held_out)
        test = [film for film in films if film.group in held_out]
        yield f"split {split}: train {len(films) - len(test)}, test {len(test)} films, {len(held_out)} groups held out"
        if untested := sorted(set(classes) - {film.target.parent.name for film in test}):
            yield f"  no group of theirs can be held out, so they are not tested: {', '.join(untested)}"
    numbered = "".join(f"{number} {name}\n" for number, name in enumerate(classes, 1))
    atomic.write_text(out / "ucfTrainTestlist" / "classInd.txt", numbered)
    yield from (f"  {line}" for line in report.lines)
    yield f"wrote {out}; which film is which: {out / 'origin.csv'}"


def check_folders(source: Path, out: Path) -> None:
    if not source.is_dir():
        raise FileNotFoundError(f"{source}: there is no such folder; give the folder that holds the class folders")
    if out.resolve().is_relative_to(source):
        raise ValueError(f"{out}: lies in the folder of the films; choose another --out")
    if (out / "UCF-101").exists() and not (out / "origin.csv").exists():
        raise ValueError(f"{out}: holds another dataset; choose another --out")


def find(source: Path, limit: int | None, report: Report) -> list[Film]:
    """The films of each class folder, sorted; a film in a sub-folder is of the sub-folder's group."""
    films, others, taken = [], [], Counter()
    for file in sorted(source.rglob("*")):
        folder, *inner = parts = file.relative_to(source).parts
        below = "/".join(parts)
        if file.is_dir() or any(part.startswith(".") for part in parts):
            continue
        if not inner or file.suffix.lower() not in SUFFIXES or not below.isprintable():
            others.append(below)
        elif limit is None or taken[folder] < limit:
            taken[folder] += 1
            films.append(Film(file, below, folder, inner[0] if len(inner) > 1 else below))
    if others:
        report.add(f"{len(others)} left out (not a video, or in no class folder), first {others[0]!a}")
    if not films:
        raise FileNotFoundError(f"{source}: there is no video in its folders; each class needs a folder of its films")
    return films


def regroup(films: list[Film], file: Path, report: Report) -> None:
    """Give the films the groups of the CSV file."""
    by_path, absent = {film.below: film for film in films}, []
    for number, row in read_csv(file):
        if not {"file", "group"} <= row.keys() or not row["file"] or not row["group"]:
            raise ValueError(f"{file.name}, line {number}: it needs the columns file,group, and a value in both")
        path = row["file"].strip().replace("\\", "/")
        if path in by_path:
            by_path[path].group = row["group"].strip()
        else:
            absent.append(path)
    if absent:
        report.add(f"{file.name}: {len(absent)} of its files are not among the films, first {absent[0]}")


def give_names(films: list[Film], out: Path) -> None:
    """A target ``v_<Class>_gGG_cCC`` for each film; groups are numbered through all classes."""
    names = safe_names(sorted({film.folder for film in films}))
    numbers = {group: number for number, group in enumerate(sorted({film.group for film in films}), 1)}
    clips = Counter()
    for film in films:
        name, number = names[film.folder], numbers[film.group]
        clips[name, number] += 1
        stem = f"v_{name}_g{number:02d}_c{clips[name, number]:02d}"
        film.target = out / "UCF-101" / name / f"{stem}{film.file.suffix.lower()}"


def safe_names(folders: list[str]) -> dict[str, str]:
    """Names without spaces and signs, different from one another on every file system: {folder: class}."""
    names = {}
    for folder in folders:
        name = wanted = re.sub(r"\W+", "_", unicodedata.normalize("NFC", folder)).strip("_")[:60] or "class"
        seen, number = {taken.casefold() for taken in names.values()}, 1
        while name.casefold() in seen:
            name, number = f"{wanted}_{number + 1}", number + 1
        names[folder] = name
    return names


def write_layout(films: list[Film], out: Path) -> None:
    """Links (or copies, where links cannot be made) in ``out``/UCF-101; what an earlier run left there is removed."""
    origin = out / "origin.csv"
    earlier = (
        {out / "UCF-101" / row["class"] / row["video"] for _, row in read_csv(origin)} if origin.exists() else set()
    )
    for path in earlier - {film.target for film in films}:
        remove(path)
    write_origin(films, out)  # first: what it names is known to be of this script, also when a run is killed
    for film in films:
        place(film.file, film.target)


def write_origin(films: list[Film], out: Path) -> None:
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(["video", "class", "group", "file"])
    writer.writerows([film.target.name, film.target.parent.name, film.group, film.below] for film in films)
    atomic.write_text(out / "origin.csv", rows.getvalue())


def place(file: Path, target: Path) -> None:
    if target.is_symlink():
        same = os.readlink(target) == str(file)
    else:
        same = target.exists() and stamp(target) == stamp(file)
    if same:
        return
    with atomic.replacing(target) as part:
        try:
            part.symlink_to(file)
        except OSError:  # Windows without the right to make links
            shutil.copy2(file, part)


def stamp(file: Path) -> tuple[int, float]:
    state = file.stat()
    return state.st_size, state.st_mtime


def remove(target: Path) -> None:
    """Remove a link or copy, and its class folder when it was the last there."""
    target.unlink(missing_ok=True)
    if target.parent.is_dir() and not any(target.parent.iterdir()):
        target.parent.rmdir()


def choose_groups(films: list[Film], share: float, seed: int) -> list[set[str]]:
    """The groups that each split holds out: about ``share`` of the films of each class, never all films of one."""
    members: dict[str, Counter] = defaultdict(Counter)
    for film in films:
        members[film.group][film.folder] += 1
    total = sum(members.values(), Counter())
    goal = {folder: max(1, round(share * count)) for folder, count in total.items()}
    order = sorted(members)
    random.Random(seed).shuffle(order)
    times_held = Counter()
    splits = []
    for _ in SPLITS:
        held, tested = set(), Counter()
        for group in sorted(order, key=times_held.__getitem__):  # those that no split has tested yet come first
            after = tested + members[group]
            nearer = sum(abs(goal[c] - tested[c]) - abs(goal[c] - after[c]) for c in members[group])
            first = any(not tested[c] for c in members[group])
            if (nearer > 0 or first) and all(after[c] < total[c] for c in members[group]):
                held.add(group)
                tested = after
        times_held.update(held)
        splits.append(held)
    if not all(splits):
        raise ValueError("all films of each class are of one group; a test needs a group that is not trained on")
    return splits


def write_split(out: Path, split: int, films: list[Film], held_out: set[str]) -> None:
    for side in ("train", "test"):
        chosen = [film.target for film in films if (film.group in held_out) == (side == "test")]
        lines = "".join(f"{path.parent.name}/{path.name}\n" for path in chosen)
        atomic.write_text(out / "ucfTrainTestlist" / f"{side}list{split:02d}.txt", lines)


if __name__ == "__main__":
    sys.exit(main())
