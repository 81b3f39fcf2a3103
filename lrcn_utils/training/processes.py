"""Several processes that train one model together, on the GPUs of one machine or of many: Hugging Face Accelerate.

    torchrun --nproc-per-node 2 -m lrcn_utils.training captioning ...
    accelerate launch --num_processes 4 --mixed_precision bf16 -m lrcn_utils.training activity ...

A command that was started by neither is alone, and does not load Accelerate. All processes share one file system: the
features are divided among them, each waits until all are there, and all read them.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from datetime import timedelta
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")
R = TypeVar("R")


class Alone:
    """One process, which does everything."""

    rank, count = 0, 1

    @property
    def cores(self) -> int:
        """How many cores of this machine are for this process, where others of this command run on it too."""
        return max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))

    @property
    def first(self) -> bool:
        """Whether this is the process that prints and writes the state of a training."""
        return self.rank == 0

    @property
    def facts(self) -> dict[str, int]:
        """What a training is, beside its settings; nothing for one process, so that its states stay as they are."""
        return {"processes": self.count} if self.count > 1 else {}

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer):
        """``model`` and ``optimizer`` as a step is to use them; the weights stay those of ``model``."""
        return model, optimizer

    def adding_up(self, model: nn.Module, last: bool) -> AbstractContextManager:
        """Around ``model``'s work on one batch of a step: only after the ``last`` one the processes average."""
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        """The gradients of ``loss``, averaged over all processes."""
        loss.backward()

    def clip(self, model: nn.Module, norm: float) -> None:
        """Bound the global L2 norm of the gradient."""
        nn.utils.clip_grad_norm_(model.parameters(), norm)

    def sum(self, numbers: Tensor) -> Tensor:
        """``numbers`` (n,), each summed over all processes."""
        return numbers

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This process's own part of ``items``: every ``count``-th."""
        return items[self.rank :: self.count]

    def gather(self, items: list[T]) -> list[T]:
        """The ``items`` of all processes, in the order of the processes."""
        return items

    def spread(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """What ``work`` makes of each of ``items``, in their order: each is done by one process, and all have them all.

        All processes must come here; what ``work`` returns must be picklable.
        """
        own = self.share(range(len(items)))
        done = dict(self.gather([(number, work(items[number])) for number in own]))
        return [done[number] for number in range(len(items))]

    def wait(self) -> None:
        """Wait until all processes have come here."""

    def first_one_first(self) -> AbstractContextManager:
        """In the block the first process goes ahead, and the others follow when it has left it."""
        return nullcontext()


class Together(Alone):
    """One of several processes, or one that Accelerate started for the sake of mixed precision.

    Raises RuntimeError where the launcher has started more processes than have found each other: each would then train
    a model of its own, and say nothing.
    """

    def __init__(self):
        from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs

        # A head that is trained on features leaves the CNN's weights without a gradient.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        # One process may be done with its videos long before another: ten minutes, as is usual, would end the command.
        patience = InitProcessGroupKwargs(timeout=timedelta(days=1))
        self._accelerator = Accelerator(cpu=not torch.cuda.is_available(), kwargs_handlers=[unused, patience])
        self.rank, self.count = self._accelerator.process_index, self._accelerator.num_processes
        started = int(os.environ.get("WORLD_SIZE", 1))
        if self.count != started:
            raise RuntimeError(f"{started} processes were started, but {self.count} found each other; use torchrun")

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer):
        return self._accelerator.prepare(model, optimizer)

    def adding_up(self, model: nn.Module, last: bool) -> AbstractContextManager:
        return nullcontext() if last else self._accelerator.no_sync(model)

    def backward(self, loss: Tensor) -> None:
        self._accelerator.backward(loss)

    def clip(self, model: nn.Module, norm: float) -> None:
        self._accelerator.clip_grad_norm_(model.parameters(), norm)

    def sum(self, numbers: Tensor) -> Tensor:
        return self._accelerator.reduce(numbers)

    def gather(self, items: list[T]) -> list[T]:
        from accelerate.utils import gather_object

        return gather_object(items)

    def wait(self) -> None:
        self._accelerator.wait_for_everyone()

    def first_one_first(self) -> AbstractContextManager:
        return self._accelerator.main_process_first()


@cache
def processes() -> Alone:
    """All processes of this command, as one of them sees them."""
    launched = "WORLD_SIZE" in os.environ or "ACCELERATE_MIXED_PRECISION" in os.environ
    return Together() if launched else Alone()


@contextmanager
def first_alone_speaks() -> Iterator[None]:
    """In the block, what is printed by any process but the first is not heard."""
    if processes().first:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8", newline="\n") as nowhere, redirect_stdout(nowhere):
        yield
