"""Colab's front end knows ipywidgets 7.7 only: the tests of the widgets run under it as well as under 8."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_widgets_pass_under_ipywidgets_7(tmp_path):
    packages = [
        "ipywidgets==7.7.1",
        "widgetsnbextension==3.6.10",
        "jupyterlab_widgets==1.1.11",
        "ipython_genutils==0.2.0",
    ]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path / "old")]
    done = subprocess.run([*install, *packages], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("ipywidgets 7.7.1 could not be installed (no package registry within reach)")
    variables = os.environ | {"PYTHONPATH": str(tmp_path / "old")}
    check = "import ipywidgets; assert ipywidgets.__version__ == '7.7.1', ipywidgets.__version__"
    subprocess.run([sys.executable, "-c", check], check=True, env=variables)
    tests = [sys.executable, "-m", "pytest", "-q", "-m", "not slow and not browser", "-p", "no:cacheprovider"]
    done = subprocess.run([*tests, "tests/widgets"], capture_output=True, text=True, env=variables, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
