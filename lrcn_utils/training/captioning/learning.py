"""How a captioner learns, whatever it sees: Adam, the rate falling to 0 along a cosine, the gradient clipped."""

import torch
from torch import nn

from lrcn_utils.models.captioning import ImageCaptioner
from lrcn_utils.training.loop import History, fit
from lrcn_utils.training.sentences import Pairs, batch_loss, collate
from lrcn_utils.training.state import State

CLIP_NORM = 5.0


def learn(
    model: nn.Module,
    pairs: Pairs,
    *,
    rate: float,
    epochs: int,
    batch_size: int,
    seed: int,
    state: State | None = None,
    weight_decay: float = 0.0,
    workers: int = 0,
) -> History:
    """Train on all ``pairs``; with a CNN in the model, all is slower and the CNN slower still."""
    if isinstance(model, ImageCaptioner):
        rates = [(model.captioner, rate / 4), (model.cnn, rate / 40)]
    else:
        rates = [(model, rate)]
    groups = [{"params": part.parameters(), "lr": rate} for part, rate in rates]
    optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay)
    return fit(
        model,
        pairs,
        batch_loss,
        optimizer,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        clip_norm=CLIP_NORM,
        schedule=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs),
        collate=collate,
        workers=workers,
        state=state,
    )
