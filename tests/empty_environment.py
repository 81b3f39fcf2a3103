"""Environments that begin empty: what some packages need, linked into them; commands without the network."""

import importlib.metadata as metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

# A new network has nothing but a sleeping loopback, by which Jupyter talks to its kernels: wake it, then go on.
WAKE_LOOPBACK = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def with_needs(names: list[str]) -> set[str]:
    """``names`` and all they depend on, of what is installed here; also what a need asks for as an extra."""
    waiting, found = [(name, "") for name in names], set()
    while waiting:
        name, extra = waiting.pop()
        name = name.lower().replace("_", "-")
        try:
            needs = [Requirement(text) for text in metadata.requires(name) or []]
        except metadata.PackageNotFoundError:
            continue
        if (name, extra) not in found:
            found.add((name, extra))
            needs = [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
            waiting += [(need.name, asked) for need in needs for asked in ("", *need.extras)]
    return {name for name, _ in found}


def link_packages(names: set[str], site: Path) -> None:
    """Let ``site`` see the installed files of ``names`` and of nothing else."""
    for name in names:
        distribution = metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or [] if ".." not in file.parts}
        for top in tops - {"__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(distribution.locate_file(top))


def clean_environment() -> dict[str, str]:
    """The environment's variables without those that lead back to the packages of these tests."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


def without_network() -> list[str]:
    """The words before a command that run it with the network cut; the test is skipped where that is not permitted."""
    wake = [sys.executable, "-c", WAKE_LOOPBACK]
    for flags in ("-n", "-rn"):
        words = ["unshare", flags, *wake]
        if shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    pytest.skip("the network cannot be cut here: `unshare -n` is missing or not permitted")
