"""Learning to write sentences, whatever stands beside the words: an image, a tuple, frames, or nothing at all.

One dataset of pairs, one loss, one way to decode; captioning, description and the language models use them alike.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from lrcn_utils.data.pixels import PixelFiles
from lrcn_utils.data.vocabulary import BOS, EOS, NEVER_SAID, PAD, UNK, Vocabulary, pad_batch, tokenise
from lrcn_utils.decoding import Hypothesis, Without, beam_search
from lrcn_utils.models.captioning import Captioner, ImageCaptioner, word_loss
from lrcn_utils.training.processes import processes

Words = list[str]
LONGEST = 20  # words of a caption that are learned, and written
AT_ONCE = 200  # sentences of which the loss is computed


class Pairs(Dataset):
    """One item a sentence: (its row of ``inputs``, its word numbers).

    ``inputs``: one row for each image or video: features, tuples, or pixels (n, 3, height, width) uint8 for a network
    that begins with a CNN, of which one random crop of ``crop`` is taken (never mirrored: that would make "left of"
    false); None for a model of the language alone. ``sentences``: (row, text). Of a text the first ``longest`` words
    count.
    """

    def __init__(
        self,
        inputs: Tensor | PixelFiles | None,
        sentences: Iterable[tuple[int, str]],
        vocabulary: Vocabulary,
        *,
        longest: int = LONGEST,
        crop: int | None = None,
    ):
        self.inputs, self.crop, self.seed_and_epoch = inputs, crop, (0, 0)
        self.pairs = [(row, vocabulary.encode(text, longest)) for row, text in sentences]

    def __len__(self) -> int:
        return len(self.pairs)

    def set_epoch(self, seed: int, epoch: int) -> None:
        """Crops are a function of (seed, epoch, item)."""
        self.seed_and_epoch = (seed, epoch)

    def __getitem__(self, item: int) -> tuple[Tensor | None, list[int]]:
        row, words = self.pairs[item]
        if self.inputs is None:
            return None, words
        if self.crop is None:
            return self.inputs[row], words
        random = np.random.default_rng((*self.seed_and_epoch, item))
        pixels = self.inputs[row]
        top, left = (int(random.integers(side - self.crop + 1)) for side in pixels.shape[1:])
        return pixels[:, top : top + self.crop, left : left + self.crop] / 255, words


def collate(items: Sequence[tuple[Tensor | None, list[int]]]) -> tuple[Tensor | None, Tensor, Tensor]:
    """(inputs, words before, words to say) of a batch of ``Pairs``; the words are those of ``pad_batch``."""
    inputs, words = zip(*items, strict=True)
    return (None if inputs[0] is None else torch.stack(inputs)), *pad_batch(words)


def batch_loss(model: Callable, batch: tuple[Tensor | None, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(sum of the losses in nats, number of words), ends of sentences counted; the batch goes to the model's device."""
    inputs, before, words = (None if part is None else part.to(device_of(model)) for part in batch)
    if isinstance(getattr(model, "module", model), Captioner | ImageCaptioner):  # "module": of several processes
        real = before != PAD
        return word_loss(model(inputs, before, real), words[real])
    logits = model(before) if inputs is None else model(inputs, before)
    return word_loss(logits, words)


@torch.no_grad()
def nats_per_word(model: Callable, pairs: Pairs, *, unknown: bool = True) -> float:
    """Loss in nats a word over all pairs, ends of sentences counted, with teacher forcing and without dropout.

    With ``unknown=False`` the words that the vocabulary lacks do not count: ``<unk>`` is easily guessed, and says
    nothing. Where there are several processes, all must come here, and each computes its share of the batches.
    """
    training = getattr(model, "training", False)
    if training:
        model.eval()

    def loss_of(numbers: range) -> tuple[float, int]:
        inputs, before, words = collate([pairs[number] for number in numbers])
        counted = words if unknown else words.masked_fill(words == UNK, PAD)
        total, count = batch_loss(model, (inputs, before, counted))
        return total.item(), int(count)

    sums = processes().spread(loss_of, _slices(range(len(pairs)), AT_ONCE))
    if training:
        model.train()
    return sum(total for total, _ in sums) / sum(count for _, count in sums)


def _slices(numbers: range, size: int) -> list[range]:
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def unknown_share(pairs: Pairs) -> float:
    """The share of the words, ends of sentences counted, that the vocabulary lacks, 0..1."""
    counted = sum(len(words) + 1 for _, words in pairs.pairs)
    return sum(words.count(UNK) for _, words in pairs.pairs) / counted


def decode(model, inputs: Tensor, decoder: Callable = beam_search, *settings, size: int = 100, **options):
    """Hypotheses for all ``inputs``, ``size`` at a time: ``decode(model, features, beam_search, 3)``.

    ``<unk>`` is never written. Where there are several processes, all must come here with the same inputs: each decodes
    its share of these batches, and all get all of them. So a decoder that draws must have its inputs in one batch.
    """
    if isinstance(model, nn.Module):
        model.eval()
    speaker = Without(model, NEVER_SAID)

    def written(batch: Tensor) -> list[list[Hypothesis]]:
        return decoder(speaker, batch.to(device_of(model)), *settings, bos=BOS, eos=EOS, **options)

    return [beams for batch in processes().spread(written, inputs.split(size)) for beams in batch]


def best_words(hypotheses: list[list[Hypothesis]], vocabulary: Vocabulary) -> list[Words]:
    """The words of the best hypothesis of each image or video."""
    return [[vocabulary.words[word] for word in beams[0].words] for beams in hypotheses]


def references(texts: Iterable[Sequence[str]]) -> list[list[Words]]:
    """Reference sentences as the metrics take them: words, tokenised as the model's are."""
    return [[tokenise(text) for text in some] for some in texts]


def device_of(model) -> torch.device:
    """Where a model's weights are; the CPU for one without weights."""
    first = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return torch.device("cpu") if first is None else first.device
