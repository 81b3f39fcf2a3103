"""What else can read the features of a clip: the models that came beside and after LRCN's LSTM, at one size.

Each takes LRCN's place after the CNN: features (batch, time, d) in, logits (batch, steps, classes) out. A model that
gives one answer for the whole clip has one step.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lrcn_utils.models.activity import Recogniser


class Head(Recogniser):
    """What all heads share: each feature is centred and divided by its spread, and a linear classifier comes last.

    ``mean`` and ``spread`` (d,) are those of the training features. ``width``: units of the hidden layers.
    """

    def __init__(self, cnn: nn.Module, num_classes: int, width: int, feature: str = "fc6", dropout: float = 0.5):
        super().__init__(cnn, feature)
        self.size, self.width = cnn.feature_size[feature], width
        self.register_buffer("mean", torch.zeros(self.size))
        self.register_buffer("spread", torch.ones(self.size))
        self.over_time = self.build()
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, num_classes))

    def build(self) -> nn.Module:
        """The layers before the classifier, (batch, time, d) -> (batch, steps, width)."""
        raise NotImplementedError

    def read(self, features: Tensor) -> Tensor:
        return self.classifier(self.over_time((features - self.mean) / self.spread))


class Pooled(nn.Module):
    """``each`` (batch, time, d) -> (batch, time, width), the mean over time, and one more layer: (batch, 1, width)."""

    def __init__(self, each: nn.Module, width: int):
        super().__init__()
        self.each, self.after = each, nn.Sequential(nn.Linear(width, width), nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        return self.after(self.each(features).mean(dim=1, keepdim=True))


class MeanOfFrames(Head):
    """Each frame for itself, then the mean: it cannot know the order of the frames."""

    def build(self) -> nn.Module:
        return Pooled(nn.Sequential(nn.Linear(self.size, self.width), nn.ReLU()), self.width)


class AttentionOverTime(Head):
    """A weighted mean of the frames: the weights say which frames matter, and neither they nor it know the order."""

    def build(self) -> nn.Module:
        return WeightedMean(self.size, self.width)


class WeightedMean(nn.Module):
    """Additive attention: a score for each frame, softmax over time, and one more layer: (batch, 1, width)."""

    def __init__(self, size: int, width: int):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(size, width), nn.Tanh(), nn.Linear(width, 1))
        self.value = nn.Sequential(nn.Linear(size, width), nn.ReLU())
        self.after = nn.Sequential(nn.Linear(width, width), nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        weights = self.score(features).softmax(dim=1)
        return self.after((weights * self.value(features)).sum(dim=1, keepdim=True))


class TemporalConvolution(Head):
    """Two convolutions over five frames each, then the mean over time: order within nine frames."""

    def build(self) -> nn.Module:
        layers = (nn.Conv1d(self.size, self.width, 5, padding=2), nn.Conv1d(self.width, self.width, 5, padding=2))
        steps = [part for layer in layers for part in (Transposed(layer), nn.ReLU())]
        return Pooled(nn.Sequential(*steps), self.width)


class Transposed(nn.Module):
    """A convolution over time, (batch, time, d) -> (batch, time, width)."""

    def __init__(self, layer: nn.Conv1d):
        super().__init__()
        self.layer = layer

    def forward(self, features: Tensor) -> Tensor:
        return self.layer(features.transpose(1, 2)).transpose(1, 2)


class Recurrent(nn.Module):
    """All hidden states of a recurrent layer."""

    def __init__(self, layer: nn.RNNBase):
        super().__init__()
        self.layer = layer

    def forward(self, features: Tensor) -> Tensor:
        return self.layer(features)[0]


class GRU(Head):
    """A gated recurrent unit, with an answer at every step as LRCN has."""

    def build(self) -> nn.Module:
        return Recurrent(nn.GRU(self.size, self.width, batch_first=True))


class LSTM(Head):
    """LRCN's LSTM, with an answer at every step."""

    def build(self) -> nn.Module:
        return Recurrent(nn.LSTM(self.size, self.width, batch_first=True))


class Transformer(Head):
    """A small encoder: each frame looks at all others, and where it stands in the clip is added to its features."""

    def build(self) -> nn.Module:
        layer = nn.TransformerEncoderLayer(
            self.width, nhead=4, dim_feedforward=2 * self.width, batch_first=True, norm_first=True
        )
        encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        return Pooled(nn.Sequential(nn.Linear(self.size, self.width), Positions(), encoder), self.width)


class Positions(nn.Module):
    """Add sines and cosines of the frame's number, (batch, time, width), as Vaswani et al. (2017) do for words."""

    def forward(self, features: Tensor) -> Tensor:
        _, time, width = features.shape
        number = torch.arange(time, device=features.device, dtype=features.dtype)[:, None]
        rates = torch.exp(torch.arange(0, width, 2, device=features.device) * (-math.log(100.0) / width))
        waves = torch.stack([(number * rates).sin(), (number * rates).cos()], dim=-1)
        return features + waves.flatten(1)[:, :width]


HEADS: dict[str, Callable[..., Head]] = {
    "mean of frames": MeanOfFrames,
    "attention over time": AttentionOverTime,
    "temporal convolution": TemporalConvolution,
    "GRU": GRU,
    "LSTM": LSTM,
    "transformer": Transformer,
}


def count(head: Head) -> int:
    """Parameters of a head, without those of its CNN."""
    return sum(p.numel() for name, p in head.named_parameters() if not name.startswith("cnn."))


def build(name: str, cnn: nn.Module, num_classes: int, parameters: int, feature: str = "fc6") -> Head:
    """The head of that name with at most ``parameters`` parameters: as wide as it may be, in steps of four units.

    Raises ValueError where even four units are more.
    """
    width = 0
    with torch.device("meta"):
        while count(HEADS[name](cnn, num_classes, width + 4, feature)) <= parameters:
            width += 4
    if not width:
        raise ValueError(f"{parameters} parameters are too few for {name}")
    return HEADS[name](cnn, num_classes, width, feature)
