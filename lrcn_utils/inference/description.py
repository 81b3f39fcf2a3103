"""Descriptions of films: the tuple that a CRF reads from a few frames, and the sentences that decoders make of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lrcn_utils import environment
from lrcn_utils.data.clips import TOY, centre_crop, evenly_spread
from lrcn_utils.data.tacos import CRFOutputs, decode_tuple
from lrcn_utils.data.vocabulary import BOS, EOS, NEVER_SAID, Vocabulary
from lrcn_utils.decoding import Without, beam_search
from lrcn_utils.inference.answers import Described, Sentence
from lrcn_utils.inference.film import Film
from lrcn_utils.models.crf import TupleCRF
from lrcn_utils.models.smt import Translator
from lrcn_utils.training.captioning.models import cnn_of
from lrcn_utils.training.description import chain as chains
from lrcn_utils.training.description import decoders
from lrcn_utils.training.description.decoders import LONGEST, decoder_inputs
from lrcn_utils.training.description.translator import translate_map, translate_probabilities
from lrcn_utils.training.description.tuples import read_clips, unaries
from lrcn_utils.training.features import cnn_features
from lrcn_utils.training.sentences import device_of

RULED_OUT = -30.0  # log-probability of a state that the reader has ruled out
Edits = Mapping[str, str]  # the word chosen by hand, by slot


def write(model: nn.Module, vocabulary: Vocabulary, inputs: Tensor, width: int = 3) -> Sentence:
    """The best sentence that beam search finds for ``inputs``, one row of what the decoder reads."""
    speaker = Without(model.eval(), NEVER_SAID)
    best = beam_search(speaker, inputs.to(device_of(model)), width, bos=BOS, eos=EOS, max_length=LONGEST)[0][0]
    return Sentence(vocabulary.decode(best.words), best.log_prob)


@dataclass(frozen=True)
class Describer:
    """From a film to its tuple and its sentence: CNN, classifier and CRF of one chain, and a decoder of ``kind``."""

    chain: nn.ModuleDict
    config: dict
    cnn: nn.Module
    kind: str
    decoder: nn.Module
    vocabulary: Vocabulary

    @classmethod
    def load(cls, path: Path | str) -> "Describer":
        """The decoder of a checkpoint, with the classifier, the CRF and the CNN that it was trained with.

        Raises FileNotFoundError, or ValueError for a checkpoint of something else.
        """
        decoder, vocabulary, config, _ = decoders.load(path)
        if config["chain"] is None:
            raise ValueError(f"{Path(path).name}: this decoder learned from tuples alone and cannot see a film")
        beside = Path(path).with_name(config["chain"])
        chain, chain_config = chains.load(beside)
        cnn, device = cnn_of(chain_config, beside=beside), environment.device()
        chain["classifier"].to(device)  # what it says comes back to the CPU, where the CRF infers
        return cls(chain, chain_config, cnn, config["kind"], decoder.to(device), vocabulary)

    def describe(self, film: Film, width: int = 3) -> Described:
        """Tuple and sentence of ``film``; it is read twice, and only the frames that are looked at are held.

        Raises VideoError when it cannot be read.
        """
        size, count = TOY[:2], sum(1 for _ in film.frames(TOY[:2]))
        frames = np.stack(list(evenly_spread(film.frames(size), count, self.config["frames"])))
        features = cnn_features(self.cnn, centre_crop(frames, TOY.crop), self.config["layer"])[None]
        seen = unaries(self.chain["classifier"], features)
        outputs = read_clips(self.chain["crf"], seen, [film.name], self.config["states"])
        inputs = features if self.kind == "end" else decoder_inputs(self.kind, outputs)
        words = decode_tuple(outputs.map_tuples[0], outputs.states)
        sentence = write(self.decoder, self.vocabulary, inputs, width)
        return Described(count, dict(zip(outputs.states, words, strict=True)), sentence)


@dataclass
class Descriptions:
    """What every model says of some videos, and of tuples that were edited by hand.

    ``unaries``: the classifiers' log-probabilities for ``videos``, one tensor (videos, states) a slot.
    ``decoders``: {kind: (model, vocabulary)} with the kinds of ``training.description.decoders``; ``translator`` may
    be None. ``frames``: features (videos, frames, dim), needed for the kind "end".
    ``open_video``: gives the pictures of a video, uint8 (time, height, width, 3). ``names``: how models are called.
    """

    crf: TupleCRF
    states: Mapping[str, list[str]]
    videos: Sequence[str]
    unaries: Sequence[Tensor]
    decoders: Mapping[str, tuple[nn.Module, Vocabulary]]
    open_video: Callable[[str], np.ndarray]
    translator: Translator | None = None
    frames: Tensor | None = None
    tuples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    references: Mapping[str, Sequence[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    _written: dict[tuple, Sentence] = field(default_factory=dict, repr=False)

    def own(self, video: str) -> list[np.ndarray]:
        """The classifiers' probabilities, (states,) a slot."""
        row = self.videos.index(video)
        return [unary[row].exp().numpy() for unary in self.unaries]

    def read(self, video: str, edits: Edits | None = None) -> CRFOutputs:
        """Marginals and MAP of one video. A slot set by hand is certain, and the CRF infers the others given it.

        Raises ValueError for a word that is no state of its slot.
        """
        row, unaries = self.videos.index(video), []
        for (slot, words), unary in zip(self.states.items(), self.unaries, strict=True):
            unary = unary[row : row + 1]
            if edits and slot in edits:
                if edits[slot] not in words:
                    raise ValueError(f"{edits[slot]!r} is no state of slot {slot}; its states are {', '.join(words)}")
                unary = torch.full_like(unary, RULED_OUT)
                unary[0, words.index(edits[slot])] = 0.0
            unaries.append(unary)
        return read_clips(self.crf, unaries, [video], dict(self.states))

    def sentences(self, video: str, edits: Edits | None = None) -> dict[str, Sentence]:
        """Every model's sentence, by the model's name. What was written once is remembered."""
        outputs, said = self.read(video, edits), {}
        edited = video, tuple(sorted((edits or {}).items()))
        if self.translator is not None:
            for kind, translate in (("smt", translate_map), ("smt-prob", translate_probabilities)):
                key = kind, tuple(outputs.map_tuples[0].tolist()) if kind == "smt" else edited
                if key not in self._written:
                    self._written[key] = Sentence(" ".join(translate(self.translator, outputs)[0]), None)
                said[self.names.get(kind, kind)] = self._written[key]
        for kind, (model, vocabulary) in self.decoders.items():
            key = kind, (video, ()) if kind == "end" else edited
            if key not in self._written:
                row = self.videos.index(video)
                inputs = self.frames[row : row + 1] if kind == "end" else decoder_inputs(kind, outputs)
                self._written[key] = write(model, vocabulary, inputs)
            said[self.names.get(kind, kind)] = self._written[key]
        return said

    def rows(self, video: str, edits: Edits | None = None) -> list[tuple[str, str, str]]:
        """The table of sentences, its heading first: who, the probability as text, the sentence; people come last."""
        said = [(name, said.probability, said.words) for name, said in self.sentences(video, edits).items()]
        people = [("a describer", "", text) for text in list(self.references.get(video, []))[:2]]
        return [("model", "probability", "sentence"), *said, *people]

    def truth(self, video: str) -> list[int | None]:
        """The state numbers of the true tuple, None a slot where it is not known."""
        words = self.tuples.get(video)
        if words is None:
            return [None] * len(self.states)
        return [self.states[slot].index(word) for slot, word in zip(self.states, words, strict=True)]
