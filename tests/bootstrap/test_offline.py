"""Play a room without a network: the archive of `make offline`, unpacked elsewhere, installed and used with it cut.

PyTorch's wheels weigh gigabytes, so the archive is made without them, and PyTorch is linked in from here.
"""

import errno
import os
import subprocess
import venv
import zipfile

import install_offline
import offline
import pytest
from empty_environment import clean_environment, link_packages, with_needs, without_network

HEAVY = ["torch", "torchvision"]
# Connecting a datagram socket sends nothing: it only looks for a route, here to an address kept for documentation.
ASK_FOR_A_WAY_OUT = "import socket; print(socket.socket(type=socket.SOCK_DGRAM).connect_ex(('192.0.2.1', 9)))"


@pytest.fixture(scope="module")
def classroom(toy_kitchen, tmp_path_factory):
    """The unpacked course with PyTorch in its .venv, and a function that runs a command there with the network cut."""
    cut = without_network()
    if not (toy_kitchen / "flow" / "complete").exists():
        pytest.skip("the flow of Toy Kitchen is not computed; run `make toy`")
    root = tmp_path_factory.mktemp("classroom")
    file = offline.main(["--without", *HEAVY], build=root / "build")
    zipfile.ZipFile(file).extractall(root)
    course = root / offline.TOP
    venv.create(course / ".venv", with_pip=True, symlinks=True)
    link_packages(with_needs(HEAVY), next((course / ".venv" / "lib").glob("python3*/site-packages")))
    kept = {key: value for key, value in clean_environment().items() if not key.startswith(("PIP_", "LRCN_"))}
    variables = {**kept, "HOME": str(root), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_COMPILE": "no"}

    def run(*words) -> str:
        done = subprocess.run([*cut, *words], cwd=course, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    run(".venv/bin/python", "install.py")
    return course, run


@pytest.mark.offline
@pytest.mark.timeout(1200)
def test_lesson_00_and_tests_of_the_package_run_without_a_network(classroom):
    course, run = classroom
    assert int(run(".venv/bin/python", "-c", ASK_FOR_A_WAY_OUT)) == errno.ENETUNREACH, "the network is not cut"
    run(".venv/bin/jupyter-execute", "--timeout=600", "notebooks/exercises/00_start_here.ipynb")
    assert " passed" in run(".venv/bin/python", "-m", "pytest", "-q", "tests/metrics", "tests/models/test_lstm.py")
    found = run(
        ".venv/bin/python", "-P", "-c", "import lrcn_utils, IPython; print(lrcn_utils.__file__, IPython.__file__)"
    )
    assert all(place.startswith(str(course)) for place in found.split())


def test_a_package_and_what_it_alone_needs_stay_out():
    whole, light = (offline.needed("lrcn-utils", {"dev"}, set(without)) for without in ([], HEAVY))
    assert {"torch", "torchvision", "networkx"} <= set(whole) - set(light)
    assert {"numpy", "jupyterlab", "nbgrader", "av"} <= set(light)


def test_the_installer_refuses_a_machine_that_the_wheels_are_not_for(tmp_path, monkeypatch):
    monkeypatch.setattr(install_offline, "MADE_FOR", tmp_path / "made_for.json")
    install_offline.MADE_FOR.write_text('{"python": "3.7", "platform": "toaster"}', encoding="utf-8")
    with pytest.raises(SystemExit, match="toaster.*another archive is needed"):
        install_offline.main()
