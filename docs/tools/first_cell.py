"""What is made from the repository's address: the first code cell of every notebook, and its badges."""

import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = REPOSITORY / "notebooks"
FIRST_LINE = "# Set-up"


def project() -> dict:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def address() -> str:
    """The repository's address, from the one place where it stands: pyproject.toml."""
    return project()["urls"]["Repository"]


def first_cell() -> str:
    """Source of the first code cell: nothing happens where the package is there; else it is installed at its tag."""
    package = f"lrcn-utils[flow,metrics] @ git+{address()}@v{project()['version']}"
    return "\n".join(
        [
            f"{FIRST_LINE}: in a clone of the course this does nothing; on Colab it installs the package.",
            "import importlib.util",
            "",
            'if importlib.util.find_spec("lrcn_utils") is None:',
            f'    %pip install --quiet "{package}"',
        ]
    )


def colab_badge(notebook: str) -> str:
    path = address().removeprefix("https://github.com/")
    return (
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"(https://colab.research.google.com/github/{path}/blob/main/notebooks/{notebook})"
    )


def binder_badge() -> str:
    path = address().removeprefix("https://github.com/")
    return (
        "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
        f"(https://mybinder.org/v2/gh/{path}/main?urlpath=lab/tree/notebooks/00_start_here.ipynb)"
    )
