"""The activity models as they are built, started, trained and loaded (paper, Section 4)."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import Dataset

from lrcn_utils import environment
from lrcn_utils.data.clips import ClipBatch, collate_clips
from lrcn_utils.models import cnn as cnns
from lrcn_utils.models.activity import LRCN, Recogniser, SingleFrame, step_loss
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.loop import History, fit

OWN_CNNS = {
    "hybrid-toy": cnns.toy_hybrid,
    "caffenet-toy": cnns.toy_caffenet,
    "hybrid": cnns.Hybrid,
    "caffenet": cnns.CaffeNet,
}


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    ``every``: only every n-th frame of a clip is used (neighbours look alike). ``warm_up``: so many epochs for the
    LSTM and the classifier alone, on the features of the CNN as it starts, which cost little. ``freeze_conv1``:
    conv1 keeps the weights it starts with, which halves the cost of a step: its maps are the largest.
    """

    epochs: int
    rate: float = 1e-3
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    clip_norm: float | None = None
    batch: int = 16
    every: int = 1
    brightness: float = 0.0
    warm_up: int = 0
    freeze_conv1: bool = False


# Chosen on groups 8 to 10 of Toy Kitchen, kept from split 1's training groups for the purpose.
RECIPES = {
    ("single-frame", "rgb"): Recipe(epochs=5, every=4),
    ("single-frame", "flow"): Recipe(epochs=7, every=4),
    ("lrcn", "rgb"): Recipe(epochs=30, batch=4, clip_norm=5, warm_up=6, freeze_conv1=True),
    ("lrcn", "flow"): Recipe(epochs=7, batch=4, clip_norm=5, warm_up=6, freeze_conv1=True),
}
# On cached features of a frozen ImageNet CNN, for both inputs; chosen by cross-validation over the training groups
# of the real clips, with an LSTM of 64 units and a dropout of 0.5 on the features.
FROZEN_RECIPES = {
    "single-frame": Recipe(epochs=30, every=4),
    "lrcn": Recipe(epochs=20, clip_norm=5),
}


def build(config: dict) -> Recogniser:
    """The model that ``config`` describes, with fresh weights (a torchvision CNN with its ImageNet weights)."""
    name, classes = config["cnn"], len(config["classes"])
    if name in OWN_CNNS:
        mean = cnns.FLOW_MEAN if config["input"] == "flow" else cnns.IMAGENET_MEAN
        cnn = OWN_CNNS[name](1, mean=mean)  # its own fc8 is not used
    else:
        cnn = cnns.pretrained(name)
    normalise = config.get("normalise", False)
    if config["model"] == "single-frame":
        return SingleFrame(cnn, classes, config["feature"], normalise=normalise)
    hidden, dropout = config["hidden"], config["feature_dropout"]
    return LRCN(cnn, classes, config["feature"], hidden, dropout, normalise=normalise)


def load(name_or_path: Path | str) -> tuple[Recogniser, list[str]]:
    """A trained model and its class names, from a file or from a shipped checkpoint.

    Shipped: single_frame_rgb, single_frame_flow, lrcn_rgb, lrcn_flow (on fc6), lrcn_fc7_rgb, lrcn_fc7_flow.
    Raises FileNotFoundError for another name.
    """
    path = Path(name_or_path)
    if not path.suffix:
        path = environment.CHECKPOINTS / f"activity_{name_or_path}.safetensors"
    weights, config, _ = load_checkpoint(path)
    model = build(config)
    model.load_state_dict({key: weight.float() for key, weight in weights.items()})
    return model.eval(), config["classes"]


def start_cnn(model: Recogniser, weights: dict[str, torch.Tensor], prefix: str = "") -> None:
    """Give ``model``'s CNN the weights of another one of the same kind; its fc8 and input mean stay as they are."""
    own = {
        key.removeprefix(prefix): weight.float()
        for key, weight in weights.items()
        if key.startswith(prefix) and not key.removeprefix(prefix).startswith(("fc8", "mean"))
    }
    missing, unexpected = model.cnn.load_state_dict(own, strict=False)
    missing = [key for key in missing if not key.startswith(("fc8", "mean", "std"))]
    if missing or unexpected:
        raise ValueError(f"not the weights of this CNN: {len(missing)} missing, {len(unexpected)} unknown")


def train(
    model: Recogniser,
    dataset: Dataset,
    recipe: Recipe,
    *,
    seed: int = 0,
    save_to: Path | None = None,
    progress: bool = True,
) -> History:
    """Train with the loss at every step.

    ``dataset`` gives (clip, label): frames, as ``ClipDataset`` does, to train all that is not frozen, or a frozen
    CNN's features (time, d), as ``features.FeatureClips`` does, to train what stands on them.
    """
    device = next(model.parameters()).device

    def batch_loss(model: nn.Module, batch: ClipBatch) -> torch.Tensor:
        clips = batch.clips[:, :: recipe.every].to(device)
        lengths = (batch.lengths + recipe.every - 1) // recipe.every
        lengths = None if (lengths == clips.shape[1]).all() else lengths.to(device)
        if recipe.brightness:
            factor = torch.empty(len(clips), 1, 1, 1, 1, device=device)
            clips = clips * factor.uniform_(1 - recipe.brightness, 1 + recipe.brightness)
        logits = model(clips, lengths) if clips.dim() == 5 else model.classify(clips)
        return step_loss(logits, batch.labels.to(device), lengths)

    if recipe.freeze_conv1:
        model.cnn.convolutions.conv1.requires_grad_(False)
    optimizer = make_optimizer(model, recipe)
    return fit(
        model,
        dataset,
        batch_loss,
        optimizer,
        epochs=recipe.epochs,
        batch_size=recipe.batch,
        seed=seed,
        clip_norm=recipe.clip_norm,
        schedule=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs),
        collate=collate_clips,
        save_to=save_to,
        progress=progress,
    )


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW, or the paper's SGD with momentum 0.9."""
    learned = [p for p in model.parameters() if p.requires_grad]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(learned, recipe.rate, momentum=0.9, weight_decay=recipe.weight_decay)
    return torch.optim.AdamW(learned, recipe.rate, weight_decay=recipe.weight_decay)
