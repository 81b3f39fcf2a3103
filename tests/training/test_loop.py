"""The loop's promise: a run that is killed and resumed ends exactly as the unbroken one."""

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from lrcn_utils.training.loop import epoch_order, fit


class NoisyLine(Dataset):
    """y = 2x, seen through noise that depends on (seed, epoch, index) only."""

    def __init__(self):
        self.stamp = 0

    def __len__(self):
        return 30

    def set_epoch(self, seed, epoch):
        self.stamp = seed * 1000 + epoch

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(self.stamp * 100 + index)
        x = torch.tensor([index / 30.0])
        return x + 0.1 * torch.randn(1, generator=generator), 2 * x


def squared_error(model, batch):
    x, y = batch
    return (model(x) - y).square().mean()


def run(epochs, save_to=None, workers=0, **options):
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(1, 16), nn.Dropout(0.5), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), 0.02)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    history = fit(
        model,
        NoisyLine(),
        squared_error,
        optimizer,
        epochs=epochs,
        batch_size=8,
        seed=5,
        schedule=schedule,
        save_to=save_to,
        workers=workers,
        progress=False,
        **options,
    )
    return model, history


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_resumed_run_ends_as_the_unbroken_one(tmp_path):
    unbroken, long = run(6)
    run(3, save_to=tmp_path / "run.pt")
    torch.rand(7)  # the process did other things in between
    resumed, history = run(6, save_to=tmp_path / "run.pt")
    assert torch.equal(weights(unbroken), weights(resumed))
    assert history.loss == long.loss


def test_workers_change_nothing():
    assert torch.equal(weights(run(2)[0]), weights(run(2, workers=1)[0]))


def test_training_learns_and_reports_each_epoch():
    model, history = run(20, evaluate=lambda model: {"bias": float(model(torch.zeros(1, 1)))})
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert len(history.loss) == len(history.evaluation) == 20
    assert not model.training


def test_clip_norm_bounds_the_step():
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    before = weights(model)
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    fit(
        model,
        NoisyLine(),
        lambda m, b: 1e6 * squared_error(m, b),
        optimizer,
        epochs=1,
        batch_size=30,
        clip_norm=0.5,
        progress=False,
    )
    assert (weights(model) - before).norm() == pytest.approx(0.5, rel=1e-3)


def test_order_depends_on_seed_and_epoch_only():
    assert epoch_order(50, 1, 2) == epoch_order(50, 1, 2)
    assert sorted(epoch_order(50, 1, 2)) == list(range(50))
    assert epoch_order(50, 1, 2) != epoch_order(50, 1, 3) != epoch_order(50, 2, 3)
