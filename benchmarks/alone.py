"""A row is measured in a process of its own: it begins with an empty memory, and ends with all that it made."""

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor

from benchmarks.measure import measure
from benchmarks.rows import ROWS


def measure_alone(name: str, threads: int) -> dict:
    """The result of the row of this name, as ``measure`` gives it."""
    # A fork server has imported all that the rows need, so that each process begins at once. Windows has none.
    servers = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if servers else "spawn")
    if servers:
        context.set_forkserver_preload([__name__])
    with tempfile.TemporaryDirectory(prefix="lrcn-bench-") as folder, ProcessPoolExecutor(1, context) as pool:
        return pool.submit(_measure, name, threads, folder).result()


def _measure(name: str, threads: int, folder: str) -> dict:
    tempfile.tempdir = folder  # what the row makes goes when it ends
    return measure(next(row for row in ROWS if row.name == name), threads)
