"""Write the exercises as nbgrader's source, one assignment a lesson, as `make assignments` does, into build/nbgrader.

python docs/tools/assignments.py

An assignment holds the imports of its lesson, the cards and the exercises, and not the rest of the lesson, so that it
is graded in seconds. After each exercise stands a locked cell that fails where the check does; its points are the stars
of the card.
"""

import copy
import re
from pathlib import Path

import lesson_minutes
import nbformat
from exercises import imports_before, is_exercise
from first_cell import NOTEBOOKS, REPOSITORY
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

COURSE = REPOSITORY / "build" / "nbgrader"
CONFIG = """c = get_config()
c.CourseDirectory.course_id = "lrcn"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
c.Execute.timeout = 300
"""
CALL = re.compile(r"^(checks\.\w+\.\w+)\((\w+)\)\s*\Z", re.MULTILINE)
TASK = "Write the functions here. The lesson of this name explains what the cards ask for; keep it open beside this."


def marked(cell: NotebookNode, name: str, points: int | None = None, solution: bool = False) -> NotebookNode:
    """``cell`` with nbgrader's metadata: the student's to write, or locked and, with ``points``, graded."""
    kind = {"grade": points is not None, "solution": solution, "locked": not solution, "task": False}
    worth = {} if points is None else {"points": points}
    identity = {"schema_version": 3, "grade_id": name, "cell_type": cell.cell_type}
    cell.metadata = {"nbgrader": {**identity, **kind, **worth}}
    return cell


def assignment(path: Path) -> NotebookNode:
    """The assignment of the complete lesson at ``path``; it has no exercise where the lesson has none."""
    lesson = nbformat.read(path, as_version=4)
    places = [n for n, cell in enumerate(lesson.cells) if is_exercise(cell)]
    title = lesson.cells[0].source.splitlines()[0]
    imports = imports_before(lesson, max(places, default=0))
    cells = [marked(new_markdown_cell(f"{title}\n\n{TASK}", id="task"), "task")]
    cells.append(marked(new_code_cell(imports, id="imports"), "imports"))
    for n in places:
        cells += exercise_cells(lesson.cells[n - 1], copy.deepcopy(lesson.cells[n]))
    return nbformat.v4.new_notebook(cells=cells, metadata=lesson.metadata)


def exercise_cells(card: NotebookNode, cell: NotebookNode) -> list[NotebookNode]:
    """The card, the student's cell, and the cell that grades it."""
    check, answer = CALL.search(cell.source).groups()
    name, exercise = check.rpartition(".")[2], lesson_minutes.card(card)
    cell.outputs, cell.execution_count = [], None
    test = new_code_cell(f"{check}.or_raise({answer})", id=f"{cell.id}-test")
    return [
        marked(new_markdown_cell(card.source, id=card.id), f"{name}-card"),
        marked(cell, name, solution=True),
        marked(test, f"{name}-test", points=exercise.stars),
    ]


def write(course: Path = COURSE) -> list[str]:
    """Make ``course`` a folder for nbgrader; what was handed in and graded there stays. Returns the assignments."""
    written = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = assignment(path)
        if len(notebook.cells) > 2:
            folder = course / "source" / path.stem
            folder.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, folder / path.name)
            written.append(path.stem)
    (course / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8", newline="\n")
    return written


if __name__ == "__main__":
    print("\n".join(["build/nbgrader/source holds", *write()]))
