"""Captions of images: what a captioner says, with every decoder, and the words that it weighed at each step."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lrcn_utils import environment
from lrcn_utils.data.image import read_image, warped
from lrcn_utils.data.vocabulary import BOS, EOS, NEVER_SAID, Vocabulary
from lrcn_utils.decoding import BeamLevel, Hypothesis, Without, beam_levels, beam_search, follow, greedy, sample
from lrcn_utils.inference.answers import Sentence
from lrcn_utils.training.captioning import models
from lrcn_utils.training.features import cnn_features, warp_size
from lrcn_utils.training.sentences import device_of

DECODERS = ["greedy", "beam search", "sampling"]
TOP = 10


@dataclass(frozen=True)
class Settings:
    """A decoder and its settings; ``n`` samples at the inverse temperature ``t``."""

    decoder: str = "beam search"
    width: int = 3
    n: int = 10
    t: float = 1.5


@dataclass(frozen=True)
class Picture:
    """An image: uint8 pixels (height, width, 3), its feature (1, d), its reference captions (maybe none)."""

    name: str
    pixels: np.ndarray
    feature: Tensor
    references: Sequence[str] = ()


class Captions:
    """What a captioner makes of images: sentences, the best words at every step, the beams.

    ``model`` has ``start`` and ``step``. ``look(pixels)`` makes the feature (1, d) of uint8 pixels (height, width, 3);
    without it only ``pictures`` can be captioned.
    """

    def __init__(
        self,
        model,
        vocabulary: Vocabulary,
        pictures: Sequence[Picture] = (),
        look: Callable[[np.ndarray], Tensor] | None = None,
    ):
        self.model, self.vocabulary, self.pictures, self.look = model, vocabulary, list(pictures), look
        self.speaker = Without(model, NEVER_SAID)

    @classmethod
    def load(cls, path: Path | str, pictures: Sequence[Picture] = ()) -> "Captions":
        """The captioner of a checkpoint, with the CNN that it was trained with.

        Raises FileNotFoundError, or ValueError for a checkpoint of something else or another CNN.
        """
        model, vocabulary, config, _ = models.load(path)
        model, cnn = model.to(environment.device()), models.cnn_of(config, beside=path)
        return cls(model, vocabulary, pictures, lambda pixels: image_feature(cnn, pixels, config["feature"]))

    def open(self, name: str, content: bytes) -> Picture:
        """An uploaded image file. Raises ImageError, naming it, when it is none."""
        file = io.BytesIO(content)
        file.name = name
        return self._opened(name, file)

    def open_file(self, path: Path) -> Picture:
        """An image file on the disk. Raises ImageError, naming it, when it cannot be read."""
        return self._opened(path.name, path)

    def _opened(self, name: str, file) -> Picture:
        pixels = read_image(file)
        return Picture(name, pixels, self.look(pixels))

    def caption(self, path: Path, width: int) -> Sentence:
        """The best caption of an image file. Raises ImageError, naming it, when it cannot be read."""
        best = self.sentences(self.open_file(path), Settings("beam search", width=width))[0]
        return Sentence(self.vocabulary.decode(best.words), best.log_prob)

    def sentences(self, picture: Picture, settings: Settings) -> list[Hypothesis]:
        """The decoder's hypotheses, best first; of sampling the ten most probable different ones."""
        feature, ends = self._feature(picture), {"bos": BOS, "eos": EOS}
        if settings.decoder == "greedy":
            return greedy(self.speaker, feature, **ends)[0]
        if settings.decoder == "beam search":
            return beam_search(self.speaker, feature, settings.width, **ends)[0]
        seeded = torch.Generator().manual_seed(0)
        drawn = sample(self.speaker, feature, settings.n, settings.t, **ends, generator=seeded)[0]
        return list({hypothesis.words: hypothesis for hypothesis in reversed(drawn)}.values())[::-1][:TOP]

    def _feature(self, picture: Picture) -> Tensor:
        """The picture's feature where the model is."""
        return picture.feature.to(device_of(self.model))

    def words(self, hypothesis: Hypothesis) -> list[str]:
        """Its words, the end of the sentence included."""
        return [self.vocabulary.words[word] for word in (*hypothesis.words, EOS)]

    def steps(self, picture: Picture, hypothesis: Hypothesis) -> tuple[list[list[str]], np.ndarray, np.ndarray]:
        """At each step the ten best words, their probabilities (steps, 10), and the chosen word's (steps,)."""
        feature, chosen = self._feature(picture), torch.tensor([[*hypothesis.words, EOS]])
        probabilities = follow(self.model, feature, chosen.to(feature.device), bos=BOS)[0].exp().cpu()
        best, index = probabilities.topk(min(TOP, probabilities.shape[1]), dim=1)
        words = [[self.vocabulary.words[word] for word in row] for row in index.tolist()]
        return words, best.numpy(), probabilities.gather(1, chosen.T)[:, 0].numpy()

    def beams(self, picture: Picture, width: int) -> list[BeamLevel]:
        """The beams after every step of a beam search, best first."""
        return list(beam_levels(self.speaker, self._feature(picture), width, bos=BOS, eos=EOS))


def image_feature(cnn: nn.Module, pixels: np.ndarray, layer: str) -> Tensor:
    """The feature (1, d) of uint8 pixels (height, width, 3), seen as in training: warped, then the centre crop."""
    return cnn_features(cnn.eval(), warped(pixels, warp_size(cnn), cnn.crop)[None], layer)
