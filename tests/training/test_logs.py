"""What a training writes down: each epoch once, whether or not it was killed."""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from interrupted import kill
from torch import nn
from torch.utils.data import TensorDataset

from lrcn_utils.training.logs import Log
from lrcn_utils.training.loop import History, fit
from lrcn_utils.training.run import Run
from lrcn_utils.training.settings import Settings
from lrcn_utils.training.state import State


def train(folder: Path, events: bool = False, epochs: int = 4) -> History:
    torch.manual_seed(0)
    model, x = nn.Linear(1, 1), torch.linspace(0, 1, 20)[:, None]
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    state = State(folder / "m.state", resume=True, log=Log(folder / "m.csv", folder / "events" if events else None))
    return fit(
        model,
        TensorDataset(x, 2 * x),
        lambda model, batch: (model(batch[0]) - batch[1]).square().mean(),
        optimizer,
        epochs=epochs,
        batch_size=5,
        evaluate=lambda model: {"weight": model.weight, "bias": float(model.bias)},
        state=state,
        progress=False,
    )


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "m.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_has_a_row_an_epoch(tmp_path):
    history = train(tmp_path)
    found = rows(tmp_path)
    assert list(found[0]) == ["epoch", "loss", "weight", "bias", "seconds"]
    assert [row["epoch"] for row in found] == ["1", "2", "3", "4"]
    assert [float(row["loss"]) for row in found] == history.loss
    assert [float(row["bias"]) for row in found] == [one["bias"] for one in history.evaluation]
    assert all(float(row["seconds"]) >= 0 for row in found)


@pytest.mark.parametrize("step", [3, 5, 10, 16])
def test_a_killed_training_has_each_epoch_once(tmp_path, monkeypatch, step):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    train(whole)
    kill(monkeypatch, step, lambda: train(killed))
    train(killed)
    same = ("epoch", "loss", "weight", "bias")
    assert [[row[name] for name in same] for row in rows(killed)] == [[row[n] for n in same] for row in rows(whole)]


def test_a_training_that_died_before_its_last_row_writes_it_when_resumed(tmp_path, monkeypatch):
    class Died(BaseException):
        pass

    def dies(self, history):
        if len(history.loss) == 4:
            raise Died
        return write(self, history)

    write = Log.write
    with monkeypatch.context() as patched:
        patched.setattr(Log, "write", dies)
        with pytest.raises(Died):
            train(tmp_path)
    assert len(rows(tmp_path)) == 3
    train(tmp_path)
    assert len(rows(tmp_path)) == 4


def test_tensorboard_shows_each_epoch_once_after_a_kill(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="needs the extra 'logs'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    kill(monkeypatch, 11, lambda: train(tmp_path, events=True))
    history = train(tmp_path, events=True)
    shown = EventAccumulator(str(tmp_path / "events")).Reload()
    assert set(shown.Tags()["scalars"]) == {"loss", "weight", "bias", "seconds"}
    assert [one.step for one in shown.Scalars("loss")] == [1, 2, 3, 4]
    assert [one.value for one in shown.Scalars("loss")] == pytest.approx(history.loss, rel=1e-6)


@dataclass(frozen=True, kw_only=True)
class Example(Settings):
    """An example."""


def test_a_run_keeps_its_logs_beside_its_states(tmp_path, monkeypatch):
    run = Run.start(Example(out=tmp_path), "example")
    assert run.state("a", "b").log.file == tmp_path / "a.b.csv" and run.state("a").log.events is None
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match="--tensorboard needs the package tensorboard: install the extra 'logs'"):
        Run.start(Example(out=tmp_path / "other", tensorboard=True), "example")
    assert not (tmp_path / "other").exists()  # said before the run begins
