"""Several processes train one model, as one process with a larger batch does; killed, they go on as if they had not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lrcn_utils.training.processes import Alone, Together

pytest.importorskip("accelerate", reason="needs the extra 'distributed'")
SCRIPT = Path(__file__).with_name("two_processes.py")
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def train(
    out: Path, batch_size: int, accumulate: int, dropout: float, *kill, launcher=TWO, fails: bool = False
) -> dict:
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    variables = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE")}
    variables |= {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
    words = [sys.executable, *launcher, SCRIPT, out, batch_size, accumulate, dropout, *kill]
    run = subprocess.run([*map(str, words)], env=variables, capture_output=True, text=True, timeout=120)
    assert (run.returncode != 0) == ("(SIGKILL)" in run.stderr) == fails, run.stderr
    return {} if fails else json.loads(out.read_text())


@pytest.mark.slow
def test_two_processes_do_what_one_does_with_twice_the_batch(tmp_path):
    """Weighted by words: neither the unequal sentences nor the last step, which is not full, make a difference."""
    two, one = train(tmp_path / "two", 3, 1, 0), train(tmp_path / "one", 6, 1, 0, launcher=())
    assert two["processes"] == 2 and one["processes"] == 1
    assert two["gathered"] == [0, 2, 4, 1, 3] and one["gathered"] == [0, 1, 2, 3, 4]
    assert_alike(two, one)
    assert two["nats"] == pytest.approx(one["nats"], abs=1e-5) and two["written"] == one["written"]
    assert two["decoded"] == [2, 1, 2] and one["decoded"] == [2, 2, 1], "each batch is decoded by one process"
    assert two["scored"] == [10, 10, 10, 7] and one["scored"] == [10, 10, 10, 7]


@pytest.mark.slow
def test_two_processes_that_add_up_batches_do_what_one_does_with_one_batch(tmp_path):
    """In the last step of an epoch one process has no item left of the only batch."""
    two, one = train(tmp_path / "two", 2, 3, 0), train(tmp_path / "one", 12, 1, 0, launcher=())
    assert_alike(two, one)


def assert_alike(two: dict, one: dict) -> None:
    assert two["loss"] == pytest.approx(one["loss"], abs=1e-5)
    for name, weight in one["weights"].items():
        assert two["weights"][name] == pytest.approx(weight, abs=1e-4), name


@pytest.mark.slow
@pytest.mark.parametrize(("accumulate", "batch", "rank"), [(1, 4, 1), (1, 17, 0), (2, 11, 1)])
def test_two_killed_processes_resume_and_end_as_unbroken_ones(tmp_path, accumulate, batch, rank):
    """With dropout, in mid-epoch and, where batches are added up, in mid-step; seven batches an epoch."""
    unbroken = train(tmp_path / "whole", 3, accumulate, 0.5)
    train(tmp_path / "killed", 3, accumulate, 0.5, batch, rank, fails=True)
    assert (tmp_path / "killed.state").exists()
    assert train(tmp_path / "killed", 3, accumulate, 0.5) == unbroken


def test_one_process_alone_shares_with_nobody():
    alone = Alone()
    assert alone.first and list(alone.share([3, 4, 5])) == [3, 4, 5]
    assert torch.equal(alone.sum(torch.ones(2)), torch.ones(2))


def test_processes_that_have_not_found_each_other_are_refused(monkeypatch):
    """As happens on a machine without a GPU when a launcher starts copies that know nothing of each other."""
    lonely = SimpleNamespace(process_index=0, num_processes=1)
    monkeypatch.setattr("accelerate.Accelerator", lambda **options: lonely)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match="2 processes were started, but 1 found each other"):
        Together()
