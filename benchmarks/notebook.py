"""Execute a notebook, and say which of its cells take longest."""

import time
from pathlib import Path

from benchmarks.row import Missing

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SHOWN = 6


def slowest_cells(prefix: str) -> dict[str, tuple[float, float]]:
    """(wall, CPU) seconds of the notebook whose name begins with ``prefix``, and of its slowest cells, that first.

    A cell is named as 03[67], with its number among all cells from 0. The notebook's file stays as it is.
    """
    try:
        import nbformat
        import psutil
        from nbclient import NotebookClient
    except ImportError as error:
        raise Missing(f"notebooks are executed with Jupyter: {error}") from error
    (path,) = NOTEBOOKS.glob(f"{prefix}*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    seconds: dict[str, tuple[float, float]] = {}
    began: tuple[float, float] = (0.0, 0.0)

    def now() -> tuple[float, float]:
        times = psutil.Process(client.km.provisioner.pid).cpu_times()
        return time.perf_counter(), sum(times[:4])  # of the kernel and of the processes that it has waited for

    def start(cell, cell_index: int) -> None:
        nonlocal began
        began = now()

    def end(cell, cell_index: int, **_) -> None:
        seconds[f"{prefix}[{cell_index}]"] = tuple(after - before for after, before in zip(now(), began, strict=True))

    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_execute=start,
        on_cell_executed=end,
    )
    client.execute()
    whole = tuple(map(sum, zip(*seconds.values(), strict=True)))
    slowest = sorted(seconds, key=lambda name: -seconds[name][1])[:SHOWN]
    return {"all cells": whole} | {name: seconds[name] for name in slowest}
