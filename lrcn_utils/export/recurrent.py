"""``nn.LSTM`` in two forms that can be exported for sequences of any length.

``torch.export`` writes down each step of the example that it is shown, so an exported ``nn.LSTM`` takes sequences as
long as the example and no others. Here the loop over time is one operator: in ONNX its own LSTM, else a while loop.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrcn_utils.models.lstm import TORCH_ORDER, lstm_state, reorder_gates

ONNX_ORDER = "iofg"
# x (batch, time, features), h and c (batch, hidden), weight_ih, weight_hh, bias_ih, bias_hh -> outputs (batch, time,
# hidden), the last h, the last c
Layer = Callable[..., tuple[Tensor, Tensor, Tensor]]


@contextmanager
def at_any_length(model: nn.Module, layer: Layer) -> Iterator[None]:
    """While this lasts, every ``nn.LSTM(batch_first=True)`` of ``model`` computes its layers by ``layer``."""
    lstms = [module for module in model.modules() if isinstance(module, nn.LSTM)]
    for lstm in lstms:
        lstm.forward = partial(_over_time, lstm, layer)
    try:
        yield
    finally:
        for lstm in lstms:
            del lstm.forward  # the class has its own


def _over_time(lstm: nn.LSTM, layer: Layer, x: Tensor, state: tuple[Tensor, Tensor] | None = None):
    if state is None:
        zeros = x.new_zeros(lstm.num_layers, x.shape[0], lstm.hidden_size)
        state = zeros, zeros.clone()
    last = []
    for weights, h, c in zip(lstm.all_weights, *(part.unbind(0) for part in state), strict=True):
        x, *after = layer(x, h, c, *weights)
        last.append(after)
    h, c = (torch.stack(parts) for parts in zip(*last, strict=True))
    return x, (h, c)


def as_operator(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A ``Layer`` for ONNX, which has an LSTM of its own."""
    rows = reorder_gates(torch.arange(len(weights[0])), TORCH_ORDER, ONNX_ORDER)
    return torch.ops.lrcn_utils.lstm(x, h, c, *(part[rows] for part in weights))


def as_loop(
    x: Tensor, h: Tensor, c: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """A ``Layer`` for .pt2: the loop of lesson 02, which ``torch.export`` keeps as a loop.

    Raises ImportError where PyTorch is too old for that, as 2.6 is.
    """
    sums = F.linear(x, weight_ih, bias_ih + bias_hh)

    def more(t: Tensor, h: Tensor, c: Tensor, outputs: Tensor) -> Tensor:
        return t < outputs.shape[1]

    def step(t: Tensor, h: Tensor, c: Tensor, outputs: Tensor):
        h, c = lstm_state(sums.index_select(1, t[None])[:, 0] + F.linear(h, weight_hh), c)
        return t + 1, h, c, outputs.index_copy(1, t[None], h[:, None])

    begun = torch.zeros((), dtype=torch.int64), h, c, x.new_zeros(x.shape[0], x.shape[1], h.shape[1])
    try:
        _, h, c, outputs = torch.while_loop(more, step, begun)
    except (AttributeError, torch._dynamo.exc.TorchDynamoException) as error:
        raise ImportError(f"PyTorch {torch.__version__} cannot export a loop; try --format onnx") from error
    return outputs, h, c


@torch.library.custom_op("lrcn_utils::lstm", mutates_args=())
def _lstm(
    x: Tensor, h: Tensor, c: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One layer whose weights have their gates in ONNX's order. Exporting only needs the shapes of what it gives."""
    weights = [reorder_gates(part, ONNX_ORDER, TORCH_ORDER) for part in (weight_ih, weight_hh, bias_ih, bias_hh)]
    y, h, c = torch.lstm(x, (h[None], c[None]), weights, True, 1, 0.0, False, False, True)
    return y.clone(), h[0].clone(), c[0].clone()


@_lstm.register_fake
def _(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
    return x.new_empty(x.shape[0], x.shape[1], h.shape[1]), torch.empty_like(h), torch.empty_like(c)


def translations() -> dict[Callable, Callable]:
    """What ``torch.onnx.export`` writes for the operator of ``as_operator``: the LSTM of ONNX."""
    from onnxscript import opset18 as op

    def lstm(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
        weights = (op.Unsqueeze(part, [0]) for part in (weight_ih, weight_hh, op.Concat(bias_ih, bias_hh, axis=0)))
        state = (op.Unsqueeze(part, [0]) for part in (h, c))
        hidden = int(h.shape[1])
        y, h, c = op.LSTM(op.Transpose(x, perm=[1, 0, 2]), *weights, None, *state, hidden_size=hidden)
        return op.Transpose(op.Squeeze(y, [1]), perm=[1, 0, 2]), op.Squeeze(h, [0]), op.Squeeze(c, [0])

    return {torch.ops.lrcn_utils.lstm.default: lstm}
