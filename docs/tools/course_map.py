"""The README's map of the course: reading and computing minutes, taken from the notebooks' headers."""

import re
from pathlib import Path

import nbformat
from first_cell import NOTEBOOKS, REPOSITORY

README = REPOSITORY / "README.md"


def minutes(notebook: Path) -> tuple[str, str]:
    """Minutes of reading and of computing, as the header of ``notebook`` has them."""
    header = nbformat.read(notebook, as_version=4).cells[0].source
    return tuple(re.search(rf"{word}: ([\d.]+)", header).group(1) for word in ("Reading", "Computing"))


def with_minutes(text: str) -> str:
    """``text`` of the README with the last two columns of the map as the headers say."""
    for notebook in sorted(NOTEBOOKS.glob("0*.ipynb")):
        reading, computing = minutes(notebook)
        row = re.compile(rf"(^\| \[{notebook.stem[:2]} .*?\|.*?\|) *[\d.]* *\| *[\d.]* *\|$", re.MULTILINE)
        text, found = row.subn(rf"\1 {reading} | {computing} |", text)
        if found != 1:
            raise ValueError(f"README.md: {found} rows of the map begin with '| [{notebook.stem[:2]} '; want one")
    return text


def update() -> None:
    """Write the headers' minutes into the README, as `make notebooks` does at its end."""
    README.write_text(with_minutes(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    update()
