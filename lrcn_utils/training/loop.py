"""The one training loop of the course: seeded, resumable, the same for every task.

Nothing random depends on what ran before: the order of epoch e is a function of (seed, e), the augmentation
of item i of (seed, e, i), dropout of (seed, step). So a run that was killed and resumed ends as the unbroken one.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm


@dataclass
class History:
    """Mean training loss and evaluation results, one entry an epoch."""

    loss: list[float] = field(default_factory=list)
    evaluation: list[dict] = field(default_factory=list)


def epoch_order(size: int, seed: int, epoch: int) -> list[int]:
    """The order of ``size`` items in epoch ``epoch``: a permutation that depends on (seed, epoch) only."""
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    return torch.randperm(size, generator=generator).tolist()


def fit(
    model: nn.Module,
    dataset: Dataset,
    batch_loss: Callable[[nn.Module, object], torch.Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    clip_norm: float | None = None,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    collate: Callable | None = None,
    workers: int = 0,
    evaluate: Callable[[nn.Module], dict] | None = None,
    on_epoch: Callable[[History], None] | None = None,
    save_to: Path | str | None = None,
    progress: bool = True,
) -> History:
    """Train ``model`` on ``dataset`` and return the history.

    ``batch_loss(model, batch)`` gives the scalar loss of one collated batch (it also moves it to the device).
    A dataset with a method ``set_epoch(seed, epoch)`` is told the epoch, so that its augmentation can follow it.
    ``schedule`` steps once an epoch; ``clip_norm`` bounds the global L2 norm of the gradient.
    ``on_epoch(history)`` is called after every epoch, for a live curve.
    ``save_to``: a file written after every epoch; when it exists already, training resumes from it.
    """
    history, first = History(), 0
    if save_to is not None and Path(save_to).exists():
        first = _restore(Path(save_to), model, optimizer, schedule, history)
    step = first * -(-len(dataset) // batch_size)
    bar = tqdm(range(first, epochs), desc="epoch", disable=not progress, leave=False)
    for epoch in bar:
        if hasattr(dataset, "set_epoch"):
            dataset.set_epoch(seed, epoch)
        loader = _loader(dataset, epoch_order(len(dataset), seed, epoch), batch_size, collate, workers)
        model.train()
        total, batches = 0.0, 0
        for batch in loader:
            torch.manual_seed(seed * 1_000_003 + step)
            loss = batch_loss(model, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
            optimizer.step()
            total, batches, step = total + loss.item(), batches + 1, step + 1
        if schedule is not None:
            schedule.step()
        history.loss.append(total / batches)
        if evaluate is not None:
            model.eval()
            with torch.no_grad():
                history.evaluation.append(evaluate(model))
        bar.set_postfix(loss=f"{history.loss[-1]:.3f}")
        if save_to is not None:
            _keep(Path(save_to), model, optimizer, schedule, history)
        if on_epoch is not None:
            on_epoch(history)
    model.eval()
    return history


def _loader(dataset: Dataset, order: Sequence[int], batch_size: int, collate, workers: int) -> DataLoader:
    # An own generator keeps the loader from drawing on the global one, which would move dropout after a resume.
    return DataLoader(
        dataset,
        batch_size,
        sampler=order,
        collate_fn=collate,
        num_workers=workers,
        generator=torch.Generator(),
    )


def _keep(path: Path, model, optimizer, schedule, history: History) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict() if schedule is not None else None,
        "loss": history.loss,
        "evaluation": history.evaluation,
    }
    part = path.with_name(path.name + ".part")
    torch.save(state, part)
    os.replace(part, path)


def _restore(path: Path, model, optimizer, schedule, history: History) -> int:
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    if schedule is not None:
        schedule.load_state_dict(state["schedule"])
    history.loss, history.evaluation = state["loss"], state["evaluation"]
    return len(history.loss)
