"""The pieces of a convolutional network by hand, as lesson 01 builds them: each equals its PyTorch counterpart.

Everything is written with plain tensor arithmetic, so autograd gives the gradients; ``conv2d_gradients`` also
writes those of the convolution out. Images are (n, channels, height, width). Wrong arguments raise ValueError
with the argument's name. For use in a network take PyTorch's own layers: they are the same, and much faster.
"""

import math
from typing import NamedTuple

import torch
from torch import nn


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, ceil=False) -> int:
    """How many windows fit along one side: floor((size + 2 padding - reach) / stride) + 1.

    ``reach`` is the width a dilated kernel covers, dilation (kernel - 1) + 1. With ``ceil`` the division rounds up,
    as Caffe's pooling does, but a window never starts beyond the image.
    Raises ValueError when an argument is out of range or the kernel is larger than the padded image.
    """
    _check_window(kernel, stride, padding, dilation)
    free = size + 2 * padding - (dilation * (kernel - 1) + 1)
    if free < 0:
        raise ValueError(f"kernel={kernel}: larger than the padded image of {size + 2 * padding} pixels")
    if not ceil:
        return free // stride + 1
    windows = math.ceil(free / stride) + 1
    return windows - 1 if (windows - 1) * stride >= size + padding else windows


def pad(x: torch.Tensor, padding: int, value: float = 0.0) -> torch.Tensor:
    """Put a border of ``padding`` pixels of ``value`` round images (n, c, h, w)."""
    n, channels, height, width = x.shape
    out = x.new_full((n, channels, height + 2 * padding, width + 2 * padding), value)
    out[:, :, padding : padding + height, padding : padding + width] = x
    return out


def conv2d_loops(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) -> torch.Tensor:
    """Convolution by its definition, one output number at a time. Slow on purpose.

    x (n, c_in, h, w), weight (c_out, c_in / groups, k, k), bias (c_out,) -> (n, c_out, h_out, w_out).
    """
    _check_conv(x, weight, bias, groups)
    c_out, c_group, k, _ = weight.shape
    h_out, w_out = (output_size(side, k, stride, padding, dilation) for side in x.shape[2:])
    x, reach = pad(x, padding), dilation * (k - 1) + 1
    out = x.new_zeros(len(x), c_out, h_out, w_out)
    for o in range(c_out):
        first = o // (c_out // groups) * c_group  # the first input channel that this output's group sees
        for row in range(h_out):
            for column in range(w_out):
                top, left = row * stride, column * stride
                window = x[:, first : first + c_group, top : top + reach : dilation, left : left + reach : dilation]
                out[:, o, row, column] = (window * weight[o]).sum(dim=(1, 2, 3))
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def unfold(x: torch.Tensor, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> torch.Tensor:
    """All windows of images (n, c, h, w) as columns: (n, c * kernel * kernel, windows). Equals ``F.unfold``."""
    for side in x.shape[2:]:
        output_size(side, kernel, stride, padding, dilation)
    reach = dilation * (kernel - 1) + 1
    windows = pad(x, padding).unfold(2, reach, stride).unfold(3, reach, stride)[..., ::dilation, ::dilation]
    n, c, h_out, w_out, k, _ = windows.shape
    return windows.permute(0, 1, 4, 5, 2, 3).reshape(n, c * k * k, h_out * w_out)


def fold(columns: torch.Tensor, shape: tuple, kernel: int, stride=1, padding=0, dilation=1) -> torch.Tensor:
    """Add columns (n, c * k * k, windows) back to their places in images of ``shape`` (n, c, h, w).

    The transpose of ``unfold``, which is what a gradient needs: a pixel gets a share from every window it was in.
    """
    n, c, height, width = shape
    h_out, w_out = (output_size(side, kernel, stride, padding, dilation) for side in (height, width))
    columns = columns.view(n, c, kernel, kernel, h_out, w_out)
    out = columns.new_zeros(n, c, height + 2 * padding, width + 2 * padding)
    for i in range(kernel):
        for j in range(kernel):
            rows = slice(i * dilation, i * dilation + (h_out - 1) * stride + 1, stride)
            across = slice(j * dilation, j * dilation + (w_out - 1) * stride + 1, stride)
            out[:, :, rows, across] += columns[:, :, i, j]
    return out[:, :, padding : padding + height, padding : padding + width]


def conv2d_unfold(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) -> torch.Tensor:
    """Convolution as one matrix product per group: filters as rows times windows as columns.

    Shapes and errors as ``conv2d_loops``.
    """
    _check_conv(x, weight, bias, groups)
    k = weight.shape[-1]
    h_out, w_out = (output_size(side, k, stride, padding, dilation) for side in x.shape[2:])
    columns = unfold(x, k, stride, padding, dilation).view(len(x), groups, -1, h_out * w_out)
    rows = weight.reshape(groups, len(weight) // groups, -1)
    out = (rows @ columns).reshape(len(x), len(weight), h_out, w_out)
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def conv2d_gradients(grad, x, weight, stride=1, padding=0, dilation=1, groups=1):
    """Gradients of a convolution by hand: (with respect to x, to weight, to bias).

    ``grad``: of the loss with respect to the output (n, c_out, h_out, w_out).
    With Y = W X (rows times columns): dW = dY X', dX = W' dY folded back, and the bias collects every dY.
    """
    n, k = len(x), weight.shape[-1]
    columns = unfold(x, k, stride, padding, dilation).view(n, groups, weight[0].numel(), -1)
    rows = weight.reshape(groups, len(weight) // groups, -1)
    d_out = grad.reshape(n, groups, len(weight) // groups, -1)
    d_rows = (d_out @ columns.transpose(2, 3)).sum(0)
    d_columns = (rows.transpose(1, 2) @ d_out).reshape(n, -1, columns.shape[-1])
    d_x = fold(d_columns, x.shape, k, stride, padding, dilation)
    return d_x, d_rows.view_as(weight), grad.sum(dim=(0, 2, 3))


class Conv2d(nn.Module):
    """A convolution layer by hand; parameters ``weight`` and ``bias`` as in ``nn.Conv2d``."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride=1, padding=0, dilation=1, groups=1):
        super().__init__()
        _check_window(kernel, stride, padding, dilation)
        _check_groups(groups, c_in, c_out)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.weight = nn.Parameter(torch.empty(c_out, c_in // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(c_out))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return conv2d_unfold(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def max_pool2d(x: torch.Tensor, kernel: int, stride: int | None = None, ceil: bool = False) -> torch.Tensor:
    """Largest value of each window, (n, c, h, w) -> (n, c, h_out, w_out). ``ceil``: Caffe's rounding of the size."""
    stride = kernel if stride is None else stride
    h_out, w_out = (output_size(side, kernel, stride, ceil=ceil) for side in x.shape[2:])
    need = max((h_out - 1) * stride + kernel - x.shape[2], (w_out - 1) * stride + kernel - x.shape[3], 0)
    if need:  # windows that hang over the edge see minus infinity there, which is never the largest
        x = pad(x, need, -math.inf)[:, :, need:, need:]
    windows = x.unfold(2, kernel, stride).unfold(3, kernel, stride)[:, :, :h_out, :w_out]
    return windows.flatten(4).max(dim=4).values


def relu(x: torch.Tensor) -> torch.Tensor:
    """max(x, 0)."""
    return x * (x > 0)


def local_response_norm(x, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> torch.Tensor:
    """x / (k + alpha/size * sum of x^2 over ``size`` neighbouring channels)^beta, for (n, c, h, w).

    Raises ValueError when ``size`` is not an odd number above 0.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size={size}: must be odd and at least 1")
    n, channels, height, width = x.shape
    border = x.new_zeros(n, size // 2, height, width)
    squares = torch.cat([border, x * x, border], dim=1)
    energy = sum(squares[:, i : i + channels] for i in range(size))
    return x / (k + alpha / size * energy) ** beta


def dropout(x: torch.Tensor, p: float = 0.5, training: bool = True) -> torch.Tensor:
    """Set each number to 0 with probability ``p`` and divide the rest by 1 - p, so that the mean stays.

    Raises ValueError when ``p`` is outside 0 <= p < 1.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p={p}: must be at least 0 and below 1")
    if not training or p == 0:
        return x
    keep = torch.empty_like(x).bernoulli_(1 - p)
    return x * (keep / (1 - p))


def log_softmax(scores: torch.Tensor) -> torch.Tensor:
    """log(exp(s) / sum exp(s)) over the last dimension; the maximum is taken off first, so that exp cannot overflow."""
    shifted = scores - scores.max(dim=-1, keepdim=True).values.detach()
    return shifted - shifted.exp().sum(dim=-1, keepdim=True).log()


def softmax(scores: torch.Tensor) -> torch.Tensor:
    """Scores to probabilities over the last dimension."""
    return log_softmax(scores).exp()


def cross_entropy(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean of -log p(label) for scores (n, classes) and integer labels (n,) in 0..classes-1.

    Raises ValueError when a label is no class.
    """
    if len(labels) == 0:
        raise ValueError("labels: empty")
    if labels.min() < 0 or labels.max() >= scores.shape[-1]:
        raise ValueError(f"labels: {labels.tolist()[:8]} must lie in 0..{scores.shape[-1] - 1}")
    return -log_softmax(scores)[torch.arange(len(labels)), labels].mean()


class Window(NamedTuple):
    """What one layer does to coordinates: a convolution or a pooling."""

    name: str
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


class Field(NamedTuple):
    """Receptive field of one unit: ``size`` input pixels wide, ``step`` pixels from its neighbour's, and the
    centre of the first unit's field at pixel ``centre`` (the middle of pixel 0 is 0)."""

    name: str
    size: int
    step: int
    centre: float


def receptive_field(layers: list[Window]) -> list[Field]:
    """What a unit after each of ``layers`` can see of the input, along one side.

    A kernel widens the field by (kernel - 1) steps of the layer below; a stride lengthens the step.
    """
    fields, size, step, centre = [], 1, 1, 0.0
    for layer in layers:
        _check_window(layer.kernel, layer.stride, layer.padding, layer.dilation)
        reach = layer.dilation * (layer.kernel - 1)
        size += reach * step
        centre += (reach / 2 - layer.padding) * step
        step *= layer.stride
        fields.append(Field(layer.name, size, step, centre))
    return fields


def _check_window(kernel: int, stride: int, padding: int, dilation: int) -> None:
    for name, value, least in (("kernel", kernel, 1), ("stride", stride, 1), ("dilation", dilation, 1)):
        if value < least:
            raise ValueError(f"{name}={value}: must be at least {least}")
    if padding < 0:
        raise ValueError(f"padding={padding}: must be at least 0")


def _check_groups(groups: int, c_in: int, c_out: int) -> None:
    if groups < 1 or c_in % groups or c_out % groups:
        raise ValueError(f"groups={groups}: must divide both the {c_in} input and the {c_out} output channels")


def _check_conv(x, weight, bias, groups: int) -> None:
    if x.dim() != 4:
        raise ValueError(f"x: shape {tuple(x.shape)}, but images are (n, channels, height, width)")
    if weight.dim() != 4 or weight.shape[2] != weight.shape[3]:
        raise ValueError(f"weight: shape {tuple(weight.shape)}, but filters are (c_out, c_in / groups, k, k)")
    _check_groups(groups, x.shape[1], len(weight))
    if weight.shape[1] != x.shape[1] // groups:
        raise ValueError(
            f"weight: sees {weight.shape[1]} channels, but x has {x.shape[1]} in {groups} group(s) "
            f"of {x.shape[1] // groups}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias: shape {tuple(bias.shape)}, but there are {len(weight)} filters")
