"""The one training loop of the course: seeded, resumable, the same for every task.

Nothing random depends on what ran before: the order of epoch e is a function of (seed, e), the augmentation
of item i of (seed, e, i), dropout of (seed, batch). So a run that was killed and resumed ends as the unbroken one,
bit by bit, wherever it was killed.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from lrcn_utils.training.logs import Log
from lrcn_utils.training.processes import processes
from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.state import State
from lrcn_utils.training.step import drawn, own_batches, take_step

Loss = Tensor | tuple[Tensor, Tensor | int]


class Diverged(ArithmeticError):
    """The loss or a weight is no longer a finite number."""


@dataclass
class History:
    """Mean training loss, evaluation results and seconds, one entry an epoch. Two that differ in seconds are equal."""

    loss: list[float] = field(default_factory=list)
    evaluation: list[dict] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list, compare=False)


@dataclass
class Progress:
    """How far a training has come: epochs done, and of the present one steps, summed loss, its count and seconds."""

    epoch: int = 0
    step: int = 0
    total: float = 0.0
    count: float = 0.0
    seconds: float = 0.0


def fit(
    model: nn.Module,
    dataset: Dataset,
    batch_loss: Callable[[nn.Module, object], Loss],
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    batch_size: int,
    accumulate: int = 1,
    seed: int = 0,
    clip_norm: float | None = None,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    every_step: bool = False,
    collate: Callable | None = None,
    workers: int = 0,
    evaluate: Callable[[nn.Module], dict] | None = None,
    on_epoch: Callable[[History], None] | None = None,
    state: State | None = None,
    log: Log | None = None,
    progress: bool = True,
) -> History:
    """Train ``model`` on ``dataset`` and return the history.

    ``batch_loss(model, batch)`` gives the mean loss of the items of a collated batch, or (sum, count) where items hold
    unequal numbers of words or steps; the history is the mean over the epoch. It also moves the batch to the device.
    Of several processes (``processes``) each takes ``batch_size`` items at once, and a step of the optimizer adds up
    the gradients of ``accumulate`` such batches, one after another: two processes, and two batches, do what one batch
    of twice the size does, whatever the number of words or steps in each. Memory does not grow with ``accumulate``.
    A dataset with a method ``set_epoch(seed, epoch)`` is told the epoch, so that its augmentation can follow it.
    ``schedule`` steps once an epoch, with ``every_step`` after every step of the optimizer; ``clip_norm`` bounds the
    global L2 norm of the gradient. ``on_epoch(history)`` is called after every epoch, for a live curve.
    ``state``: where the training is kept while it runs, and goes on from if it was begun and resuming is asked for.
    ``log``, by default that of the state, gets the history after every epoch.

    Raises ValueError for an empty dataset, RunError for the state of another training, and Diverged when the loss or
    a weight is no longer finite; the last good state is then kept.
    """
    all_of_us = processes()
    a_step = batch_size * accumulate * all_of_us.count
    steps = -(-len(dataset) // a_step)
    if steps == 0:
        raise ValueError("there is nothing to train on: the training set is empty")
    facts = _facts(optimizer, dataset, epochs, batch_size, seed, clip_norm, schedule)
    facts |= {"accumulate": accumulate} if accumulate > 1 else {}
    if every_step:
        facts["drops"] = [getattr(schedule, name, None) for name in ("step_size", "gamma")]
    history, done = _begin(model, optimizer, schedule, state, facts)
    prepared = all_of_us.prepare(model, optimizer)
    log = log or (state and state.log)

    def keep(done: Progress) -> None:
        if state is not None and all_of_us.first and _finite(model):
            state.save(facts, _saved(model, optimizer, schedule, history, done))

    def write_down() -> None:
        if log is not None and all_of_us.first and history.loss:
            log.write(history)

    write_down()  # the training may have been killed before it was
    bar = tqdm(range(done.epoch, epochs), desc="epoch", disable=not (progress and all_of_us.first), leave=False)
    for epoch in bar:
        if hasattr(dataset, "set_epoch"):
            dataset.set_epoch(seed, epoch)
        order, before, started = _epoch_order(len(dataset), seed, epoch), done.seconds, time.perf_counter()
        plan = [own_batches(order[k * a_step : (k + 1) * a_step], batch_size) for k in range(done.step, steps)]
        model.train()
        kept = time.monotonic()
        # Who has no item left of the last batch takes any, and it does not count: all must take every step.
        loader = iter(_loader(dataset, [own or order[-1:] for batches in plan for own in batches], collate, workers))
        for batches in plan:
            first = (epoch * steps + done.step) * accumulate
            total, count = take_step(*prepared, drawn(loader, batches, seed, first), batch_loss, clip_norm)
            if not np.isfinite(total):
                raise Diverged(_diverged("the loss is", total, epoch, done.step, state))
            if every_step:
                schedule.step()
            done.step, done.total, done.count = done.step + 1, done.total + total, done.count + count
            done.seconds = before + time.perf_counter() - started
            if state is not None and done.step < steps and time.monotonic() - kept >= state.every:
                keep(done)
                kept = time.monotonic()
        if not _finite(model):
            raise Diverged(_diverged("a weight is", "not finite", epoch, done.step - 1, state))
        if schedule is not None and not every_step:
            schedule.step()
        history.loss.append(done.total / done.count)
        if evaluate is not None:
            model.eval()
            with torch.no_grad():
                history.evaluation.append({name: _plain(value) for name, value in evaluate(model).items()})
        history.seconds.append(before + time.perf_counter() - started)
        done = Progress(epoch + 1)
        bar.set_postfix(loss=f"{history.loss[-1]:.3f}")
        keep(done)
        write_down()
        if on_epoch is not None:
            on_epoch(history)
    model.eval()
    return history


def follow(recipe: Recipe, model: nn.Module, dataset: Dataset, batch_loss: Callable, groups, **options) -> History:
    """``fit`` by ``recipe``. ``groups``: the parameters as an optimizer takes them; ``options``: those of ``fit``.

    The optimizer updates each weight in one pass over memory.
    """
    epochs = recipe.epochs_of(len(dataset), processes().count)
    if recipe.optimizer == "sgd":
        optimizer = torch.optim.SGD(groups, recipe.rate, momentum=0.9, weight_decay=recipe.weight_decay, fused=True)
    else:
        optimizer = torch.optim.AdamW(groups, recipe.rate, weight_decay=recipe.weight_decay, fused=True)
    if recipe.drop_every:
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, recipe.drop_every, recipe.drop_to)
    else:
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    options |= {"epochs": epochs, "batch_size": recipe.batch_size, "accumulate": recipe.accumulate}
    options |= {"clip_norm": recipe.clip_norm, "schedule": schedule, "every_step": recipe.drop_every is not None}
    return fit(model, dataset, batch_loss, optimizer, **options)


def _epoch_order(size: int, seed: int, epoch: int) -> list[int]:
    """The order of ``size`` items in epoch ``epoch``: a permutation that depends on (seed, epoch) only."""
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    return torch.randperm(size, generator=generator).tolist()


def _loader(dataset: Dataset, batches: list[list[int]], collate, workers: int) -> DataLoader:
    # A generator of the loader's own: else it would draw on the global one and move dropout after a resume.
    own = torch.Generator()
    return DataLoader(dataset, batch_sampler=batches, collate_fn=collate, num_workers=workers, generator=own)


def _facts(optimizer, dataset, epochs, batch_size, seed, clip_norm, schedule) -> dict:
    """What a training is: states of other trainings are told apart by these."""
    told_apart = ("params", "lr", "initial_lr")
    groups = [{k: v for k, v in group.items() if k not in told_apart} for group in optimizer.param_groups]
    for group in groups:  # how the update is computed is no other training; a state goes on in the way it began
        group |= {"fused": None} if "fused" in group else {}
    rates = [group.get("initial_lr", group["lr"]) for group in optimizer.param_groups]
    shapes = [[list(p.shape) for p in group["params"]] for group in optimizer.param_groups]
    return processes().facts | {
        "optimizer": f"{type(optimizer).__name__} {groups}",
        "rate": rates,
        "schedule": type(schedule).__name__,
        "sizes of the weights": shapes,
        "items": len(dataset),
        "epochs": epochs,
        "batch_size": batch_size,
        "seed": seed,
        "clip_norm": clip_norm,
    }


def _begin(model, optimizer, schedule, state: State | None, facts: dict) -> tuple[History, Progress]:
    saved = state.load(facts) if state is not None else None
    if saved is None:
        return History(), Progress()
    model.load_state_dict(saved["model"], strict=False)  # frozen weights are not in it
    optimizer.load_state_dict(saved["optimizer"])
    if schedule is not None:
        schedule.load_state_dict(saved["schedule"])
    return History(**saved["history"]), Progress(**saved["progress"])


def _saved(model, optimizer, schedule, history: History, done: Progress) -> dict:
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {
        "model": {name: tensor for name, tensor in model.state_dict().items() if name not in frozen},
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict() if schedule is not None else None,
        "history": asdict(history),
        "progress": asdict(done),
    }


def _finite(model: nn.Module) -> bool:
    return all(torch.isfinite(parameter).all() for parameter in model.parameters() if parameter.requires_grad)


def _plain(value):
    """A number of Python for one of NumPy or PyTorch, which a state file could not give back."""
    return value.item() if isinstance(value, np.generic | Tensor) else value


def _diverged(what: str, value, epoch: int, step: int, state: State | None) -> str:
    kept = f"; the last good state is in {state.path}" if state is not None and state.path.exists() else ""
    return f"{what} {value} at step {step + 1} of epoch {epoch + 1}: lower --rate, or clip the gradient{kept}"
