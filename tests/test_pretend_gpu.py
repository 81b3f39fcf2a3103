"""The pretend GPU takes and refuses what CUDA does. Where there is a real one, the same tests say so of it."""

import gc
import weakref
from copy import deepcopy

import numpy as np
import pytest
import torch
from pretend_gpu import gpu, on_gpu
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader

from lrcn_utils import environment

MIXED = "(?i)same device|is on cpu|on the same|device"


@pytest.fixture
def device():
    with gpu() as device:
        yield device


def places(*tensors) -> list[str]:
    return [tensor.device.type for tensor in tensors]


def test_the_course_finds_it_and_loses_it_again():
    with gpu() as device:
        assert environment.device() == device == torch.device("cuda")
    assert torch.cuda.is_available() or environment.device().type == "cpu"


def test_a_gpu_computes_in_float32_as_the_cpu_does(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert environment.device().type == "cuda" and not torch.backends.cudnn.allow_tf32


def test_moves(device):
    x = torch.ones(2, 3)
    there = [x.to(device), x.to("cuda"), x.to(device=device), x.cuda(), x.to(device, torch.float64), x.to(x.cuda())]
    assert set(places(*there)) == {"cuda"} and there[4].dtype == torch.float64
    assert all(y.is_cuda and not y.is_cpu and y.get_device() == 0 for y in there)
    back = [there[0].cpu(), there[0].to("cpu"), there[0].to(x), there[0].type_as(x)]
    assert set(places(x, *back)) == {"cpu"} and not back[0].is_cuda
    assert there[0].to(device) is there[0] and x.to("cpu") is x and there[0].to(torch.int32).is_cuda
    x.zero_()
    assert there[0].sum() == 6 and back[0].sum() == 6, "a move copies"
    assert x.to("meta").is_meta


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_layer_gives_gradients_in_training_mode_only(kind, device):
    layer, x = kind(3, 4, batch_first=True).to(device), torch.rand(2, 5, 3, device=device)
    layer.train()(x)[0].sum().backward()
    assert layer.weight_hh_l0.grad.is_cuda
    packed = pack_padded_sequence(x, torch.tensor([5, 2]), batch_first=True)
    for inputs in (x, packed):
        found, _ = layer.eval()(inputs)
        with pytest.raises(RuntimeError, match="training mode"):
            (found if inputs is x else found.data).sum().backward()
    with torch.no_grad():
        assert layer(x)[0].is_cuda


def test_factories(device):
    there = [
        torch.zeros(2, device=device),
        torch.tensor([1, 2], device="cuda"),
        torch.as_tensor(np.ones(2), device=device),
        torch.arange(3, device=device),
        torch.empty(2).new_zeros(2, device=device),
        torch.zeros_like(torch.zeros(2), device=device),
    ]
    there += [there[0].new_tensor([1.0]), torch.ones_like(there[0]), there[0].clone()]
    here = [torch.zeros(2), torch.from_numpy(np.ones(2)), there[0].new_zeros(2, device="cpu"), torch.rand(2)]
    here += [torch.zeros_like(there[0], device="cpu"), torch.tensor([there[0][0], there[0][1]])]
    assert set(places(*there)) == {"cuda"} and set(places(*here)) == {"cpu"}
    kept = np.ones(2)
    torch.as_tensor(kept, device=device).zero_()
    assert kept.sum() == 2
    leaf = torch.zeros(2, device=device, requires_grad=True)
    assert leaf.is_leaf and leaf.requires_grad


def test_results_views_and_copies_lie_where_their_operands_lie(device):
    x = torch.rand(4, 6, device=device)
    made = [x.T, x[1:], x @ x.T, x.sum(), x.max(dim=1).indices, torch.cat([x, x]), x.softmax(1), x.half(), x * 2, *x]
    assert set(places(*made)) == {"cuda"}
    x.add_(1)
    assert x.is_cuda and x.detach().is_cuda and x.data.is_cuda
    assert type(x.sum().item()) is float and len(x.tolist()) == 4 and "tensor" in repr(x) and bool(x.sum() > 0)


@pytest.mark.parametrize(
    "mix",
    [
        lambda a, b: a + b,
        lambda a, b: b @ a,
        lambda a, b: torch.cat([a, b]),
        lambda a, b: torch.where(a > 0, a, b),
        lambda a, b: nn.functional.linear(a, b),
        lambda a, b: nn.functional.embedding(b.long(), a),
        lambda a, b: a.gather(1, b.long()),
        lambda a, b: torch.equal(a, b),
        lambda a, b: cross_entropy(a, b.argmax(1)),
        lambda a, b: b[a.long()],
        lambda a, b: a.index_put_((b.long(),), b),
        lambda a, b: a.sum() + b,
        lambda a, b: b.sum().add_(a.sum()),
        lambda a, b: torch.stack([a.sum(), b.sum()]),
        lambda a, b: nn.LSTM(3, 2)(a),
    ],
)
def test_two_devices_do_not_mix(device, mix):
    a, b = torch.zeros(3, 3, device=device), torch.zeros(3, 3)
    with pytest.raises((RuntimeError, ValueError), match=MIXED):
        mix(a, b)


def test_what_may_mix(device):
    x, rows, one = torch.rand(4, 3, device=device), torch.tensor([0, 2]), torch.tensor(2.0)
    made = [x[rows], x[torch.ones(4) > 0], x[:, [0, 1]], x[rows[0]], x * one, one - x, x.clamp(max=one)]
    assert set(places(*made)) == {"cuda"}
    x[rows] = torch.zeros(2, 3, device=device)
    x[rows] = one
    x[0] = 1.0
    here, there = torch.zeros(4, 3), x.masked_fill(x > 1, one)
    here.copy_(there)
    here[0] = there[0]
    x.copy_(torch.zeros(4, 3))
    assert places(here, x) == ["cpu", "cuda"] and here.sum() > 0 and x.sum() == 0


def test_numpy_is_refused(device):
    x = torch.ones(2, device=device)
    for ask in (lambda: x.numpy(), lambda: np.asarray(x), lambda: np.sin(x)):
        with pytest.raises(TypeError, match="Tensor.cpu"):
            ask()
    assert x.cpu().numpy().sum() == 2 and torch.ones(2).numpy().sum() == 2


def test_a_generator_of_the_cpu_draws_on_the_cpu_alone(device):
    own = torch.Generator().manual_seed(0)
    for draw in (
        lambda: torch.rand(2, device=device, generator=own),
        lambda: torch.ones(2).cuda().normal_(generator=own),
    ):
        with pytest.raises(RuntimeError, match="generator"):
            draw()
    assert torch.rand(2, generator=own).to(device).is_cuda


def test_packing_takes_lengths_on_the_cpu(device):
    x, lengths = torch.rand(2, 5, 3, device=device), torch.tensor([3, 5])
    lstm = nn.LSTM(3, 4, batch_first=True).to(device)
    with pytest.raises(RuntimeError, match="lengths.*CPU"):
        pack_padded_sequence(x, lengths.to(device), batch_first=True, enforce_sorted=False)
    for given in (lengths, [3, 5]):
        packed = pack_padded_sequence(x, given, batch_first=True, enforce_sorted=False)
        assert places(packed.data, packed.batch_sizes) == ["cuda", "cpu"]
        states, last = lstm(packed)
        padded, again = pad_packed_sequence(states, batch_first=True)
        assert places(padded, again, *last) == ["cuda", "cpu", "cuda", "cuda"] and again.tolist() == [3, 5]
    padded.sum().backward()
    assert lstm.weight_hh_l0.grad.is_cuda


def test_gradients_lie_where_their_tensors_lie(device):
    here = torch.rand(3, 4, requires_grad=True)
    layer = nn.Linear(4, 2).to(device)
    layer(here.to(device)).cpu().square().mean().backward()
    assert places(here.grad, layer.weight.grad) == ["cpu", "cuda"]
    there = here.detach().to(device).requires_grad_()
    (slope,) = torch.autograd.grad(layer(there).sum(), there, create_graph=True)
    assert slope.is_cuda
    with pytest.raises(RuntimeError, match="different device"):
        there.grad = torch.zeros(3, 4)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_a_model_learns_there_as_here(device, optimizer):
    torch.manual_seed(0)
    models = [nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3))]
    models.append(deepcopy(models[0]))
    x, labels = torch.rand(8, 1, 5, 5), torch.arange(8) % 3
    losses = []
    for model, where in zip(models, ("cpu", device), strict=True):
        model.to(where)
        steps = optimizer(model.parameters(), lr=0.01)
        for _ in range(3):
            loss = cross_entropy(model(x.to(where)), labels.to(where))
            steps.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            steps.step()
        losses.append(loss.item())
        assert {p.device.type for p in model.parameters()} == {torch.device(where).type}
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_states_travel(device, tmp_path):
    model = nn.LSTM(3, 4).to(device)
    save_file({name: weight.contiguous() for name, weight in model.state_dict().items()}, tmp_path / "weights")
    torch.save(model.state_dict(), tmp_path / "state")
    for state in (
        load_file(tmp_path / "weights"),
        torch.load(tmp_path / "state", map_location="cpu", weights_only=True),
    ):
        assert set(places(*state.values())) == {"cpu"}
        other = nn.LSTM(3, 4).to(device)
        other.load_state_dict(state)
        assert all(torch.equal(a, b) and b.is_cuda for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_batches_of_a_loader_lie_on_the_cpu(device):
    (batch,) = DataLoader([(torch.ones(2), 1), (torch.zeros(2), 0)], batch_size=2)
    assert places(*batch) == ["cpu", "cpu"] and batch[0].to(device).is_cuda


def test_copies_of_a_model_lie_there_too(device):
    model = nn.BatchNorm1d(3).to(device)
    assert set(places(*deepcopy(model).state_dict().values(), deepcopy(model.running_mean))) == {"cuda"}


def test_a_tag_dies_with_its_storage(device):
    """Nothing is left of the tensors of a thousand steps."""
    if torch.cuda.is_available():
        pytest.skip("tags are those of the pretend GPU")
    x = torch.ones(3).to(device)
    storage, view = weakref.ref(x.untyped_storage()), x[1:]
    del x
    assert on_gpu(view) and view.is_cuda
    del view
    gc.collect()
    assert storage() is None

    layer, data = nn.Linear(2, 2).to(device), torch.ones(2)
    alive = []
    for steps in (10, 1000):
        for _ in range(steps):
            layer(data.to(device)).sum().backward()
            layer.zero_grad()
        gc.collect()
        alive.append(sum(type(thing) in (torch.Tensor, torch.UntypedStorage) for thing in gc.get_objects()))
    assert alive[0] == alive[1]
