"""Build the course as a site, as `make site` does: notebooks as stored and docs/*.md become pages, then a check.

python docs/tools/build_site.py
"""

import shutil

from check_site import complaints
from first_cell import NOTEBOOKS, REPOSITORY
from sphinx.cmd.build import main as sphinx

DOCS, SOURCE, SITE = REPOSITORY / "docs", REPOSITORY / "build" / "source", REPOSITORY / "build" / "site"


def stage() -> None:
    """Lay the pages side by side in build/source: Sphinx wants them in one folder, students want lessons alone."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(DOCS / "_static", SOURCE / "_static")
    for page in [*DOCS.glob("*.md"), *NOTEBOOKS.glob("*.ipynb")]:
        shutil.copy2(page, SOURCE)


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
