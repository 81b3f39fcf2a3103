"""The toy CNN as it is trained and loaded: one logistic regression for each label."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.models.cnn import LayerTableCNN, toy_hybrid
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.cnn.images import POINT_LABELS
from lrcn_utils.training.loop import History, follow
from lrcn_utils.training.recipe import Recipe

CHECKPOINT = CHECKPOINTS / "cnn_hybrid_toy.safetensors"
PLACES_COUNT = 6


def load(path: Path | str = CHECKPOINT) -> LayerTableCNN:
    """The pre-trained toy hybrid, ready to use; ``.labels`` names the outputs of fc8 ("object carrot", "count 2", ...).

    Raises FileNotFoundError or ValueError as ``load_checkpoint``.
    """
    weights, config, _ = load_checkpoint(path, "cnn")
    model = toy_hybrid(len(config["labels"]))
    model.load_state_dict(weights)
    model.labels = config["labels"]
    return model.eval()


def train(model: nn.Module, dataset: Dataset, recipe: Recipe, **options) -> History:
    """Train all labels at once. ``options`` go to ``loop.fit``."""
    return follow(recipe, model, dataset, _multi_label_loss, model.parameters(), **options)


def _multi_label_loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Logistic loss summed over the labels that are known, per image; that of places counts PLACES_COUNT times.

    A share between 0 and 1 as target pulls less than a yes or a no, and what moves must be seen where it is.
    """
    images, targets = batch
    device = next(model.parameters()).device
    images = images.to(device, memory_format=torch.channels_last)
    targets = targets.to(device)
    known = ~targets.isnan()
    losses = F.binary_cross_entropy_with_logits(model(images), targets.nan_to_num(), reduction="none")
    losses[:, -len(POINT_LABELS) :] *= PLACES_COUNT
    return (losses * known).sum() / len(images)
