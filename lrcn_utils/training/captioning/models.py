"""Captioners as they are built, saved and loaded; their vocabulary and the name of their CNN travel with them."""

from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from lrcn_utils import environment
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.models import cnn as cnns
from lrcn_utils.models.attention import AttentionCaptioner
from lrcn_utils.models.captioning import MRNN, Captioner
from lrcn_utils.training.checkpoints import load_checkpoint, weights_digest
from lrcn_utils.training.cnn.models import load as load_toy_cnn

MAPS = ("map", "mean", "flat")  # what ``Seen`` makes of a CNN's last map


class Loaded(NamedTuple):
    """A captioner of a checkpoint, on the CPU and ready to decode."""

    model: nn.Module
    vocabulary: Vocabulary
    config: dict
    record: dict


class Seen(nn.Module):
    """What can be seen of an image in a CNN, to be extracted once: fc layers, or its last map in three forms.

    "map": (n, places, channels); "mean": its mean over the places; "flat": the pooled map in one row, as fc6 reads it.
    """

    def __init__(self, cnn: nn.Module):
        super().__init__()
        self.cnn, self.crop = cnn, cnn.crop

    def features(self, images: Tensor, layer: str) -> Tensor:
        """``layer`` of images (n, 3, crop, crop) in 0..1."""
        if layer not in MAPS:
            return self.cnn.features(images, layer)
        maps = self.cnn.maps(images)
        if layer == "flat":
            return self.cnn.convolutions[-1](maps).flatten(1)
        places = maps.flatten(2).transpose(1, 2)
        return places.mean(1) if layer == "mean" else places


def build(vocab_size: int, image_size: int, variant: str = "2f", **sizes) -> nn.Module:
    """A `Captioner`, the m-RNN for the variant "mrnn", or the captioner that looks at places for "attention"."""
    if variant == "attention":
        return AttentionCaptioner(vocab_size, image_size, **sizes)
    if variant == "mrnn":
        return MRNN(vocab_size, image_size, **sizes)
    return Captioner(vocab_size, image_size, variant, **sizes)


def config_of(sizes: dict, vocabulary: Vocabulary, cnn: dict, feature: str) -> dict:
    """All that is needed to build a captioner again and to find its CNN. ``cnn``: from ``cnn_config``."""
    return {"sizes": sizes, "vocabulary": vocabulary.words, "cnn": cnn, "feature": feature}


def load(path: Path | str) -> Loaded:
    """The captioner of a checkpoint. Raises FileNotFoundError, or ValueError for a checkpoint of something else."""
    weights, config, record = load_checkpoint(path, "captioning")
    vocabulary = Vocabulary(config["vocabulary"])
    model = build(len(vocabulary), **config["sizes"])
    model.load_state_dict(weights)
    return Loaded(model.float().eval(), vocabulary, config, record)


def open_cnn(name: str) -> nn.Module:
    """A CNN to begin with: the shipped "hybrid-toy", or one of torchvision's with its ImageNet weights."""
    network = load_toy_cnn() if name == "hybrid-toy" else cnns.pretrained(name, download=True)
    return network.to(environment.device()).eval()


def cnn_config(name: str, network: nn.Module, file: str | None = None) -> dict:
    """Which CNN a captioner saw: its name, the digest of its weights, and the file that holds them if trained."""
    return {"name": name, "weights": weights_digest(network), "file": file}


def cnn_of(config: dict, beside: Path | str) -> nn.Module:
    """The CNN that a captioner was trained with. ``beside``: the captioner's checkpoint.

    Raises FileNotFoundError when the CNN's file is not beside it, ValueError when its weights are other ones.
    """
    cnn = config["cnn"]
    if cnn["file"] is None:
        network = open_cnn(cnn["name"])
    elif cnn["name"] == "hybrid-toy":
        network = load_toy_cnn(Path(beside).with_name(cnn["file"]))
    else:
        network = cnns.untrained(cnn["name"])
        network.load_state_dict(load_checkpoint(Path(beside).with_name(cnn["file"]))[0])
    if weights_digest(network) != cnn["weights"]:
        raise ValueError(f"{Path(beside).name}: was trained with another {cnn['name']} than the one that is here")
    network = network.to(environment.device()).eval()
    return Seen(network) if config.get("feature") in MAPS else network
