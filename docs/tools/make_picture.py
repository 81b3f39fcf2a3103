"""Make the README's animated picture: a test clip of Toy Kitchen, and what two shipped models believe as it plays.

python docs/tools/make_picture.py
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from lrcn_utils import environment
from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.inference.activity import Clip, Predictions
from lrcn_utils.plots.curves import class_colours, probability_curves
from lrcn_utils.plots.style import GREY
from lrcn_utils.training.activity.models import load
from lrcn_utils.widgets.drawing import pixels

CLIP = "v_UncoverPot_g06_c01"  # one frame cannot tell it from covering the pot
MODELS = {"a CNN on single frames": "single_frame_rgb", "LRCN: CNN and LSTM": "lrcn_rgb"}
PICTURE = Path(__file__).resolve().parents[1] / "_static" / "prediction_explorer.webp"
MILLISECONDS, REST = 110, 2000  # a frame, and the last one


def main() -> None:
    index = read_index(environment.toy_kitchen(), split=1)
    logic = Predictions({name: {"rgb": load(short)[0]} for name, short in MODELS.items()}, index.classes)
    clip = logic.open(next(video for video in index.test if video.name == CLIP))
    film = [Image.fromarray(drawn(logic, clip, frame)) for frame in clip.numbers]
    times = [MILLISECONDS] * (len(film) - 1) + [REST]
    film[0].save(PICTURE, save_all=True, append_images=film[1:], duration=times, loop=0, quality=70, method=6)
    print(f"{PICTURE.name}: {len(film)} frames, {PICTURE.stat().st_size / 1e6:.2f} MB")


def drawn(logic: Predictions, clip: Clip, frame: int) -> np.ndarray:
    """The explorer at ``frame``: uint8 (height, width, 3)."""
    figure = Figure(figsize=(11, 4.3), dpi=80, layout="none")
    axes = figure.add_axes((0.02, 0.14, 0.40, 0.76))
    axes.imshow(logic.picture(clip, frame, "rgb"))
    axes.set_axis_off()
    axes.set_title(f"truth: {logic.classes[clip.truth]}", loc="left", fontsize=14)
    for row, model in enumerate(MODELS):
        beside(logic, clip, frame, model, figure, 0.60 - 0.47 * row)
    return pixels(figure)


def beside(logic: Predictions, clip: Clip, frame: int, model: str, figure: Figure, bottom: float) -> None:
    """One model's curves up to ``frame``, and its leading classes there by name."""
    belief = logic.belief(clip, model, "rgb", averaged=False)
    axes = figure.add_axes((0.50, bottom, 0.30, 0.30))
    seen = np.where(np.arange(len(belief))[:, None] <= frame, belief, np.nan)
    colours = class_colours(belief, clip.truth)
    probability_curves(axes, belief, logic.classes, truth=clip.truth, legend=False)
    for line, k in zip(axes.lines, colours, strict=True):
        line.set_ydata(seen[:, k])
    axes.axvline(frame, color=GREY, linewidth=1)
    axes.set_title(model, loc="left", fontsize=13)
    axes.set_xlabel("frame" if bottom < 0.3 else "")
    for place, k in enumerate(sorted(colours, key=lambda k: -belief[frame, k])):
        text = f"{logic.classes[k]} {belief[frame, k]:.2f}"
        weight = "bold" if k == clip.truth else "normal"
        axes.text(
            1.05, 0.86 - 0.27 * place, text, color=colours[k], weight=weight, transform=axes.transAxes, fontsize=12
        )


if __name__ == "__main__":
    main()
