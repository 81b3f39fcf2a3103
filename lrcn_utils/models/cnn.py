"""The paper's convolutional networks, layer by layer, their toy versions, and torchvision's pretrained ones.

All of them take float images (n, 3, height, width) in 0..1, RGB, and normalise inside. All of them offer
``forward(x) -> (n, classes)`` raw scores, ``features(x, layer) -> (n, dim)``, ``feature_size`` and ``crop``.

Their weights and maps lie in memory with the channels last, which a CPU convolves 1.1 to 1.5 times faster. Shapes and
results do not change: the channels are still the second axis.
"""

import hashlib
from collections import OrderedDict
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from lrcn_utils.models.layers import LocalResponseNorm

IMAGENET_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
FLOW_MEAN = (128 / 255, 128 / 255, 128 / 255)  # "no motion" in a flow image (paper's code, section 4.1)
CAFFE_STD = (1 / 255, 1 / 255, 1 / 255)  # Caffe subtracts a mean but keeps the range of 0..255
TOY_STD = (0.225, 0.225, 0.225)
# With more toy images in one call the first maps leave a CPU's cache; with fewer the calls themselves cost time.
IMAGES_AT_ONCE = 32


class ConvLayer(NamedTuple):
    """One line of a layer table: convolution and ReLU, then 3x3/2 max pooling and LRN where wanted."""

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    pool: bool = False
    norm: bool = False


# The Caffe reference model: AlexNet with pooling before normalisation. Input 227.
CAFFENET = (
    ConvLayer(96, 11, stride=4, pool=True, norm=True),
    ConvLayer(256, 5, padding=2, groups=2, pool=True, norm=True),
    ConvLayer(384, 3, padding=1),
    ConvLayer(384, 3, padding=1, groups=2),
    ConvLayer(256, 3, padding=1, groups=2, pool=True),
)

# The paper's hybrid of CaffeNet and Zeiler and Fergus's net: a finer conv1, and more channels later. Input 227.
HYBRID = (
    ConvLayer(96, 7, stride=2, pool=True, norm=True),
    ConvLayer(384, 5, stride=2, groups=2, pool=True, norm=True),
    ConvLayer(512, 3, padding=1),
    ConvLayer(512, 3, padding=1, groups=2),
    ConvLayer(384, 3, padding=1, groups=2, pool=True),
)

# The same two for 56x56 toy images: conv1's kernel and stride halved, a few channels, padding that keeps the border.
TOY_CAFFENET = (
    ConvLayer(16, 5, stride=2, padding=2, pool=True, norm=True),
    ConvLayer(32, 5, padding=2, groups=2, pool=True, norm=True),
    ConvLayer(48, 3, padding=1),
    ConvLayer(48, 3, padding=1, groups=2),
    ConvLayer(32, 3, padding=1, groups=2, pool=True),
)
TOY_HYBRID = (
    ConvLayer(16, 3, padding=1, pool=True, norm=True),
    ConvLayer(48, 5, stride=2, padding=2, groups=2, pool=True, norm=True),
    ConvLayer(64, 3, padding=1),
    ConvLayer(64, 3, padding=1, groups=2),
    ConvLayer(48, 3, padding=1, groups=2, pool=True),
)


class LayerTableCNN(nn.Module):
    """A CNN built from a table of five convolutions, then fc6, fc7 and fc8 (paper, sections 4.1 and 5.2.1).

    ``num_classes``: size of fc8. ``table``: the convolutions. ``crop``: height and width of the input in pixels.
    ``hidden``: units of fc6 and fc7. ``mean``, ``std``: of the input, RGB, in 0..1 (for flow: ``FLOW_MEAN``).
    ``lrn_alpha``: strength of the local response normalisation over 5 channels (beta is 0.75).
    ``dropout``: share of the units of fc6 and of fc7 that are dropped in training.
    """

    def __init__(
        self,
        num_classes,
        table,
        *,
        crop=227,
        hidden=4096,
        mean=IMAGENET_MEAN,
        std=CAFFE_STD,
        lrn_alpha=1e-4,
        dropout=0.5,
    ):
        super().__init__()
        self.crop = crop
        self.feature_size = {"fc6": hidden, "fc7": hidden, "fc8": num_classes}
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.convolutions = _stack(table, lrn_alpha)
        self.fc6 = nn.Linear(_flat_size(self.convolutions, crop), hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.fc8 = nn.Linear(hidden, num_classes)
        self.dropout = nn.Dropout(dropout)

    def features(self, x: torch.Tensor, layer: str = "fc6") -> torch.Tensor:
        """Units of ``layer`` for images (n, 3, crop, crop) in 0..1.

        "fc6" and "fc7" come after their ReLU and before their dropout, as the LSTM gets them; "fc8" are raw scores.
        Raises ValueError for any other layer.
        """
        _check_layer(layer, self.feature_size)
        fc6 = F.relu(self.fc6(self._pooled(_standardised(x, self)).flatten(1)))
        if layer == "fc6":
            return fc6
        fc7 = F.relu(self.fc7(self.dropout(fc6)))
        return fc7 if layer == "fc7" else self.fc8(self.dropout(fc7))

    def _pooled(self, x: torch.Tensor) -> torch.Tensor:
        """The maps that fc6 sees, of standardised images; on a CPU of a few images at a time."""
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            return self.convolutions(x)
        return torch.cat([self.convolutions(some) for some in x.split(IMAGES_AT_ONCE)])

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """The last convolution's maps (n, channels, height, width) after their ReLU, before they are pooled for fc6."""
        return self.convolutions[:-1](_standardised(x, self))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Raw class scores (n, num_classes) for images (n, 3, crop, crop) in 0..1."""
        return self.features(x, "fc8")


class CaffeNet(LayerTableCNN):
    """The Caffe reference model (61.0 million parameters with 1,000 classes; paper, section 4.1)."""

    def __init__(self, num_classes: int = 1000, table=CAFFENET, **options):
        super().__init__(num_classes, table, **options)
        gaussian_init(self, fc_std=0.005)
        self.to(memory_format=torch.channels_last)


class Hybrid(LayerTableCNN):
    """The paper's hybrid of CaffeNet and Zeiler and Fergus's net, of its activity models (paper, section 4.1)."""

    def __init__(self, num_classes: int = 1000, table=HYBRID, **options):
        super().__init__(num_classes, table, **options)
        gaussian_init(self, fc_std=0.01)
        self.to(memory_format=torch.channels_last)


def toy_caffenet(num_classes: int, mean=IMAGENET_MEAN) -> CaffeNet:
    """CaffeNet narrowed for 56x56 images of Toy Kitchen, fc6 = fc7 = 256."""
    return _toy(CaffeNet(num_classes, TOY_CAFFENET, **_TOY_OPTIONS, mean=mean))


def toy_hybrid(num_classes: int, mean=IMAGENET_MEAN) -> Hybrid:
    """The hybrid narrowed for 56x56 images of Toy Kitchen, fc6 = fc7 = 256."""
    return _toy(Hybrid(num_classes, TOY_HYBRID, **_TOY_OPTIONS, mean=mean))


# Inputs of unit variance, so Caffe's alpha of 1e-4 becomes 1e-4 * (0.225 * 255)^2 for the same effect.
_TOY_OPTIONS = {"crop": 56, "hidden": 256, "std": TOY_STD, "lrn_alpha": 1e-4 * (TOY_STD[0] * 255) ** 2, "dropout": 0.25}


def _toy(model: LayerTableCNN) -> LayerTableCNN:
    he_init(model.to(memory_format=torch.contiguous_format))  # numbers are drawn in the order of memory
    return model.to(memory_format=torch.channels_last)


def gaussian_init(model: nn.Module, fc_std: float) -> None:
    """The paper code's starting weights: normal(0, 0.01), ``fc_std`` for fc6 and fc7; biases 0.1, and 0 for fc8."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=fc_std if name in ("fc6", "fc7") else 0.01)
            nn.init.constant_(module.bias, 0.0 if name == "fc8" else 0.1)


def he_init(model: nn.Module) -> None:
    """Normal weights with variance 2 / fan-in (He et al., 2015), biases 0: a small net then learns in minutes.

    fc8 starts near 0, so that the first loss is that of a guess and not of a loud wrong answer.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
            if name == "fc8":
                nn.init.normal_(module.weight, std=0.01)


def _stack(table, lrn_alpha: float) -> nn.Sequential:
    layers, channels = OrderedDict(), 3
    for i, line in enumerate(table, start=1):
        layers[f"conv{i}"] = nn.Conv2d(
            channels, line.channels, line.kernel, line.stride, line.padding, groups=line.groups
        )
        layers[f"relu{i}"] = nn.ReLU(inplace=True)
        if line.pool:
            # Caffe rounds the size of a pooled map up, PyTorch down: without ceil_mode the hybrid has 5x5, not 6x6.
            layers[f"pool{i}"] = nn.MaxPool2d(3, 2, ceil_mode=True)
        if line.norm:
            layers[f"norm{i}"] = LocalResponseNorm(line.channels, 5, alpha=lrn_alpha)
        channels = line.channels
    return nn.Sequential(layers)


def _flat_size(convolutions: nn.Sequential, crop: int) -> int:
    # Copies on the meta device have shapes but no numbers: the size costs no time and no memory.
    return deepcopy(convolutions).to("meta")(torch.empty(1, 3, crop, crop, device="meta")).numel()


def _standardised(x: torch.Tensor, cnn: nn.Module) -> torch.Tensor:
    """Images less the mean of ``cnn``'s input, over its deviation. Raises TypeError for pixels of 0..255."""
    if not x.is_floating_point():
        raise TypeError(f"images: a CNN takes floats in 0..1, not {x.dtype}; divide the pixels by 255")
    return (x - cnn.mean) / cnn.std


def _check_layer(layer: str, feature_size: dict[str, int]) -> None:
    if layer not in feature_size:
        raise ValueError(f"layer={layer!r}: choose one of {', '.join(feature_size)}")


class LayerRow(NamedTuple):
    """One line of a layer trace: output shape without the batch, parameters, multiply-adds for one image."""

    name: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def trace(model: nn.Module) -> list[LayerRow]:
    """Shapes, parameters and multiply-adds of every leaf layer for one image of ``model.crop`` pixels.

    Runs on the meta device: no arithmetic is done, so a network of 80 million parameters takes no memory here.
    """
    rows = []

    def note(name, module, output):
        parameters = sum(p.numel() for p in module.parameters())
        weight = getattr(module, "weight", None)
        each = weight[0].numel() if isinstance(module, nn.Conv2d | nn.Linear) else 0
        rows.append(LayerRow(name, tuple(output.shape[1:]), parameters, output.numel() * each))

    model = deepcopy(model).to("meta").eval()
    for name, module in model.named_modules():
        if not any(module.children()):
            module.register_forward_hook(lambda m, _, y, name=name: note(name.split(".")[-1], m, y))
    model(torch.empty(1, 3, model.crop, model.crop, device="meta"))
    return rows


# Where each torchvision network keeps the paper's layers: the modules that end in it.
_PRETRAINED = {
    "alexnet": {"fc6": "classifier.2", "fc7": "classifier.5", "fc8": "classifier.6"},
    "vgg16": {"fc6": "classifier.1", "fc7": "classifier.4", "fc8": "classifier.6"},
    "squeezenet1_1": {"pool": "features", "fc8": "classifier"},
    "resnet18": {"pool": "avgpool", "fc8": "fc"},
}

# SHA-256 of other files that hold the same weights under torchvision's name: SqueezeNet rounded to half precision, by
# way of ONNX, as the slices of real data for the tests have it.
_ALSO_RIGHT = {"squeezenet1_1": ("6e3b8af688c0733f37190a83cf43b9ea416e0dbb7d2ee07523c61ba22792ec97",)}


class _Reached(Exception):
    """The layer that was asked for has been computed: what comes after it would be computed for nothing."""


class WeightsMissing(OSError):
    """Pretrained weights are not cached and cannot be downloaded, or are damaged; the message says what to do."""


class Pretrained(nn.Module):
    """A torchvision network with the course's interface.

    AlexNet and VGG16 have "fc6" and "fc7"; SqueezeNet and ResNet have none and offer "pool", their last maps
    averaged over the image. ``categories``: names of the 1,000 ImageNet classes. ``crop`` is 224.
    """

    crop = 224

    def __init__(self, name: str, network: nn.Module, categories: list[str]):
        super().__init__()
        self.name, self.categories = name, categories
        self.network = network.to(memory_format=torch.channels_last)
        self.layers = _PRETRAINED[name]
        self.register_buffer("mean", torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1))
        hidden = {"alexnet": 4096, "vgg16": 4096}.get(name, 512)
        self.feature_size = {layer: hidden for layer in self.layers} | {"fc8": len(categories)}

    def features(self, x: torch.Tensor, layer: str) -> torch.Tensor:
        """Units of ``layer`` (n, dim) after their ReLU for images (n, 3, 224, 224) in 0..1."""
        _check_layer(layer, self.feature_size)
        x = _standardised(x, self)
        if layer == "fc8":
            return self.network(x)

        found = []

        def stop(module, inputs, output):
            found.append(output)
            if not torch.compiler.is_compiling():  # an exporter must come to the end, and then leaves out the rest
                raise _Reached

        handle = self.network.get_submodule(self.layers[layer]).register_forward_hook(stop)
        try:
            self.network(x)
        except _Reached:
            pass
        finally:
            handle.remove()
        (output,) = found
        return output.flatten(2).mean(2) if output.dim() == 4 else output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Raw scores (n, 1000) for images (n, 3, 224, 224) in 0..1."""
        return self.features(x, "fc8")


def pretrained(name: str, download: bool = False) -> Pretrained:
    """torchvision's ``name`` with its ImageNet weights: alexnet, vgg16, squeezenet1_1 or resnet18.

    The weights are looked for in ``$TORCH_HOME/hub/checkpoints`` and fetched only when ``download`` is true. The end
    of the file's name is the beginning of its SHA-256, which is checked at every load.
    Raises ValueError for another name, WeightsMissing where there are no weights, or a file that is not torchvision's.
    """
    weights = _weights_of(name)
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[1]
    wanted = path.stem.rsplit("-", 1)[1]
    if not path.exists():
        if not download:
            raise WeightsMissing(f"{name}: {path.name} is not in $TORCH_HOME/hub/checkpoints; pass download=True")
        _fetch(name, weights.url, path, wanted)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith((wanted, *_ALSO_RIGHT.get(name, ()))):
        raise WeightsMissing(
            f"{name}: {path} is damaged or not torchvision's (its SHA-256 does not begin with {wanted}); "
            "delete it, then pass download=True"
        )
    with torch.device("meta"):  # no random weights that would be thrown away
        network = _torchvision().get_model(name, weights=None)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), assign=True)
    return Pretrained(name, network, weights.meta["categories"]).eval()


def _fetch(name: str, url: str, path: Path, digest: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, str(path), digest, progress=False)
    except (OSError, RuntimeError) as error:  # RuntimeError: the digest of what came is another one
        raise WeightsMissing(f"{name}: {path.name} could not be fetched ({error}); are you offline?") from error


def _torchvision():
    with torch.device("cpu"):  # a caller's own device is not for the numbers that torchvision makes as it is imported
        from torchvision import models  # seconds that nobody should wait for who needs none of its networks

    return models


def _weights_of(name: str):
    """torchvision's entry for the ImageNet weights of ``name``: their address and the names of the classes."""
    if name not in _PRETRAINED:
        raise ValueError(f"name={name!r}: choose one of {', '.join(_PRETRAINED)}")
    return _torchvision().get_model_weights(name).DEFAULT


def untrained(name: str) -> Pretrained:
    """The same network with random weights: its shapes and layers are real, its features are not."""
    categories = _weights_of(name).meta["categories"]
    return Pretrained(name, _torchvision().get_model(name, weights=None), categories).eval()
