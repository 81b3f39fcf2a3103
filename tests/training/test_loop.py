"""The loop's promises: a resumed run ends as the unbroken one, and nothing goes wrong in silence."""

import io
import weakref
import zipfile
from functools import partial

import numpy as np
import pytest
import torch
from interrupted import kill
from torch import nn
from torch.utils.data import Dataset

from lrcn_utils.training.loop import Diverged, _epoch_order, fit
from lrcn_utils.training.state import RunError, State


class NoisyLine(Dataset):
    """y = 2x, seen through noise that depends on (seed, epoch, index) only."""

    def __init__(self, size=30):
        self.size, self.stamp = size, 0

    def __len__(self):
        return self.size

    def set_epoch(self, seed, epoch):
        self.stamp = seed * 1000 + epoch

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(self.stamp * 100 + index)
        x = torch.tensor([index / 30.0])
        return x + 0.1 * torch.randn(1, generator=generator), 2 * x


def squared_error(model, batch):
    x, y = batch
    return (model(x) - y).square().mean()


def run(epochs=6, state=None, workers=0, rate=0.02, loss=squared_error, **options):
    torch.manual_seed(3)
    model = options.pop("model", None) or nn.Sequential(nn.Linear(1, 16), nn.Dropout(0.5), nn.Linear(16, 1))
    optimizer = options.pop("optimizer", partial(torch.optim.AdamW, fused=True))(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    settings = {"epochs": epochs, "batch_size": 8, "seed": 5} | options
    dataset = settings.pop("dataset", NoisyLine())
    history = fit(
        model, dataset, loss, optimizer, schedule=schedule, state=state, workers=workers, progress=False, **settings
    )
    return model, history


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("step", [1, 2, 4, 5, 6, 11, 24])
def test_a_run_killed_at_any_step_ends_as_the_unbroken_one(tmp_path, monkeypatch, step):
    unbroken, whole = run(evaluate=lambda model: {"bias": float(model(torch.zeros(1, 1)))})
    kill(
        monkeypatch,
        step,
        lambda: run(
            state=State(tmp_path / "run.state"), evaluate=lambda model: {"bias": float(model(torch.zeros(1, 1)))}
        ),
    )
    torch.rand(7)  # the process did other things in between
    state = State(tmp_path / "run.state", resume=True)
    resumed, history = run(state=state, evaluate=lambda model: {"bias": float(model(torch.zeros(1, 1)))})
    assert torch.equal(weights(unbroken), weights(resumed))
    assert history == whole


def test_a_killed_run_goes_on_where_it_was(tmp_path, monkeypatch):
    kill(monkeypatch, 7, lambda: run(state=State(tmp_path / "run.state")))  # in the second epoch of four steps
    steps = []
    run(state=State(tmp_path / "run.state", resume=True), loss=lambda *a: steps.append(1) or squared_error(*a))
    assert len(steps) == 6 * 4 - 6


def test_resuming_is_asked_for(tmp_path):
    run(2, State(tmp_path / "run.state"))
    with pytest.raises(RunError, match=r"run\.state holds a training that was begun; ask to resume it"):
        run(2, State(tmp_path / "run.state"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": 4}, "epochs 2 there, 4 here"),
        ({"rate": 0.5}, r"rate \[0.02\] there, \[0.5\] here"),
        ({"seed": 6}, "seed 5 there, 6 here"),
        ({"batch_size": 4}, "batch_size 8 there, 4 here"),
        ({"clip_norm": 1.0}, "clip_norm not set there, 1.0 here"),
        ({"dataset": NoisyLine(29)}, "items 30 there, 29 here"),
    ],
)
def test_the_state_of_another_training_is_refused_by_name(tmp_path, change, named):
    run(2, State(tmp_path / "run.state"))
    with pytest.raises(RunError, match=f"another training .{named}"):
        run(**({"epochs": 2} | change), state=State(tmp_path / "run.state", resume=True))


def test_a_state_of_another_run_or_a_damaged_one_is_refused(tmp_path):
    run(2, State(tmp_path / "run.state", {"run": "one"}))
    with pytest.raises(RunError, match="run one there, two here"):
        run(2, State(tmp_path / "run.state", {"run": "two"}, resume=True))
    (tmp_path / "run.state").write_bytes((tmp_path / "run.state").read_bytes()[:500])
    with pytest.raises(RunError, match="not a training state of this version"):
        run(2, State(tmp_path / "run.state", {"run": "one"}, resume=True))


def as_if_from_a_gpu(path):
    """Write a state again as a machine with a GPU would: its tensors say that they were on cuda:0."""
    short = b"X\x03\x00\x00\x00cpu"
    written = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("data.pkl"):
                assert short in content
                content = content.replace(short, b"X\x06\x00\x00\x00cuda:0")
            new.writestr(name, content)
    path.write_bytes(written.getvalue())


def test_the_state_of_a_gpu_goes_on_on_a_cpu(tmp_path, monkeypatch):
    unbroken, _ = run()
    kill(monkeypatch, 7, lambda: run(state=State(tmp_path / "run.state")))
    as_if_from_a_gpu(tmp_path / "run.state")
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(tmp_path / "run.state", weights_only=True)
    resumed, _ = run(state=State(tmp_path / "run.state", resume=True))
    assert torch.equal(weights(unbroken), weights(resumed))


def test_a_state_goes_on_as_it_began_whether_or_not_the_optimizer_is_fused_now(tmp_path, monkeypatch):
    unbroken, _ = run(optimizer=torch.optim.AdamW)
    kill(monkeypatch, 7, lambda: run(state=State(tmp_path / "run.state"), optimizer=torch.optim.AdamW))
    resumed, _ = run(state=State(tmp_path / "run.state", resume=True))
    assert torch.equal(weights(unbroken), weights(resumed))


def test_numbers_of_numpy_and_pytorch_can_be_resumed(tmp_path):
    scores = {"a": np.float64(0.5), "b": torch.tensor(2), "c": np.int64(3), "d": 1}
    run(2, State(tmp_path / "run.state"), evaluate=lambda model: scores)
    _, history = run(2, State(tmp_path / "run.state", resume=True), evaluate=lambda model: scores)
    assert history.evaluation == [{"a": 0.5, "b": 2, "c": 3, "d": 1}] * 2


def test_a_diverging_run_stops_with_the_step_and_keeps_the_last_good_state(tmp_path):
    calls = []

    def explodes(model, batch):
        calls.append(1)
        return squared_error(model, batch) * (float("inf") if len(calls) == 7 else 1)

    with pytest.raises(Diverged, match=r"the loss is inf at step 3 of epoch 2.*last good state is in .*run\.state"):
        run(state=State(tmp_path / "run.state"), loss=explodes)
    saved = torch.load(tmp_path / "run.state", weights_only=True)
    assert saved["progress"]["epoch"] == 1 and all(t.isfinite().all() for t in saved["model"].values())
    with pytest.raises(Diverged):
        run(rate=1e30)


def test_weights_that_are_not_numbers_are_found_at_the_end_of_the_last_epoch(tmp_path):
    def poisons(model, batch):
        return squared_error(model, batch) + (0 * model[0].weight).pow(2).sqrt().sum()  # 0, with a gradient of nan

    with pytest.raises(Diverged, match="a weight is not finite at step 1 of epoch 1"):
        run(1, State(tmp_path / "run.state"), loss=poisons, batch_size=30)
    assert not (tmp_path / "run.state").exists()


def test_an_empty_training_set_is_refused():
    with pytest.raises(ValueError, match="the training set is empty"):
        run(dataset=NoisyLine(0))


def test_workers_change_nothing():
    assert torch.equal(weights(run(2)[0]), weights(run(2, workers=1)[0]))


def test_training_learns_and_reports_each_epoch():
    model, history = run(20, evaluate=lambda model: {"bias": float(model(torch.zeros(1, 1)))})
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert len(history.loss) == len(history.evaluation) == 20
    assert not model.training


def test_evaluation_sees_the_model_as_it_will_be_used():
    _, history = run(2, evaluate=lambda model: {"training": model.training, "gradient": torch.is_grad_enabled()})
    assert history.evaluation == [{"training": False, "gradient": False}] * 2


def test_sums_and_counts_give_the_mean_over_the_epoch_and_the_gradient_of_the_batch():
    def unequal(model, batch):
        x, y = batch
        return (model(x) - y).square().sum(), len(x)

    seen = []
    one, history = run(1, loss=unequal)
    other, means = run(1, loss=lambda *a: seen.append(squared_error(*a)) or seen[-1])
    torch.testing.assert_close(weights(one), weights(other))
    sums = sum(size * loss.item() for size, loss in zip((8, 8, 8, 6), seen, strict=True))
    assert history.loss == means.loss == [pytest.approx(sums / 30)]  # the last batch of 6 counts for 6, not for 8


def weighted(model, batch):
    """As with sentences: items count for unequal numbers of words."""
    x, y = batch
    words = 1 + (10 * y).long()
    return (words * (model(x) - y).square()).sum(), words.sum()


@pytest.mark.parametrize("loss", [weighted, squared_error])
@pytest.mark.parametrize("workers", [0, 1])
def test_batches_that_are_added_up_are_one_batch(loss, workers):
    """Neither unequal weights nor a last step that is not full make a difference: 30 items, 8 a step.

    With SGD: Adam would forgive a gradient of the wrong size.
    """
    how = {"loss": loss, "workers": workers, "rate": 0.1, "optimizer": torch.optim.SGD}
    trained = [
        run(4, model=still(), batch_size=size, accumulate=count, **how)
        for size, count in ((8, 1), (4, 2), (2, 4), (1, 8), (3, 3))
    ]
    (one, whole), *others, (another, _) = trained
    for model, history in others:
        assert history.loss == pytest.approx(whole.loss, abs=1e-5)
        torch.testing.assert_close(weights(model), weights(one), rtol=0, atol=1e-5)
    assert not torch.allclose(weights(another), weights(one), rtol=0, atol=1e-5)  # nine a step


def still():
    """A network without dropout."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))


@pytest.mark.parametrize("step", [2, 4, 5, 7])
def test_a_run_that_adds_up_batches_resumes_in_mid_epoch(tmp_path, monkeypatch, step):
    options = {"epochs": 3, "batch_size": 3, "accumulate": 3, "loss": weighted, "every_step": True}
    unbroken, whole = run(**options)  # four steps an epoch, with dropout
    kill(monkeypatch, step, lambda: run(**options, state=State(tmp_path / "run.state")))
    torch.rand(7)
    resumed, history = run(**options, state=State(tmp_path / "run.state", resume=True))
    assert torch.equal(weights(unbroken), weights(resumed)) and history == whole
    with pytest.raises(RunError, match="accumulate 3 there, 2 here"):
        run(**options | {"accumulate": 2}, state=State(tmp_path / "run.state", resume=True))


def test_memory_does_not_grow_with_the_batches_of_a_step():
    def most_alive(accumulate):
        alive, most = weakref.WeakSet(), []

        def loss(model, batch):
            alive.add(batch[0])
            most.append(len(alive))
            return squared_error(model, batch)

        run(1, loss=loss, batch_size=1, accumulate=accumulate)
        return max(most)

    assert most_alive(30) <= most_alive(2) <= 2


def test_the_rate_can_fall_after_every_step():
    rates = []

    def loss(model, batch):
        rates.append(optimizer.param_groups[0]["lr"])
        return squared_error(model, batch)

    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.1)
    options = {"epochs": 2, "batch_size": 8, "every_step": True, "progress": False}
    fit(model, NoisyLine(), loss, optimizer, schedule=schedule, **options)
    assert rates == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01])


def test_frozen_weights_stay_out_of_the_state(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 4), nn.Linear(4, 1))
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model[1].parameters(), 0.1)
    options = {"epochs": 1, "batch_size": 8, "progress": False, "state": State(tmp_path / "run.state")}
    fit(model, NoisyLine(), squared_error, optimizer, **options)
    assert set(torch.load(tmp_path / "run.state", weights_only=True)["model"]) == {"1.weight", "1.bias"}


def test_clip_norm_bounds_the_step():
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    before = weights(model)
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    loud = {"epochs": 1, "batch_size": 30, "clip_norm": 0.5, "progress": False}
    fit(model, NoisyLine(), lambda m, b: 1e6 * squared_error(m, b), optimizer, **loud)
    assert (weights(model) - before).norm() == pytest.approx(0.5, rel=1e-3)


def test_order_depends_on_seed_and_epoch_only():
    assert _epoch_order(50, 1, 2) == _epoch_order(50, 1, 2)
    assert sorted(_epoch_order(50, 1, 2)) == list(range(50))
    assert _epoch_order(50, 1, 2) != _epoch_order(50, 1, 3) != _epoch_order(50, 2, 3)


def test_a_full_disk_costs_one_line_and_keeps_the_state_before(tmp_path, monkeypatch):
    run(1, State(tmp_path / "run.state"))
    before = (tmp_path / "run.state").read_bytes()

    def full(saved, file):
        file.write_bytes(b"half")
        raise RuntimeError("unexpected pos 40128 vs 40016")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"run\.state: cannot be written; is the disk full\?"):
        State(tmp_path / "run.state").save({}, {})
    assert (tmp_path / "run.state").read_bytes() == before and len(list(tmp_path.iterdir())) == 1
