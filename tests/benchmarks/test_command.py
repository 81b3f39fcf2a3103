"""``make bench``: one row from the command line, its table and its JSON; and what all rows have in common."""

import json

import nbformat
import pytest

from benchmarks import __main__ as command
from benchmarks import notebook
from benchmarks.row import FLOOR, GROWTH, SECONDS
from benchmarks.rows import ROWS
from benchmarks.table import table

SMALL = "CRF MAP, 5 slots x 16 states"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    out = tmp_path_factory.mktemp("bench") / "bench" / "results.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        command.main(["--row", SMALL.lower(), "--out", str(out)])
    return json.loads(out.read_text(encoding="utf-8"))


def rows_of(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_the_json_holds_what_was_measured(measured):
    assert measured["machine"]["threads"] == 1 and measured["machine"]["cores"] >= 1
    (row,) = measured["rows"]
    assert row["row"] == SMALL and row["bar"] == 1.0 and row["over"] == "pytorch-crf" and not row["fault"]
    ours, theirs = row["ways"].values()
    assert row["figure"] == pytest.approx(ours["cpu"][1] / theirs["cpu"][1])
    for times in (ours, theirs):
        assert times["rounds"] >= 7 and times["memory"] > 50
        assert 0 < times["wall"][0] <= times["wall"][1] <= times["wall"][2]
    assert row["holds"] == (row["figure"] <= 1.0) and bool(row["profile"]) != row["holds"]


def test_the_table_has_a_line_for_each_row_and_says_beneath_what_misses_its_bar(measured):
    (row,) = measured["rows"]
    missed = row | {"figure": 2.0, "holds": False, "profile": [["aten::mm", 0.625]]}
    failed = row | {"row": "another", "fault": "there is no film\n", "profile": []}
    text = table([missed, failed])
    head, _, first, second = rows_of(text)
    assert len(head) == len(first) == len(second)
    found = dict(zip(head, first, strict=True))
    assert found["work"] == SMALL and found["figure"] == "2.00 of pytorch-crf" and found["holds"] == "**no**"
    assert found["other ways (their time / ours)"].startswith("pytorch-crf ")
    assert f"{SMALL} misses its bar; where its time goes: aten::mm 62%" in text
    assert "another: not measured: there is no film" in text
    assert "share of peak" in table([row], gpu=True) and "share of peak" not in text


def test_a_row_that_does_not_exist_is_named(capsys):
    with pytest.raises(SystemExit, match="no row has 'such a thing'"):
        command.main(["--row", "such a thing"])
    command.main(["--list"])
    assert capsys.readouterr().out.count("\n") == len(ROWS)


def test_every_row_has_its_own_name_and_says_what_its_figure_is():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    for row in ROWS:
        assert row.least >= 7 or not row.usual, row.name
        assert row.bar is None or row.bar > 0, row.name
        assert row.memory_bar is None or row.over == GROWTH, row.name
        assert row.over in (FLOOR, SECONDS, GROWTH) or len(row.over) > 4, row.name


def test_the_slowest_cell_of_a_notebook_is_found(tmp_path, monkeypatch):
    cells = ["import time", "sum(range(10**7))", "time.sleep(1)"]
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(content, tmp_path / "09_short.ipynb")
    before = (tmp_path / "09_short.ipynb").read_bytes()
    monkeypatch.setattr(notebook, "NOTEBOOKS", tmp_path)
    found = notebook.slowest_cells("09")
    assert list(found)[:2] == ["all cells", "09[1]"]
    (_, whole), (wall, cpu) = found["all cells"], found["09[2]"]
    assert cpu < 0.5 < 1 <= wall and whole >= found["09[1]"][1] > 0.05
    assert (tmp_path / "09_short.ipynb").read_bytes() == before


# What calls the course from far inside: a change there would leave the row empty, and nobody would know.
CALLING = [
    row for row in ROWS if row.usual and row.name.startswith(("lesson", "BLEU", "ROUGE", "CIDEr", "activity head"))
]


@pytest.mark.slow
@pytest.mark.parametrize("row", CALLING, ids=lambda row: row.name)
def test_a_row_can_be_measured(row):
    work = row.build()
    assert not work.measured
    for call in work.ways.values():
        call()
