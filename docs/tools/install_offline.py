"""Install the course from this folder, without a network: python3 install.py (on Windows: py install.py)

It makes .venv beside this file and takes every package from wheels/. Nothing outside this folder is changed.
"""

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
MADE_FOR = HERE / "wheels" / "made_for.json"


def this_machine() -> dict[str, str]:
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "platform": sysconfig.get_platform()}


def main() -> None:
    made_for = json.loads(MADE_FOR.read_text(encoding="utf-8"))
    if made_for != this_machine():
        raise SystemExit(f"These wheels are for {made_for}, and this is {this_machine()}: another archive is needed.")
    folder = HERE / ".venv"
    if not folder.exists():
        venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    print("Installing into .venv, from wheels/ alone (a few minutes) ...", flush=True)
    # Every package that is needed lies in wheels/ in the version that it was packed with: nothing is left to resolve.
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--find-links", HERE / "wheels"]
    subprocess.run([*install, *sorted((HERE / "wheels").glob("*.whl"))], check=True)
    subprocess.run([*install, "-e", HERE], check=True)
    # nbgrader makes the stubs; its menu would only be in a student's way.
    subprocess.run([python, "-m", "jupyterlab.labextensions", "disable", "@jupyter/nbgrader"], capture_output=True)
    (folder / "installed").touch()  # `make` finds the course installed
    print(f"Done. Open the course with\n  {python} -m jupyterlab {HERE / 'notebooks'}")


if __name__ == "__main__":
    main()
