"""The exercises of the notebooks: which cells they are, and what a student is given instead of their solutions."""

import copy

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

STUB = "raise NotImplementedError()"


def is_exercise(cell: NotebookNode) -> bool:
    return "exercise" in cell.metadata.get("tags", [])


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """A copy of ``notebook`` in which nbgrader has put the stub for what stands between BEGIN and END SOLUTION."""
    clear = ClearSolutions(code_stub={"python": STUB}, enforce_metadata=False)
    return clear.preprocess(copy.deepcopy(notebook), {})[0]
