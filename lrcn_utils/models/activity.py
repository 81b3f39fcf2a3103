"""Activity recognition: frames in, one label out (paper, Section 4). The single-frame baseline and LRCN.

Both give a distribution over the classes at *every* step and are trained with the clip's label at every step.
Both are made of two parts that can be called alone: ``frame_features`` (the CNN, which knows no time) and
``classify`` (everything after it). So the features of a video may be computed once and used for all its clips:
``forward`` takes clips of frames or clips of features.

A CNN here is any module with ``features(frames, layer)``, frames float in 0..1, and ``feature_size[layer]``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrcn_utils.models.lstm import unroll


def real_steps(lengths: Tensor, time: int) -> Tensor:
    """Mask (batch, time): true where a step is a frame of the video, false where it is padding."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def step_loss_sum(logits: Tensor, labels: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Cross-entropy at every real step, all with the clip's label: (its sum in nats, the number of steps), scalars.

    ``logits`` (batch, time, classes), ``labels`` (batch,); ``lengths`` (batch,), or None without padding.
    """
    targets = labels[:, None].expand(logits.shape[:2])
    real = torch.ones_like(targets, dtype=torch.bool) if lengths is None else real_steps(lengths, logits.shape[1])
    return functional.cross_entropy(logits[real], targets[real], reduction="sum"), real.sum()


def step_loss(logits: Tensor, labels: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Mean cross-entropy in nats a step; shapes as for ``step_loss_sum``."""
    total, steps = step_loss_sum(logits, labels, lengths)
    return total / steps


def in_unit_range(frames: Tensor) -> Tensor:
    """Frames as the CNNs take them, float in 0..1: of uint8 in 0..255, as a dataset gives them; others stay."""
    return frames * (1 / 255) if frames.dtype == torch.uint8 else frames


class Recogniser(nn.Module):
    """What both models share: the CNN is handed all frames of a batch together, then ``classify`` reads their features.

    ``normalise``: ``classify`` first divides the features of each frame by their root mean square. A frozen CNN gives
    larger features for a bright, sharp film than for a dark one; after the division only their pattern counts.
    """

    def __init__(self, cnn: nn.Module, feature: str, normalise: bool = False):
        super().__init__()
        if feature not in cnn.feature_size:
            raise ValueError(f"feature {feature!r}: this CNN has {', '.join(cnn.feature_size)}")
        self.cnn, self.feature, self.normalise = cnn, feature, normalise

    def frame_features(self, frames: Tensor) -> Tensor:
        """Frames (n, 3, height, width), float in 0..1 or uint8 -> features (n, d) after the ReLU."""
        return self.cnn.features(in_unit_range(frames), self.feature)

    def classify(self, features: Tensor) -> Tensor:
        """Features (batch, time, d) -> logits (batch, time, classes)."""
        return self.read(functional.rms_norm(features, features.shape[-1:]) if self.normalise else features)

    def read(self, features: Tensor) -> Tensor:
        """Each model's own part, from features (batch, time, d) to logits (batch, time, classes)."""
        raise NotImplementedError

    def forward(self, clips: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits at every step (batch, time, classes).

        ``clips``: frames (batch, time, 3, height, width), float in 0..1 or uint8 in 0..255, or their features
        (batch, time, d).
        With ``lengths`` (batch,) frames past a clip's length never reach the CNN; their logits are zero.
        """
        real = None if lengths is None else real_steps(lengths, clips.shape[1])
        logits = self.classify(clips if clips.dim() == 3 else self._clip_features(clips, real))
        return logits if real is None else logits.masked_fill(~real[..., None], 0)

    def _clip_features(self, clips: Tensor, real: Tensor | None) -> Tensor:
        if real is None:
            return self.frame_features(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])
        found = self.frame_features(clips[real])
        features = found.new_zeros(*real.shape, found.shape[-1])
        features[real] = found
        return features


class SingleFrame(Recogniser):
    """The paper's baseline: the CNN's last hidden layer and a linear classifier, each frame for itself."""

    def __init__(
        self, cnn: nn.Module, num_classes: int, feature: str = "fc7", dropout: float = 0.5, normalise: bool = False
    ):
        super().__init__(cnn, feature, normalise)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(cnn.feature_size[feature], num_classes)

    def read(self, features: Tensor) -> Tensor:
        return self.classifier(self.dropout(features))


class LRCN(Recogniser):
    """CNN, one LSTM layer on fc6 or fc7, a linear classifier at every step (paper, Sections 2 and 4).

    ``feature_dropout`` acts on the CNN's features (the paper: 0.9), ``dropout`` on the LSTM's output (0.5).
    """

    def __init__(
        self,
        cnn: nn.Module,
        num_classes: int,
        feature: str = "fc6",
        hidden: int = 256,
        feature_dropout: float = 0.0,
        dropout: float = 0.5,
        normalise: bool = False,
    ):
        super().__init__(cnn, feature, normalise)
        self.feature_dropout = nn.Dropout(feature_dropout)
        self.lstm = nn.LSTM(cnn.feature_size[feature], hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(hidden, num_classes)

    def read(self, features: Tensor) -> Tensor:
        states = unroll(self.lstm, self.feature_dropout(features))
        return self.classifier(self.dropout(states))


class LRCNOnDifferences(LRCN):
    """LRCN whose LSTM sees how the features of each frame differ from those of the frame before, and nothing else.

    What a frame shows is lost and what changes is kept: (batch, time, d) -> logits (batch, time - 1, classes).
    It takes clips of one length, without padding.
    """

    def read(self, features: Tensor) -> Tensor:
        return super().read(features.diff(dim=1))
