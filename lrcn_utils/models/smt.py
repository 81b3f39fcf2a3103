"""A phrase-based translator from tuples to sentences: the baseline of the paper's Table 9 (v4).

The paper's baseline is Moses. This one has the same parts (word alignment both ways, a phrase table, a language model,
a stack decoder, weights tuned on held-out data), but alignment and phrases are NLTK's, so call it "phrase-based
baseline (NLTK)".

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

START, END = "<s>", "</s>"
UNSEEN = -20.0  # log probability of a source word that no phrase covers: it is passed through as it is
Phrase = tuple[str, ...]
Span = tuple[int, int]  # of source positions, the last one exclusive
Options = dict[Span, list[tuple[Phrase, float]]]


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


class _Candidate(NamedTuple):
    """The beginning of a translation: its score, the positions covered, where the last phrase ended, the words."""

    score: float
    covered: frozenset[int]
    end: int
    words: Phrase


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
        """The sentence of a confusion network: {source word: log probability} at each position.

        Stack k holds the candidates that have covered k positions; the ``stack`` most promising of them are extended.
        """
        network = [{START: 0.0}, *network, {END: 0.0}]
        options, length = self._span_options(network), len(network)
        ahead = self._look_ahead(options, length)

        def promise(candidate: _Candidate) -> float:
            return candidate.score + sum(ahead[gap] for gap in _gaps(candidate.covered, length))

        stacks: list[list[_Candidate]] = [[] for _ in range(length + 1)]
        stacks[0].append(_Candidate(0.0, frozenset(), 0, ()))
        for stack in stacks[:-1]:
            for candidate in sorted(stack, key=promise, reverse=True)[: self.stack]:
                for longer in self._extended(candidate, options, length):
                    stacks[len(longer.covered)].append(longer)
        best = max(stacks[-1], key=lambda candidate: candidate.score)
        return [word for word in best.words if word not in (START, END)]

    def _span_options(self, network: Sequence[dict[str, float]]) -> Options:
        """The best translations of each span that has any; a lone unknown word is passed through."""
        found = {}
        for first, last in itertools.combinations(range(len(network) + 1), 2):
            options = self._options(network[first:last])
            if not options and last == first + 1:
                options = {passed_through(word): UNSEEN + p for word, p in network[first].items()}
            if options:
                found[first, last] = sorted(options.items(), key=lambda option: (-option[1], option[0]))[: self.options]
        return found

    def _look_ahead(self, options: Options, length: int) -> dict[Span, float]:
        """What each span could bring at best by itself, in one phrase or in parts."""
        best: dict[Span, float] = defaultdict(lambda: -math.inf)
        for size in range(1, length + 1):
            for first in range(length - size + 1):
                last = first + size
                whole = (
                    score + self._fluency(phrase, ()) + self.weights.word * len(phrase)
                    for phrase, score in options.get((first, last), [])
                )
                parts = (best[first, middle] + best[middle, last] for middle in range(first + 1, last))
                best[first, last] = max(itertools.chain(whole, parts), default=-math.inf)
        return best

    def _extended(self, candidate: "_Candidate", options: Options, length: int) -> Iterator["_Candidate"]:
        """``candidate`` with one more phrase. ``START`` comes first and nowhere else, ``END`` when all is covered."""
        score, covered, end, words = candidate
        jump = math.log(max(self.weights.distortion, 1e-9))
        for (first, last), phrases in options.items():
            span = frozenset(range(first, last))
            if covered & span:
                continue
            done = covered | span
            moved = jump * abs(first - end) if covered else 0.0
            for phrase, own in phrases:
                if (START in phrase) == (not words) and (END in phrase) == (len(done) == length):
                    gain = own + self._fluency(phrase, words) + self.weights.word * len(phrase) + moved
                    yield _Candidate(score + gain, done, last, words + phrase)

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


def _gaps(covered: frozenset[int], length: int) -> list[Span]:
    """The spans of ``length`` positions that are not covered, from left to right."""
    ends = [-1, *sorted(covered), length]
    return [(a + 1, b) for a, b in itertools.pairwise(ends) if a + 1 < b]
