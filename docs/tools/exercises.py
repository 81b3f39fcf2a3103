"""Write the student copies of the notebooks, as `make exercises` does: stubs for solutions, and no outputs.

python docs/tools/exercises.py

An exercise is a code cell with the tag "exercise". What stands in it between BEGIN and END SOLUTION, nbgrader's marks,
gives way to a stub; the whole function follows in a fold below the cell.
"""

import ast
import copy
import re
from pathlib import Path

import nbformat
from first_cell import NOTEBOOKS, put_link
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

COPIES = NOTEBOOKS / "exercises"
STUB = "raise NotImplementedError()"
FOLD = "<details><summary>Solution</summary>\n\n```python\n{}\n```\n</details>"
MARK = re.compile(r"^ *### (BEGIN|END) SOLUTION\n", re.MULTILINE)


def is_exercise(cell: NotebookNode) -> bool:
    return "exercise" in cell.metadata.get("tags", [])


def imports_before(notebook: NotebookNode, n: int) -> str:
    """All import statements of the code cells before cell ``n``, each once."""
    sources = [cell.source for cell in notebook.cells[:n] if cell.cell_type == "code"]
    trees = [ast.parse(re.sub(r"^(\s*)%.*", r"\1pass", source, flags=re.MULTILINE)) for source in sources]
    imports = (s for tree in trees for s in tree.body if isinstance(s, ast.Import | ast.ImportFrom))
    return "\n".join(dict.fromkeys(map(ast.unparse, imports)))


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """A copy of ``notebook`` in which nbgrader has put the stub for what stands between BEGIN and END SOLUTION."""
    clear = ClearSolutions(code_stub={"python": STUB}, enforce_metadata=False)
    return clear.preprocess(copy.deepcopy(notebook), {})[0]


def solution(cell: NotebookNode) -> str:
    """The function of an exercise cell of a complete notebook, without the marks and the call of the check."""
    return MARK.sub("", cell.source).rpartition("\n\n")[0].rstrip()


def student_copy(path: Path) -> NotebookNode:
    """The copy for students of the complete notebook at ``path``."""
    complete = nbformat.read(path, as_version=4)
    stubs = without_solutions(complete)
    put_link(stubs, f"exercises/{path.name}")
    cells = []
    for cell, original in zip(stubs.cells, complete.cells, strict=True):
        cell.metadata = {"tags": ["exercise"]} if is_exercise(cell) else {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = cell.source.replace("](../docs/", "](../../docs/")  # a copy lies one folder deeper
        cells.append(cell)
        if is_exercise(cell):
            fold = FOLD.format(solution(original))
            cells.append(nbformat.v4.new_markdown_cell(fold, id=f"{cell.id}-solution"))
    return nbformat.from_dict({**stubs, "cells": cells})


def main() -> None:
    COPIES.mkdir(exist_ok=True)
    for old in COPIES.glob("*.ipynb"):
        old.unlink()
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        nbformat.write(student_copy(path), COPIES / path.name)


if __name__ == "__main__":
    main()
