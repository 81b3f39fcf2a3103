"""Exercises of lesson 08, full scale."""

import torch

from lrcn_utils.checks.compare import judge, numbers
from lrcn_utils.checks.exercise import exercise, expect


@exercise
def share(answer):
    """(items of one step, rank, count) -> the items of the process ``rank`` of ``count``, as a list."""
    for size, count in ((12, 3), (7, 2), (5, 4), (2, 3), (6, 1)):
        items = list(range(100, 100 + size))
        shares = [_as_list(answer(list(items), rank, count)) for rank in range(count)]
        taken = [item for one in shares for item in one]
        of = f"{size} items, {count} processes"
        expect(set(taken) <= set(items), f"{of}: something is taken that is not among the items.")
        if missing := sorted(set(items) - set(taken)):
            whole = size - size % count
            rest = set(missing) == set(items[whole:])
            expect(not rest, f"{of}: the rest that does not divide evenly is dropped; every item must be taken.")
            expect(missing != items[:1], f"{of}: the first item is left out; ranks are counted from 0.")
            expect(False, f"{of}: {len(missing)} of the items are taken by nobody.")
        twice = len(taken) > size
        expect(not (twice and count > 1 and shares[0] == items), f"{of}: every process takes everything.")
        expect(not twice, f"{of}: an item is taken twice, so it counts twice in the gradient.")
        longest, shortest = max(map(len, shares)), min(map(len, shares))
        uneven = f"one process has {longest} and another {shortest}; the others wait for it."
        expect(longest - shortest <= 1, f"{of}: {uneven}")


def _as_list(found) -> list[int]:
    expect(found is not None, "your function returns nothing; does it end with `return`?")
    return numbers(list(found)).astype(int).tolist()


@exercise
def scaled_loss(answer):
    """(total, a tensor that carries a gradient; words_of_all, one number a process) -> what the process derives."""
    for words in ([9, 2], [1, 4, 4], [6]):
        weights = torch.randn(3, requires_grad=True)
        totals = [(torch.randn(n, 3) @ weights).square().sum() for n in words]
        count = len(words)
        losses = [answer(total, list(words)) for total in totals]
        for one in losses:
            numbers(one)  # says so where nothing, or no number, comes back
            expect(getattr(one, "requires_grad", False), "the loss carries no gradient.")
        mistakes = {
            "the gradients of the processes are averaged, not summed: yours is too small by their number.": _averaged(
                [total / sum(words) for total in totals], weights
            ),
            "the sum of the losses is not divided by the number of words.": _averaged(totals, weights),
            "the factor and the divisor are exchanged.": _averaged(
                [total * sum(words) / count for total in totals], weights
            ),
        }
        right = _averaged([total * count / sum(words) for total in totals], weights)
        judge(_averaged(losses, weights), right, mistakes, f"for {words} words the averaged gradient is not right.")


def _averaged(losses, weights) -> torch.Tensor:
    """The average over the processes of the gradients of their ``losses`` by ``weights``."""
    found = [torch.autograd.grad(one, weights, retain_graph=True)[0] for one in losses]
    return torch.stack(found).mean(0)


@exercise
def passes(answer):
    """(iterations, batch_size, processes, accumulated, items) -> how often each item is seen, a number."""
    for case in ((30_000, 24, 1, 1, 9_537), (100, 8, 4, 3, 600), (7, 5, 2, 2, 900)):
        iterations, batch_size, processes, accumulated, items = case
        seen = iterations * batch_size
        right = seen * processes * accumulated / items
        mistakes = {
            "each process takes a batch of its own, so their number is a factor, too.": seen * accumulated / items,
            "one step of the optimizer takes all batches that are accumulated.": seen * processes / items,
            "processes share nothing: more of them see more, not fewer.": seen * accumulated / processes / items,
            "this is how many items are seen in all; divide by how many there are.": right * items,
            "you count whole passes only; a part of one counts as well.": right // 1,
            "the fraction is turned round.": 1 / right,
        }
        judge(answer(*case), right, mistakes, f"for {case} the number of passes is not right.")


@exercise
def hours(answer):
    """(iterations, frames a step, operations a frame, operations a second) -> the hours of a run, a number."""
    for case in ((30_000, 384, 8.4e9, 5e10), (5_000, 128, 8.4e9, 4e12), (10, 3, 2e9, 7e8)):
        iterations, frames, each, speed = case
        seconds = iterations * frames * each / speed
        mistakes = {
            "these are seconds; an hour has 3600 of them.": seconds,
            "these are minutes.": seconds / 60,
            "this is the time of one step; there are many.": seconds / 3600 / iterations,
            "a step has many frames.": seconds / 3600 / frames,
            "you multiply by the speed; who is faster needs less time.": seconds / 3600 * speed**2,
        }
        judge(answer(*case), seconds / 3600, mistakes, f"for {case} the hours are not right.", tolerance=1e-12)
