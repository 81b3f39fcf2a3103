"""Counting models of language, and perplexity: what a neural language model has to beat."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import cached_property

import torch
from torch import Tensor

Sentence = Sequence[Hashable]  # words or their numbers, without start and end


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

    Counted over the numbers of a vocabulary, orders 1 and 2 can also be called like a captioner, decoded by
    ``lrcn_utils.decoding`` and scored by ``loss_per_word``. They never see the image: they are baselines.
    """

    def __init__(
        self,
        order: int,
        sentences: Sequence[Sentence],
        vocabulary_size: int,
        strength: float = 1.0,
        *,
        bos: Hashable = 1,
        eos: Hashable = 2,
    ):
        """``vocabulary_size``: number of words that can come, the end of a sentence counted in.

        ``bos`` and ``eos`` stand before and after each sentence; no sentence holds them itself.
        Raises ValueError when order < 1, strength <= 0, there are no sentences, a sentence holds ``bos`` or ``eos``,
        or the sentences hold more different words than vocabulary_size.
        """
        if order < 1:
            raise ValueError(f"order: must be at least 1, got {order}")
        if strength <= 0:
            raise ValueError(f"strength: must be above 0, or unseen words get probability 0, got {strength}")
        if len(sentences) == 0:
            raise ValueError("sentences: empty; a counting model needs at least one sentence")
        self.order, self.vocabulary_size, self.strength = order, vocabulary_size, strength
        self.bos, self.eos = bos, eos
        self.counts, self.totals = Counter(), Counter()
        for sentence in sentences:
            for context, word in self._events(sentence):
                for length in range(order):
                    short = context[order - 1 - length :]
                    self.counts[short, word] += 1
                    self.totals[short] += 1
        if self.counts[(), bos] or self.counts[(), eos] > len(sentences):
            raise ValueError(f"sentences: give them without start and end; {bos!r} and {eos!r} are put round each")
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
        padded = (self.bos,) * (self.order - 1) + tuple(sentence) + (self.eos,)
        for end in range(self.order - 1, len(padded)):
            yield padded[end - self.order + 1 : end], padded[end]

    @cached_property
    def log_probs(self) -> Tensor:
        """log p(word | word before): (words before, words), for the numbers of a vocabulary.

        Those are 0 (padding), ``bos`` and the ``vocabulary_size`` words that can come. Padding and ``bos`` never come:
        -inf. Raises ValueError for an order above 2.
        """
        if self.order > 2:
            raise ValueError(f"order: {self.order} needs more than the word before; decode order 1 or 2")
        numbers = range(self.vocabulary_size + 2)
        unigram = torch.tensor([self.prob(word) for word in numbers])
        unigram[[0, self.bos]] = 0
        pairs = [(*context, word) for context, word in self.counts if context]
        table = (self.strength * unigram).repeat(len(numbers), 1)
        if pairs:
            counts = torch.tensor([float(self.counts[pair[:1], pair[1]]) for pair in pairs])
            table.index_put_(tuple(torch.tensor(pairs).T), counts, accumulate=True)
        totals = torch.tensor([float(self.totals[(word,)]) for word in numbers])
        return (table / (totals + self.strength)[:, None]).log()

    def __call__(self, image: Tensor, words: Tensor) -> Tensor:
        """Log probabilities (batch, time, vocabulary) after each of ``words`` (batch, time); they serve as logits."""
        return self.log_probs.to(words.device)[words]

    def start(self, inputs: Tensor) -> Tensor:
        """There is nothing to remember but how many sentences are wanted: one a row of ``inputs``."""
        return torch.zeros(len(inputs), 1, device=inputs.device)

    def step(self, words: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Log probabilities (batch, vocabulary) of the word after ``words`` (batch,), and the same state."""
        return self.log_probs.to(words.device)[words], state
