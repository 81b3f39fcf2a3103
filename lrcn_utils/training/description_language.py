"""The language side of TACoS Multi-Level: an LSTM on the real sentences of a level, against counting models."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lrcn_utils import environment
from lrcn_utils.data.tacos import TacosCorpus
from lrcn_utils.data.vocabulary import Vocabulary, pad_batch
from lrcn_utils.metrics.language import NGram
from lrcn_utils.models.captioning import loss_per_word
from lrcn_utils.models.lstm import LanguageModel
from lrcn_utils.training.loop import fit


class Sentences(Dataset):
    """Word numbers of sentences, one item a sentence."""

    def __init__(self, sentences: Sequence[list[int]]):
        self.sentences = sentences

    def __len__(self) -> int:
        return len(self.sentences)

    def __getitem__(self, item: int) -> list[int]:
        return self.sentences[item]


def sentences_of(corpus: TacosCorpus, level: str, videos: Sequence[str]) -> list[str]:
    """All sentences about ``videos`` at ``level``, the empty ones left out."""
    return [s for description in corpus.of(level, videos) for s in description.sentences if s.strip(" .")]


def batch_loss(model: LanguageModel, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Nats a word, the end of the sentence counted."""
    place = next(model.parameters()).device
    inputs, targets = (tensor.to(place) for tensor in batch)
    return loss_per_word(model(inputs), targets)


@torch.no_grad()
def perplexity(model: LanguageModel, sentences: Sequence[list[int]]) -> float:
    """exp of the loss in nats a word over ``sentences``, the ends counted."""
    total, count = 0.0, 0
    for batch in DataLoader(Sentences(sentences), 256, collate_fn=pad_batch):
        words = int((batch[1] != 0).sum())
        total, count = total + batch_loss(model, batch).item() * words, count + words
    return math.exp(total / count)


def perplexities(
    corpus: TacosCorpus,
    level: str,
    *,
    epochs: int = 6,
    hidden: int = 128,
    limit: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> tuple[dict[str, float], nn.Module, Vocabulary]:
    """(test perplexity a word of a unigram, a bigram and an LSTM at ``level``, the LSTM, the vocabulary of all three).

    The vocabulary comes from the training videos, words seen fewer than 5 times are ``<unk>`` for all three.
    ``limit``: so many training sentences at most, evenly spread.
    """
    train, test = sentences_of(corpus, level, corpus.train), sentences_of(corpus, level, corpus.test)
    if limit is not None and limit < len(train):
        train = [train[i * len(train) // limit] for i in range(limit)]
    vocabulary = Vocabulary.build(train)
    train_ids, test_ids = ([vocabulary.encode(s, 60) for s in side] for side in (train, test))
    # The words that can come: all of the vocabulary but <pad> and <bos>; <eos> is the end.
    scores = {
        name: NGram(order, train_ids, len(vocabulary) - 2).perplexity(test_ids)
        for name, order in (("unigram", 1), ("bigram", 2))
    }
    environment.seed_everything(seed)
    model = LanguageModel(len(vocabulary), 128, hidden).to(environment.device())
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    settings = {"epochs": epochs, "batch_size": 128, "seed": seed, "clip_norm": 5.0, "collate": pad_batch}
    fit(model, Sentences(train_ids), batch_loss, optimizer, schedule=schedule, progress=progress, **settings)
    scores["LSTM"] = perplexity(model.eval(), test_ids)
    return scores, model, vocabulary
