"""Explorer of filters and feature maps: choose an image, a layer and a channel; see what that channel answers to."""

from functools import lru_cache

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from lrcn_utils.models.cnn import LayerTableCNN
from lrcn_utils.models.from_scratch import Field, Window, receptive_field
from lrcn_utils.plots.style import DIVERGING, ORANGE, SEQUENTIAL
from lrcn_utils.widgets.drawing import WRAP, png, sheet

SHOWN = 6  # images of the gallery


class FeatureMaps:
    """What every channel of a CNN's convolutions answers to each of some images; knows no widget.

    ``images``: float (n, 3, crop, crop) in 0..1. All maps are computed once, here.
    Raises ValueError when there is no image or their size is not the model's.
    """

    def __init__(self, model: LayerTableCNN, images: torch.Tensor):
        if images.dim() != 4 or len(images) == 0 or images.shape[1:] != (3, model.crop, model.crop):
            raise ValueError(f"images: shape {tuple(images.shape)}, but (n, 3, {model.crop}, {model.crop}) is needed")
        self.images = images.cpu().permute(0, 2, 3, 1).numpy()
        self.weights: dict[str, np.ndarray] = {}
        self.maps: dict[str, np.ndarray] = {}
        self.fields: dict[str, Field] = {}
        self._compute(model, images)
        self.layers = list(self.maps)

    @torch.no_grad()
    def _compute(self, model: LayerTableCNN, images: torch.Tensor) -> None:
        model.eval()
        x, windows, name = (images.to(model.mean.device) - model.mean) / model.std, [], ""
        for child, module in model.convolutions.named_children():
            x = module(x)
            if isinstance(module, nn.Conv2d):
                name = child
                self.weights[name] = module.weight.cpu().numpy()
                windows.append(Window(child, module.kernel_size[0], module.stride[0], module.padding[0]))
                self.fields[name] = receptive_field(windows)[-1]
            elif isinstance(module, nn.ReLU):
                self.maps[name] = x.cpu().contiguous().numpy()
            elif isinstance(module, nn.MaxPool2d):
                windows.append(Window(child, module.kernel_size, module.stride))

    def channels(self, layer: str) -> int:
        """Number of channels of ``layer``."""
        return self.maps[layer].shape[1]

    def top(self, layer: str, channel: int, count: int = SHOWN) -> list[tuple[int, float, tuple[float, float]]]:
        """Images in which ``channel`` answers most: (image, answer, (x, y) of the middle of what the unit sees)."""
        answers = self.maps[layer][:, channel]
        best = answers.reshape(len(answers), -1)
        field, found = self.fields[layer], []
        for image in np.argsort(-best.max(1), kind="stable")[:count]:
            row, column = np.unravel_index(best[image].argmax(), answers.shape[1:])
            middle = (field.centre + column * field.step, field.centre + row * field.step)
            found.append((int(image), float(best[image].max()), middle))
        return found


class FeatureExplorer(ipywidgets.VBox):
    """Sliders for image and channel and a list of layers above one picture; ``figure()`` is its static twin."""

    def __init__(self, model: LayerTableCNN, images: torch.Tensor):
        self.maps = FeatureMaps(model, images)
        wide = {"style": {"description_width": "70px"}, "layout": ipywidgets.Layout(width="320px")}
        self.image = ipywidgets.IntSlider(
            description="image", min=0, max=len(images) - 1, continuous_update=False, **wide
        )
        self.layer = ipywidgets.Dropdown(description="layer", options=self.maps.layers, **wide)
        self.channel = ipywidgets.IntSlider(
            description="channel",
            min=0,
            max=self.maps.channels(self.maps.layers[0]) - 1,
            continuous_update=False,
            **wide,
        )
        self.picture = ipywidgets.Image(format="png")
        self._draw = lru_cache(maxsize=64)(lambda *chosen: png(feature_figure(self.maps, *chosen)))
        self.layer.observe(self._new_layer, "value")
        self.image.observe(self._show, "value")
        self.channel.observe(self._show, "value")
        self._show()
        controls = ipywidgets.HBox([self.image, self.layer, self.channel], layout=WRAP)
        super().__init__([controls, sheet(self.picture, "640px")])

    def figure(self) -> Figure:
        """The picture as it stands, as a matplotlib figure."""
        return feature_figure(self.maps, self.image.value, self.layer.value, self.channel.value)

    def _new_layer(self, _) -> None:
        last = self.maps.channels(self.layer.value) - 1
        self.channel.max, self.channel.value = last, min(self.channel.value, last)
        self._show()

    def _show(self, _=None) -> None:
        self.picture.value = self._draw(self.image.value, self.layer.value, self.channel.value)


def feature_figure(maps: FeatureMaps, image: int, layer: str, channel: int) -> Figure:
    """Image, its map of ``channel`` and the filter above; below the images in which the channel answers most."""
    figure = Figure(figsize=(10.5, 4.9), dpi=80, layout="none")
    # One bare pair of axes in inches for everything: a pair for each picture would take five times as long to draw.
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 10.5), ylim=(0, 4.9))
    axes.set_axis_off()
    answers = maps.maps[layer][image, channel]
    field = maps.fields[layer]
    _put(axes, maps.images[image], 0.1, 2.5, 2.0, f"image {image}", vmin=0, vmax=1)
    title = f"{layer}, channel {channel}: {answers.shape[0]} x {answers.shape[1]}"
    top = maps.maps[layer][:, channel].max() + 1e-12
    _put(axes, answers, 2.5, 2.5, 2.0, title, cmap=SEQUENTIAL, vmin=0, vmax=top)
    _put_filter(axes, maps.weights[layer][channel], 5.2, 2.5)
    heading = f"Images in which it answers most; the unit sees {field.size} x {field.size} pixels"
    axes.text(0.1, 2.15, heading, fontsize=11)
    for place, (other, answer, middle) in enumerate(maps.top(layer, channel)):
        x, picture = 0.1 + 1.73 * place, maps.images[other]
        shown = _put(axes, picture, x, 0.1, 1.6, f"{answer:.1f}" if answer > 0 else "silent", vmin=0, vmax=1)
        if answer > 0:
            scale = 1.6 / len(picture)
            left, above = middle[0] + 0.5 - field.size / 2, middle[1] + 0.5 + field.size / 2
            corner, side = (x + left * scale, 0.1 + 1.6 - above * scale), field.size * scale
            box = Rectangle(corner, side, side, fill=False, lw=2.5, color=ORANGE)
            axes.add_patch(box)
            box.set_clip_path(Rectangle((x, 0.1), 1.6, 1.6, transform=axes.transData))
            shown.set_zorder(box.get_zorder() - 1)
    return figure


def _put_filter(axes, weight: np.ndarray, x: float, y: float) -> None:
    """One filter (channels, k, k): in colour where its input is the image, else a tile for each input channel."""
    top = np.abs(weight).max() + 1e-12
    if len(weight) == 3:
        colours = (weight / top / 2 + 0.5).transpose(1, 2, 0)
        _put(axes, colours, x, y, 2.0, "filter (grey is 0)", vmin=0, vmax=1)
        return
    k, columns = weight.shape[-1], 16
    rows = -(-len(weight) // columns)
    tiles = np.full((rows * (k + 1) - 1, min(columns, len(weight)) * (k + 1) - 1), np.nan)
    for number, tile in enumerate(weight):
        row, column = divmod(number, columns)
        tiles[row * (k + 1) : row * (k + 1) + k, column * (k + 1) : column * (k + 1) + k] = tile
    title = f"filter: {len(weight)} input channels (red +, blue -)"
    height = min(2.0, 5.2 * tiles.shape[0] / tiles.shape[1])
    _put(axes, tiles, x, y + 2.0 - height, height, title, cmap=DIVERGING, vmin=-top, vmax=top)


def _put(axes, image: np.ndarray, x: float, y: float, height: float, title: str, **colours):
    """Draw ``image`` with its lower left corner at (x, y), ``height`` inches high, its title above."""
    width = height * image.shape[1] / image.shape[0]
    axes.text(x, y + height + 0.08, title, fontsize=11)
    shown = axes.imshow(image, extent=(x, x + width, y, y + height), aspect="auto", interpolation="nearest", **colours)
    axes.set(xlim=(0, 10.5), ylim=(0, 4.9))
    return shown
