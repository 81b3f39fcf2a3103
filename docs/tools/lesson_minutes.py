"""How long a lesson takes to read and to exercise, counted from its cells.

Reading: 150 words or 10 lines of code a minute, 0.7 minutes a figure, 1.5 minutes a question with a folded answer.
Exercises: the minutes on their cards. Computing is measured when a notebook is executed (execute.py).
"""

import re
from dataclasses import dataclass, field

from first_cell import FIRST_LINE
from nbformat import NotebookNode

WORDS, LINES, FIGURE, QUESTION = 150, 10, 0.7, 1.5
CARD = re.compile(
    r"^### Exercise (?P<number>\d+): (?P<title>.+)\n+Difficulty (?P<stars>★+)☆* .*· (?P<minutes>\d+) minutes"
)
NOT_READ = re.compile(r"\[Open in Colab\]\([^)]*\)|\]\([^)]*\)|<[^>]+>")  # links and marks of HTML
READING = re.compile(r"Reading: \d+ minutes\.( Exercises: \d+ minutes\.)?")


@dataclass(frozen=True)
class Exercise:
    number: int
    title: str
    stars: int  # difficulty, 1 to 3
    minutes: int


@dataclass
class Section:
    title: str
    reading: float = 0.0  # minutes
    exercises: list[Exercise] = field(default_factory=list)


def card(cell: NotebookNode) -> Exercise | None:
    """The exercise that ``cell`` asks for, or None."""
    found = CARD.match(cell.source)
    if not found:
        return None
    return Exercise(int(found["number"]), found["title"], len(found["stars"]), int(found["minutes"]))


def reading(cell: NotebookNode) -> float:
    """Minutes to read one cell; 0 for the set-up, and for an exercise, whose card has minutes of its own."""
    if card(cell) or "exercise" in cell.metadata.get("tags", []) or cell.source.startswith(FIRST_LINE):
        return 0.0
    if cell.cell_type == "code":
        drawn = any("image/png" in output.get("data", {}) for output in cell.outputs)
        return sum(bool(line.strip()) for line in cell.source.splitlines()) / LINES + FIGURE * drawn
    return len(NOT_READ.sub("", cell.source).split()) / WORDS + QUESTION * cell.source.count("<details>")


def sections(notebook: NotebookNode) -> list[Section]:
    """The parts that the headings of level 2 divide a lesson into; what stands before the first is "Opening"."""
    found = [Section("Opening")]
    for cell in notebook.cells:
        heading = re.search(r"^## (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if heading:
            found.append(Section(heading[1]))
        found[-1].reading += reading(cell)
        if exercise := card(cell):
            found[-1].exercises.append(exercise)
    return found


def totals(notebook: NotebookNode) -> tuple[int, int]:
    """Minutes of reading, to the next five, and of exercises."""
    parts = sections(notebook)
    exact = sum(part.reading for part in parts)
    return 5 * round(exact / 5), sum(exercise.minutes for part in parts for exercise in part.exercises)


def header(notebook: NotebookNode) -> str:
    """The first cell of ``notebook`` with the minutes of reading and exercises that its cells have now.

    Raises ValueError where it does not say "Reading: ... minutes." once.
    """
    read, exercises = totals(notebook)
    line = f"Reading: {read} minutes." + (f" Exercises: {exercises} minutes." if exercises else "")
    source, found = READING.subn(line, notebook.cells[0].source)
    if found != 1:
        raise ValueError(f"the header says 'Reading: ... minutes.' {found} times; want once")
    return source
