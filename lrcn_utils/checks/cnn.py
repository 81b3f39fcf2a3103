"""Exercises of lesson 01, convolutional networks."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from lrcn_utils.checks.compare import judge, judge_gradient, numbers
from lrcn_utils.checks.exercise import exercise
from lrcn_utils.models import from_scratch


@exercise
def windows(answer):
    """(size, kernel, stride, padding), all in pixels -> the number of windows along one side, a whole number."""
    settings = [(3, 2, 1, 0), (7, 3, 1, 0), (7, 3, 2, 1), (8, 3, 2, 0), (13, 5, 3, 2), (227, 11, 4, 0)]
    free = np.array([size + 2 * padding - kernel for size, kernel, _, padding in settings])
    strides, paddings = np.array(settings)[:, 2], np.array(settings)[:, 3]
    mistakes = {
        "the padding is added once, but there is a border on both sides.": (free - paddings) // strides + 1,
        "the padding does not count yet.": (free - 2 * paddings) // strides + 1,
        "one window is missing: the first one stands there before the kernel has moved.": free // strides,
        "the division is rounded up; a window that does not fit is none.": -(-free // strides) + 1,
        "the division is not rounded, so some answers are no whole numbers.": free / strides + 1,
        "the stride does not count yet.": free + 1,
    }
    right = [from_scratch.output_size(*setting) for setting in settings]
    judge([numbers(answer(*setting)) for setting in settings], right, mistakes, "the number of windows is not right.")


@exercise
def slide(answer):
    """(picture (height, width), kernel (k, k), stride), NumPy arrays -> the sums of products, (h_out, w_out)."""
    rng = np.random.default_rng(0)
    for k, stride in ((2, 1), (3, 2), (2, 3)):
        picture, kernel = rng.normal(size=(9, 8)), rng.normal(size=(k, k))
        right, everywhere = _slid(picture, kernel, stride), _slid(picture, kernel, 1)
        mistakes = {
            "the kernel is turned by 180 degrees; lay it on the window as it is.": _slid(
                picture, kernel[::-1, ::-1], stride
            ),
            "the windows begin one pixel apart; they begin `stride` pixels apart.": everywhere[
                : len(right), : right.shape[1]
            ],
            "the stride does not count yet: there is an answer for every place.": everywhere,
            "you take the mean of the products; their sum is wanted.": right / k**2,
            "rows and columns of the answer are exchanged.": right.T,
        }
        about = f"with a kernel of {k} x {k} and stride {stride}"
        judge(answer(picture, kernel, stride), right, mistakes, f"{about} the sums are not right.")


def _slid(picture: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """The convolution of one channel by PyTorch, as an array (h_out, w_out)."""
    x, weight = (torch.from_numpy(one.copy())[None, None] for one in (picture, kernel))
    return F.conv2d(x, weight, stride=stride)[0, 0].numpy()


@exercise
def input_gradient(answer):
    """(dy (h_out, w_out), kernel (k, k)), NumPy arrays, stride 1 -> dx (h_out + k - 1, w_out + k - 1)."""
    rng = np.random.default_rng(0)
    for k, shape in ((2, (2, 2)), (3, (4, 5))):
        dy, kernel = rng.normal(size=shape), rng.normal(size=(k, k))
        right = _spread(dy, kernel)
        last_wins = np.zeros_like(right)
        for row, column in np.ndindex(shape):
            last_wins[row : row + k, column : column + k] = dy[row, column] * kernel
        mistakes = {
            "where windows overlap, the last one overwrites the others; their shares must be added.": last_wins,
            "the kernel is turned by 180 degrees.": _spread(dy, kernel[::-1, ::-1]),
            "every window gets the same share; it must be multiplied by its own number of dy.": _spread(
                np.ones(shape), kernel
            ),
            "the kernel does not count yet: a pixel gets dy times the number that it met.": _spread(
                dy, np.ones((k, k))
            ),
        }
        judge(answer(dy, kernel), right, mistakes, f"with a kernel of {k} x {k} the gradient is not right.")


def _spread(dy: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The gradient of the picture, by PyTorch: what ``dy`` sends back through ``kernel``."""
    dy, weight = (torch.from_numpy(one.copy())[None, None] for one in (dy, kernel))
    return F.conv_transpose2d(dy, weight)[0, 0].numpy()


@exercise
def parameters(answer):
    """(c_in, c_out, kernel, groups) -> how many weights and biases a convolution has, a whole number."""
    settings = [(3, 16, 3, 1), (4, 6, 5, 2), (96, 256, 5, 2), (64, 64, 1, 64), (384, 384, 3, 2)]
    c_in, c_out, kernel, groups = np.array(settings).T
    mistakes = {
        "every filter sees only the channels of its own group, so it has fewer weights.": c_out
        * (c_in * kernel**2 + 1),
        "the biases are missing: each filter has one.": c_out * (c_in // groups * kernel**2),
        "one bias is too few: each filter has its own.": c_out * (c_in // groups * kernel**2) + 1,
        "a slice of a filter is kernel x kernel weights, not kernel.": c_out * (c_in // groups * kernel + 1),
        "the groups share the filters out; together they still are c_out filters.": (
            c_out // groups * (c_in // groups) * kernel**2 + c_out
        ),
    }
    right = c_out * (c_in // groups * kernel**2 + 1)
    judge(
        [numbers(answer(*setting)) for setting in settings], right, mistakes, "the number of parameters is not right."
    )


@exercise
def padded_pooling(answer):
    """(x (n, c, h, w), kernel, stride, padding) -> the largest number of each window, as ``F.max_pool2d``."""
    for kernel, stride, padding in ((2, 2, 0), (3, 2, 1), (5, 3, 2)):
        x = torch.randn(2, 3, 9, 8) - 2  # mostly below 0, so that a border of zeros shows
        right = F.max_pool2d(x, kernel, stride, padding)
        zeros, lowest = F.pad(x, [padding] * 4), F.pad(x, [padding] * 4, value=-math.inf)
        mistakes = {
            "the border is 0, which wins over negative numbers; it must never be the largest.": F.max_pool2d(
                zeros, kernel, stride
            ),
            "the stride does not count yet.": F.max_pool2d(lowest, kernel, 1),
            "the windows stand side by side, as with stride = kernel.": F.max_pool2d(lowest, kernel),
            "the padding does not count yet.": F.max_pool2d(x, kernel, stride),
            "you take the mean of each window; the largest number is wanted.": F.avg_pool2d(x, kernel, stride, padding),
        }
        about = f"with kernel {kernel}, stride {stride} and padding {padding}"
        judge(answer(x, kernel, stride, padding), right, mistakes, f"{about} the numbers are not right.")


@exercise
def cross_entropy(answer):
    """(scores (n, classes), labels (n,)) -> the mean of -log p of the true classes, a tensor without dimensions."""
    scores, labels = torch.randn(6, 9, requires_grad=True), torch.tensor([0, 8, 3, 3, 1, 5])
    right, log_p = F.cross_entropy(scores, labels), scores.log_softmax(1)
    true = log_p[range(6), labels]
    mistakes = {
        "the pictures are added up; the mean over them is wanted.": -true.sum(),
        "the sign is wrong: the loss is minus the logarithm.": true.mean(),
        "the logarithm is missing: this is a mean of probabilities.": true.exp().mean(),
        "every picture is asked for the labels of all; take one number of each row.": -log_p[:, labels].mean(),
        "every class counts; only the true one of each picture should.": -log_p.mean(),
        "the scores are taken as probabilities; softmax is missing.": -scores[range(6), labels].mean(),
    }
    loss = answer(scores, labels)
    judge(loss, right, mistakes, "the loss is not the mean of -log p of the true classes.")
    for hard, label, sentence in _HARD_SCORES:
        hard, label = torch.tensor(hard), torch.tensor(label)
        judge(answer(hard, label), F.cross_entropy(hard, label), {}, sentence)
    judge_gradient(loss, right, scores)


_HARD_SCORES = [
    ([[1000.0, 990.0, 980.0]], [0], "e to the power of 1,000 is too large; take the largest score off first."),
    ([[0.0, 1000.0, 1.0]], [0], "the probability becomes 0 and has no logarithm; work out log p without it."),
    ([[1000.0, 990.0], [1.0, 2.0]], [0, 0], "take off the largest score of each picture, not that of the batch."),
]


@exercise
def receptive_field(answer):
    """[(kernel, stride), ...] from the input up -> how many pixels a unit of the last layer sees, a whole number."""
    networks = [[(3, 1)], [(11, 4), (3, 2)], [(3, 1), (2, 2), (3, 1)], [(7, 2), (3, 2), (5, 2), (3, 2), (3, 1)]]
    right = _counted(networks, lambda size, kernel, stride: (size - 1) * stride + kernel)
    mistakes = {
        "between `size` units lie size - 1 strides, not size.": _counted(
            networks, lambda size, kernel, stride: size * stride + kernel
        ),
        "a unit sees `kernel` units, and each unit beside it `stride` more.": _counted(
            networks, lambda size, kernel, stride: size * stride + kernel - 1
        ),
        "the strides do not count yet.": _counted(networks, lambda size, kernel, stride: size + kernel - 1),
        "the kernels are multiplied, but windows that lie side by side overlap.": _counted(
            networks, lambda size, kernel, stride: size * kernel
        ),
        "you begin with the first layer; from the top, the last layer comes first.": _counted(
            [layers[::-1] for layers in networks], lambda size, kernel, stride: (size - 1) * stride + kernel
        ),
    }
    judge([numbers(answer(list(layers))) for layers in networks], right, mistakes, "the number of pixels is not right.")


def _counted(networks, units_below) -> list[int]:
    """What a unit of each network sees, counted from the top by a rule for how many units of the layer below."""
    found = []
    for layers in networks:
        size = 1
        for kernel, stride in reversed(layers):
            size = units_below(size, kernel, stride)
        found.append(size)
    return found


@exercise
def standard_errors(answer):
    """(runs of A, runs of B), lists of numbers -> (mean of B - mean of A) / standard error of that difference."""
    rng = np.random.default_rng(0)
    for many_a, many_b in ((5, 5), (4, 9)):
        a, b = rng.normal(70, 3, many_a), rng.normal(74, 6, many_b)
        difference, squares = b.mean() - a.mean(), (a.var(ddof=1), b.var(ddof=1))
        right = difference / math.sqrt(squares[0] / many_a + squares[1] / many_b)
        errors = [math.sqrt(square / n) for square, n in zip(squares, (many_a, many_b), strict=True)]
        mistakes = {
            "the divisor of the standard deviation is n; n - 1 is wanted (ddof=1).": difference
            / math.sqrt(a.var() / many_a + b.var() / many_b),
            "the standard deviation is divided by n; the root of n is wanted.": difference
            / math.hypot(a.std(ddof=1) / many_a, b.std(ddof=1) / many_b),
            "the two standard errors are added; it is their squares that add up.": difference / sum(errors),
            "this is the difference in standard deviations; the runs have to count.": difference
            / math.sqrt(sum(squares)),
            "the sign is wrong: it should be positive where B is better.": -right,
            "this is the difference alone.": difference,
            "you take one n for both; each has its own number of runs.": difference / math.sqrt(sum(squares) / many_a),
        }
        if many_a == many_b:
            mistakes["the runs are paired, but run 1 of A has nothing to do with run 1 of B."] = difference / (
                (b - a).std(ddof=1) / math.sqrt(many_a)
            )
        judge(answer(list(a), list(b)), right, mistakes, f"with {many_a} and {many_b} runs it is not right.")
