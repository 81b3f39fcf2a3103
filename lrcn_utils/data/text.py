"""The one reader of text files: whatever editor or system wrote them, the first word of the first line is whole."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path


def read_text(path: Path | str) -> str:
    r"""The text of a file, its lines ended by ``\n``.

    UTF-8 with or without a byte-order mark, or UTF-16 with one; bytes that are neither are read as Windows' cp1252.
    Raises FileNotFoundError.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path.name}: no such file in {path.parent}") from error
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = raw.decode("utf-16", errors="replace")
    else:
        text = raw.decode("utf-8-sig", errors="lrcn_cp1252")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error("lrcn_cp1252", _as_cp1252)


def read_lines(path: Path | str) -> list[str]:
    """The lines of a text file without their ends. Only a line end ends a line, not every separator of Unicode."""
    return read_text(path).removesuffix("\n").split("\n")


def read_json(path: Path | str) -> object:
    """The content of a JSON file. Raises FileNotFoundError, or ValueError, naming the file, when it is not JSON."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise ValueError(f"{Path(path).name}: broken JSON ({why}); get the file again") from error


def read_csv(path: Path | str, columns: tuple[str, ...] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, row) of each row of a CSV file with a heading; cells that are missing are empty strings.

    Between the cells stand commas, semicolons or tabs, whichever the heading has most.
    Raises FileNotFoundError; ValueError, naming file and line, for damage or a heading without one of ``columns``.
    """
    name, text = Path(path).name, read_text(path)
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True)
    try:
        if absent := [column for column in columns if column not in (rows.fieldnames or ())]:
            raise ValueError(f"{name}, line 1: no column {', '.join(absent)}; the heading is {','.join(columns)}")
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise ValueError(f"{name}, line {rows.line_num + 1}: {error}; is a quotation mark missing?") from error
