"""RNN and LSTM by hand, from the paper's equations (v4 Sec. 2), with PyTorch's parameter names.

This module's layers and PyTorch's hold the same parameters: ``nn.LSTM(...).load_state_dict(lstm.state_dict())`` works.
Shapes are batch first: (batch, time, features). All gates of a layer stand in one matrix, (4 * hidden, ...):
input, forget, candidate, output (i f g o) in PyTorch; input, forget, output, candidate (i f o g) in Caffe.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TORCH_ORDER, CAFFE_ORDER = "ifgo", "ifog"  # ONNX has "iofg", TensorFlow 1 has "igfo"
WIDE = 2048  # with so many features a step or more, ``read_sentences`` is the faster way on a CPU


def _positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}: must be at least 1, got {size}")


def _check_features(x: Tensor, input_size: int, shape: str) -> None:
    if x.dim() != len(shape.split(",")):
        raise ValueError(f"x: expected shape ({shape}), got {tuple(x.shape)}")
    if x.shape[-1] != input_size:
        raise ValueError(f"x: has {x.shape[-1]} features, but this layer was built with input_size={input_size}")


def check_lengths(lengths: Tensor, batch: int, time: int) -> None:
    """Raise ValueError unless ``lengths`` holds one number in 1..time for each of ``batch`` sequences."""
    lengths = torch.as_tensor(lengths)
    if lengths.shape != (batch,):
        raise ValueError(f"lengths: expected one per sequence, shape ({batch},), got {tuple(lengths.shape)}")
    if lengths.min() < 1 or lengths.max() > time:
        raise ValueError(f"lengths: each must be in 1..{time} (the time steps given), got {lengths.tolist()}")


class RNNCell(nn.Module):
    """One step of the vanilla RNN: h_t = tanh(W_xh x_t + W_hh h_{t-1} + b)."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        _positive(input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = nn.Parameter(torch.empty(hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(hidden_size))
        self.bias_hh = nn.Parameter(torch.empty(hidden_size))
        initialise(self, hidden_size)

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """x (batch, input), h (batch, hidden) or None for zeros -> the next h. ValueError: wrong feature size."""
        _check_features(x, self.input_size, "batch, input_size")
        if h is None:
            h = x.new_zeros(len(x), self.hidden_size)
        return torch.tanh(x @ self.weight_ih.T + self.bias_ih + h @ self.weight_hh.T + self.bias_hh)


def lstm_gates(sums: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gates (i, f, g, o), each (batch, hidden), from their sums before the non-linearities (batch, 4 * hidden)."""
    i, f, g, o = sums.chunk(4, dim=-1)
    return i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()


def lstm_state(sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The gates' sums (batch, 4 * hidden) and c at t-1 give (h, c) at t, each (batch, hidden). No gate sees c."""
    i, f, g, o = lstm_gates(sums)
    c = f * c + i * g
    return o * c.tanh(), c


def lstm_step(
    x: Tensor, state: tuple[Tensor, Tensor], weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of the LSTM: x_t (batch, input) and (h, c) at t-1, each (batch, hidden), give (h, c) at t."""
    h, c = state
    return lstm_state(x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh, c)


def input_sums(layer: nn.RNNBase, x: Tensor) -> Tensor:
    """What x (..., features) and the biases add to the sums before the non-linearities: (..., gates * hidden).

    ``layer``: PyTorch's ``nn.LSTM`` or ``nn.RNN`` of one layer. Where x has fewer features than the layer takes,
    these are the first ones, and the caller adds what the others give.
    """
    return F.linear(x, layer.weight_ih_l0[:, : x.shape[-1]], layer.bias_ih_l0 + layer.bias_hh_l0)


def next_state(layer: nn.RNNBase, sums: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """One step of PyTorch's ``nn.LSTM``, state (h, c), or ``nn.RNN``, state (h,), each (batch, hidden).

    ``sums`` (batch, gates * hidden): all that does not come from h, as ``input_sums`` gives it. They are overwritten.
    """
    sums = sums.addmm_(state[0], layer.weight_hh_l0.T)
    if isinstance(layer, nn.LSTM):
        return lstm_state(sums, state[1])
    return (sums.tanh() if layer.nonlinearity == "tanh" else sums.relu(),)


class LSTMCell(nn.Module):
    """One step of the paper's LSTM (no peepholes); the same parameters as ``nn.LSTMCell``."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        _positive(input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(4 * hidden_size))
        self.bias_hh = nn.Parameter(torch.empty(4 * hidden_size))
        initialise(self, hidden_size)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """x (batch, input), state (h, c) each (batch, hidden) or None for zeros -> the next (h, c)."""
        _check_features(x, self.input_size, "batch, input_size")
        if state is None:
            state = (x.new_zeros(len(x), self.hidden_size),) * 2
        return lstm_step(x, state, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


class LSTM(nn.Module):
    """A stack of LSTM layers over whole sequences; the same parameters as ``nn.LSTM(batch_first=True)``.

    The hidden state of layer l-1 is the input of layer l. Unlike PyTorch's, this one also takes the paper
    code's continuation indicator. It is a loop in Python and slow: train with ``nn.LSTM``.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1):
        super().__init__()
        _positive(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else hidden_size
            for name, shape in (
                ("weight_ih", (inputs,)),
                ("weight_hh", (hidden_size,)),
                ("bias_ih", ()),
                ("bias_hh", ()),
            ):
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(torch.empty(4 * hidden_size, *shape)))
        initialise(self, hidden_size)

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """Per layer: weight_ih, weight_hh, bias_ih, bias_hh."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [[getattr(self, f"{name}_l{layer}") for name in names] for layer in range(self.num_layers)]

    def forward(
        self,
        x: Tensor,
        state: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Tensor | None = None,
        cont: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x (batch, time, input) -> outputs (batch, time, hidden) and the last (h, c), each (layers, batch, hidden).

        ``lengths`` (batch,): a sequence stops after its own length; its state stays and later outputs are 0,
        as with a packed sequence. ``cont`` (batch, time) of 0 and 1: multiplies the state before the step, so 0
        starts a new sequence (the authors' ``clip_markers`` and ``cont_sentence``).
        Raises ValueError for an empty sequence, a wrong feature size, a length outside 1..time.
        """
        _check_features(x, self.input_size, "batch, time, input_size")
        batch, time, _ = x.shape
        if time == 0:
            raise ValueError("x: an empty sequence (0 time steps); give at least one step")
        if lengths is not None:
            check_lengths(lengths, batch, time)
            lengths = torch.as_tensor(lengths, device=x.device)
        if cont is not None and cont.shape != (batch, time):
            raise ValueError(f"cont: expected shape (batch, time) = ({batch}, {time}), got {tuple(cont.shape)}")
        if state is None:
            state = (x.new_zeros(self.num_layers, batch, self.hidden_size),) * 2
        finals = []
        for weights, h, c in zip(self.all_weights, *state, strict=True):
            x, final = self._layer(x, (h, c), weights, lengths, cont)
            finals.append(final)
        h, c = zip(*finals, strict=True)
        return x, (torch.stack(h), torch.stack(c))

    def _layer(self, x, state, weights, lengths, cont):
        outputs = []
        for t, x_t in enumerate(x.unbind(1)):  # not x[:, t]: its gradient is a whole tensor of zeros every step
            h, c = state
            if cont is not None:
                h, c = h * cont[:, t, None], c * cont[:, t, None]
            new_h, new_c = lstm_step(x_t, (h, c), *weights)
            if lengths is None:
                state = new_h, new_c
                outputs.append(new_h)
            else:
                live = (t < lengths)[:, None]
                state = torch.where(live, new_h, h), torch.where(live, new_c, c)
                outputs.append(new_h * live)
        return torch.stack(outputs, dim=1), state


def initialise(module: nn.Module, hidden_size: int) -> None:
    """PyTorch's default: every parameter uniform in +-1/sqrt(hidden_size)."""
    limit = hidden_size**-0.5
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -limit, limit)


def uniform_weights(module: nn.Module, spread: float) -> None:
    """Weights uniform in ``spread`` about 0, biases 0: how the released code starts what is recurrent."""
    for name, parameter in module.named_parameters():
        nn.init.zeros_(parameter) if "bias" in name else nn.init.uniform_(parameter, -spread, spread)


@torch.no_grad()
def set_forget_bias(lstm: nn.Module, value: float) -> None:
    """Set the forget gates' bias of every layer of this module's or PyTorch's LSTM (or cell) to ``value``."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias"):
            forget = parameter.chunk(4)[TORCH_ORDER.index("f")]
            forget.fill_(value if name.startswith("bias_ih") else 0.0)


def reorder_gates(tensor: Tensor, source: str, target: str) -> Tensor:
    """Put the four gate blocks of a weight or bias, (4 * hidden, ...), from one order into another.

    Orders are the letters i, f, g, o: ``reorder_gates(w, CAFFE_ORDER, TORCH_ORDER)``.
    Raises ValueError for other letters, or where the first size is not a multiple of 4.
    """
    for name, order in (("source", source), ("target", target)):
        if sorted(order) != sorted(TORCH_ORDER):
            raise ValueError(f"{name}: each of i, f, g, o once, got {order!r}")
    if len(tensor) % 4:
        raise ValueError(f"tensor: the first size must be 4 * hidden, got {len(tensor)}")
    blocks = dict(zip(source, tensor.chunk(4), strict=True))
    return torch.cat([blocks[gate] for gate in target])


def from_caffe(w_xc: Tensor, b_c: Tensor, w_hc: Tensor) -> dict[str, Tensor]:
    """One Caffe LSTM layer (i f o g, one bias) as the parameters of a PyTorch cell (i f g o, two biases).

    ``w_xc`` (4 * hidden, input), ``b_c`` (4 * hidden,), ``w_hc`` (4 * hidden, hidden). The second bias is 0.
    """
    bias = reorder_gates(b_c, CAFFE_ORDER, TORCH_ORDER)
    return {
        "weight_ih": reorder_gates(w_xc, CAFFE_ORDER, TORCH_ORDER),
        "weight_hh": reorder_gates(w_hc, CAFFE_ORDER, TORCH_ORDER),
        "bias_ih": bias,
        "bias_hh": torch.zeros_like(bias),
    }


def read_sentences(layer: nn.LSTM, x: Tensor, lengths: Tensor) -> Tensor:
    """PyTorch's LSTM of one layer over sequences x (batch, time, input) of ``lengths`` (batch,): (batch, time, hidden).

    The state starts at zero; outputs behind the end of a sequence are 0. On the CPU nothing is computed there, and the
    gradient of each matrix of weights is one product for the whole batch, where PyTorch adds one a step.
    """
    if x.device.type != "cpu":
        behind = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
        return layer(x)[0].masked_fill(behind[..., None], 0)
    longest_first = lengths.argsort(descending=True, stable=True)
    sizes = [int(n) for t in range(x.shape[1]) if (n := (lengths > t).sum())]  # how many sequences are left at step t
    rows = torch.cat([longest_first[:n] for n in sizes])
    times = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    batch, time, _ = x.shape
    packed = x.flatten(0, 1).index_select(0, rows * time + times)
    found = _Packed.apply(packed, *layer.all_weights[0], sizes)
    # Time first in memory, as PyTorch lays its outputs out: so dropout, which goes by memory, drops the same units.
    padded = found.new_zeros(time * batch, layer.hidden_size).index_copy(0, times * batch + rows, found)
    return padded.view(time, batch, -1).transpose(0, 1)


def unroll(layer: nn.LSTM, x: Tensor) -> Tensor:
    """The states at every step (batch, time, hidden) of PyTorch's LSTM of one layer over x (batch, time, input).

    On a CPU PyTorch hands an LSTM to oneDNN, which is quick where a step is narrow; where it is ``WIDE``, as fc6 is,
    it takes 2 to 4 times as long as ``read_sentences``.
    """
    if x.device.type == "cpu" and layer.input_size >= WIDE and not torch.compiler.is_compiling():
        return read_sentences(layer, x, torch.full(x.shape[:1], x.shape[1]))
    return layer(x)[0]


class _Packed(torch.autograd.Function):
    """An LSTM layer over packed sequences, step after step: x (all steps, input) gives h (all steps, hidden).

    ``sizes``: of how many sequences each step is, never more than of the one before.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx, x, weight_ih, weight_hh, bias_ih, bias_hh, sizes):
        hidden = weight_hh.shape[1]
        gates = torch.addmm(bias_ih + bias_hh, x, weight_ih.T)
        h, c = x.new_empty(2, len(x), hidden)
        ends = list(itertools.accumulate(sizes))
        for t, (size, end) in enumerate(zip(sizes, ends, strict=True)):
            now = slice(end - size, end)
            if t:
                before = slice(now.start - sizes[t - 1], now.start - sizes[t - 1] + size)
                gates[now].addmm_(h[before], weight_hh.T)
            i, f, g, o = gates[now].chunk(4, dim=1)
            gates[now, : 2 * hidden].sigmoid_(), g.tanh_(), o.sigmoid_()
            torch.mul(i, g, out=c[now])
            if t:
                c[now].addcmul_(f, c[before])
            torch.mul(o, c[now].tanh(), out=h[now])
        ctx.save_for_backward(x, weight_ih, weight_hh, gates, h, c)
        ctx.sizes, ctx.ends = sizes, ends
        return h

    @staticmethod
    @torch.autograd.function.once_differentiable
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx, grad_h):
        x, weight_ih, weight_hh, gates, h, c = ctx.saved_tensors
        sizes, ends = ctx.sizes, ctx.ends
        grad_sums = torch.empty_like(gates)  # of the gates' sums before the non-linearities
        h_before, c_before = torch.zeros_like(h), torch.zeros_like(c)
        for t in range(1, len(sizes)):
            first = ends[t - 1] - sizes[t - 1]
            h_before[ends[t - 1] : ends[t]] = h[first : first + sizes[t]]
            c_before[ends[t - 1] : ends[t]] = c[first : first + sizes[t]]
        later_h = later_c = grad_h[:0]  # what comes back from the step after, for the sequences that go on
        for size, end in zip(reversed(sizes), reversed(ends), strict=True):
            now = slice(end - size, end)
            i, f, g, o = gates[now].chunk(4, dim=1)
            of_h, tanh_c = grad_h[now].clone(), c[now].tanh()
            of_h[: len(later_h)] += later_h
            of_c = of_h * o * (1 - tanh_c.square())
            of_c[: len(later_c)] += later_c
            of_i, of_f, of_g, of_o = grad_sums[now].chunk(4, dim=1)
            torch.mul(of_c * g, i * (1 - i), out=of_i)
            torch.mul(of_c * c_before[now], f * (1 - f), out=of_f)
            torch.mul(of_c * i, 1 - g.square(), out=of_g)
            torch.mul(of_h * tanh_c, o * (1 - o), out=of_o)
            later_h, later_c = grad_sums[now] @ weight_hh, of_c * f
        of_x = grad_sums @ weight_ih if ctx.needs_input_grad[0] else None
        of_bias = grad_sums.sum(0)
        return of_x, grad_sums.T @ x, grad_sums.T @ h_before, of_bias, of_bias, None


def zero_state(lstm: nn.Module, batch: int) -> tuple[tuple[Tensor, Tensor], ...]:
    """The state before the first step, layer by layer: ((h, c), ...), each (batch, hidden)."""
    zeros = lstm.weight_ih_l0.new_zeros(batch, lstm.hidden_size)
    return ((zeros, zeros),) * lstm.num_layers


def step_layers(lstm: nn.Module, x: Tensor, state: tuple) -> tuple[Tensor, tuple]:
    """One time step through all layers of this module's or PyTorch's LSTM, for decoding.

    x (batch, input) and the state of :func:`zero_state` -> the top layer's h (batch, hidden) and the new state.
    """
    new = []
    for weights, layer in zip(lstm.all_weights, state, strict=True):
        x, c = torch.lstm_cell(x, layer, *weights)  # what nn.LSTMCell calls: faster than nn.LSTM over one step
        new.append((x, c))
    return x, tuple(new)


@torch.no_grad()
def trace_gates(lstm: nn.Module, x: Tensor) -> list[dict[str, Tensor]]:
    """What every layer of an LSTM does over one sequence x (time, input), from zero state.

    Per layer a dict of ``input``, ``forget``, ``output`` (gates, 0..1), ``candidate`` (-1..1), ``cell`` and
    ``hidden``, each (time, hidden). Raises ValueError for an empty sequence.
    """
    if len(x) == 0:
        raise ValueError("x: an empty sequence (0 time steps); give at least one step")
    traces = []
    for weight_ih, weight_hh, bias_ih, bias_hh in lstm.all_weights:
        h = c = x.new_zeros(1, lstm.hidden_size)
        rows = []
        for x_t in x:
            sums = x_t @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh
            h, c = lstm_state(sums, c)
            i, f, g, o = lstm_gates(sums)
            rows.append(torch.cat([i, f, o, g, c, h]))
        names = ("input", "forget", "output", "candidate", "cell", "hidden")
        traces.append(dict(zip(names, torch.stack(rows, dim=1), strict=True)))
        x = traces[-1]["hidden"]
    return traces


class LanguageModel(nn.Module):
    """Words in, the next word's scores out: embedding, LSTM, linear layer. A captioner that sees no image."""

    def __init__(self, vocab_size: int, embedding: int, hidden: int, layers: int = 1):
        super().__init__()
        _positive(vocab_size=vocab_size, embedding=embedding, hidden=hidden, layers=layers)
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.scores = nn.Linear(hidden, vocab_size)

    def forward(self, words: Tensor) -> Tensor:
        """words (batch, time), the true words before (teacher forcing) -> logits (batch, time, vocab)."""
        if words.dim() != 2 or words.shape[1] == 0:
            raise ValueError(f"words: expected (batch, time) with at least one step, got {tuple(words.shape)}")
        hidden, _ = self.lstm(self.embedding(words))
        return self.scores(hidden)

    def start(self, inputs: Tensor | tuple) -> tuple:
        """The state before the first word, for as many sentences as ``inputs`` has rows (its values are unused)."""
        rows = inputs[0] if isinstance(inputs, tuple) else inputs
        return zero_state(self.lstm, len(rows))

    def step(self, words: Tensor, state: tuple) -> tuple[Tensor, tuple]:
        """The words before (batch,) and the state -> log-probabilities of the next (batch, vocab), new state."""
        hidden, state = step_layers(self.lstm, self.embedding(words), state)
        return self.scores(hidden).log_softmax(dim=-1), state
