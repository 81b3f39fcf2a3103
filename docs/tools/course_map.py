"""Minutes of reading, exercises and computing, where they stand: headers, the README's map, the teacher's timetable.

python docs/tools/course_map.py
"""

import re
from pathlib import Path

import lesson_minutes
import nbformat
from first_cell import NOTEBOOKS, REPOSITORY

README = REPOSITORY / "README.md"
TEACHING = REPOSITORY / "docs" / "teaching.md"
TIMETABLE = re.compile(r"(<!-- timetable -->\n).*(<!-- /timetable -->)", re.DOTALL)


def lessons() -> list[Path]:
    return sorted(NOTEBOOKS.glob("0*.ipynb"))


def minutes(notebook: nbformat.NotebookNode) -> tuple[str, str, str]:
    """Minutes of reading, exercises and computing, as the header of ``notebook`` has them."""
    header = notebook.cells[0].source
    found = [re.search(rf"{word}: ([\d.]+) min", header) for word in ("Reading", "Exercises", "Computing")]
    return tuple(match.group(1) if match else "" for match in found)


def with_minutes(text: str) -> str:
    """``text`` of the README with the last three columns of the map as the headers say."""
    for path in lessons():
        cells = " | ".join(minutes(nbformat.read(path, as_version=4)))
        row = re.compile(rf"(^\| \[{path.stem[:2]} .*?\|.*?\|) *[\d.]* *\| *[\d.]* *\| *[\d.]* *\|$", re.MULTILINE)
        text, found = row.subn(rf"\1 {cells} |", text)
        if found != 1:
            raise ValueError(f"README.md: {found} rows of the map begin with '| [{path.stem[:2]} '; want one")
    return text


def with_timetable(text: str) -> str:
    """``text`` of the teacher's page with the timetable of the notebooks as they are."""
    tables = "\n".join(timetable(nbformat.read(path, as_version=4)) for path in lessons())
    text, found = TIMETABLE.subn(lambda marks: f"{marks[1]}\n{tables}\n{marks[2]}", text)
    if found != 1:
        raise ValueError(f"teaching.md has {found} places between the marks of the timetable; want one")
    return text


def timetable(notebook: nbformat.NotebookNode) -> str:
    """One lesson: its minutes, and in a fold a row for each section."""
    reading, exercises, computing = minutes(notebook)
    title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
    total = f"{title}: reading {reading} min, exercises {exercises or 0} min, computing {computing} min"
    rows = [f"| {part.title} | {part.reading:.0f} | {asked(part)} |" for part in lesson_minutes.sections(notebook)]
    table = ["| section | reading (min) | exercises (difficulty, minutes) |", "| --- | ---: | --- |", *rows]
    return "\n".join([f"<details><summary>{total}</summary>", "", *table, "", "</details>", ""])


def asked(section: lesson_minutes.Section) -> str:
    return "; ".join(f"{e.number} {e.title} ({'★' * e.stars}, {e.minutes})" for e in section.exercises)


def update() -> None:
    """Write all minutes, as `make notebooks` does at its end and `make exercises` before it copies."""
    for path in lessons():
        notebook = nbformat.read(path, as_version=4)
        header = lesson_minutes.header(notebook)
        if header != notebook.cells[0].source:
            notebook.cells[0].source = header
            nbformat.write(notebook, path)
    README.write_text(with_minutes(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    TEACHING.write_text(with_timetable(TEACHING.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    update()
