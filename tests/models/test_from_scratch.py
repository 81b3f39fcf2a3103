"""The by-hand pieces equal PyTorch's: outputs and gradients, over many shapes."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from lrcn_utils.models import from_scratch as hand

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
dtypes = st.sampled_from(list(TOLERANCE))
seeds = st.integers(0, 2**31)


def close(a, b):
    """Equal to 1e-5 (float32) or 1e-10 (float64), relative to the largest number."""
    scale = max(1.0, b.abs().max().item()) if b.numel() else 1.0
    return a.shape == b.shape and (a - b).abs().max().item() <= TOLERANCE[b.dtype] * scale


def assert_same(ours, theirs, *inputs):
    """Outputs of two functions of ``inputs`` are equal, and so are the gradients for one random output gradient."""
    a, b = ours(*inputs), theirs(*inputs)
    assert close(a, b)
    upstream = torch.randn_like(b)
    for x, y in zip(torch.autograd.grad(a, inputs, upstream), torch.autograd.grad(b, inputs, upstream), strict=True):
        assert close(x, y)


def randn(*shape, dtype):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


@st.composite
def convolutions(draw, largest=9):
    """(x, weight, bias, keyword arguments) of a convolution that fits."""
    torch.manual_seed(draw(seeds))
    groups, k = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    options = {
        "stride": draw(st.integers(1, 3)),
        "padding": draw(st.integers(0, 2)),
        "dilation": draw(st.integers(1, 2)),
        "groups": groups,
    }
    n, c_in, c_out = draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    reach = options["dilation"] * (k - 1) + 1
    assume(min(height, width) + 2 * options["padding"] >= reach)
    dtype = draw(dtypes)
    x, weight = randn(n, c_in, height, width, dtype=dtype), randn(c_out, c_in // groups, k, k, dtype=dtype)
    return x, weight, randn(c_out, dtype=dtype), options


@settings(max_examples=25)
@given(convolutions(largest=6))
def test_convolution_by_loops_equals_the_library(case):
    x, weight, bias, options = case
    assert_same(lambda *a: hand.conv2d_loops(*a, **options), lambda *a: F.conv2d(*a, **options), x, weight, bias)


@settings(max_examples=100)
@given(convolutions())
def test_convolution_by_unfold_equals_the_library(case):
    x, weight, bias, options = case
    assert_same(lambda *a: hand.conv2d_unfold(*a, **options), lambda *a: F.conv2d(*a, **options), x, weight, bias)


@settings(max_examples=100)
@given(convolutions())
def test_gradients_by_hand_equal_autograd(case):
    x, weight, bias, options = case
    out = F.conv2d(x, weight, bias, **options)
    upstream = torch.randn_like(out)
    ours = hand.conv2d_gradients(upstream, x.detach(), weight.detach(), **options)
    theirs = torch.autograd.grad(out, (x, weight, bias), upstream)
    assert all(close(a, b) for a, b in zip(ours, theirs, strict=True))


@settings(max_examples=50)
@given(convolutions())
def test_unfold_and_fold_equal_the_library(case):
    x, weight, _, options = case
    del options["groups"]
    k = weight.shape[-1]
    columns = F.unfold(x, k, **options)
    assert torch.equal(hand.unfold(x, k, **options), columns)
    assert close(hand.fold(columns, x.shape, k, **options), F.fold(columns, x.shape[2:], k, **options))


@settings(max_examples=60)
@given(seeds, dtypes, st.integers(1, 4), st.integers(1, 4), st.integers(4, 12), st.integers(4, 12), st.booleans())
def test_pooling_equals_the_library(seed, dtype, kernel, stride, height, width, ceil):
    torch.manual_seed(seed)
    x = randn(2, 3, height, width, dtype=dtype)
    assert_same(
        lambda a: hand.max_pool2d(a, kernel, stride, ceil=ceil),
        lambda a: F.max_pool2d(a, kernel, stride, ceil_mode=ceil),
        x,
    )


@settings(max_examples=60)
@given(seeds, dtypes, st.integers(1, 9), st.sampled_from([1, 3, 5, 7]), st.floats(1e-4, 2), st.floats(0.1, 1.5))
def test_lrn_equals_the_library(seed, dtype, channels, size, alpha, beta):
    torch.manual_seed(seed)
    x = randn(2, channels, 4, 3, dtype=dtype)
    assert_same(
        lambda a: hand.local_response_norm(a, size, alpha, beta, 2.0),
        lambda a: F.local_response_norm(a, size, alpha, beta, 2.0),
        x,
    )


@settings(max_examples=60)
@given(seeds, dtypes, st.integers(1, 6), st.integers(2, 9), st.sampled_from([1.0, 30.0, 1000.0]))
def test_softmax_and_cross_entropy_equal_the_library(seed, dtype, n, classes, scale):
    torch.manual_seed(seed)
    scores = (torch.randn(n, classes, dtype=dtype) * scale).requires_grad_()
    labels = torch.randint(classes, (n,))
    assert_same(hand.softmax, lambda s: F.softmax(s, -1), scores)
    assert_same(hand.log_softmax, lambda s: F.log_softmax(s, -1), scores)
    assert_same(lambda s: hand.cross_entropy(s, labels), lambda s: F.cross_entropy(s, labels), scores)


def test_relu_equals_the_library():
    assert_same(hand.relu, F.relu, randn(3, 4, dtype=torch.float64))


@pytest.mark.parametrize("p", [0.0, 0.3, 0.9])
def test_dropout_equals_the_library_with_the_same_seed(p):
    x = randn(50, 40, dtype=torch.float32)
    torch.manual_seed(7)
    ours = hand.dropout(x, p)
    torch.manual_seed(7)
    assert close(ours, F.dropout(x, p))
    assert hand.dropout(x, p, training=False) is x


def test_module_has_the_library_s_parameter_names():
    ours = hand.Conv2d(4, 6, 3, stride=2, padding=1, groups=2).double()
    theirs = torch.nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 4, 9, 9).double()
    assert close(ours(x), theirs(x))


def test_fresh_filters_keep_the_size_of_the_signal():
    """He's start: variance 2 / fan-in, so that ReLU layers neither swell nor shrink what goes through."""
    weight = hand.Conv2d(16, 64, 3, groups=2).weight
    assert weight.std().item() == pytest.approx((2 / (8 * 9)) ** 0.5, rel=0.05)


def test_receptive_field_is_where_the_gradient_is():
    """The computed field of one unit is exactly the stretch of input that its gradient touches."""
    layers = [
        hand.Window("conv1", 5, 2, 1),
        hand.Window("pool1", 3, 2),
        hand.Window("conv2", 3, 1, 1, dilation=2),
    ]
    x = torch.ones(1, 1, 61, 61, requires_grad=True)
    out = x
    for layer in layers:
        weight = torch.ones(1, 1, layer.kernel, layer.kernel)
        out = F.conv2d(out, weight, stride=layer.stride, padding=layer.padding, dilation=layer.dilation)
    field, unit = hand.receptive_field(layers)[-1], 6
    out[0, 0, unit, unit].backward()
    touched = x.grad[0, 0].sum(0).nonzero().flatten()
    middle = field.centre + unit * field.step
    assert touched.min() == middle - (field.size - 1) / 2
    assert touched.max() == middle + (field.size - 1) / 2


X, W = torch.zeros(1, 4, 8, 8), torch.zeros(6, 2, 3, 3)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: hand.conv2d_loops(X, W, stride=-1, groups=2), "stride=-1"),
        (lambda: hand.conv2d_unfold(X, W, stride=0, groups=2), "stride=0"),
        (lambda: hand.conv2d_unfold(X, W, groups=3), "groups=3"),
        (lambda: hand.conv2d_unfold(X, W, groups=0), "groups=0"),
        (lambda: hand.conv2d_unfold(X, W, groups=1), "weight"),
        (lambda: hand.conv2d_unfold(X, W, torch.zeros(5), groups=2), "bias"),
        (lambda: hand.conv2d_unfold(X[0], W, groups=2), "x: shape"),
        (lambda: hand.conv2d_unfold(X, W, padding=-1, groups=2), "padding=-1"),
        (lambda: hand.conv2d_unfold(X, W, dilation=0, groups=2), "dilation=0"),
        (lambda: hand.conv2d_unfold(X, W, dilation=9, groups=2), "kernel=3"),
        (lambda: hand.Conv2d(4, 6, 3, groups=4), "groups=4"),
        (lambda: hand.Conv2d(4, 6, 3, stride=-2), "stride=-2"),
        (lambda: hand.max_pool2d(X, 3, stride=-1), "stride=-1"),
        (lambda: hand.max_pool2d(X, 9), "kernel=9"),
        (lambda: hand.local_response_norm(X, size=4), "size=4"),
        (lambda: hand.local_response_norm(X, size=-1), "size=-1"),
        (lambda: hand.dropout(X, 1.5), "p=1.5"),
        (lambda: hand.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3])), "labels"),
        (lambda: hand.cross_entropy(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)), "labels: empty"),
    ],
)
def test_wrong_arguments_are_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
