"""pyproject.toml, environment.yml and README say the same; nothing a user has is pinned from above."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
ENVIRONMENT = (REPOSITORY / "environment.yml").read_text(encoding="utf-8")


def names(requirements):
    return {re.match(r"[A-Za-z0-9._-]+", requirement).group().lower() for requirement in requirements}


def test_environment_names_python_pip_and_the_package_only():
    entries = re.findall(r"^\s+- (.+)$", ENVIRONMENT.split("dependencies:")[1], re.MULTILINE)
    assert len(entries) == 4
    assert entries[0].startswith("python=3.")
    assert entries[1:3] == ["pip", "pip:"]
    extra = re.fullmatch(r"-e \.\[(\w+)\]", entries[3]).group(1)
    assert extra in PROJECT["optional-dependencies"]


def test_without_make_two_commands_are_named_that_exist():
    block = re.search(r"Without make.*?```\n(.*?)```", README, re.DOTALL)[1]
    install, run = (line.split() for line in block.splitlines())
    extra = re.fullmatch(r'"\.\[(\w+)\]"', install[-1])[1]
    assert install[:-1] == ["python", "-m", "pip", "install", "-e"] and extra in PROJECT["optional-dependencies"]
    assert run[:2] == ["python", "-m"] and (REPOSITORY / run[3]).is_file()
    assert run[2] in names(PROJECT["optional-dependencies"][extra])


def test_python_versions_agree():
    least = PROJECT["requires-python"].removeprefix(">=")
    assert f"python={least}" in ENVIRONMENT
    assert f"Python {least}" in README


@pytest.mark.parametrize("name", ["torch", "torchvision", "numpy", "matplotlib", "ipywidgets"])
def test_no_upper_pins(name):
    lines = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    for line in lines:
        if re.match(rf"{name}\b(?!-)", line):
            assert not re.search(r"[<=~]=?\s*\d", line.replace(">=", "")), line


def test_readme_speaks_of_commands_that_exist():
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"lab", "test", "notebooks", "toy", "lint", "clean", "site"} <= targets
    assert set(re.findall(r"`make ([a-z]+)", README)) <= targets


def test_version_stands_once():
    from lrcn_utils import __version__

    assert __version__ == PROJECT["version"]
