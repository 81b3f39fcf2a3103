"""What Binder would do, as far as it can be tried without it: the script is sound, and its steps are make's."""

import re
import subprocess
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[2]
BINDER = REPOSITORY / ".binder"
LINES = (BINDER / "postBuild").read_text(encoding="utf-8").splitlines()
STEPS = [line for line in LINES if line and not line.startswith(("#", "set "))]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_script_is_sound_and_stops_at_the_first_fault():
    assert subprocess.run(["bash", "-n", BINDER / "postBuild"]).returncode == 0
    assert LINES[0] == "#!/usr/bin/env bash" and "set -euo pipefail" in LINES
    mode = subprocess.run(
        ["git", "ls-files", "--stage", ".binder/postBuild"], cwd=REPOSITORY, capture_output=True, encoding="utf-8"
    )
    assert mode.stdout.startswith("100755"), "Binder runs it as a program"


def test_torch_comes_for_cpus_before_anything_that_needs_it():
    first, second = (step.split() for step in STEPS[:2])
    assert {"torch", "torchvision"} < set(first) and "https://download.pytorch.org/whl/cpu" in first
    extra = re.search(r"-e \"\.\[(\w+)\]\"", STEPS[1])[1]
    assert extra in PROJECT["optional-dependencies"] and "-e" in second


def test_the_toy_data_is_made_as_make_makes_it():
    recipes = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    recipes = recipes.replace("$(PY)", "python").replace("$@", "data/toy_kitchen/flow/complete")
    theirs = [line.strip().lstrip("@") for line in recipes.splitlines() if line.startswith("\t")]
    assert len(STEPS) == 5 and all(step in theirs for step in STEPS[2:])


def test_python_is_one_that_the_course_allows():
    version = re.search(r"python=([\d.]+)", (BINDER / "environment.yml").read_text(encoding="utf-8"))[1]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)
