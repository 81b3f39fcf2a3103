"""One cache for all that is made from files at some cost: resized frames, features of frames and of images.

An entry is found by the *contents* of the file that it was made from, and by all settings that it was made with. So
a file that was replaced, mended or renamed, another folder with the same names, other weights or another size never
get each other's entries; nothing has to be compared with time stamps, and the folder may be deleted at any time.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from lrcn_utils.data import atomic


def digest(path: Path | str) -> str:
    """16 hexadecimal digits that stand for the contents of a file. Raises FileNotFoundError."""
    state = os.stat(path)
    return _digest(os.path.abspath(path), (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino))


@cache  # a process that reads a file again does not hash it again, unless it has changed
def _digest(path: str, stamp: tuple[int, ...]) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def digest_of(value: object) -> str:
    """16 hexadecimal digits that stand for a JSON-able value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class ArrayCache:
    """Arrays made from files, one ``.npy`` each, below ``folder``.

    ``kind`` and ``settings`` (JSON-able) say what the arrays are: name everything that the numbers depend on apart
    from the file itself. They stand in the folder's ``settings.json`` too.
    """

    def __init__(self, folder: Path | str, kind: str, **settings):
        self.settings = {"kind": kind, **settings}
        self.folder = Path(folder) / f"{kind}-{digest_of(settings)}"
        self._headers: dict[Path, tuple[tuple[int, ...], np.dtype, int]] = {}

    def path(self, source: Path | str) -> Path:
        """Where the array made from ``source`` lies, or will lie."""
        return self.folder / f"{digest(source)}.npy"

    def __contains__(self, source: Path | str) -> bool:
        return self._header(self.path(source)) is not None

    def read(self, source: Path | str, start: int = 0, stop: int | None = None) -> np.ndarray | None:
        """Rows ``start`` to ``stop`` of the array made from ``source``; None where there is none, or a damaged one.

        A whole array is a read-only memory map, so it costs no memory until it is used; some rows are read.
        """
        path = self.path(source)
        if (header := self._header(path)) is None:
            return None
        shape, dtype, offset = header
        start, stop, _ = slice(start, stop).indices(shape[0])
        if stop - start == shape[0]:
            return np.asarray(np.memmap(path, dtype, "r", offset, shape))
        row = math.prod(shape[1:])
        rows = np.fromfile(path, dtype, (stop - start) * row, offset=offset + start * row * dtype.itemsize)
        return rows.reshape(-1, *shape[1:])

    def write(self, source: Path | str, shape: tuple[int, ...], dtype, parts: Iterable[np.ndarray]) -> None:
        """Keep the array of ``shape`` that ``parts`` make up, one after another; only one part is in memory at a time.

        It is there whole or not at all, also when the process is killed or the disk is full.
        Raises ValueError when the parts make up another size, OSError when they cannot be written.
        """
        path, dtype = self.path(source), np.dtype(dtype)
        written, wanted = 0, math.prod(shape) * dtype.itemsize
        try:
            self._describe()
            with atomic.replacing(path) as part, open(part, "wb") as file:
                header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                # Written as a file and not as a memory map: on a full disk a map ends the process with a bus error.
                for piece in parts:
                    written += file.write(np.ascontiguousarray(piece, dtype).data)
                    if written > wanted:
                        break
                if written != wanted:
                    raise ValueError(f"{written} bytes were made for an array of {wanted}")
        except OSError as error:
            if error.filename == str(source):
                raise  # the source's own fault
            why = error.strerror or error
            raise OSError(f"{self.folder}: cannot be written ({why}); make room, or choose another --cache") from error

    def _describe(self) -> None:
        if not (self.folder / "settings.json").exists():
            atomic.write_text(self.folder / "settings.json", json.dumps(self.settings, indent=1, default=str))

    def _header(self, path: Path) -> tuple[tuple[int, ...], np.dtype, int] | None:
        try:
            size = os.stat(path).st_size
            if path not in self._headers:  # np.load would read it for every clip, at five times the cost
                with open(path, "rb") as file:
                    np.lib.format.read_magic(file)
                    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
                    self._headers[path] = shape, dtype, file.tell()
        except (OSError, ValueError):
            return None
        shape, dtype, offset = self._headers[path]
        return self._headers[path] if size == offset + math.prod(shape) * dtype.itemsize else None
