"""The paper's tables, and their printing beside what was measured here.

All numbers stand in ``paper_tables.csv``, one a row, with the paper's version and the table they come from.
Numbers measured on other data are never a target met or missed: the paper's stand beside them as context.
"""

import csv
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources

FIELDS = ("task", "dataset", "version", "method", "input", "metric", "value", "unit", "source", "verified")


@cache
def _all_rows() -> tuple[dict, ...]:
    text = resources.files("lrcn_utils").joinpath("paper_tables.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple({**row, "printed": row["value"], "value": float(row["value"])} for row in rows)


def tasks() -> list[str]:
    """The tasks of which the paper prints numbers."""
    return list(dict.fromkeys(row["task"] for row in _all_rows()))


def table(task: str, **filters: str | list[str]) -> list[dict]:
    """The paper's rows of ``task``, one dictionary a number, in the paper's order.

    ``filters``: a field (``dataset``, ``version``, ``method``, ``input``, ``metric``, ``unit``, ``source``)
    and the value it must equal, or a list of values. Each row has these fields, ``value`` (float) and ``printed``
    (as in the paper). Raises ValueError, naming what there is, for an unknown task, field or value.

    >>> [row["value"] for row in table("video_description", version="CVPR 2015", method="(c) LSTM decoder")]
    [28.8]
    """
    rows = [dict(row) for row in _all_rows() if row["task"] == task]  # copies: the caller may change them
    if not rows:
        raise ValueError(f"paper_tables.csv: no task {task!r}; there are {tasks()}")
    for field, wanted in filters.items():
        if field not in FIELDS:
            raise ValueError(f"paper_tables.csv: no field {field!r}; there are {list(FIELDS)}")
        wanted = [wanted] if isinstance(wanted, str) else list(wanted)
        there = list(dict.fromkeys(row[field] for row in rows))
        if unknown := [value for value in wanted if value not in there]:
            raise ValueError(f"paper_tables.csv: no {field} {unknown} of {task} here; there are {there}")
        rows = [row for row in rows if row[field] in wanted]
    return rows


@dataclass
class Table:
    """A printed table of several blocks of rows; notebooks show it as HTML, ``print`` as Markdown."""

    columns: list[str]
    blocks: list[tuple[str, list[tuple[str, list[str]]]]]

    def __str__(self) -> str:
        lines = ["| | " + " | ".join(self.columns) + " |", "|---|" + "---:|" * len(self.columns)]
        for heading, rows in self.blocks:
            lines.append(f"| **{heading}** |" + " |" * len(self.columns))
            lines += [f"| {label} | " + " | ".join(cells) + " |" for label, cells in rows]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(column)}</th>" for column in self.columns)
        body = []
        for heading, rows in self.blocks:
            span = len(self.columns) + 1
            body.append(f'<tr><th colspan="{span}" style="text-align:left">{escape(heading)}</th></tr>')
            for label, cells in rows:
                numbers = "".join(f'<td style="text-align:right">{escape(cell)}</td>' for cell in cells)
                body.append(f'<tr><td style="text-align:left">{escape(label)}</td>{numbers}</tr>')
        return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def beside(
    measured: dict[str, dict[str, float]],
    rows: list[dict],
    *,
    tier: str,
    columns: str | tuple[str, ...] = "metric",
) -> Table:
    """What was measured here, and below it the paper's ``rows`` (of ``table``) under the same column heads.

    ``measured``: {name of a model: {column: value}}, values in the unit of the paper's column: per cent
    where the paper prints per cent; the head of such a column says "(%)".
    ``tier``: the data it was measured on, for the heading, such as "Toy Kitchen, 200 test images".
    ``columns``: the field of the paper's rows that makes the columns; several are joined by ", " as in
    "image to caption, R@1". A cell that one side lacks is empty; without ``rows`` ours are printed alone.
    """
    fields = (columns,) if isinstance(columns, str) else columns
    # Fields that vary tell the rows apart; a field that is the same everywhere goes without saying.
    varying = [
        field
        for field in ("dataset", "version", "input", "metric")
        if field not in fields and len({row[field] for row in rows}) > 1
    ]
    decimals: dict[str, int] = {}
    units: dict[str, str] = {}
    printed: dict[str, dict[str, str]] = {}
    for row in rows:
        column = ", ".join(row[field] for field in fields)
        decimals[column] = max(decimals.get(column, 0), len(row["printed"].partition(".")[2]))
        units[column] = " (%)" if row["unit"] == "%" else ""
        label = "; ".join([row["method"], *(row[field] for field in varying)])
        printed.setdefault(label, {})[column] = row["printed"]
    heads = list(dict.fromkeys([*decimals, *(name for values in measured.values() for name in values)]))
    for head in heads:  # a column of our own: three decimals, or one where numbers are large
        largest = max((abs(values[head]) for values in measured.values() if head in values), default=0)
        decimals.setdefault(head, 3 if largest < 10 else 1)
    ours = [(name, [_number(values.get(head), decimals[head]) for head in heads]) for name, values in measured.items()]
    theirs = [(label, [values.get(head, "") for head in heads]) for label, values in printed.items()]
    shown = [head + units.get(head, "") for head in heads]
    blocks = [(f"Measured here: {tier}", ours)]
    if rows:
        where = "; ".join(dict.fromkeys(f"{row['dataset']} ({row['source']})" for row in rows))
        blocks.append((f"The paper, as context: {where}", theirs))
    return Table(shown, blocks)


def _number(value: float | None, decimals: int) -> str:
    if value is None:
        return ""
    if decimals == 0 and value != round(value):  # a median rank of 1.5
        decimals = 1
    return f"{value:.{decimals}f}"
