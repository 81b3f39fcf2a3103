"""What does one frame tell? A linear classifier on the features of the frame at one position of each video.

It is multinomial logistic regression: what can be read off a layer by the simplest means. A model that sees many
frames and is no better than its probe does not need them.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from lrcn_utils.training.activity.controls import KNOWN_FRAME, Control, Kinds
from lrcn_utils.training.features import FrameFeatures

# Evenly spread from the first frame of a video to its last, as ``clips.evenly_spread`` takes them.
POSITIONS = ("first frame", "after a quarter", "middle frame", "after three quarters", "last frame")
DECAYS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


def probes(layer: str, train: FrameFeatures, test: FrameFeatures, kinds: Kinds) -> list[Control]:
    """The probe at every position, a ``Control`` each, trained on the videos of ``train``, tested on those of ``test``.

    Features of ``layer`` (views, positions, d) of each video; the first view is used. The CNN may have been trained on
    the training videos: then their features look clearer than those of new videos, which the probe cannot know.
    Raises ValueError where the training videos are of one group.
    """
    about = f"one frame of each video, a linear classifier on {layer}"
    (labels, groups), (truth, _) = (([v.label for v in s.videos], [v.group for v in s.videos]) for s in (train, test))
    found = []
    for number, position in enumerate(POSITIONS):
        seen, unseen = (np.stack([one[0, number] for one in side]).astype(np.float32) for side in (train, test))
        probabilities = _probe(seen, labels, groups, unseen, len(kinds.classes))
        found.append(Control(about, position, kinds.accuracy(probabilities, truth), KNOWN_FRAME))
    return found


def _probe(
    train: np.ndarray, labels: Sequence[int], groups: Sequence[int], test: np.ndarray, classes: int
) -> np.ndarray:
    """Probabilities (test videos, classes) by logistic regression on ``train`` (videos, d), ``labels`` (videos,).

    Its weight decay is the one with the least cross-entropy on every fourth of the training ``groups`` when trained on
    the others; then it is trained on all of them. ``test`` (videos, d) has no part in the choice.
    Raises ValueError where there are not two groups.
    """
    if len(set(groups)) < 2:
        raise ValueError("the probe needs training videos of two groups or more, to choose its weight decay on some")
    held = torch.from_numpy(np.isin(groups, sorted(set(groups))[::4]))
    centre = train.mean(axis=0)
    scale = (train - centre).std() or 1.0  # one for all features: one that is nearly constant here is not blown up
    x, new = (torch.from_numpy((side - centre) / scale).double() for side in (train, test))
    y = torch.tensor(labels)

    def validation_loss(decay: float) -> float:
        weight, bias = _logistic_regression(x[~held], y[~held], classes, decay)
        return functional.cross_entropy(x[held] @ weight.T + bias, y[held]).item()

    weight, bias = _logistic_regression(x, y, classes, min(DECAYS, key=validation_loss))
    return (new @ weight.T + bias).softmax(-1).numpy()


def _logistic_regression(
    x: torch.Tensor, y: torch.Tensor, classes: int, decay: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The weight (classes, d) and bias (classes,) with the least mean cross-entropy + decay / 2 * |weight|^2.

    ``x`` (n, d) float64, ``y`` (n,). The problem is convex, so the answer is the same from any start.
    """
    weight = x.new_zeros(classes, x.shape[1], requires_grad=True)
    bias = x.new_zeros(classes, requires_grad=True)
    search = {"line_search_fn": "strong_wolfe", "max_iter": 1000, "max_eval": 2000, "history_size": 20}
    optimizer = torch.optim.LBFGS([weight, bias], tolerance_grad=1e-6, tolerance_change=1e-12, **search)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(x @ weight.T + bias, y) + decay / 2 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach(), bias.detach()
