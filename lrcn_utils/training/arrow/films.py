"""The films of a folder: their groups, and which of their frames are key frames."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.data.forms import SUFFIXES
from lrcn_utils.data.report import Report
from lrcn_utils.data.split_lists import NAME
from lrcn_utils.data.video import VideoError, key_frames


@dataclass(frozen=True)
class Film:
    """The first ``frames`` frames of a film; ``keys`` are the numbers of the key frames among them.

    ``group`` is held out as a whole: gXX of a name v_Class_gXX_cYY; else the folder that the film lies in within its
    class, the same name in two classes being one group, as for ``prepare_videos``; else the film alone.
    """

    path: Path
    class_name: str
    group: str
    frames: int
    keys: tuple[int, ...]

    def has_key_frames_every(self, gop: int) -> bool:
        """Whether frame 0 and then every ``gop``-th frame is a key frame, and no other."""
        return self.keys == tuple(range(0, self.frames, gop))


def find(folder: Path, *, most_frames: int, limit: int | None, report: Report) -> list[Film]:
    """The readable films below ``folder`` (below ``folder``/UCF-101 where that is there), sorted by path.

    The class of a film is the first folder below that one on its path; a film that lies in no such folder has the
    searched folder's name for its class. ``limit``: so many of each class, of as many groups as possible. What cannot
    be read stands in ``report``. Raises FileNotFoundError where there is no film.
    """
    top = folder / "UCF-101" if (folder / "UCF-101").is_dir() else folder
    paths = [path for path in sorted(top.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    paths = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(top).parts)]
    films, taken = [], Counter()
    for path in _one_of_each_group_first(paths, top):
        class_name = _class(path, top)
        if limit is None or taken[class_name] < limit:
            try:
                flags = key_frames(path)[:most_frames]
            except VideoError as error:
                report.add(error)
                continue
            taken[class_name] += 1
            keys = tuple(number for number, is_key in enumerate(flags) if is_key)
            films.append(Film(path, class_name, _group(path, top), len(flags), keys))
    if not films:
        raise FileNotFoundError(f"{top}: there is no film in it that can be read; give a folder of films as --data")
    return sorted(films, key=lambda film: film.path)


def _class(path: Path, top: Path) -> str:
    folders = path.relative_to(top).parts[:-1]
    return folders[0] if folders else top.name


def _group(path: Path, top: Path) -> str:
    if found := NAME.fullmatch(path.stem):
        return f"g{int(found[1]):02d}"
    below = path.relative_to(top)
    return below.parts[1] if len(below.parts) > 2 else below.as_posix()


def _one_of_each_group_first(paths: list[Path], top: Path) -> list[Path]:
    """The first film of every group, then the second of every group, and so on."""
    seen, rank = Counter(), {}
    for path in paths:
        member = _class(path, top), _group(path, top)
        rank[path] = seen[member]
        seen[member] += 1
    return sorted(paths, key=rank.__getitem__)
