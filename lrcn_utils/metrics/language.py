"""Counting models of language and perplexity: what a neural language model has to beat."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

Sentence = Sequence[Hashable]  # words or their numbers, without start and end
_START, _END = object(), object()


def perplexity(log_prob: float, words: int) -> float:
    """exp of minus the mean log-probability (nats) of ``words`` words: among how many equal choices one guesses.

    Count the end of a sentence as a word where it is scored. Raises ValueError when ``words`` < 1.
    """
    if words < 1:
        raise ValueError(f"words: perplexity needs at least one scored word, got {words}")
    return math.exp(-log_prob / words)


class NGram:
    """Next-word probabilities by counting, from the last ``order`` - 1 words (order 1: unigram, 2: bigram).

    Each order is smoothed by the order below, down to a uniform guess:
    p(w | context) = (count(context, w) + strength * p(w | shorter context)) / (count(context) + strength).
    (MacKay and Peto 1995.) For order 1 this is add-k smoothing with k = strength / vocabulary_size.
    """

    def __init__(self, order: int, sentences: Sequence[Sentence], vocabulary_size: int, strength: float = 1.0):
        """``vocabulary_size``: number of words that can come, the end of a sentence counted in.

        Raises ValueError when order < 1, strength <= 0, there are no sentences, or they hold more
        different words than vocabulary_size.
        """
        if order < 1:
            raise ValueError(f"order: must be at least 1, got {order}")
        if strength <= 0:
            raise ValueError(f"strength: must be above 0, or unseen words get probability 0, got {strength}")
        if len(sentences) == 0:
            raise ValueError("sentences: empty; a counting model needs at least one sentence")
        self.order, self.vocabulary_size, self.strength = order, vocabulary_size, strength
        self.counts, self.totals = Counter(), Counter()
        for sentence in sentences:
            for context, word in self._events(sentence):
                for length in range(order):
                    short = context[order - 1 - length :]
                    self.counts[short, word] += 1
                    self.totals[short] += 1
        words = sum(1 for context, _ in self.counts if context == ())
        if words > vocabulary_size:
            raise ValueError(f"vocabulary_size: {vocabulary_size}, but the sentences hold {words} different words")

    def prob(self, word: Hashable, context: tuple = ()) -> float:
        """p(word | context); of ``context`` (a tuple of words) the last ``order`` - 1 count."""
        context = context[max(0, len(context) - self.order + 1) :]
        p = 1 / self.vocabulary_size
        for start in range(len(context), -1, -1):
            short = context[start:]
            p = (self.counts[short, word] + self.strength * p) / (self.totals[short] + self.strength)
        return p

    def log_prob(self, sentence: Sentence) -> float:
        """Log-probability (nats) of the whole sentence, its end scored too."""
        return sum(math.log(self.prob(word, context)) for context, word in self._events(sentence))

    def perplexity(self, sentences: Sequence[Sentence]) -> float:
        """Perplexity per word over all ``sentences``, ends counted as words."""
        return perplexity(sum(map(self.log_prob, sentences)), sum(len(sentence) + 1 for sentence in sentences))

    def _events(self, sentence: Sentence):
        padded = (_START,) * (self.order - 1) + tuple(sentence) + (_END,)
        for end in range(self.order - 1, len(padded)):
            yield padded[end - self.order + 1 : end], padded[end]
