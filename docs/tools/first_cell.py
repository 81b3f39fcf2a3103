"""What is made from the repository's address: the first code cell of every notebook, links and badges.

The address stands in pyproject.toml alone. Until an owner sets one by `make publish` its host ends in ".invalid",
which nobody can register: a forgotten address then leads nowhere, and never to code of somebody else.
"""

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from nbformat import NotebookNode

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = REPOSITORY / "notebooks"
FIRST_LINE = "# Set-up"
COLAB = "https://colab.research.google.com"
BINDER = "https://mybinder.org"


def project() -> dict:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def address() -> str:
    """The repository's address, from the one place where it stands: pyproject.toml."""
    return project()["urls"]["Repository"]


def published() -> bool:
    """Whether an owner has set an address."""
    return not urlsplit(address()).hostname.endswith(".invalid")


def tag() -> str:
    """The release that the notebooks install and link to: that of the version in pyproject.toml."""
    return f"v{project()['version']}"


def first_cell() -> str:
    """Source of the first code cell: nothing happens where the package is there; else it is installed at its tag.

    Without an address the cell asks for one.
    """
    ask = '    assert ".invalid" not in COURSE, "Set COURSE to the https address of the course."'
    return "\n".join(
        [
            f"{FIRST_LINE}: in a clone of the course this does nothing; elsewhere it installs the package.",
            "import importlib.util",
            "",
            f'COURSE = "{address()}{"@" + tag() if published() else ""}"',
            'if importlib.util.find_spec("lrcn_utils") is None:',
            *([] if published() else [ask]),
            '    %pip install --quiet "lrcn-utils[flow,metrics] @ git+{COURSE}"',
        ]
    )


def colab(notebook: str) -> str:
    """The address at which Colab opens ``notebook``, a path below notebooks/, as it is in the release."""
    return f"{COLAB}/github{urlsplit(address()).path}/blob/{tag()}/notebooks/{notebook}"


def binder() -> str:
    """The address at which Binder opens the release."""
    return f"{BINDER}/v2/gh{urlsplit(address()).path}/{tag()}?urlpath=lab/tree/notebooks/00_start_here.ipynb"


def colab_link(notebook: str) -> str:
    """The link in Markdown that stands under a lesson's title; "" without an address."""
    return f"[Open in Colab]({colab(notebook)})" if published() else ""


def put_first_cell(notebook: NotebookNode) -> None:
    """Write the first code cell of ``notebook``. Raises SystemExit where another cell stands there."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if not first.source.startswith(FIRST_LINE):
        raise SystemExit(f"the first code cell must start with '{FIRST_LINE}'")
    first.source = first_cell()


def put_link(notebook: NotebookNode, name: str) -> None:
    """Write the link of the notebook at ``name``, a path below notebooks/, under its title, or take it away."""
    title, *rest = notebook.cells[0].source.split("\n")
    below = "\n".join(line for line in rest if COLAB not in line).strip("\n")
    notebook.cells[0].source = "\n\n".join(filter(None, [title, colab_link(name), below]))
