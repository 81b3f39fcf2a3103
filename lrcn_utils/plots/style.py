"""One visual language for every figure and widget: a palette safe for colour-blind readers, sizes for a projector."""

import matplotlib as mpl
import matplotlib.pyplot as plt

# Okabe and Ito's eight colours, without black.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#6E6E6E"
PALETTE = [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, GREY, YELLOW]
SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"


def use_style() -> None:
    """Set matplotlib's defaults for the course; call once at the top of a notebook.

    Pyplot loads its backend at its first own figure. Loaded here, a notebook also draws a bare ``Figure`` before that.
    """
    plt.switch_backend(mpl.get_backend())
    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=PALETTE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.labelsize": 11,
            "font.size": 11,
            "legend.frameon": False,
            "figure.dpi": 80,
            "figure.constrained_layout.use": True,
            "image.cmap": SEQUENTIAL,
        }
    )


def plain(text: str) -> str:
    """``text`` as matplotlib writes it letter by letter: a file or a class may have a $ in its name, and no formula."""
    return text.replace("$", r"\$")
