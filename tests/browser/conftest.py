"""Fixtures of the browser tests: one JupyterLab and one Chromium a session, a page a test, a screenshot on failure."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from lab import CHROMIUM, CHROMIUM_FLAGS, jupyter_lab

from lrcn_utils import environment

REPOSITORY = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPOSITORY / "build" / "screenshots"
ANSWERS = REPOSITORY / "build" / "answers"
NO_CHROMIUM = "no Chromium found: install it (`apt install chromium`) to drive the notebooks in a browser"


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # what an earlier run measured is no figure of this one
        shutil.rmtree(ANSWERS, ignore_errors=True)


def pytest_collection_modifyitems(config, items):
    here = [item for item in items if Path(__file__).parent in Path(item.fspath).parents]
    for item in here:
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.timeout(1500))
    if CHROMIUM is None and here:  # one test stays to say so in one line
        here[0].add_marker(pytest.mark.skip(reason=NO_CHROMIUM))
        config.hook.pytest_deselected(items=here[1:])
        items[:] = [item for item in items if item not in here[1:]]


def pytest_terminal_summary(terminalreporter):
    """How fast the views of each notebook answered, from the event in the page to the last change of a view."""
    for file in sorted(ANSWERS.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        terminalreporter.write_line(f"{file.stem}: " + ", ".join(f"{k} {v}" for k, v in found.items() if k != "each"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.failed and "page" in getattr(item, "funcargs", {}):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        item.funcargs["page"].screenshot(path=SCREENSHOTS / f"{item.name}.png")
    return report


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """A copy of the lessons without what is stored of their last run: what a page shows was made there."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(REPOSITORY / "notebooks", folder, dirs_exist_ok=True)
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)
    return folder


@pytest.fixture(scope="session")
def lab(course, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("LRCN_DATA", str(environment.data_root()))
    with jupyter_lab(course, tmp_path_factory.mktemp("jupyter")) as address:
        yield address
    patch.undo()
