"""Exercises of lesson 02, long short-term memory."""

import numpy as np
import torch
import torch.nn.functional as F

from lrcn_utils.checks.compare import judge, numbers
from lrcn_utils.checks.exercise import exercise, expect


@exercise
def rnn_step(answer):
    """(x (batch, in), h (batch, hidden), weight_ih, weight_hh, bias (hidden,)) -> the next h, (batch, hidden)."""
    x, h, bias = torch.randn(3, 2), torch.randn(3, 4), torch.randn(4)
    weight_ih, weight_hh = torch.randn(4, 2), torch.randn(4, 4, requires_grad=True)
    from_x, from_h = x @ weight_ih.T, h @ weight_hh.T
    right = torch.tanh(from_x + from_h + bias)
    mistakes = {
        "weight_hh has to be transposed; it is square, so nothing else tells you.": (
            from_x + h @ weight_hh + bias
        ).tanh(),
        "tanh acts on one part only; it takes the whole sum.": (from_x + bias).tanh() + from_h,
        "tanh acts on each part; it takes the whole sum.": (from_x + bias).tanh() + from_h.tanh(),
        "the bias is missing.": (from_x + from_h).tanh(),
        "tanh is missing.": from_x + from_h + bias,
        "the old hidden state is not used, so nothing is remembered.": (from_x + bias).tanh(),
        "the sum goes through a sigmoid; tanh is wanted.": (from_x + from_h + bias).sigmoid(),
    }
    found = answer(x, h, weight_ih, weight_hh, bias)
    judge(found, right, mistakes, "the next hidden state is not right.")
    expect(getattr(found, "requires_grad", False), "the hidden state carries no gradient.")
    ours, theirs = (torch.autograd.grad(one.sum(), weight_hh)[0] for one in (found, right))
    judge(ours, theirs, {}, "the step is right, but its gradient is not.")


@exercise
def input_weight_gradient(answer):
    """(x: T numbers, h: T + 1 states from h_0 on, d_h: dL/dh_T, w_h) -> dL/dw_x, a number."""
    for x in ([0.9, -0.4, 0.3, -0.2], [0.5], [-1.0, 0.7, 0.8, 0.4, -0.6]):
        w_x, w_h, d_h = torch.tensor(1.2, requires_grad=True), torch.tensor(0.8, requires_grad=True), -0.7
        h = [torch.tensor(0.0)]
        for number in x:
            h.append(torch.tanh(w_x * number + w_h * h[-1]))
        right, of_w_h = torch.autograd.grad(h[-1], (w_x, w_h), torch.tensor(d_h))
        states = [state.item() for state in h]
        shares = _shares(x, states, d_h)
        mistakes = {
            "only one share is left: every step adds its own.": shares[-1],
            "only the last step counts; go on to the steps before it.": shares[0],
            "this is the gradient of w_h: at step t the weight w_x met x_t, not the state before.": of_w_h,
            "the slope of tanh is missing.": sum(_shares(x, states, d_h, slope=False)),
            "the slope is that of the state before; step t has 1 - h_t ** 2.": sum(_shares(x, states, d_h, late=1)),
            "from step to step the gradient must be multiplied by w_h.": sum(_shares(x, states, d_h, w_h=1.0)),
            "from step to step the slope of tanh counts, too.": sum(_shares(x, states, d_h, carried=False)),
        }
        judge(answer(list(x), list(states), d_h, 0.8), right, mistakes, f"for {len(x)} steps it is not right.")


def _shares(x, h, d_h, w_h=0.8, slope=True, late=0, carried=True) -> list[float]:
    """What each step adds to the gradient of w_x, the last step first; the options are the mistakes one can make."""
    found = []
    for t in range(len(x), 0, -1):
        d_sum = d_h * (1 - h[t - late] ** 2 if slope else 1)
        found.append(d_sum * x[t - 1])
        d_h = (d_sum if carried else d_h) * w_h
    return found


@exercise
def gates(answer):
    """() -> four triples (i, f, o), with which the cell shows the first plus the third number at the end only."""
    found = numbers(answer())
    expect(found.shape == (4, 3), f"four triples (i, f, o) are wanted, so the shape (4, 3); yours is {found.shape}.")
    expect(((found >= 0) & (found <= 1)).all(), "a gate lies between 0 and 1.")
    cell, shown = np.zeros(4), []  # of each number, how much the cell holds and the hidden state shows
    for number, (i, f, o) in zip(np.eye(4), found, strict=True):
        cell = f * cell + i * number
        shown.append(o * cell)
    expect(not np.any(shown[:3]), "something is shown before the last step; keep the output gate shut until then.")
    expect(np.any(shown[3]), "nothing is shown at the end: is the cell empty, or the output gate shut?")
    for k, name in ((1, "second"), (3, "fourth")):
        expect(shown[3][k] == 0, f"the {name} number is in the sum; shut the input gate when it passes.")
    expect(shown[3][2] > 0, "the third number is missing; open the input gate for it.")
    expect(shown[3][0] > 0, "the first number is missing: is it written, and is the forget gate open ever after?")
    expect(np.allclose(shown[3], (1, 0, 1, 0)), "a gate is half open, so only a part of the numbers is left.")


@exercise
def step(answer):
    """(x (batch, in), h and c (batch, hidden), weight_ih, weight_hh (4 hidden, ...), bias) -> the next h and c."""
    x, h, c, bias = torch.randn(3, 2), torch.randn(3, 5), torch.randn(3, 5), torch.randn(20)
    weight_ih, weight_hh = torch.randn(20, 2), torch.randn(20, 5, requires_grad=True)
    sums = x @ weight_ih.T + h @ weight_hh.T + bias
    i, f, g, o = sums.chunk(4, dim=1)
    right = _next(c, i, f, g, o)
    new_c, no_bias = right[1], (sums - bias).chunk(4, dim=1)
    mistakes = {
        "the blocks are taken in the order i f o g, which is Caffe's; PyTorch has i f g o.": _next(c, i, f, o, g),
        "the forget and the input gate look swapped.": _next(c, f, i, g, o),
        "the tanh of the cell is missing: h = o * tanh(c).": (o.sigmoid() * new_c, new_c),
        "the forget gate acts on the old cell only, not on what is written.": _next(c, i, f, g, o, forget_all=True),
        "the candidate goes through a sigmoid; tanh is wanted.": _next(c, i, f, g, o, candidate=torch.sigmoid),
        "the old cell is shown; h comes from the new one.": (o.sigmoid() * c.tanh(), new_c),
        "the two are exchanged: h first, then c.": right[::-1],
        "the bias is missing.": _next(c, *no_bias),
        "the old cell is lost: it is multiplied by the forget gate and kept.": _next(0 * c, i, f, g, o),
    }
    found = answer(x, h, c, weight_ih, weight_hh, bias)
    expect(isinstance(found, tuple | list) and len(found) == 2, "two tensors are wanted: h, c.")
    expect(all(isinstance(one, torch.Tensor) for one in found), "h and c should be tensors.")
    expect(found[0].shape == found[1].shape == c.shape, "h and c should both have the shape (batch, hidden).")
    results = {sentence: torch.stack(result) for sentence, result in mistakes.items()}
    judge(torch.stack(list(found)), torch.stack(right), results, "the next h and c are not right.")
    expect(found[0].requires_grad and found[1].requires_grad, "h and c carry no gradient.")
    ours, theirs = (torch.autograd.grad(sum(pair).sum(), weight_hh)[0] for pair in (found, right))
    judge(ours, theirs, {}, "the step is right, but its gradient is not.")


def _next(c, i, f, g, o, forget_all=False, candidate=torch.tanh):
    """(h, c) from the sums of the four blocks; the options are the mistakes one can make."""
    written = i.sigmoid() * candidate(g)
    c = f.sigmoid() * (c + written) if forget_all else f.sigmoid() * c + written
    return o.sigmoid() * c.tanh(), c


@exercise
def direct_path(answer):
    """f (time, units), the forget gates -> the gradient from c_T back to c_(T-k) in row k, (time + 1, units)."""
    for time in (4, 1):
        f = torch.rand(time, 3)
        none = torch.ones(1, 3)
        distance = torch.arange(time + 1)[:, None]
        right = torch.cat([none, f.flip(0).cumprod(0)])
        mistakes = {
            "you go from the first step on; the way back begins at the last one.": torch.cat([none, f.cumprod(0)]),
            "the rows are turned round: row 0 is the last cell itself.": right.flip(0),
            "row 0 is missing: at distance 0 the gradient is 1.": right[1:],
            "you take powers of the mean gate; the gates themselves are multiplied.": f.mean(0) ** distance,
            "each row has one gate; all gates on the way are multiplied.": torch.cat([none, f.flip(0)]),
            "the gates are added; on the way back they are multiplied.": torch.cat([none, f.flip(0).cumsum(0)]),
        }
        judge(answer(f), right, mistakes, f"for {time} steps the gradient is not right.")


@exercise
def indicator(answer):
    """lengths of the sequences of a stream, whole numbers -> its continuation indicator, one 0 or 1 a step."""
    for lengths in ([4, 2, 3], [1, 1, 3], [5]):
        first = np.concatenate([np.arange(n) == 0 for n in lengths])
        last = np.concatenate([np.arange(n) == n - 1 for n in lengths])
        right = (~first).astype(int)
        mistakes = {
            "0 and 1 are exchanged: 1 carries the state on, and 0 clears it.": first,
            "the 0 stands at the last step of a sequence; the state is cleared before the first.": ~last,
            "the stream itself begins with a 0, too.": np.concatenate([[1], right[1:]]),
            "the steps are counted; the indicator is 0 or 1.": np.concatenate([np.arange(n) for n in lengths]),
        }
        judge(answer(list(lengths)), right, mistakes, f"for the lengths {lengths} the indicator is not right.")


@exercise
def last_states(answer):
    """(outputs (batch, time, hidden), lengths (batch,)) -> the state at each sequence's last step, (batch, hidden)."""
    for lengths in (torch.tensor([2, 4, 3]), torch.tensor([5, 1, 5])):
        outputs, time = torch.randn(3, 5, 2), torch.arange(5)[:, None]
        each, real = range(3), time < lengths[:, None, None]
        right = outputs[each, lengths - 1]
        mistakes = {
            "this is the last step of the batch; in short sequences it is padding.": outputs[:, -1],
            "you are one step too late: the steps are counted from 0.": outputs[each, lengths.clamp(max=4)],
            "you are one step too early.": outputs[each, (lengths - 2).clamp(min=0)],
            "every sequence is asked for the lengths of all; take one step of each.": outputs[:, lengths - 1],
            "this is the first state of each sequence.": outputs[:, 0],
            "you take the mean over the steps; one step of each is wanted.": (outputs * real).sum(1) / lengths[:, None],
        }
        judge(answer(outputs, lengths), right, mistakes, f"for the lengths {lengths.tolist()} it is not right.")


@exercise
def perplexity(answer):
    """(log_p (batch, time, words), targets (batch, time), pad) -> the perplexity of the real words, a number."""
    for targets in (torch.tensor([[4, 5, 6, 7, 2], [5, 2, 0, 0, 0]]), torch.tensor([[4, 6, 2]])):
        log_p = (2 * torch.randn(*targets.shape, 9)).log_softmax(2)
        each, real = F.nll_loss(log_p.transpose(1, 2), targets, reduction="none"), targets != 0
        means = (each * real).sum(1) / real.sum(1)  # of the sentences
        right = each[real].mean().exp()
        mistakes = {
            "padding is counted as words.": each.mean().exp(),
            "the sum over the real words is divided by the number of all places.": (each * real).mean().exp(),
            "you take the mean of the sentences' means, so words of short ones count more.": means.mean().exp(),
            "you take the mean of the sentences' perplexities; raise e to one mean.": means.exp().mean(),
            "this is the mean loss in nats; the perplexity is e to the power of it.": each[real].mean(),
            "the sign is wrong: a perplexity is at least 1.": 1 / right,
            "the base is 2, but the loss is in nats, so the base is e.": 2 ** each[real].mean(),
            "you take e to the power of each word's loss before the mean.": each[real].exp().mean(),
        }
        judge(answer(log_p, targets, 0), right, mistakes, "the perplexity is not right.", tolerance=1e-3)
