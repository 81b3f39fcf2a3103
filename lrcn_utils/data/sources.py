"""Where datasets come from: their pages, licences and archives, and what it costs to fetch them."""

import os
import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator, Iterator
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
            f"  {bytes_of(size)}, {duration(size / BYTES_A_SECOND)} at 10 MB a second, and about"
            f" {bytes_of(2 * size)} of disk with what is unpacked; {bytes_of(free)} are free"
        )
        if dry_run:
            return
        if 2 * size > free:
            raise OSError(f"{folder}: {bytes_of(free)} are free, and about {bytes_of(2 * size)} are needed; make room")
        for archive in missing:
            provide(archive.part, archive.url, folder, archive.digest, page=self.page)

    def provide(
        self, root: Path, args: Namespace, link_parts: Callable[[Path, Path], None]
    ) -> Generator[str, None, Path | None]:
        """Fetch the dataset into ``root``, or link a copy there, as the options of ``add_options`` say; report by line.

        Returns where it lies: of a copy, in a dry run, its own folder; None where a dry run has nothing to read yet.
        ``link_parts(copy, root)`` makes the links. Raises what ``fetch`` and ``link_parts`` raise.
        """
        if args.fetch:
            yield from self.fetch(root, args.dry_run)
            if args.dry_run and self.missing(root):
                return None
        if args.source and args.dry_run:
            return args.source.expanduser()
        if args.source:
            link_parts(args.source.expanduser().resolve(), root)
        return root


def add_options(parser: ArgumentParser) -> None:
    """The options of a script that fetches a dataset of images, or links a copy, and checks every image."""
    parser.add_argument("--source", type=Path, metavar="DIR", help="a copy that lies elsewhere: it is linked")
    parser.add_argument("--fetch", action="store_true", help="download what is missing; resumes where it broke off")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


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
