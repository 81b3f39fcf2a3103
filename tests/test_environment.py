"""What the course asks of the system that it runs on."""

import platform
import subprocess
import sys

import pytest

from lrcn_utils import environment

# Blocks of 64 MB, taken and given back again and again: the pages that the system had to clear for them.
CHURN = """
import resource, sys, torch
from lrcn_utils import environment
if sys.argv[1:]:
    assert environment.keep_freed_memory()
fill = lambda: [torch.zeros(2**24) for _ in range(3)]
for _ in range(4):
    fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _pages(*words: str) -> int:
    return int(subprocess.run([sys.executable, "-c", CHURN, *words], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_freed_memory_is_kept_for_the_next_step():
    assert _pages("keep") < 0.5 * _pages()


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(environment.ctypes, "CDLL", None)  # a call would fail
    assert not environment.keep_freed_memory()
