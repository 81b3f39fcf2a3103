"""Write the repository's address wherever it stands, as `make publish REPO=https://github.com/owner/name` does.

python docs/tools/publish.py https://github.com/owner/name
python docs/tools/publish.py                                  the same again, from pyproject.toml

It goes into pyproject.toml, and from there into README's first lines and badges, CITATION.cff, the first cell and the
Colab link of every notebook, and the student copies. A second run changes nothing. Then commit, tag, `make release`.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from exercises import COPIES, student_copy
from first_cell import NOTEBOOKS, REPOSITORY, address, binder, colab, project, published, put_first_cell, put_link

PYPROJECT, README, CITATION = (REPOSITORY / name for name in ("pyproject.toml", "README.md", "CITATION.cff"))
ADDRESS = re.compile(r"https://github\.com/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
BLOCK = re.compile(r"(<!-- address -->\n).*(<!-- /address -->)", re.DOTALL)
LAB = "```\n{clone}make lab\n```\n"
NO_ADDRESS = """\
This copy of the course has no public address yet: whoever publishes it sets one with
`make publish REPO=https://github.com/OWNER/NAME` (CONTRIBUTING.md, Releases). In the folder that you were given:

"""
BADGES = """\

Without installing anything:
[![Open in Colab](docs/_static/open_in_colab.svg)]({colab})
[![Open in Binder](docs/_static/open_in_binder.svg)]({binder})
"""


def plain(url: str) -> str:
    """``url`` without what may follow an address on GitHub. Raises SystemExit where it is none."""
    url = url.strip().rstrip("/").removesuffix(".git")
    if not ADDRESS.fullmatch(url):
        raise SystemExit(f"{url}: want REPO=https://github.com/OWNER/NAME; Colab and Binder open nothing else")
    return url


def put_address(url: str) -> None:
    """Write ``url`` where it stands once, in pyproject.toml."""
    save(PYPROJECT, _once(r'^Repository = ".*"$', f'Repository = "{url}"', PYPROJECT.read_text(encoding="utf-8")))


def start() -> str:
    """How the README begins: what to type, and where to look without installing anything."""
    if not published():
        return NO_ADDRESS + LAB.format(clone="")
    folder = address().rsplit("/", 1)[1]
    badges = BADGES.format(colab=colab("00_start_here.ipynb"), binder=binder())
    return LAB.format(clone=f"git clone {address()} && cd {folder}\n") + badges


def made() -> Iterator[tuple[Path, str]]:
    """Each file that holds the address, and its text as it should be.

    The student copies come last, and are made from the notebooks as these are on the disk by then.
    """
    yield README, _once(BLOCK, lambda marks: f"{marks[1]}{start()}{marks[2]}", README.read_text(encoding="utf-8"))
    cited = _once(r"^repository-code: .*$", f"repository-code: {address()}", CITATION.read_text(encoding="utf-8"))
    yield CITATION, _once(r"^version: .*$", f"version: {project()['version']}", cited)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        put_first_cell(notebook)
        put_link(notebook, path.name)
        yield path, nbformat.writes(notebook) + "\n"
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        yield COPIES / path.name, nbformat.writes(student_copy(path)) + "\n"


def stale() -> list[str]:
    """The files whose text is not what it should be."""
    return [str(path.relative_to(REPOSITORY)) for path, text in made() if path.read_text(encoding="utf-8") != text]


def save(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _once(pattern, new, text: str) -> str:
    text, found = re.subn(pattern, new, text, flags=re.MULTILINE if isinstance(pattern, str) else 0)
    if found != 1:
        raise SystemExit(f"{getattr(pattern, 'pattern', pattern)!r} was found {found} times; want once")
    return text


def main(*arguments: str) -> None:
    for url in arguments:
        put_address(plain(url))
    for path, text in made():
        save(path, text)
    print(f"{address()} is written everywhere." if published() else "No address is set yet.")


if __name__ == "__main__":
    main(*sys.argv[1:])
