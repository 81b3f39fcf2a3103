"""The one reader of text files: whatever editor or system wrote them, the first word of the first line is whole."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path


def read_text(path: Path | str) -> str:
    r"""The text of a file, its lines ended by ``\n``.

    UTF-8 with or without a byte-order mark, or UTF-16 with one; bytes that are neither become U+FFFD.
    Raises FileNotFoundError.
    """
    raw = Path(path).read_bytes()
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = raw.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path | str) -> list[str]:
    """The lines of a text file without their ends. Only a line end ends a line, not every separator of Unicode."""
    return read_text(path).removesuffix("\n").split("\n")


def read_json(path: Path | str) -> object:
    """The content of a JSON file. Raises FileNotFoundError, or ValueError when it is not JSON."""
    try:
        return json.loads(read_text(path))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_csv(path: Path | str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, row) of each row of a CSV file with a heading. Raises FileNotFoundError, or ValueError."""
    rows = csv.DictReader(io.StringIO(read_text(path), newline=""))
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise ValueError(f"{Path(path).name}, line {rows.line_num}: {error}") from error
