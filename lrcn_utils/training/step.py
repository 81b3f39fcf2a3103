"""One step of the optimizer on one batch or on several, which one process takes or several share.

Whatever the batches and the processes, the gradient is that of the mean loss of all their words, steps or items.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lrcn_utils.training.processes import processes


def own_batches(items: list[int], batch_size: int) -> list[Sequence[int]]:
    """Of the items of a step, those that this process takes: a list for each of its batches, which may be empty."""
    at_once = batch_size * processes().count
    return [processes().share(items[start : start + at_once]) for start in range(0, len(items), at_once)]


def drawn(
    loader: Iterator, own_batches: list[Sequence[int]], seed: int, first: int
) -> Iterator[tuple[object, int, bool]]:
    """The batches of a step, one by one: (batch, its number of items, whether it is the step's last).

    Dropout is drawn anew for each; ``first``: the number of the first one, of all that one process takes.
    """
    for k, own in enumerate(own_batches):
        batch = next(loader)
        torch.manual_seed(seed * 1_000_003 + first + k + processes().rank * 1_000_000_007)
        yield batch, len(own), k == len(own_batches) - 1


def take_step(model, optimizer, batches, batch_loss, clip_norm) -> tuple[float, float]:
    """One step of the optimizer on ``batches``; their summed loss, and of how many words, steps or items it is.

    Both are sums over all batches and processes. The loss of a batch without an item of this process counts as 0.
    """
    everyone, found = processes(), []
    optimizer.zero_grad(set_to_none=True)
    for batch, items, last in batches:
        with everyone.adding_up(model, last):
            loss = batch_loss(model, batch)
            total, count = loss if isinstance(loss, tuple) else (loss * items, items)
            counts = items > 0
            total, count = total * counts, torch.as_tensor(count, device=total.device) * counts
            found.append(everyone.sum(torch.stack([total.detach(), count.to(total.dtype)])))
            # Divided by the first batch's count, for that of all is not known yet. The gradients of the processes are
            # averaged, not summed.
            everyone.backward(total * everyone.count / found[0][1])
    whole, count = torch.stack(found).sum(0)
    if len(found) > 1:
        _scale_gradients(optimizer, found[0][1] / count)
    if clip_norm is not None:
        everyone.clip(model, clip_norm)
    if torch.isfinite(whole):  # a loss that is not must not reach the weights
        optimizer.step()
    return whole.item(), float(count)


def _scale_gradients(optimizer, factor: Tensor) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameter.grad.mul_(factor)
