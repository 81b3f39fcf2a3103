"""Rows are measured in a new process: it begins with an empty memory, and ends with all that the rows have made."""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from benchmarks.measure import measure
from benchmarks.rows import ROWS
from lrcn_utils import environment


@contextmanager
def new_process(threads: int) -> Iterator[Callable[[str], dict]]:
    """A process of its own, as a function that measures there the row of a name, as ``measure`` does."""
    with (
        tempfile.TemporaryDirectory(prefix="lrcn-bench-") as folder,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
    ):
        yield lambda name: pool.submit(_measure, name, threads, folder).result()


def _measure(name: str, threads: int, folder: str) -> dict:
    row = next(row for row in ROWS if row.name == name)
    if not row.lesson:
        environment.keep_freed_memory()  # as the commands do
    tempfile.tempdir = folder  # what the row makes goes when its process ends
    return measure(row, threads)
