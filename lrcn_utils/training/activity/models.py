"""The activity models as they are built, started, trained and loaded (paper, Section 4)."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from lrcn_utils import environment
from lrcn_utils.data.clips import ClipBatch, collate_clips
from lrcn_utils.models import cnn as cnns
from lrcn_utils.models.activity import LRCN, Recogniser, SingleFrame, in_unit_range, step_loss_sum
from lrcn_utils.models.lstm import uniform_weights
from lrcn_utils.training.caffe import parameter_groups
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.loop import History, follow

BUILDERS = {  # of settings.COURSE_CNNS
    "hybrid-toy": cnns.toy_hybrid,
    "caffenet-toy": cnns.toy_caffenet,
    "hybrid": cnns.Hybrid,
    "caffenet": cnns.CaffeNet,
}
PULL = 3.0


def build(config: dict, *, pretrained: bool = True) -> Recogniser:
    """The model that ``config`` describes, with fresh weights.

    An ImageNet CNN comes with its weights, unless ``pretrained`` is False because a checkpoint will bring them.
    """
    name, classes = config["cnn"], len(config["classes"])
    if name in BUILDERS:
        mean = cnns.FLOW_MEAN if config["input"] == "flow" else cnns.IMAGENET_MEAN
        cnn = BUILDERS[name](1, mean=mean)  # its own fc8 is not used
    else:
        cnn = cnns.pretrained(name, download=True) if pretrained else cnns.untrained(name)
    normalise = config.get("normalise", False)
    if config["model"] == "single-frame":
        return SingleFrame(cnn, classes, config["feature"], normalise=normalise)
    hidden, dropout = config["hidden"], config["feature_dropout"]
    return LRCN(cnn, classes, config["feature"], hidden, dropout, normalise=normalise)


def checkpoint_file(name_or_path: Path | str) -> Path:
    """Where the checkpoint lies: a name without a suffix is that of a shipped one."""
    path = Path(name_or_path)
    return path if path.suffix else environment.CHECKPOINTS / f"activity_{name_or_path}.safetensors"


def load(name_or_path: Path | str) -> tuple[Recogniser, list[str]]:
    """A trained model and its class names, from a file or from a shipped checkpoint.

    Shipped: single_frame_rgb, single_frame_flow, lrcn_rgb, lrcn_flow (on fc6), lrcn_fc7_rgb, lrcn_fc7_flow.
    Raises FileNotFoundError for another name, ValueError for a checkpoint of something else.
    """
    weights, config, _ = load_checkpoint(checkpoint_file(name_or_path), "activity")
    model = build(config, pretrained=False)
    model.load_state_dict({key: weight.float() for key, weight in weights.items()})
    return model.eval(), config["classes"]


def start_cnn(model: Recogniser, weights: dict[str, torch.Tensor], prefix: str = "") -> None:
    """Give ``model``'s CNN the weights of another one of the same kind; its fc8 and input mean stay as they are."""
    given = {
        key.removeprefix(prefix): weight.float()
        for key, weight in weights.items()
        if key.startswith(prefix) and not key.removeprefix(prefix).startswith(("fc8", "mean"))
    }
    expected = {key: t.shape for key, t in model.cnn.state_dict().items() if not key.startswith(("fc8", "mean", "std"))}
    unknown = [key for key in given if key not in model.cnn.state_dict()]
    missing = [key for key, shape in expected.items() if key not in given or given[key].shape != shape]
    if missing or unknown:
        raise ValueError(f"these are not the weights of this CNN: {len(missing)} missing, {len(unknown)} unknown")
    model.cnn.load_state_dict(given, strict=False)


@torch.no_grad()
def fit_lstm(lstm: nn.LSTM, features: Iterable[np.ndarray]) -> None:
    """Fit the LSTM's initial input weights to the features it will read: (views, frames, d), one of each video.

    A feature then counts by how many standard deviations it is from its mean, PULL times as strongly as in PyTorch's
    own start. That start is made for inputs of mean 0 and spread 1, and the features of a CNN are neither: most of
    what the gates see is the same in all frames, and training stands still for many epochs before it finds what
    changes.
    """
    mean, spread = standard_scale(features)
    mean, spread = mean.to(lstm.weight_ih_l0.device), spread.to(lstm.weight_ih_l0.device)
    lstm.weight_ih_l0 *= PULL / spread
    lstm.bias_ih_l0 -= lstm.weight_ih_l0 @ mean


def standard_scale(features: Iterable[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (d,) of each feature over all frames: features (views, frames, d) of each video."""
    count, total, squares = 0, 0.0, 0.0
    for one in features:
        rows = torch.from_numpy(one.astype(np.float32)).flatten(0, -2)
        count, total, squares = count + len(rows), total + rows.sum(0), squares + rows.square().sum(0)
    mean = total / count
    spread = (squares / count - mean.square()).clamp_min(0).sqrt()
    return mean, spread.clamp_min(1e-3 * spread.max() + 1e-9)  # a feature may be 0 in all frames


def train(model: Recogniser, dataset: Dataset, recipe, *, seed: int = 0, **options) -> History:
    """Train with the loss at every step.

    ``dataset`` gives (clip, label): frames, as ``ClipDataset`` does, to train all that is not frozen, or a frozen
    CNN's features (time, d), as ``features.FeatureClips`` does, to train only the head, on fixed CNN features.
    ``recipe``: a ``settings.Recipe``. ``options`` go to ``fit``: state, workers, progress, ...
    """
    device = next(model.parameters()).device

    def batch_loss(model: nn.Module, batch: ClipBatch) -> tuple[torch.Tensor, torch.Tensor]:
        clips = batch.clips[:, :: recipe.every].to(device)
        lengths = (batch.lengths + recipe.every - 1) // recipe.every
        lengths = None if (lengths == clips.shape[1]).all() else lengths.to(device)
        if recipe.brightness:
            factor = torch.empty(len(clips), 1, 1, 1, 1, device=device)
            clips = in_unit_range(clips) * factor.uniform_(1 - recipe.brightness, 1 + recipe.brightness)
        return step_loss_sum(model(clips, lengths), batch.labels.to(device), lengths)

    if recipe.freeze_conv1:
        model.cnn.convolutions.conv1.requires_grad_(False)
    groups = parameter_groups(model, recipe, {"classifier.": 10})
    return follow(recipe, model, dataset, batch_loss, groups, seed=seed, collate=collate_clips, **options)


def start_as_caffe(model: Recogniser) -> None:
    """The first weights of the released code: LSTM uniform in 0.01 about 0, classifier normal(0, 0.01), biases 0."""
    if isinstance(model, LRCN):
        uniform_weights(model.lstm, 0.01)
    nn.init.normal_(model.classifier.weight, std=0.01)
    nn.init.zeros_(model.classifier.bias)
