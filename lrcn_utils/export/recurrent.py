"""``nn.LSTM`` in two forms that can be exported for sequences of any length.

``torch.export`` writes down each step of the example that it is shown, so an exported ``nn.LSTM`` takes sequences as
long as the example and no others. Here the loop over time is one operator: in ONNX its own LSTM, else a while loop.
"""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrcn_utils.models.lstm import TORCH_ORDER, lstm_state, reorder_gates


class OverTime(nn.Module):
    """``lstm``, an ``nn.LSTM(batch_first=True)``, and another form of it that is run while it is exported.

    ``order``: of the gates in the weights of that form.
    """

    order = TORCH_ORDER

    def __init__(self, lstm: nn.LSTM):
        super().__init__()
        self.num_layers, self.hidden_size = lstm.num_layers, lstm.hidden_size
        self.original = [lstm]  # in a list, so that its weights are not exported beside those below
        reordered = (
            [reorder_gates(part.detach(), TORCH_ORDER, self.order) for part in one] for one in lstm.all_weights
        )
        self.weights = nn.ModuleList(nn.ParameterList(one) for one in reordered)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """What ``nn.LSTM`` takes and gives. Outside of an export it is PyTorch's own: files are compared with that."""
        return self.exported(x, state) if torch.compiler.is_compiling() else self.original[0](x, state)

    def exported(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The form that is exported."""
        if state is None:
            zeros = x.new_zeros(self.num_layers, x.shape[0], self.hidden_size)
            state = zeros, zeros.clone()
        last = []
        for weights, h, c in zip(self.weights, *(part.unbind(0) for part in state), strict=True):
            x, *after = self.layer(x, h, c, *weights)
            last.append(after)
        h, c = (torch.stack(parts) for parts in zip(*last, strict=True))
        return x, (h, c)

    def layer(
        self, x: Tensor, h: Tensor, c: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One layer over x (batch, time, features) from h and c (batch, hidden): outputs, the last h, the last c."""
        raise NotImplementedError


class AsOperator(OverTime):
    """For ONNX, which has an LSTM of its own."""

    order = "iofg"

    def layer(self, *inputs):
        return torch.ops.lrcn_utils.lstm(*inputs)


class AsLoop(OverTime):
    """For .pt2: the loop of lesson 02, which ``torch.export`` keeps as a loop.

    Raises ImportError where PyTorch has no ``torch.while_loop``.
    """

    def layer(self, x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
        if not hasattr(torch, "while_loop"):
            raise ImportError(
                f"PyTorch {torch.__version__} has no torch.while_loop: take a newer one, or --format onnx"
            )
        sums = F.linear(x, weight_ih, bias_ih + bias_hh)

        def more(t: Tensor, h: Tensor, c: Tensor, outputs: Tensor) -> Tensor:
            return t < outputs.shape[1]

        def step(t: Tensor, h: Tensor, c: Tensor, outputs: Tensor):
            h, c = lstm_state(sums.index_select(1, t[None])[:, 0] + F.linear(h, weight_hh), c)
            return t + 1, h, c, outputs.index_copy(1, t[None], h[:, None])

        begun = torch.zeros((), dtype=torch.int64), h, c, x.new_zeros(x.shape[0], x.shape[1], self.hidden_size)
        _, h, c, outputs = torch.while_loop(more, step, begun)
        return outputs, h, c


def exportable(model: nn.Module, form: type[OverTime]) -> nn.Module:
    """A copy of ``model`` with a ``form`` of each of its ``nn.LSTM``."""
    model = deepcopy(model)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.LSTM):
                setattr(module, name, form(child))
    return model


@torch.library.custom_op("lrcn_utils::lstm", mutates_args=())
def _lstm(
    x: Tensor, h: Tensor, c: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One layer whose weights have their gates in ONNX's order. Exporting only needs the shapes of what it gives."""
    weights = [reorder_gates(part, AsOperator.order, TORCH_ORDER) for part in (weight_ih, weight_hh, bias_ih, bias_hh)]
    y, h, c = torch.lstm(x, (h[None], c[None]), weights, True, 1, 0.0, False, False, True)
    return y.clone(), h[0].clone(), c[0].clone()


@_lstm.register_fake
def _(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
    return x.new_empty(x.shape[0], x.shape[1], h.shape[1]), torch.empty_like(h), torch.empty_like(c)


def translations() -> dict[Callable, Callable]:
    """What ``torch.onnx.export`` writes for the operator of ``AsOperator``: the LSTM of ONNX."""
    from onnxscript import opset18 as op

    def lstm(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh):
        weights = (op.Unsqueeze(part, [0]) for part in (weight_ih, weight_hh, op.Concat(bias_ih, bias_hh, axis=0)))
        state = (op.Unsqueeze(part, [0]) for part in (h, c))
        hidden = int(h.shape[1])
        y, h, c = op.LSTM(op.Transpose(x, perm=[1, 0, 2]), *weights, None, *state, hidden_size=hidden)
        return op.Transpose(op.Squeeze(y, [1]), perm=[1, 0, 2]), op.Squeeze(h, [0]), op.Squeeze(c, [0])

    return {torch.ops.lrcn_utils.lstm.default: lstm}
