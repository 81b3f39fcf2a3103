"""The live training curve: fed by ``fit``, one point an epoch."""

import torch
from torch import nn

from lrcn_utils.training.loop import History, fit
from lrcn_utils.widgets.training import TrainingCurve, headline, scores_of


def test_fit_feeds_the_curve_every_epoch():
    curve, lines, pictures = TrainingCurve(epochs=3), [], set()

    def update(history):
        curve.update(history)
        lines.append(curve.line.value)
        pictures.add(curve.picture.value)

    model = nn.Linear(2, 1)
    history = fit(
        model,
        [torch.randn(2) for _ in range(8)],
        lambda model, batch: (model(batch) ** 2).mean(),
        torch.optim.SGD(model.parameters(), lr=0.1),
        epochs=3,
        batch_size=4,
        evaluate=lambda model: {"size": model.weight.norm().item(), "note": "not a number"},
        on_epoch=update,
        progress=False,
    )
    assert [line.split(":")[0] for line in lines] == ["epoch 1 of 3", "epoch 2 of 3", "epoch 3 of 3"]
    assert len(pictures) == 3
    assert curve.history is history and f"loss {history.loss[-1]:.3f}" in lines[-1]
    assert list(scores_of(history)) == ["size"] and len(scores_of(history)["size"]) == 3


def test_before_the_first_epoch_and_without_scores():
    curve = TrainingCurve()
    assert curve.line.value == "waiting for the first epoch"
    assert curve.picture.value
    assert headline(History(loss=[0.5]), None) == "epoch 1: loss 0.500"
    assert len(curve.figure().axes) == 1


def test_the_static_twin_shows_losses_and_scores():
    curve = TrainingCurve(epochs=5)
    curve.update(History(loss=[2.0, 1.0], evaluation=[{"a": 1.0, "b": 3.0}, {"a": 2.0, "b": 4.0}]))
    left, right = curve.figure().axes
    assert left.lines[0].get_ydata().tolist() == [2.0, 1.0]
    assert [line.get_label() for line in right.lines] == ["a", "b"]
    assert left.get_xlim() == (0.5, 5.5)
