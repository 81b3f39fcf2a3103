"""Measure the course on this machine, and print a table.

    python -m benchmarks                 all rows, in under ten minutes on two idle cores
    python -m benchmarks --row "toy"     the rows whose name contains "toy", also those that are too slow for all
    python -m benchmarks --list          the names of the rows

The table goes to the standard output, and all that was measured to build/bench/results.json.
"""

import argparse
import json
import os
import platform
import sys
import time
from itertools import groupby
from pathlib import Path

RESULTS = Path("build/bench/results.json")


def main(words: list[str] | None = None) -> None:
    args = _parse(words)
    os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before PyTorch is imported
    os.environ.setdefault("KINETO_LOG_LEVEL", "9")  # the profiler reports each of its steps otherwise
    from benchmarks.alone import new_process
    from benchmarks.rows import ROWS
    from benchmarks.table import table

    if args.list:
        print("\n".join(f"{row.name}{'' if row.usual else '  (only when asked for)'}" for row in ROWS))
        return
    chosen = [row for row in ROWS if (args.row.lower() in row.name.lower() if args.row else row.usual)]
    if not chosen:
        sys.exit(f"no row has '{args.row}' in its name; --list lists them")
    began, facts, results = time.monotonic(), machine(args.threads), []
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for _, rows in groupby(_announced(chosen), key=lambda row: row.process or row.name):
        with new_process(args.threads) as measured:
            for row in rows:
                results.append(measured(row.name))
                facts["seconds"] = round(time.monotonic() - began)
                _keep(args.out, {"machine": facts, "rows": results})  # after each row, whatever stops the next
    print(", ".join(f"{name}: {value}" for name, value in facts.items()) + "\n")
    print(table(results, gpu=facts["gpu"] is not None), end="")


def _keep(path: Path, found: dict) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8", newline="\n")


def machine(threads: int) -> dict:
    """On what it is measured; the load is that of the last minute, when nothing of this has begun."""
    import torch

    from lrcn_utils import environment

    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load": load,
        "gpu": environment.gpu_name(),
        "torch": torch.__version__.split("+")[0],
    }


def _announced(rows):
    for number, row in enumerate(rows, 1):
        print(f"\r{number}/{len(rows)} {row.name:70.70}", end="", file=sys.stderr, flush=True)
        yield row
    print("\r" + " " * 80 + "\r", end="", file=sys.stderr, flush=True)


def _parse(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", help="only the rows whose name contains these letters", metavar="LETTERS")
    parser.add_argument("--list", action="store_true", help="list the rows and end")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch; above 1 wall time decides")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the JSON goes (%(default)s)", metavar="FILE")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
