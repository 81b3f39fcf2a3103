"""A phrase-based translator from tuples to sentences, of NLTK's parts: the baseline of the paper's Table 9 (v4).

The paper's baseline is Moses. This one has the same parts (word alignment both ways, a phrase table, a language model,
a stack decoder, weights tuned on held-out data) but it is NLTK's, so call it "phrase-based baseline (NLTK)".

The source sentence is a row of five positions, one a slot. A position holds one word with the CRF's MAP state, or
several words with their probabilities: a word lattice in its simplest form, a confusion network. The second is our
stand-in for the lattice of GCPR 2014. Source words carry their slot ("source=board"), so that the same thing taken
from a place and put to a place stays two words, as in a factored translator.

NLTK (extra ``metrics``) is imported when it is used.
"""

import copy
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

START, END = "<s>", "</s>"
UNSEEN = -20.0  # log probability of a source word that no phrase covers: it is passed through as it is
OUT_OF_PLACE = -1e6  # of a sentence that does not begin with START, or goes on after END
Phrase = tuple[str, ...]


@dataclass(frozen=True)
class Weights:
    """The log-linear weights of the translator; tune them on validation data.

    ``forward``, ``backward``: of log p(target | source) and log p(source | target) of a phrase pair;
    ``language``: of the language model; ``word``: reward for each word (without it, short sentences win);
    ``phrase``: reward for each phrase (below 0: long phrases win); ``distortion``: 0..1, 1 lets phrases move freely;
    ``evidence``: of the log probabilities on the lattice.
    """

    forward: float = 1.0
    backward: float = 0.5
    language: float = 1.0
    word: float = 1.0
    phrase: float = 0.0
    distortion: float = 0.5
    evidence: float = 1.0


def source_words(words: Sequence[str], slots: Sequence[str]) -> Phrase:
    """The source sentence of a tuple: ("activity=cut", "tool=knife", ...)."""
    return tuple(f"{slot}={word}" for slot, word in zip(slots, words, strict=True))


def align(pairs: Sequence[tuple[Phrase, Phrase]], iterations: int = 3) -> list[set[tuple[int, int]]]:
    """Word alignment of (source, target) sentences: IBM model 2 in both directions, and every link that either finds.

    Returns for each pair the set of (source position, target position). (The union was better on validation clips
    than what both directions agree on, and than growing from there, grow-diag-final-and.)
    """
    from nltk.translate import AlignedSent, IBMModel2

    # NLTK's AlignedSent takes (target, source), and its alignment pairs are in that order too.
    there = [AlignedSent(list(target), list(source)) for source, target in pairs]
    back = [AlignedSent(list(source), list(target)) for source, target in pairs]
    IBMModel2(there, iterations)
    IBMModel2(back, iterations)
    return [
        {(s, t) for t, s in one.alignment if s is not None} | {(s, t) for s, t in other.alignment if t is not None}
        for one, other in zip(there, back, strict=True)
    ]


def phrase_table(
    pairs: Sequence[tuple[Phrase, Phrase]], alignments: Sequence[set[tuple[int, int]]], longest: int = 7
) -> dict[Phrase, dict[Phrase, tuple[float, float]]]:
    """Phrase pairs consistent with the alignments: {source: {target: (log p(target|source), log p(source|target))}}.

    Both sides get a ``START`` and an ``END``, aligned to each other, so that words at the edges have a phrase to
    belong to and the decoder knows where a sentence may end. ``longest``: the most words in a target phrase.
    """
    from nltk.translate.phrase_based import phrase_extraction

    counts = Counter()
    for (source, target), alignment in zip(pairs, alignments, strict=True):
        ends = {(0, 0), (len(source) + 1, len(target) + 1)}
        alignment = {(s + 1, t + 1) for s, t in alignment} | ends
        source, target = (START, *source, END), (START, *target, END)
        # Positions instead of words: split back, they keep words that hold a space or an odd character whole.
        numbers = " ".join(map(str, range(len(source)))), " ".join(map(str, range(len(target))))
        # NLTK cuts a target phrase that is too long where it should drop it, so the limit is ours.
        for found in phrase_extraction(*numbers, sorted(alignment), max_phrase_length=len(source) + len(target)):
            (s0, s1), (t0, t1) = found[:2]
            if t1 - t0 <= longest:
                counts[source[s0:s1], target[t0:t1]] += 1
    of_source, of_target = Counter(), Counter()
    for (source, target), count in counts.items():
        of_source[source] += count
        of_target[target] += count
    table = defaultdict(dict)
    for (source, target), count in counts.items():
        table[source][target] = math.log(count / of_source[source]), math.log(count / of_target[target])
    return dict(table)


class Translator:
    """Stack decoding of confusion networks with a phrase table and a language model.

    ``table``: from ``phrase_table``. ``language_model``: any object with ``prob(word, context) -> 0..1``, learned on
    sentences that stand between ``START`` and ``END``; ``order`` - 1 words of context are given to it.
    ``options``: how many translations of one span are kept; ``stack``: how many hypotheses a stack.
    """

    def __init__(self, table, language_model, weights: Weights | None = None, *, order=3, options=10, stack=10):
        self.table, self.language_model, self.order = table, language_model, order
        self.weights = Weights() if weights is None else weights
        self.options, self.stack = options, stack
        self._cache: dict[tuple[str, Phrase], float] = {}

    def with_weights(self, **changes: float) -> "Translator":
        """The same translator with other weights. Both share what the language model has answered so far."""
        other = copy.copy(self)
        other.weights = replace(self.weights, **changes)
        return other

    def translate(self, words: Phrase) -> list[str]:
        """The sentence of one tuple, given as its ``source_words``."""
        return self.translate_network([{word: 0.0} for word in words])

    def translate_network(self, network: Sequence[dict[str, float]]) -> list[str]:
        """The sentence of a confusion network: {source word: log probability} at each position."""
        from nltk.translate import StackDecoder

        positions = [START, *map(str, range(len(network))), END]
        table, ahead = self._span_table([{START: 0.0}, *network, {END: 0.0}], positions)
        decoder = StackDecoder(table, _NextWords(self, ahead))
        decoder.word_penalty = -self.weights.word
        decoder.distortion_factor = self.weights.distortion
        decoder.stack_size = self.stack
        return [word for word in decoder.translate(positions) if word not in (START, END)]

    def _span_table(self, network, positions):
        """NLTK's phrase table for this network alone: a source phrase in it is a span of positions.

        Also the language model's share of each span's best translation, for the decoder's look ahead.
        """
        from nltk.translate import PhraseTable

        table, ahead = PhraseTable(), {}
        for first in range(len(network)):
            for last in range(first + 1, len(network) + 1):
                options = self._options(network[first:last])
                if not options and last == first + 1:
                    options = {passed_through(word): UNSEEN + p for word, p in network[first].items()}
                kept = sorted(options.items(), key=lambda option: (-option[1], option[0]))[: self.options]
                for target, score in kept:
                    table.add(tuple(positions[first:last]), target, score)
                if kept:
                    word = self.weights.word
                    best = max(score + self._fluency(target, ()) + word * len(target) for target, score in kept)
                    ahead[tuple(positions[first:last])] = best - kept[0][1]
        return table, ahead

    def _options(self, span: Sequence[dict[str, float]]) -> dict[Phrase, float]:
        weights, options = self.weights, {}
        for choice in itertools.product(*(position.items() for position in span)):
            translations = self.table.get(tuple(word for word, _ in choice), {})
            evidence = weights.evidence * sum(log_prob for _, log_prob in choice) + weights.phrase
            for target, (forward, backward) in translations.items():
                score = weights.forward * forward + weights.backward * backward + evidence
                options[target] = max(score, options.get(target, -math.inf))
        return options

    def _fluency(self, phrase: Phrase, before: Phrase) -> float:
        """The weighted log-probability of ``phrase`` after the words ``before``."""
        total, context = 0.0, before
        for word in phrase:
            if word == START:  # given, not guessed
                context = (START,)
                continue
            context = context[-(self.order - 1) :] if self.order > 1 else ()
            if (word, context) not in self._cache:
                self._cache[word, context] = math.log(self.language_model.prob(word, context))
            total += self.weights.language * self._cache[word, context]
            context = (*context, word)
        return total


def passed_through(source_word: str) -> Phrase:
    """What stands for a source word that no phrase covers: its word, or nothing for "none"."""
    word = source_word.partition("=")[2] or source_word
    return () if word == "none" else tuple(word.split())


class _NextWords:
    """The language model as NLTK calls it: with a hypothesis object, and with a *source* phrase to look ahead."""

    def __init__(self, translator: Translator, ahead: dict[Phrase, float]):
        self.translator, self.ahead = translator, ahead

    def probability_change(self, hypothesis, phrase: Phrase) -> float:
        before = tuple(hypothesis.translation_so_far())
        if phrase and ((phrase[0] == START) != (before == ()) or END in before):
            return OUT_OF_PLACE
        return self.translator._fluency(phrase, before)

    def probability(self, source: Phrase) -> float:
        return self.ahead[source]
