"""Build the course as a site, as `make site` does: notebooks as stored and docs/*.md become pages, then a check.

python docs/tools/build_site.py
"""

import shutil

import nbformat
from check_site import complaints
from first_cell import NOTEBOOKS, REPOSITORY, address, colab_link, published, tag
from sphinx.cmd.build import main as sphinx

DOCS, SOURCE, SITE = REPOSITORY / "docs", REPOSITORY / "build" / "source", REPOSITORY / "build" / "site"
INTRODUCTION = (
    "Every lesson comes twice. The pages of this site show its exercises solved. In the copy you write the functions "
    "yourself; a check says what is wrong with them, and a hint and the solution are there to unfold."
)


def stage() -> None:
    """Lay the pages side by side in build/source: Sphinx wants them in one folder, students want lessons alone."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(DOCS / "_static", SOURCE / "_static")
    for page in [*DOCS.glob("*.md"), *NOTEBOOKS.glob("*.ipynb")]:
        text = page.read_text(encoding="utf-8").replace("](../docs/", "](").replace("](../notebooks/", "](")
        (SOURCE / page.name).write_text(text, encoding="utf-8", newline="\n")
    (SOURCE / "exercises.md").write_text(exercises_page(), encoding="utf-8", newline="\n")


def exercises_page() -> str:
    """The page that links every lesson, complete with solutions, and its copy in which the student writes them."""
    lines = ["# Exercises", "", INTRODUCTION, "", "| with solutions | to solve | |", "| --- | --- | --- |"]
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")
        copy = f"exercises/{path.name}"
        stored = f"[notebook]({address()}/blob/{tag()}/notebooks/{copy})" if published() else f"`notebooks/{copy}`"
        lines.append(f"| [{title}]({path.name}) | {stored} | {colab_link(copy)} |")
    return "\n".join(lines) + "\n"


def build() -> int:
    """Exit status: 0 when Sphinx gave no warning and the pages have no fault."""
    stage()
    if status := sphinx(["-W", "--keep-going", "-b", "html", "-c", str(DOCS), str(SOURCE), str(SITE)]):
        return status
    faults = complaints(SITE)
    print("\n".join(faults) or "all links lead somewhere; no page is over 3 MB")
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(build())
