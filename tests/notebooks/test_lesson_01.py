"""The classes that lesson 01 builds are those of the package: copied weights, same outputs and gradients."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lrcn_utils.models import cnn, from_scratch

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_convolutional_networks.ipynb"


@pytest.fixture(scope="module")
def lesson():
    """What the lesson defines: every cell that consists of functions and classes is executed."""
    names = {"torch": torch, "nn": nn, "F": F, "np": np, "cnn": cnn}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and cell.source.startswith(("def ", "class ")):
            lines = cell.source.splitlines()
            end = next(
                (n for n, line in enumerate(lines) if line and not line.startswith((" ", "def ", "class ", "@", ")"))),
                len(lines),
            )
            exec("\n".join(lines[:end]), names)
    return names


def same(ours, theirs, x):
    theirs.load_state_dict(ours.state_dict())
    a, b = ours(x), theirs(x)
    assert torch.allclose(a, b, atol=1e-10)
    a.square().sum().backward(), b.square().sum().backward()
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other and torch.allclose(p.grad, q.grad, atol=1e-8), name


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 2}, {"groups": 2, "padding": 1}])
def test_conv2d(lesson, options):
    ours, theirs = lesson["Conv2d"](4, 6, 3, **options).double(), from_scratch.Conv2d(4, 6, 3, **options).double()
    same(ours, theirs, torch.randn(2, 4, 9, 9, dtype=torch.float64))


@pytest.mark.parametrize(("table", "build"), [(cnn.TOY_CAFFENET, cnn.toy_caffenet), (cnn.TOY_HYBRID, cnn.toy_hybrid)])
def test_paper_cnn(lesson, table, build):
    theirs = build(10).double().eval()
    alpha = theirs.convolutions.norm1.alpha
    ours = lesson["PaperCNN"](10, table, crop=56, hidden=256, lrn_alpha=alpha).double().eval()
    ours.mean.copy_(theirs.mean), ours.std.copy_(theirs.std)
    same(ours, theirs, torch.rand(2, 3, 56, 56, dtype=torch.float64))


@pytest.mark.parametrize("name", ["relu", "local_response_norm", "log_softmax"])
def test_small_pieces(lesson, name):
    x = torch.randn(2, 7, 4, 4, dtype=torch.float64)
    assert torch.allclose(lesson[name](x), getattr(from_scratch, name)(x), atol=1e-10)


@pytest.mark.parametrize("where", [(3,), (2, 2, 1), (5, 1, 2)])
def test_unfold_and_fold(lesson, where):
    x = torch.randn(2, 4, 9, 8, dtype=torch.float64)
    columns = lesson["unfold"](x, *where)
    assert torch.equal(columns, from_scratch.unfold(x, *where))
    folded = lesson["fold"](columns, x.shape, *where)
    assert torch.allclose(folded, from_scratch.fold(columns, x.shape, *where), atol=1e-10)


def test_receptive_field(lesson):
    layers = [("conv", 7, 2), ("pool", 3, 2), ("conv", 3, 1)]
    theirs = from_scratch.receptive_field([from_scratch.Window(*layer) for layer in layers])
    assert lesson["receptive_field"](layers) == [(field.name, field.size, field.step) for field in theirs]


def test_pooling_loss_and_convolutions(lesson):
    x, weight, bias = torch.randn(2, 4, 9, 9), torch.randn(6, 4, 3, 3), torch.randn(6)
    assert torch.equal(lesson["max_pool2d"](x, 3, 2), from_scratch.max_pool2d(x, 3, 2))
    assert torch.allclose(lesson["conv2d_loops"](x, weight, bias, 2, 1), F.conv2d(x, weight, bias, 2, 1), atol=1e-5)
    scores, labels = torch.randn(5, 7), torch.tensor([0, 6, 2, 2, 1])
    assert torch.allclose(lesson["cross_entropy"](scores, labels), from_scratch.cross_entropy(scores, labels))
