"""One process and two that share a dataset, as ``torchrun`` starts them: features and flow of whole films.

What the same command takes when nothing is left to do, its start, is taken off. PyTorch has one thread in each process;
others decode the films.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import material
from benchmarks.measure import processor
from benchmarks.row import Missing, Topic, Work
from lrcn_utils.models.cnn import WeightsMissing, pretrained

TOPIC = Topic()
ONE, TWO = "one process", "two processes"
FILMS, FRAMES = 40, 180
STARTS = {
    TWO: ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"],
    ONE: ["-m"],
}


@TOPIC.row("features by two processes, 40 films", "activity", over=ONE, bar=1 / 1.85, clock="wall", usual=False)
@TOPIC.row("flow by two processes, 40 films", "flow", over=ONE, bar=1 / 1.85, clock="wall", usual=False)
def extraction(part: str) -> Work:
    root = material.films(FILMS, FRAMES)
    if part == "activity":
        try:
            pretrained("squeezenet1_1")
        except WeightsMissing as error:
            raise Missing(str(error)) from error
        words = ["--data", str(root), "--test-groups", "1", "--cnn", "squeezenet1_1", "--cache", str(root / "made")]
        made = root / "made"
    else:
        words, made = [str(root), "--workers", "1", "--quiet"], root / "flow"
    return Work({}, measured={name: _seconds(start, part, words, made) for name, start in STARTS.items()})


def _seconds(start: list[str], part: str, words: list[str], made: Path) -> tuple[float, float]:
    """(wall, CPU) seconds of the work alone: those of the whole command less those of the same command once more."""
    shutil.rmtree(made, ignore_errors=True)
    command = [sys.executable, *start, "lrcn_utils.extract", part, *words]
    taken = []
    for _ in range(2):
        began, used = time.perf_counter(), processor()
        variables = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", errors="replace")
        taken.append((time.perf_counter() - began, processor() - used))
        if done.returncode:
            raise RuntimeError(done.stderr)
    (wall, cpu), (wall_of_start, cpu_of_start) = taken
    return wall - wall_of_start, cpu - cpu_of_start
