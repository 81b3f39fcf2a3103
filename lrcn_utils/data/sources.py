"""Where datasets come from: their pages, licences and archives, and what it costs to fetch them."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.data.command import bytes_of, duration
from lrcn_utils.data.download import provide

BYTES_A_SECOND = 10e6  # of a download, where a time is told for it


@dataclass(frozen=True)
class Archive:
    """A file of a dataset's site. ``part``: what is in the dataset's folder once it is unpacked; ``size`` in bytes.

    ``digest``: SHA-256 or MD5, as for ``download.fetch``.
    """

    part: str
    url: str
    size: float
    digest: str


@dataclass(frozen=True)
class Source:
    """A dataset. ``page``: where it is described; ``licence``: what is allowed, in a sentence."""

    name: str
    page: str
    licence: str
    archives: tuple[Archive, ...] = ()

    def describe(self) -> Iterator[str]:
        yield f"{self.name}, from {self.page}"
        yield f"licence: {self.licence}"

    def missing(self, folder: Path) -> list[Archive]:
        """The archives of which nothing is in ``folder`` yet."""
        return [archive for archive in self.archives if not (folder / archive.part).exists()]

    def fetch(self, folder: Path, dry_run: bool = False) -> Iterator[str]:
        """Say what is to be fetched, then fetch and unpack it into ``folder``, unless ``dry_run``.

        Raises OSError where the disk is too small, and what ``provide`` raises.
        """
        if not (missing := self.missing(folder)):
            yield f"{folder}: everything is there already, nothing to fetch"
            return
        size = sum(archive.size for archive in missing)
        free = shutil.disk_usage(next(above for above in (folder, *folder.parents) if above.exists())).free
        yield f"to fetch: {', '.join(archive.url for archive in missing)}"
        yield (
            f"  {bytes_of(size)}, {duration(size / BYTES_A_SECOND)} at 10 MB a second, and about {bytes_of(2 * size)} of disk"
            f" with what is unpacked; {bytes_of(free)} are free"
        )
        if dry_run:
            return
        if 2 * size > free:
            raise OSError(f"{folder}: {bytes_of(free)} are free, and about {bytes_of(2 * size)} are needed; make room")
        for archive in missing:
            provide(archive.part, archive.url, folder, archive.digest, page=self.page)


def link(target: Path, place: Path) -> None:
    """Make ``place`` a link to the file or folder ``target`` of a copy that is at hand.

    Raises FileNotFoundError where something else lies there, or links cannot be made.
    """
    if place.exists() and place.resolve() == target.resolve():
        return
    if place.exists() and not place.is_symlink():
        raise FileNotFoundError(f"{place}: holds another copy; move it away, or choose another folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    try:
        os.symlink(target, place, target_is_directory=target.is_dir())
    except OSError as error:  # Windows without the right to make links
        raise FileNotFoundError(f"{place}: cannot link ({error}); move {target} there instead") from error
