"""The language side of TACoS Multi-Level: an LSTM on the real sentences of a level, against counting models."""

import math
from collections.abc import Sequence

from torch import nn

from lrcn_utils import environment
from lrcn_utils.data.tacos import TacosCorpus
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.models.lstm import LanguageModel
from lrcn_utils.models.ngram import NGram
from lrcn_utils.training.caffe import parameter_groups
from lrcn_utils.training.description.decoders import LONGEST
from lrcn_utils.training.loop import follow
from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.sentences import Pairs, batch_loss, collate, nats_per_word

RECIPE = Recipe(epochs=6, rate=3e-3, weight_decay=0.0, clip_norm=5.0, batch_size=128)


def _sentences_of(corpus: TacosCorpus, level: str, videos: Sequence[str]) -> list[str]:
    """All sentences about ``videos`` at ``level``, the empty ones left out."""
    return [s for description in corpus.of(level, videos) for s in description.sentences if s.strip(" .")]


def perplexities(
    corpus: TacosCorpus,
    level: str,
    *,
    recipe: Recipe = RECIPE,
    limit: int | None = None,
    seed: int = 0,
    **options,
) -> tuple[dict[str, float], nn.Module, Vocabulary]:
    """(test perplexity a word of a unigram, a bigram and an LSTM at ``level``, the LSTM, the vocabulary of all three).

    The vocabulary comes from the training videos, words seen fewer than 5 times are ``<unk>`` for all three.
    ``limit``: so many training sentences at most, evenly spread. ``options`` go to ``fit``: state, workers.
    """
    train, test = _sentences_of(corpus, level, corpus.train), _sentences_of(corpus, level, corpus.test)
    if limit is not None and limit < len(train):
        train = [train[i * len(train) // limit] for i in range(limit)]
    vocabulary = Vocabulary.build(train)
    learned, asked = (Pairs(None, enumerate(side), vocabulary, longest=LONGEST) for side in (train, test))
    train_ids, test_ids = ([words for _, words in side.pairs] for side in (learned, asked))
    # The words that can come: all of the vocabulary but <pad> and <bos>; <eos> is the end.
    scores = {
        name: NGram(order, train_ids, len(vocabulary) - 2).perplexity(test_ids)
        for name, order in (("unigram", 1), ("bigram", 2))
    }
    environment.seed_everything(seed)
    model = LanguageModel(len(vocabulary), 128, 128).to(environment.device())
    options |= {"seed": seed, "collate": collate, "progress": False}
    follow(recipe, model, learned, batch_loss, parameter_groups(model, recipe), **options)
    scores["LSTM"] = math.exp(nats_per_word(model, asked))
    return scores, model, vocabulary
