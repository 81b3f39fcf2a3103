"""Training and tuning of the phrase-based baseline: phrase table, language model, weights from clips held back."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from lrcn_utils.data import tacos
from lrcn_utils.data.tacos import CRFOutputs, Description, decode_tuple
from lrcn_utils.data.vocabulary import tokenise
from lrcn_utils.metrics.captions import bleu
from lrcn_utils.models.ngram import NGram
from lrcn_utils.models.smt import END, START, Translator, Weights, align, phrase_table, source_words
from lrcn_utils.training.description.decoders import texts_of
from lrcn_utils.training.sentences import references

Words = list[str]
PARTS, EVERY = 6, 3  # the weights are tuned on six parts of the training groups, on each third clip of a part
EVIDENCE = {"evidence": (0.5, 2.0)}
CHOICES = {
    "word": (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0),
    "language": (0.5, 1.0, 1.5),
    "forward": (0.5, 1.0, 1.5),
    "backward": (0.0, 0.5, 1.0),
    "phrase": (-1.0, 0.0, 1.0),
    "distortion": (0.2, 0.5, 0.8),
}


def train_translator(
    tuples: Sequence[tuple[str, ...]],
    sentences: Sequence[Words],
    slots: Sequence[str],
    *,
    alignments: Sequence[set[tuple[int, int]]] | None = None,
    longest: int = 12,
    order: int = 3,
) -> Translator:
    """A translator with default weights, learned from pairs of a tuple and a sentence split into words.

    ``alignments``: of these pairs, where they are known already.
    """
    pairs = [(source_words(t, slots), tuple(words)) for t, words in zip(tuples, sentences, strict=True)]
    table = phrase_table(pairs, align(pairs) if alignments is None else alignments, longest)
    bracketed = [(START, *words, END) for words in sentences]
    size = len({word for sentence in bracketed for word in sentence}) + 1
    return Translator(table, NGram(order, bracketed, size, strength=2.0), order=order)


def _sources(outputs: CRFOutputs) -> list[tuple[str, ...]]:
    """The MAP tuples as source sentences."""
    slots = list(outputs.states)
    return [source_words(decode_tuple(row, outputs.states), slots) for row in outputs.map_tuples]


def networks(outputs: CRFOutputs, most: int = 3, least: float = 0.05) -> list[list[dict[str, float]]]:
    """The marginals as confusion networks: up to ``most`` states a slot, none below probability ``least``."""
    result = []
    for v in range(len(outputs.videos)):
        network = []
        for (slot, words), marginal in zip(outputs.states.items(), outputs.marginals, strict=True):
            values, order = marginal[v].topk(min(most, len(words)))
            kept = [(k, p) for k, p in zip(order.tolist(), values.tolist(), strict=True) if p >= least]
            kept = kept or [(order[0].item(), values[0].item())]
            network.append({source_words([words[k]], [slot])[0]: math.log(p) for k, p in kept})
        result.append(network)
    return result


def translate_map(translator: Translator, outputs: CRFOutputs) -> list[Words]:
    """A sentence for each video from its MAP tuple; equal tuples are translated once."""
    known: dict[tuple[str, ...], Words] = {}
    for source in _sources(outputs):
        if source not in known:
            known[source] = translator.translate(source)
    return [known[source] for source in _sources(outputs)]


def translate_probabilities(translator: Translator, outputs: CRFOutputs) -> list[Words]:
    """A sentence for each video from the CRF's probabilities, by way of a confusion network."""
    return [translator.translate_network(network) for network in networks(outputs)]


@dataclass(frozen=True)
class _Part:
    """Clips of some training groups, what was said of them, and a translator that learned from all other groups."""

    translator: Translator
    held: CRFOutputs
    told: list[list[Words]]

    def score(self, translate: Callable[[Translator, CRFOutputs], list[Words]], weights: Weights) -> float:
        """BLEU-4, 0..1, of what ``translate`` makes of the clips with ``weights``."""
        return bleu(translate(self.translator.with_weights(**asdict(weights)), self.held), self.told)[3]


def _parts(outputs: CRFOutputs, learn: list[Description], alignments: Sequence[set[tuple[int, int]]]) -> list[_Part]:
    """The training groups in up to ``PARTS`` parts; a part is left out where the others have nothing to learn from.

    ``alignments``: of the descriptions ``learn``.
    """
    tuples, sentences, slots = translation_pairs(outputs, learn)
    described = list(dict.fromkeys(d.video for d in learn))
    parts = []
    for positions in tacos.folds(described, PARTS):
        away = {described[i] for i in positions}
        rest = [i for i, description in enumerate(learn) if description.video not in away]
        if away and rest:
            held = outputs.of([described[i] for i in positions[::EVERY]])
            told = references(texts_of([d for d in learn if d.video in set(held.videos)], held.videos))
            some, said, known = ([each[i] for i in rest] for each in (tuples, sentences, alignments))
            parts.append(_Part(train_translator(some, said, slots, alignments=known), held, told))
    return parts


def _tune(
    scores: Callable[[Weights], list[float]],
    weights: Weights,
    choices: dict[str, Sequence[float]] = CHOICES,
    *,
    seed: int = 0,
) -> Weights:
    """Coordinate search from ``weights``, one weight after another, in a random order.

    ``scores(weights)`` gives one score a part, high is good. A value is taken only where it is better in *every* part:
    what helps in some parts and harms in others is as likely chance, and then the weight stays what it was.
    """
    order = list(choices)
    random.Random(seed).shuffle(order)
    reached = scores(weights)
    for name in order if reached else ():
        for value in choices[name]:
            candidate = replace(weights, **{name: value})
            if candidate == weights:
                continue
            found = scores(candidate)
            if all(new > old for new, old in zip(found, reached, strict=True)):
                weights, reached = candidate, found
    return weights


def likeliest_phrases(translator: Translator, of: str, count: int = 5) -> list[tuple[str, str, float]]:
    """The ``count`` likeliest translations of the source word ``of``: (source, target, p(target | source))."""
    entries = translator.table.get((of,), {})
    ranked = sorted(entries.items(), key=lambda entry: (-entry[1][0], entry[0]))[:count]
    return [(of, " ".join(target), math.exp(forward)) for target, (forward, _) in ranked]


def weights_of(translator: Translator) -> dict[str, float]:
    """The weights as a plain dictionary, for a checkpoint's record."""
    return asdict(translator.weights)


def with_recorded(translator: Translator, weights: dict[str, float]) -> Translator:
    """The translator with ``weights`` from a record."""
    return translator.with_weights(**asdict(Weights(**weights)))


def tuned_translator(outputs: CRFOutputs, learn: list[Description]) -> Translator:
    """The phrase-based baseline: weights tuned by cross-fitting, phrases then taken from all of ``learn``.

    While tuning, each part of the training groups is translated with phrases and a language model of the others; the
    word alignment is made once, on all. A weight leaves its default where BLEU-4 rises in every part. The weight of
    the CRF's probabilities is tuned last; it plays no part where the source is the MAP tuple.
    """
    tuples, sentences, slots = translation_pairs(outputs, learn)
    points = align([(source_words(t, slots), tuple(words)) for t, words in zip(tuples, sentences, strict=True)])
    parts, weights = _parts(outputs, learn, points), Weights()
    for translate, choices in ((translate_map, CHOICES), (translate_probabilities, EVIDENCE)):
        weights = _tune(lambda tried, by=translate: [part.score(by, tried) for part in parts], weights, choices)
    return train_translator(tuples, sentences, slots, alignments=points).with_weights(**asdict(weights))


def translation_pairs(outputs: CRFOutputs, learn: Sequence[Description]):
    """(the MAP tuple's words, the sentence's words) of each description, as two lists; the names of the slots."""
    tuples = {v: decode_tuple(row, outputs.states) for v, row in zip(outputs.videos, outputs.map_tuples, strict=True)}
    return [tuples[d.video] for d in learn], [tokenise(d.text) for d in learn], list(outputs.states)
