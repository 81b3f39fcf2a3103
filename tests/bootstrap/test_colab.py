"""Play Colab: an empty folder, a fresh environment with only what Colab brings, the notebook alone."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import first_cell
import nbformat
import pytest
from empty_environment import clean_environment, link_packages, with_needs
from first_cell import NOTEBOOKS, project, put_first_cell
from nbclient import NotebookClient

from lrcn_utils import environment

ADDRESS = "https://github.com/owner/name"
REPOSITORY = Path(__file__).resolve().parents[2]
BROUGHT = ["torch", "torchvision", "matplotlib", "ipywidgets", "ipykernel"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """(python, environment variables) of the stand-in for Colab."""
    root = tmp_path_factory.mktemp("colab")
    venv.create(root / "python", with_pip=True, symlinks=True)
    site = next((root / "python" / "lib").glob("python3*/site-packages"))
    link_packages(with_needs(BROUGHT), site)
    (site / "google" / "colab").mkdir(parents=True)
    (site / "google" / "colab" / "__init__.py").touch()
    python = root / "python" / "bin" / "python"
    kernel = root / "share" / "kernels" / "colab"
    kernel.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Colab", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    published = root / "published"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(published)], check=True)
    subprocess.run(["git", "-C", str(published), "tag", "--force", f"v{project()['version']}"], check=True)
    # What is brought is linked, not copied: pip must refuse to replace it, not write through the links into the
    # environment of these tests. setuptools stays free, for the course is built by a newer one.
    brought = {name: version for name, version in versions(python).items() if name not in ("pip", "setuptools")}
    constraints = root / "constraints.txt"
    lines = "".join(f"{name}=={version}\n" for name, version in brought.items())
    constraints.write_text(lines, encoding="utf-8", newline="\n")
    variables = {
        "PIP_CONSTRAINT": str(constraints),
        "JUPYTER_PATH": str(root / "share"),
        "LRCN_DATA": str(environment.data_root()),
        # The repository's address leads to the local clone: git itself is told so, the cell is not changed.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{published}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
    }
    return python, variables


def versions(python: Path) -> dict[str, str]:
    code = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    output = subprocess.run(
        [python, "-P", "-c", code], capture_output=True, text=True, check=True, env=clean_environment()
    )
    return json.loads(output.stdout)


def test_the_first_cell_installs_the_course_and_the_notebook_runs(colab, toy_kitchen, tmp_path, monkeypatch):
    python, variables = colab
    before = versions(python)
    assert "lrcn-utils" not in before and "av" not in before
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    notebook = nbformat.read(NOTEBOOKS / "00_start_here.ipynb", as_version=4)
    monkeypatch.setattr(first_cell, "address", lambda: ADDRESS)
    put_first_cell(notebook)
    assert f'COURSE = "{ADDRESS}@v{project()["version"]}"' in notebook.cells[1].source
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="colab", resources=resources).execute()
    after = versions(python)
    assert after["lrcn-utils"] == project()["version"]
    assert {name: after[name] for name in before} == before, "something that Colab brings was replaced"
    again = [name for name in set(after) - set(before) if name.startswith(("nvidia", "cuda"))]
    assert not again, "libraries of PyTorch, which Colab brings, were installed over those of the tests"
    where = subprocess.run(
        [python, "-c", "import lrcn_utils; print(lrcn_utils.__file__)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment(),
    )
    assert str(Path(sys.prefix)) not in where.stdout
    assert str(python.parents[1]) in where.stdout
