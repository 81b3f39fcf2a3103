import ast
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lrcn_utils.models import lstm as lstm_module
from lrcn_utils.models.lstm import (
    CAFFE_ORDER,
    LSTM,
    TORCH_ORDER,
    LanguageModel,
    LSTMCell,
    RNNCell,
    from_caffe,
    input_sums,
    next_state,
    read_sentences,
    reorder_gates,
    set_forget_bias,
    step_layers,
    trace_gates,
    zero_state,
)

SIZES = st.integers(1, 7)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
DTYPES = st.sampled_from(list(TOLERANCE))
quick = settings(max_examples=30)


def same_outputs_and_gradients(own, library, call_own, call_library, inputs):
    """Copy the weights, run both: outputs, gradients of ``inputs`` and of every parameter must agree."""
    library.load_state_dict(own.state_dict())
    own.zero_grad(), library.zero_grad()
    results = []
    for module, call in ((own, call_own), (library, call_library)):
        copies = [x.clone().requires_grad_() for x in inputs]
        outputs = call(module, *copies)
        sum(
            (out * torch.linspace(-1, 2, out.numel(), dtype=out.dtype).view_as(out)).sum() for out in outputs
        ).backward()
        gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
        results.append((outputs, [x.grad for x in copies if x.grad is not None], gradients))
    tolerance = TOLERANCE[inputs[0].dtype]
    (out_a, in_a, grad_a), (out_b, in_b, grad_b) = results
    assert grad_a.keys() == grad_b.keys()
    for a, b in [*zip(out_a, out_b, strict=True), *zip(in_a, in_b, strict=True)]:
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    for name in grad_a:
        torch.testing.assert_close(grad_a[name], grad_b[name], rtol=tolerance, atol=tolerance)


@quick
@given(SIZES, SIZES, SIZES, DTYPES, st.booleans())
def test_rnn_cell_equals_the_library(batch, inputs, hidden, dtype, with_state):
    own, library = RNNCell(inputs, hidden).to(dtype), nn.RNNCell(inputs, hidden).to(dtype)
    tensors = [torch.randn(batch, inputs, dtype=dtype)] + [torch.randn(batch, hidden, dtype=dtype)] * with_state
    same_outputs_and_gradients(own, library, lambda m, *a: [m(*a)], lambda m, *a: [m(*a)], tensors)


@quick
@given(SIZES, SIZES, SIZES, DTYPES, st.booleans())
def test_lstm_cell_equals_the_library(batch, inputs, hidden, dtype, with_state):
    own, library = LSTMCell(inputs, hidden).to(dtype), nn.LSTMCell(inputs, hidden).to(dtype)
    tensors = [torch.randn(batch, inputs, dtype=dtype)]
    tensors += [torch.randn(batch, hidden, dtype=dtype) for _ in range(2 * with_state)]

    def call(cell, x, *state):
        return cell(x, state or None)

    same_outputs_and_gradients(own, library, call, call, tensors)


@quick
@given(SIZES, SIZES, SIZES, SIZES, st.integers(1, 3), DTYPES, st.booleans())
def test_lstm_equals_the_library(batch, time, inputs, hidden, layers, dtype, with_state):
    own, library = LSTM(inputs, hidden, layers).to(dtype), nn.LSTM(inputs, hidden, layers, batch_first=True).to(dtype)
    tensors = [torch.randn(batch, time, inputs, dtype=dtype)]
    tensors += [torch.randn(layers, batch, hidden, dtype=dtype) for _ in range(2 * with_state)]

    def call(lstm, x, *state):
        outputs, (h, c) = lstm(x, state or None)
        return outputs, h, c

    same_outputs_and_gradients(own, library, call, call, tensors)


@quick
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), SIZES, SIZES, st.integers(1, 2), DTYPES)
def test_lengths_equal_a_packed_sequence(lengths, inputs, hidden, layers, dtype):
    own, library = LSTM(inputs, hidden, layers).to(dtype), nn.LSTM(inputs, hidden, layers, batch_first=True).to(dtype)
    lengths = torch.tensor(lengths)
    x = torch.randn(len(lengths), int(lengths.max()), inputs, dtype=dtype)

    def call_own(lstm, x):
        outputs, (h, c) = lstm(x, lengths=lengths)
        return outputs, h, c

    def call_library(lstm, x):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        outputs, (h, c) = lstm(packed)
        return nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)[0], h, c

    same_outputs_and_gradients(own, library, call_own, call_library, [x])


@quick
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), SIZES, SIZES, st.integers(1, 2))
def test_cont_separates_sequences_in_one_stream(lengths, inputs, hidden, layers):
    lstm = LSTM(inputs, hidden, layers).double()
    clips = [torch.randn(1, length, inputs, dtype=torch.double) for length in lengths]
    cont = torch.cat([torch.tensor([0.0] + [1.0] * (length - 1)).double() for length in lengths])[None]
    in_a_row, _ = lstm(torch.cat(clips, dim=1), cont=cont)
    alone = torch.cat([lstm(clip)[0] for clip in clips], dim=1)
    torch.testing.assert_close(in_a_row, alone, rtol=0, atol=1e-12)


def test_without_the_reset_the_clip_before_leaks():
    torch.manual_seed(0)
    lstm, x = LSTM(3, 5), torch.randn(1, 8, 3)
    cont = torch.tensor([[0.0, 1, 1, 1, 0, 1, 1, 1]])
    other = torch.cat([torch.randn(1, 4, 3), x[:, 4:]], dim=1)
    assert torch.equal(lstm(x, cont=cont)[0][:, 4:], lstm(other, cont=cont)[0][:, 4:])
    assert not torch.allclose(lstm(x)[0][:, 4:], lstm(other)[0][:, 4:], atol=1e-3)


def numpy_lstm(x, w, r, b, order):
    """An independent version in NumPy: x (time, batch, input), weights in ``order``, -> hidden and last cell."""
    hidden = r.shape[1]
    h = c = np.zeros((x.shape[1], hidden))
    rows = {gate: slice(k * hidden, (k + 1) * hidden) for k, gate in enumerate(order)}
    outputs = []
    for x_t in x:
        score = {gate: x_t @ w[at].T + h @ r[at].T + b[at] for gate, at in rows.items()}
        i, f, o = (1 / (1 + np.exp(-score[gate])) for gate in "ifo")
        c = f * c + i * np.tanh(score["g"])
        h = o * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs), c


@quick
@given(SIZES, SIZES, SIZES, SIZES, st.permutations("ifgo"))
def test_gate_orders_equal_an_independent_version(batch, time, inputs, hidden, order):
    order = "".join(order)
    x, w = np.random.randn(time, batch, inputs), np.random.randn(4 * hidden, inputs)
    r, b = np.random.randn(4 * hidden, hidden), np.random.randn(4 * hidden)
    wanted, cell = numpy_lstm(x, w, r, b, order)
    lstm = LSTM(inputs, hidden).double()
    parts = [reorder_gates(torch.from_numpy(part), order, TORCH_ORDER) for part in (w, r, b)]
    lstm.load_state_dict(
        dict(weight_ih_l0=parts[0], weight_hh_l0=parts[1], bias_ih_l0=parts[2], bias_hh_l0=torch.zeros(4 * hidden))
    )
    outputs, (_, c) = lstm(torch.from_numpy(x).transpose(0, 1))
    np.testing.assert_allclose(outputs.detach().transpose(0, 1), wanted, atol=1e-12)
    np.testing.assert_allclose(c[0].detach(), cell, atol=1e-12)


@quick
@given(SIZES, SIZES, SIZES)
def test_caffe_s_weights_give_caffe_s_numbers(time, inputs, hidden):
    x, w_xc = np.random.randn(time, 1, inputs), np.random.randn(4 * hidden, inputs)
    w_hc, b_c = np.random.randn(4 * hidden, hidden), np.random.randn(4 * hidden)
    wanted, _ = numpy_lstm(x, w_xc, w_hc, b_c, CAFFE_ORDER)
    cell, state = LSTMCell(inputs, hidden).double(), None
    cell.load_state_dict(from_caffe(*map(torch.from_numpy, (w_xc, b_c, w_hc))))
    for x_t, h in zip(torch.from_numpy(x), wanted, strict=True):
        state = cell(x_t, state)
        np.testing.assert_allclose(state[0].detach(), h, atol=1e-12)


@quick
@given(SIZES, SIZES, SIZES, st.sampled_from(["lstm", "tanh", "relu"]))
def test_a_step_from_the_sums_equals_the_library(batch, inputs, hidden, kind):
    """Outputs and gradients of ``next_state``, where a part of the input is added by the caller."""
    recurrent = nn.LSTM(inputs + 2, hidden) if kind == "lstm" else nn.RNN(inputs + 2, hidden, nonlinearity=kind)
    x, extra = torch.randn(batch, inputs, requires_grad=True), torch.randn(batch, 2, requires_grad=True)
    state = tuple(torch.randn(batch, hidden, requires_grad=True) for _ in range(1 + (kind == "lstm")))
    sums = input_sums(recurrent, x) + extra @ recurrent.weight_ih_l0[:, inputs:].T
    ours = next_state(recurrent, sums, state)
    given = tuple(part[None] for part in state)
    _, theirs = recurrent(torch.cat([x, extra], dim=1)[None], given if kind == "lstm" else given[0])
    theirs = theirs if kind == "lstm" else (theirs,)
    leaves = [x, extra, *state, *recurrent.parameters()]
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b[0], rtol=1e-5, atol=1e-5)
    gradients = (torch.autograd.grad(parts[0].square().sum(), leaves, allow_unused=True) for parts in (ours, theirs))
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_caffe_order_is_input_forget_output_candidate():
    blocks = torch.arange(4).repeat_interleave(2)
    assert reorder_gates(blocks, CAFFE_ORDER, TORCH_ORDER).tolist() == [0, 0, 1, 1, 3, 3, 2, 2]


def test_agrees_with_onnx_runtime_published_numbers():
    """microsoft/onnxruntime, deep_cpu_lstm_op_test.cc, ForwardSimpleWeightsNoBiasTwoRows and MixedSequenceLengths."""
    w = torch.tensor([0.1, 0.2, 0.3, 0.4, 1, 2, 3, 4, 10, 11, 12, 13])[:, None]
    lstm = LSTM(1, 3)
    zeros = torch.zeros(12)
    lstm.load_state_dict(
        dict(
            weight_ih_l0=reorder_gates(w, "iofg", TORCH_ORDER),
            weight_hh_l0=torch.full((12, 3), 0.1),
            bias_ih_l0=zeros,
            bias_hh_l0=zeros,
        )
    )
    x = torch.tensor([[1.0, 10], [2, 11]])[..., None]  # (batch, time, 1); theirs is time first
    outputs, (_, c) = lstm(x)
    first = torch.tensor([[0.28828835, 0.36581863, 0.45679406], [0.34526032, 0.47220859, 0.55850911]])
    second = torch.tensor([[0.84196719, 0.89402526, 0.91073048], [0.85882828, 0.90703777, 0.92382453]])
    cell = torch.tensor([[1.27731147, 1.44181041, 1.53179041], [1.3249796, 1.51063104, 1.61451544]])
    torch.testing.assert_close(outputs, torch.stack([first, second], dim=1), rtol=0, atol=1e-6)
    torch.testing.assert_close(c[0], cell, rtol=0, atol=1e-6)
    outputs, (h, c) = lstm(x, lengths=torch.tensor([1, 2]))
    torch.testing.assert_close(h[0], torch.stack([first[0], second[1]]), rtol=0, atol=1e-6)
    torch.testing.assert_close(c[0, 0], torch.tensor([0.52497941, 0.54983425, 0.5744428]), rtol=0, atol=1e-6)
    assert outputs[0, 1].abs().sum() == 0


def test_agrees_with_tensorflow_published_numbers():
    """tensorflow 1.x, rnn_cell_test.py, testBasicLSTMCell: two layers, all weights 0.5, forget bias 1, state 0.1."""
    lstm = LSTM(2, 2, num_layers=2)
    for parameter in lstm.parameters():
        nn.init.constant_(parameter, 0.5 if parameter.dim() == 2 else 0.0)
    set_forget_bias(lstm, 1.0)
    state = (torch.full((2, 1, 2), 0.1),) * 2
    _, (h, c) = lstm(torch.ones(1, 1, 2), state)
    wanted = torch.tensor([0.68967271, 0.44848421, 0.39897051, 0.24024698])
    torch.testing.assert_close(torch.stack([c[0, 0, 0], h[0, 0, 0], c[1, 0, 0], h[1, 0, 0]]), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("make", [lambda: LSTM(3, 4, 2), lambda: nn.LSTM(3, 4, 2, batch_first=True)])
def test_single_steps_and_traces_follow_the_whole_sequence(make):
    lstm = make()
    x = torch.randn(5, 6, 3)
    outputs, (h, c) = lstm(x)
    state = zero_state(lstm, 5)
    for t in range(6):
        top, state = step_layers(lstm, x[:, t], state)
        torch.testing.assert_close(top, outputs[:, t], rtol=0, atol=1e-6)
    torch.testing.assert_close(torch.stack([layer[1] for layer in state]), c, rtol=0, atol=1e-6)
    traces = trace_gates(lstm, x[0])
    torch.testing.assert_close(traces[1]["hidden"], outputs[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(traces[0]["cell"][-1], c[0, 0], rtol=0, atol=1e-6)
    for trace in traces:
        torch.testing.assert_close(trace["hidden"], trace["output"] * trace["cell"].tanh())
        kept = trace["forget"][1:] * trace["cell"][:-1] + trace["input"][1:] * trace["candidate"][1:]
        torch.testing.assert_close(trace["cell"][1:], kept)
        assert all(trace[gate].min() >= 0 and trace[gate].max() <= 1 for gate in ("input", "forget", "output"))


@pytest.mark.parametrize("time", [1, 5])
@pytest.mark.parametrize("wide", [True, False])
def test_a_whole_sequence_is_that_of_the_library_with_its_gradients(monkeypatch, wide, time):
    monkeypatch.setattr(lstm_module, "WIDE", 9 if wide else 10)
    torch.manual_seed(0)
    layer, x = nn.LSTM(9, 4, batch_first=True), torch.randn(3, time, 9, requires_grad=True)
    expected, calls = layer(x)[0], []
    layer.register_forward_hook(lambda *_: calls.append(1))
    found = lstm_module.unroll(layer, x)
    assert len(calls) == (not wide)
    torch.testing.assert_close(found, expected)
    wanted = x, *layer.parameters()
    gradients = [torch.autograd.grad(states.square().sum(), wanted) for states in (found, expected)]
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b)
    with torch.no_grad():
        torch.testing.assert_close(lstm_module.unroll(layer, x), expected)


def test_a_wide_sequence_can_be_exported(monkeypatch):
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(9, 4, batch_first=True)

        def forward(self, x):
            return lstm_module.unroll(self.lstm, x)

    monkeypatch.setattr(lstm_module, "WIDE", 9)
    reader, x = Reader().eval(), torch.randn(3, 5, 9)
    with torch.no_grad():
        exported = torch.export.export(reader, (x,))
        assert any("lstm" in str(node.target) for node in exported.graph.nodes), "one layer, not its steps"
        torch.testing.assert_close(exported.module()(x), reader(x))


def test_forget_bias_touches_the_forget_gates_only():
    lstm = nn.LSTM(3, 4, 2)
    before = {name: parameter.clone() for name, parameter in lstm.named_parameters()}
    set_forget_bias(lstm, 2.5)
    for name, parameter in lstm.named_parameters():
        changed = (parameter != before[name]).reshape(4, -1).any(dim=1)
        assert changed.tolist() == [False, name.startswith("bias"), False, False]
    assert torch.equal(lstm.bias_ih_l1[4:8] + lstm.bias_hh_l1[4:8], torch.full((4,), 2.5))


@quick
@given(SIZES, st.integers(1, 5), st.integers(1, 2))
def test_language_model_steps_follow_its_forward(batch, time, layers):
    model = LanguageModel(11, embedding=4, hidden=5, layers=layers).eval()
    words = torch.randint(11, (batch, time))
    logits = model(words)
    assert logits.shape == (batch, time, 11)
    state = model.start(words)
    for t in range(time):
        log_probs, state = model.step(words[:, t], state)
        torch.testing.assert_close(log_probs, logits[:, t].log_softmax(-1), rtol=0, atol=1e-5)
        torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(batch))


X = torch.zeros(2, 3, 4)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: LSTM(0, 4), "input_size"),
        (lambda: LSTM(4, 0), "hidden_size"),
        (lambda: LSTM(4, 4, 0), "num_layers"),
        (lambda: LSTMCell(4, 0), "hidden_size"),
        (lambda: RNNCell(-1, 4), "input_size"),
        (lambda: RNNCell(4, 4)(torch.zeros(2, 5)), "x: has 5 features"),
        (lambda: LSTMCell(4, 4)(torch.zeros(2, 5)), "x: has 5 features"),
        (lambda: LSTMCell(4, 4)(X), r"x: expected shape \(batch, input_size\)"),
        (lambda: LSTM(5, 4)(X), "x: has 4 features"),
        (lambda: LSTM(4, 4)(X[:, :0]), "x: an empty sequence"),
        (lambda: LSTM(4, 4)(X, lengths=torch.tensor([3, 0])), "lengths"),
        (lambda: LSTM(4, 4)(X, lengths=torch.tensor([3, 4])), "lengths"),
        (lambda: LSTM(4, 4)(X, lengths=torch.tensor([3])), "lengths"),
        (lambda: LSTM(4, 4)(X, cont=torch.ones(3, 2)), "cont"),
        (lambda: trace_gates(LSTM(4, 4), X[0, :0]), "x: an empty sequence"),
        (lambda: reorder_gates(torch.zeros(8), "ifoo", "ifgo"), "source"),
        (lambda: reorder_gates(torch.zeros(8), "ifgo", "ifg"), "target"),
        (lambda: reorder_gates(torch.zeros(7), "ifgo", "ifog"), "tensor"),
        (lambda: LanguageModel(0, 4, 4), "vocab_size"),
        (lambda: LanguageModel(9, 4, 0), "hidden"),
        (lambda: LanguageModel(9, 4, 4)(torch.zeros(2, 0, dtype=torch.long)), "words"),
    ],
)
def test_errors_name_the_argument(call, argument):
    with pytest.raises(ValueError, match=argument):
        call()


def classes_of_the_notebook() -> dict[str, type]:
    """The classes that lesson 02 builds, taken from its cells."""
    path = Path(__file__).parents[2] / "notebooks" / "02_lstm.ipynb"
    if not path.exists():
        pytest.skip("notebooks/02_lstm.ipynb is not there")
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    names = dict(torch=torch, nn=nn, lstm=lstm_module)
    for source in sources[1:]:
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.ClassDef):
                exec(compile(ast.Module([statement], []), path.name, "exec"), names)
    return names


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_notebook_builds_the_classes_of_the_package(dtype):
    built = classes_of_the_notebook()
    h = torch.randn(2, 5, dtype=dtype)
    x, words = torch.randn(2, 6, 3, dtype=dtype), torch.randint(9, (2, 4))
    for name, sizes, call in (
        ("RNNCell", (3, 5), lambda cell: [cell(x[:, 0], h)]),
        ("LSTMCell", (3, 5), lambda cell: cell(x[:, 0], (h, h))),
        ("LSTM", (3, 5), None),
        ("LanguageModel", (9, 3, 5), lambda model: [model(words)]),
    ):
        theirs, ours = built[name](*sizes).to(dtype), getattr(lstm_module, name)(*sizes).to(dtype)
        if name == "LSTM":  # the lesson's layer loops over its own cell; ours holds the weights itself
            ours.load_state_dict({f"{key}_l0": value for key, value in theirs.cell.state_dict().items()})
            torch.testing.assert_close(theirs(x), ours(x)[0])
            continue
        same_outputs_and_gradients(theirs, ours, lambda m, _, f=call: f(m), lambda m, _, f=call: f(m), [h])


@settings(max_examples=40)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 1000))
def test_sentences_of_unequal_length_are_read_as_pytorch_reads_them(lengths, seed):
    """Outputs and all gradients of ``nn.LSTM`` on the packed sentences, in any order of lengths."""
    torch.manual_seed(seed)
    layer, time = nn.LSTM(3, 4, batch_first=True).double(), max(lengths) + seed % 2
    x = torch.randn(len(lengths), time, 3, dtype=torch.float64, requires_grad=True)
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=time)
    found = read_sentences(layer, x, torch.tensor(lengths))
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(found)
    gradients = [torch.autograd.grad((out * weights).sum(), (x, *layer.parameters())) for out in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)
