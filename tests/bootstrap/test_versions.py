"""On Colab the package must settle beside what is there: nothing that Colab ships may be replaced."""

import ast
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from exercises import imports_before
from first_cell import NOTEBOOKS, first_cell
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COLAB = {"python_version": "3.13", "python_full_version": "3.13.15", "extra": ""}


def colab_freeze() -> dict[str, Version]:
    """What Colab has installed, from its published list of 2026-08-19."""
    lines = (Path(__file__).parent / "colab_pip_freeze.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version.strip()) for name, version in pairs}


def replaced(requirements: list[str], present: dict[str, Version]) -> list[str]:
    """What an installation of ``requirements`` would have to replace; what is absent brings its own needs along."""
    waiting, seen, found = [Requirement(text) for text in requirements], set(), []
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate(COLAB):
            continue
        if name in present:
            if not requirement.specifier.contains(Version(present[name].public), prereleases=True):
                found.append(f"{requirement} replaces {name} {present[name]}")
        elif name not in seen:
            seen.add(name)
            waiting += [Requirement(text) for text in metadata.requires(name) or []]
    return found


def course() -> list[str]:
    extras = PROJECT["optional-dependencies"]
    return [*PROJECT["dependencies"], *extras["flow"], *extras["metrics"]]


def test_nothing_on_colab_would_be_replaced():
    assert replaced(course(), colab_freeze()) == []


def test_python_of_colab_is_allowed():
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains("3.13.15")


def test_the_first_cell_asks_for_no_java_program():
    """METEOR is one, and its package weighs 100 MB: an extra of its own."""
    asked = {canonicalize_name(Requirement(text).name) for text in course()}
    assert "pycocoevalcap" not in asked and "[flow,metrics]" in first_cell()
    assert "pycocoevalcap" in PROJECT["optional-dependencies"]["meteor"][0]


def test_lessons_import_nothing_that_is_not_there_on_colab():
    """What a cell imports at once is Python's own, Colab's, or installed by the first cell."""
    names = {canonicalize_name(Requirement(text).name) for text in course()} | set(colab_freeze())
    modules = {
        top
        for top, packages in metadata.packages_distributions().items()
        if names & set(map(canonicalize_name, packages))
    }
    for path in NOTEBOOKS.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        tree = ast.parse(imports_before(notebook, len(notebook.cells)))
        tops = {alias.name.split(".")[0] for node in tree.body for alias in node.names if isinstance(node, ast.Import)}
        tops |= {node.module.split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert tops <= modules | set(sys.stdlib_module_names) | {"lrcn_utils"}, path.name


@pytest.mark.skipif(Path(sys.prefix) != REPOSITORY / "build" / "lowest", reason="`make test-lowest` asks this")
def test_what_is_tested_as_lowest_is_what_is_allowed():
    texts = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    bounds = [(one.name, bound) for one in map(Requirement, texts) for bound in one.specifier]
    lowest = {name: Version(bound.version) for name, bound in bounds if bound.operator == ">="}
    assert lowest == {name: Version(Version(metadata.version(name)).public) for name in lowest}


@pytest.mark.parametrize("line", ["torch>=2.12", "ipywidgets>=8", "numpy<2"])
def test_a_greedy_requirement_would_be_found(line):
    assert replaced([line], colab_freeze()) != []


def test_needs_of_what_is_absent_are_followed():
    present = colab_freeze()
    del present["torchvision"]
    present["pillow"] = Version("1.0")
    assert any("pillow" in line for line in replaced(["torchvision"], present))
