"""The one reader of text files: no byte-order mark, encoding or line end changes what is read."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_utils.data.report import SHOWN, Report
from lrcn_utils.data.text import read_csv, read_json, read_lines, read_text

TEXT = "Äpfel, ein Ärmel\nzwei\n\nvier\n"
ENCODINGS = {
    "utf-8": (b"", "utf-8"),
    "utf-8 with a mark": (codecs.BOM_UTF8, "utf-8"),
    "utf-16": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-16 big-endian": (codecs.BOM_UTF16_BE, "utf-16-be"),
    "windows": (b"", "cp1252"),
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", list(ENCODINGS))
def test_the_text_is_the_same_whoever_wrote_it(tmp_path, encoding, end):
    mark, code = ENCODINGS[encoding]
    (tmp_path / "a.txt").write_bytes(mark + TEXT.replace("\n", end).encode(code))
    assert read_text(tmp_path / "a.txt") == TEXT
    assert read_lines(tmp_path / "a.txt") == ["Äpfel, ein Ärmel", "zwei", "", "vier"]


def test_only_a_line_end_ends_a_line(tmp_path):
    (tmp_path / "a.txt").write_bytes("one\u2028still\x0cone\u0085\ntwo".encode())
    assert read_lines(tmp_path / "a.txt") == ["one\u2028still\x0cone\u0085", "two"]


def test_a_missing_file_is_named_without_its_whole_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^a.txt: no such file in "):
        read_lines(tmp_path / "a.txt")


def test_json_that_is_none_is_named(tmp_path):
    file = tmp_path / "a.json"
    for content in (b"{", b"\xff\xfe{", b"[" * 100_000, b"\x00"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"^a.json: broken JSON \(.*\); get the file again$"):
            read_json(file)
    file.write_bytes(codecs.BOM_UTF8 + b'{"a": 1}')
    assert read_json(file) == {"a": 1}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables(tmp_path, delimiter):
    file = tmp_path / "a.csv"
    file.write_bytes(
        codecs.BOM_UTF8
        + 'image,caption\r\na.jpg,"one, two\r\nthree; four"\r\nb.jpg\r\n'.replace(",", delimiter).encode()
    )
    (first, a), (second, b) = read_csv(file, ("image", "caption"))
    assert a == {"image": "a.jpg", "caption": f"one{delimiter} two\nthree; four"}
    assert b == {"image": "b.jpg", "caption": ""} and (first, second) == (3, 4)


def test_damaged_tables_are_named_with_the_line(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('image,caption\na.jpg,one\nb.jpg,"two\nc.jpg,three\n')
    rows = read_csv(file)
    assert next(rows)[1]["caption"] == "one"
    with pytest.raises(ValueError, match=r"^a.csv, line 3: .*; is a quotation mark missing\?"):
        next(rows)
    file.write_text("")
    with pytest.raises(ValueError, match=r"^a.csv, line 1: no column image, caption; the heading is image,caption"):
        list(read_csv(file, ("image", "caption")))


@given(st.lists(st.tuples(st.text(max_size=20), st.sampled_from(["", "a", "b"])), max_size=40))
def test_a_report_counts_all_and_prints_single_lines(problems):
    report = Report()
    for problem, kind in problems:
        report.add(problem, kind, "left out")
    shown = sum(not kind for _, kind in problems)
    for kind in "ab":
        count = sum(k == kind for _, k in problems)
        shown += min(count, SHOWN) + (count > SHOWN)
    assert len(report) == len(problems) and len(report.lines) == shown
    assert all(line.splitlines() == [line] and line.encode() for line in report.lines)


def test_half_a_character_in_a_name_can_be_printed():
    report = Report()
    report.add("\ud800.jpg: no such image")
    assert str(report).encode() == b"?.jpg: no such image"


def test_a_note_is_said_once_and_never_raised():
    report = Report(strict=True)
    report.note("drawn by a seed")
    report.note("drawn by a seed")
    assert report.lines == ["drawn by a seed"] and len(report) == 0
    with pytest.raises(ValueError, match="^a.jpg: gone$"):
        report.add("a.jpg: gone", then="left out")
