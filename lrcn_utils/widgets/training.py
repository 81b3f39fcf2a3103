"""The live training curve: a picture that grows by one point after every epoch of ``fit``."""

import ipywidgets
from matplotlib.figure import Figure

from lrcn_utils.plots.training import training_curves
from lrcn_utils.training.loop import History
from lrcn_utils.widgets.drawing import png, sheet


def scores_of(history: History) -> dict[str, list[float]]:
    """What was evaluated, {name: one number an epoch}; values that are not numbers are left out."""
    names = [name for name, value in (history.evaluation or [{}])[0].items() if isinstance(value, int | float)]
    return {name: [epoch[name] for epoch in history.evaluation] for name in names}


def headline(history: History, epochs: int | None) -> str:
    """One line: the epoch, its loss and its scores."""
    if not history.loss:
        return "waiting for the first epoch"
    of = f" of {epochs}" if epochs else ""
    latest = [f"{name} {values[-1]:.3g}" for name, values in scores_of(history).items()]
    return f"epoch {len(history.loss)}{of}: " + ", ".join([f"loss {history.loss[-1]:.3f}", *latest])


class TrainingCurve(ipywidgets.VBox):
    """Show it, then train: ``fit(..., on_epoch=curve.update)``. ``epochs``: how many there will be, if known."""

    def __init__(self, epochs: int | None = None):
        self.epochs, self.history = epochs, History()
        self.line = ipywidgets.Label()
        self.picture = ipywidgets.Image(format="png")
        super().__init__([self.line, sheet(self.picture, "480px")])
        self.update(self.history)

    def update(self, history: History) -> None:
        """Draw ``history`` as it is now; ``fit`` calls this after every epoch."""
        self.history = history
        self.line.value = headline(history, self.epochs)
        self.picture.value = png(self.figure())

    def figure(self) -> Figure:
        """The static twin: the curves so far."""
        return training_curves(self.history.loss, scores_of(self.history), self.epochs)
