"""Training and tuning of the phrase-based baseline: phrase table, language model, weights from validation clips."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict

from lrcn_utils.data import tacos
from lrcn_utils.data.tacos import CRFOutputs, Description, decode_tuple
from lrcn_utils.data.vocabulary import tokenise
from lrcn_utils.metrics.captions import bleu
from lrcn_utils.models.ngram import NGram
from lrcn_utils.models.smt import END, START, Translator, Weights, align, phrase_table, source_words
from lrcn_utils.training.description.decoders import texts_of
from lrcn_utils.training.sentences import references

Words = list[str]
VALIDATION = ("g08", "g09", "g10")  # groups of the training side on which Toy Kitchen's choices are made
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


def _tune(
    translator: Translator,
    translate: Callable[[Translator], list[Words]],
    references: list[list[Words]],
    *,
    choices: dict[str, Sequence[float]] = CHOICES,
    rounds: int = 1,
    seed: int = 0,
) -> Translator:
    """Coordinate search for the weights with the best BLEU-4 on validation clips.

    ``translate(translator)`` gives the sentences of the validation clips, ``references`` what describers said.
    Weights are visited in a random order, ``rounds`` times, one at a time; a value is kept when it is better.
    """
    order, rng = list(choices), random.Random(seed)
    best, best_score = translator, bleu(translate(translator), references)[3]
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            for value in choices[name]:
                if value == getattr(best.weights, name):
                    continue
                candidate = best.with_weights(**{name: value})
                score = bleu(translate(candidate), references)[3]
                if score > best_score:
                    best, best_score = candidate, score
    return best


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
    """The phrase-based baseline: weights tuned on validation groups, phrases then taken from all of ``learn``.

    While tuning, no phrase and no language comes from the validation clips; the word alignment is made once, on all.
    The weight of the CRF's probabilities is tuned last; it plays no part where the source is the MAP tuple.
    """
    groups = {video: tacos.group(video) for video in outputs.videos}
    validation = set(VALIDATION) & set(groups.values()) or set(sorted(set(groups.values()))[::5])
    held = outputs.of([video for video in outputs.videos if groups[video] in validation][::2])
    told = references(texts_of([d for d in learn if d.video in set(held.videos)], held.videos))
    tuples, sentences, slots = translation_pairs(outputs, learn)
    points = align([(source_words(t, slots), tuple(words)) for t, words in zip(tuples, sentences, strict=True)])
    kept = [i for i, description in enumerate(learn) if groups[description.video] not in validation]
    some, said, known = ([part[i] for i in kept] for part in (tuples, sentences, points))
    first = train_translator(some, said, slots, alignments=known)
    best = _tune(first, lambda candidate: translate_map(candidate, held), told)
    evidence = {"evidence": (0.5, 2.0)}
    best = _tune(best, lambda candidate: translate_probabilities(candidate, held), told, choices=evidence)
    return with_recorded(train_translator(tuples, sentences, slots, alignments=points), weights_of(best))


def translation_pairs(outputs: CRFOutputs, learn: Sequence[Description]):
    """(the MAP tuple's words, the sentence's words) of each description, as two lists; the names of the slots."""
    tuples = {v: decode_tuple(row, outputs.states) for v, row in zip(outputs.videos, outputs.map_tuples, strict=True)}
    return [tuples[d.video] for d in learn], [tokenise(d.text) for d in learn], list(outputs.states)
