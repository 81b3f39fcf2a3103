"""Training as curves: loss and scores, epoch by epoch."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from lrcn_utils.plots.style import BLUE, PALETTE


def training_curves(loss: Sequence[float], scores: Mapping[str, Sequence[float]], epochs: int | None = None) -> Figure:
    """The mean training loss of each epoch, left, and every score, right. ``epochs``: how many there will be.

    ``scores``: {name: one number an epoch}. Without scores there is one picture only.
    """
    figure = Figure(figsize=(9, 3.2), layout="none")
    axes = figure.subplots(1, 2 if scores else 1, squeeze=False)[0]
    figure.subplots_adjust(left=0.08, right=0.97, top=0.9, bottom=0.18, wspace=0.25)
    axes[0].plot(range(1, len(loss) + 1), loss, marker="o", color=BLUE)
    axes[0].set_title("training loss")
    for (name, values), colour in zip(scores.items(), PALETTE[1:] * len(scores), strict=False):
        axes[1].plot(range(1, len(values) + 1), values, marker="o", color=colour, label=name)
    if scores:
        axes[1].set_title(next(iter(scores)) if len(scores) == 1 else "scores")
        if len(scores) > 1:
            axes[1].legend()
    for axis in axes:
        axis.set_xlim(0.5, max(epochs or 0, len(loss), 1) + 0.5)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
    return figure
