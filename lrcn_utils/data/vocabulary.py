"""From sentences to word numbers and back, by the rules of the authors' captioning code (code-C)."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]
PAD, BOS, EOS, UNK = range(4)
NEVER_SAID = [PAD, BOS, UNK]  # no part of a sentence: decoders leave them out

_INSIDE_A_WORD = re.compile(r"(?<=\w) (['-]) (?=\w)")
_TOKEN = re.compile(r"\w+|[^\w\s]+")  # a run of letters and digits, or a run of punctuation


def tokenise(text: str) -> list[str]:
    """Lower-case words and punctuation marks of ``text``; a final full stop is dropped.

    ``"A man, who cooks."`` gives ``["a", "man", ",", "who", "cooks"]``; an empty text gives ``[]``.
    """
    tokens = _TOKEN.findall(text.lower())
    return tokens[:-1] if tokens and tokens[-1] == "." else tokens


def as_text(words: Iterable[str]) -> str:
    """A sentence of words as ``tokenise`` makes them; "man ' s t - shirt" becomes "man's t-shirt" again."""
    return _INSIDE_A_WORD.sub(r"\1", " ".join(words))


class Vocabulary:
    """The words that a model knows, each with a number; words it does not know become ``<unk>``.

    ``words[i]`` is the word with number i. The specials stand first: ``<pad>`` 0, ``<bos>`` 1, ``<eos>`` 2,
    ``<unk>`` 3. (The authors' code has one number 0 for both the start and the end.) ``words`` is JSON-able,
    and ``Vocabulary(vocabulary.words)`` gives the same vocabulary again.
    """

    def __init__(self, words: Iterable[str]):
        """``words``: the known words in order; the specials are put first where they are missing.

        Raises ValueError when a word stands twice.
        """
        self.words = SPECIALS + [word for word in words if word not in SPECIALS]
        self.ids = {word: number for number, word in enumerate(self.words)}
        if len(self.ids) < len(self.words):
            twice = [word for word, count in Counter(self.words).items() if count > 1]
            raise ValueError(f"words: each word may stand once only, but these stand more often: {twice[:5]}")

    @classmethod
    def build(cls, sentences: Iterable[str], min_count: int = 5) -> "Vocabulary":
        """The words seen at least ``min_count`` times in ``sentences``, frequent words first.

        Build it from training sentences only. Raises ValueError when there are no sentences or min_count < 1.
        """
        if min_count < 1:
            raise ValueError(f"min_count: must be at least 1, got {min_count}")
        counts, seen = Counter(), False
        for sentence in sentences:
            counts.update(tokenise(sentence))
            seen = True
        if not seen:
            raise ValueError("sentences: empty; a vocabulary needs at least one sentence")
        frequent = [word for word, count in counts.items() if count >= min_count]
        return cls(sorted(frequent, key=lambda word: (-counts[word], word)))

    def encode(self, sentence: str, max_length: int = 20) -> list[int]:
        """The numbers of the first ``max_length`` words of ``sentence``, without ``<bos>`` and ``<eos>``."""
        return [self.ids.get(word, UNK) for word in tokenise(sentence)[:max_length]]

    def decode(self, ids: Iterable[int]) -> str:
        """The words of ``ids`` joined by spaces: up to ``<eos>``, without ``<pad>`` and ``<bos>``.

        Raises ValueError for a number outside 0..len-1.
        """
        words = []
        for number in map(int, ids):
            if number == EOS:
                break
            if not 0 <= number < len(self.words):
                raise ValueError(f"ids: {number} is not a word number; this vocabulary has {len(self)} words")
            if number not in (PAD, BOS):
                words.append(self.words[number])
        return " ".join(words)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.ids

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} words)"


def pad_batch(sentences: Sequence[Sequence[int]]) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Encoded sentences as one batch: ``(inputs, targets)``, both long, (batch, longest + 1).

    The input at step t is the word before, ``<bos>`` first; the target is the word itself, ``<eos>`` last;
    the rest is ``<pad>``, 0, in both. Raises ValueError for an empty list.
    """
    import torch  # here, because an exported model needs the words alone

    if len(sentences) == 0:
        raise ValueError("sentences: empty; a batch needs at least one sentence")
    inputs = torch.full((len(sentences), max(map(len, sentences)) + 1), PAD)
    targets = inputs.clone()
    for row, ids in enumerate(sentences):
        words = torch.as_tensor(ids, dtype=torch.long)
        inputs[row, 0] = BOS
        inputs[row, 1 : len(ids) + 1] = words
        targets[row, : len(ids)] = words
        targets[row, len(ids)] = EOS
    return inputs, targets
