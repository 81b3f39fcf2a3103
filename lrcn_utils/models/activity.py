"""Activity recognition: frames in, one label out (paper, Section 4). The single-frame baseline and LRCN.

Both give a distribution over the classes at *every* step and are trained with the clip's label at every step.
Both are made of two parts that can be called alone: ``frame_features`` (the CNN, which knows no time) and
``classify`` (what stands on it). So features may be computed once for a video and used for all its clips.

A CNN here is any module with ``features(frames, layer)`` and ``feature_size[layer]``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import rnn

# On a CPU the plain call goes to oneDNN, which is 1.5 to 3.4 times slower than the packed call (measured)
# where the input is as wide as fc6 of a full-size CNN.
WIDE_INPUT = 2048


def real_steps(lengths: Tensor, time: int) -> Tensor:
    """Mask (batch, time): true where a step is a frame of the video, false where it is padding."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def step_loss(logits: Tensor, labels: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Cross-entropy at every step, all with the clip's label, averaged over the real steps: a scalar.

    ``logits`` (batch, time, classes), ``labels`` (batch,); ``lengths`` (batch,), or None without padding.
    """
    targets = labels[:, None].expand(logits.shape[:2])
    if lengths is not None:
        real = real_steps(lengths, logits.shape[1])
        return functional.cross_entropy(logits[real], targets[real])
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Recogniser(nn.Module):
    """What both models share: the CNN sees all frames of a batch in one call, ``classify`` reads them.

    ``normalise``: ``classify`` first divides the features of each frame by their root mean square. A frozen CNN
    answers a bright, sharp film louder than a dark one; then only what it answers counts, not how loud.
    """

    def __init__(self, cnn: nn.Module, feature: str, normalise: bool = False):
        super().__init__()
        if feature not in cnn.feature_size:
            raise ValueError(f"feature {feature!r}: this CNN has {', '.join(cnn.feature_size)}")
        self.cnn, self.feature, self.normalise = cnn, feature, normalise

    def frame_features(self, frames: Tensor) -> Tensor:
        """Frames (n, 3, height, width) in 0..1 -> features (n, d) after the ReLU."""
        return self.cnn.features(frames, self.feature)

    def classify(self, features: Tensor) -> Tensor:
        """Features (batch, time, d) -> logits (batch, time, classes)."""
        return self.read(functional.rms_norm(features, features.shape[-1:]) if self.normalise else features)

    def read(self, features: Tensor) -> Tensor:
        """What a model does with the features: (batch, time, d) -> logits (batch, time, classes)."""
        raise NotImplementedError

    def forward(self, clips: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Clips (batch, time, 3, height, width) in 0..1 -> logits at every step (batch, time, classes).

        With ``lengths`` (batch,) frames past a clip's length never reach the CNN; their logits are zero.
        """
        batch, time = clips.shape[:2]
        if lengths is None:
            return self.classify(self.frame_features(clips.flatten(0, 1)).unflatten(0, (batch, time)))
        real = real_steps(lengths, time)
        found = self.frame_features(clips[real])
        features = found.new_zeros(batch, time, found.shape[-1])
        features[real] = found
        return self.classify(features).masked_fill(~real[..., None], 0)


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
        features = self.feature_dropout(features)
        if features.shape[-1] < WIDE_INPUT:
            states, _ = self.lstm(features)
        else:
            batch, time = features.shape[:2]
            packed = rnn.pack_padded_sequence(features, torch.full((batch,), time), batch_first=True)
            states, _ = rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.classifier(self.dropout(states))
