"""Every figure of the paper is shown to the student: ``paper_figures.toml`` says where."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from first_cell import NOTEBOOKS

from lrcn_utils.paper import table, tasks

SHOWN = tomllib.loads(Path(__file__).with_name("paper_figures.toml").read_text())["shown"]
FIGURES = [row for task in tasks() for row in table(task)]
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?")


def cells_of(entry):
    """The cells that an entry names."""
    found = {cell.id: cell for cell in nbformat.read(NOTEBOOKS / f"{entry['lesson']}.ipynb", as_version=4).cells}
    return [found[name] for name in entry["cells"]]


def printed(cell):
    """What a student reads in a cell: the text of a text cell, the text that a code cell has put out."""
    if cell.cell_type == "markdown":
        return cell.source
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def test_every_source_is_listed_once():
    assert sorted(entry["source"] for entry in SHOWN) == sorted({row["source"] for row in FIGURES})


@pytest.mark.parametrize("entry", [e for e in SHOWN if not e.get("drawn")], ids=lambda entry: entry["source"])
def test_every_figure_is_printed(entry):
    there = Counter(float(number) for cell in cells_of(entry) for number in NUMBER.findall(printed(cell)))
    wanted = Counter(row["value"] for row in FIGURES if row["source"] == entry["source"])
    assert not wanted - there, f"{entry['lesson']}, cells {entry['cells']}: figures that are not printed"


@pytest.mark.parametrize("entry", [e for e in SHOWN if e.get("drawn")], ids=lambda entry: entry["source"])
def test_figures_are_drawn(entry):
    (cell,) = cells_of(entry)
    (method,) = {row["method"] for row in FIGURES if row["source"] == entry["source"]}
    assert method in cell.source and any("image/png" in output.get("data", {}) for output in cell.outputs)
