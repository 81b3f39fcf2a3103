"""What a recipe with ``caffe`` takes from the released Caffe code: the rate and the decay of each parameter."""

from collections.abc import Mapping

from torch import nn

from lrcn_utils.training.recipe import Recipe

RECURRENT_BIAS = ("bias_ih_", "bias_hh_")


def parameter_groups(model: nn.Module, recipe: Recipe, layers: Mapping[str, float] | None = None) -> list[dict]:
    """The parameters of ``model`` that are learned, in groups as an optimizer of PyTorch takes them.

    Without ``recipe.caffe`` all learn alike. ``layers``: {the beginning of a parameter's name: how fast it learns};
    all others learn at the rate itself. A bias learns at twice the rate of its layer and does not decay. Caffe's LSTM
    has one bias, at the rate of its weights and decaying with them: its two here have half the rate and twice the
    decay each, so that their sum is that one.
    """
    learned = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if not recipe.caffe:
        return [{"params": list(learned.values())}]
    groups: dict[tuple[float, float], list] = {}
    for name, parameter in learned.items():
        speed = next((speed for start, speed in (layers or {}).items() if name.startswith(start)), 1.0)
        own, decay = _of_kind(name.rpartition(".")[2])
        groups.setdefault((speed * own, decay), []).append(parameter)
    return [
        {"params": some, "lr": recipe.rate * speed, "weight_decay": recipe.weight_decay * decay}
        for (speed, decay), some in groups.items()
    ]


def _of_kind(name: str) -> tuple[float, float]:
    """(rate, decay) of a parameter by its own name, as multiples of its layer's."""
    if name.startswith(RECURRENT_BIAS):
        return 0.5, 2.0
    return (2.0, 0.0) if name == "bias" else (1.0, 1.0)
