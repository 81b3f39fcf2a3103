"""The decoders of video description as they are fed, trained, decoded, saved and loaded, and their two controls."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from lrcn_utils import environment
from lrcn_utils.data.tacos import NOTHING, CRFOutputs, Description, decode_tuple
from lrcn_utils.data.vocabulary import Vocabulary, tokenise
from lrcn_utils.decoding import beam_search, sample
from lrcn_utils.models.description import EncoderDecoder, EndToEnd, TupleDecoder, one_hot_tuple, tuple_vector
from lrcn_utils.models.lstm import uniform_weights
from lrcn_utils.models.ngram import NGram
from lrcn_utils.training.caffe import parameter_groups
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.description.settings import BOUNDS, LEAST_BATCHES, RECIPE, SIZES
from lrcn_utils.training.loop import History, follow
from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.sentences import Pairs, batch_loss, best_words, collate, decode

Words = list[str]
KINDS = {"a": EncoderDecoder, "a-reversed": EncoderDecoder, "b": TupleDecoder, "c": TupleDecoder, "end": EndToEnd}
DEFAULT = Recipe(**RECIPE, **BOUNDS)
LONGEST = 60  # words of a description that are learned, and written


def tuple_words(words: Sequence[str]) -> Words:
    """A tuple's words as the encoder of (a) reads them: "cutting board" gives two, "none" gives none."""
    return [part for word in words if word != NOTHING for part in word.split()]


def source_vocabulary(states: dict[str, list[str]]) -> Vocabulary:
    """The words of all states: what the encoder of (a) reads."""
    return Vocabulary(
        dict.fromkeys(part for words in states.values() for word in words for part in tuple_words([word]))
    )


def decoder_inputs(kind: str, outputs: CRFOutputs) -> Tensor:
    """What decoder ``kind`` is given of each video.

    "a", "a-reversed": the MAP tuple's words as numbers, long (videos, longest), 0 after the end; "b": its one-hot
    vectors, "c": the marginals, float (videos, states of all slots).
    """
    if kind == "b":
        return one_hot_tuple(outputs.map_tuples, [len(words) for words in outputs.states.values()])
    if kind == "c":
        return tuple_vector(outputs.marginals)
    vocabulary, rows = source_vocabulary(outputs.states), []
    for states in outputs.map_tuples:
        numbers = [vocabulary.ids[word] for word in tuple_words(decode_tuple(states, outputs.states))]
        rows.append(torch.tensor(numbers[::-1] if kind == "a-reversed" else numbers))
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


def _build(
    kind: str,
    input_size: int,
    vocab_size: int,
    embedding: int = SIZES["embedding"],
    hidden: int = SIZES["hidden"],
    dropout: float = SIZES["dropout"],
) -> nn.Module:
    """An untrained decoder of ``KINDS``.

    ``input_size``: size of (a)'s source vocabulary, of the tuple's vector, or of a frame's features.
    """
    return KINDS[kind](input_size, vocab_size, embedding, hidden, dropout)


def _sizes(model: nn.Module) -> dict[str, int]:
    """What ``build`` was given to make ``model``: its ``input_size``, ``embedding`` and ``hidden``."""
    embedding, lstm = model.decoder.embedding.embedding_dim, model.decoder.lstm
    read = model.source.num_embeddings if isinstance(model, EncoderDecoder) else lstm.input_size - embedding
    return {"input_size": read, "embedding": embedding, "hidden": lstm.hidden_size}


def learn(
    kind: str,
    inputs: Tensor,
    sentences: Sequence[tuple[int, str]],
    input_size: int,
    vocabulary: Vocabulary,
    *,
    recipe: Recipe = DEFAULT,
    sizes: dict[str, float] | None = None,
    least_batches: int = LEAST_BATCHES,
    seed: int = 0,
    **options,
) -> tuple[nn.Module, History]:
    """A decoder of ``kind`` trained by teacher forcing.

    ``inputs``: one row a video; ``sentences``: (row, text). ``sizes``: those of ``settings.SIZES``, if others. Few
    sentences are passed over more often: where the recipe counts epochs, no decoder learns from fewer than
    ``least_batches`` batches. ``options`` go to ``fit``: state, workers.
    """
    environment.seed_everything(seed)
    model = _build(kind, input_size, len(vocabulary), **sizes or {})
    if recipe.caffe:
        uniform_weights(model, 0.08)
    model.to(environment.device())
    pairs = Pairs(inputs, sentences, vocabulary, longest=LONGEST)
    if recipe.iterations is None:
        least = math.ceil(least_batches / math.ceil(len(pairs) / recipe.batch_size))
        recipe = replace(recipe, epochs=max(recipe.epochs, least))
    options |= {"seed": seed, "collate": collate, "progress": False}
    return model, follow(recipe, model, pairs, batch_loss, parameter_groups(model, recipe), **options)


def describe(model: nn.Module, inputs: Tensor, vocabulary: Vocabulary, width: int = 3) -> list[Words]:
    """The best sentence that beam search finds for each row of ``inputs``, split into words."""
    return best_words(decode(model, inputs, beam_search, width, max_length=LONGEST), vocabulary)


def drawn(model, count: int, vocabulary: Vocabulary, seed: int = 0) -> list[Words]:
    """``count`` sentences drawn at random from a ``model`` of the language alone."""
    options = {"size": count, "generator": torch.Generator().manual_seed(seed), "max_length": LONGEST}
    return best_words(decode(model, torch.zeros(count, 1), sample, 1, **options), vocabulary)


def sentences_of(descriptions: Sequence[Description], videos: Sequence[str]) -> list[tuple[int, str]]:
    """(the row of its video in ``videos``, the text) of each description, as ``Pairs`` takes them."""
    row = {video: i for i, video in enumerate(videos)}
    return [(row[description.video], description.text) for description in descriptions]


def texts_of(descriptions: Sequence[Description], videos: Sequence[str]) -> list[list[str]]:
    """What the describers wrote of each of ``videos``."""
    found: dict[str, list[str]] = {video: [] for video in videos}
    for description in descriptions:
        found[description.video].append(description.text)
    return list(found.values())


def majority_sentence(descriptions: Sequence[Description]) -> Words:
    """The control that knows no video: the sentence written most often (the first by the alphabet among equals)."""
    counts = Counter(description.text for description in descriptions)
    return tokenise(min(counts, key=lambda text: (-counts[text], text)))


def bigram(descriptions: Sequence[Description], vocabulary: Vocabulary) -> NGram:
    """The control that knows one word back and no video."""
    return NGram(2, [vocabulary.encode(d.text, LONGEST) for d in descriptions], len(vocabulary) - 2)


def input_size_of(kind: str, inputs: Tensor, states: dict[str, list[str]]) -> int:
    """What ``build`` needs to know of the input of decoder ``kind``."""
    return len(source_vocabulary(states)) if kind.startswith("a") else inputs.shape[-1]


def config_of(kind: str, level: str, model: nn.Module, vocabulary: Vocabulary, chain: str | None) -> dict:
    """All that is needed to build a decoder again. ``chain``: the file of the classifier and CRF that it goes with."""
    return {"kind": kind, "level": level, "sizes": _sizes(model), "vocabulary": vocabulary.words, "chain": chain}


def load(path: Path | str) -> tuple[nn.Module, Vocabulary, dict, dict]:
    """(decoder, vocabulary, config, record) of a checkpoint, on the CPU and ready to decode.

    Raises FileNotFoundError, or ValueError for a checkpoint of something else.
    """
    weights, config, record = load_checkpoint(path, "description")
    if config.get("kind") not in KINDS:
        raise ValueError(f"{Path(path).name}: not a decoder; the decoders are of kind {', '.join(KINDS)}")
    vocabulary = Vocabulary(config["vocabulary"])
    model = _build(config["kind"], vocab_size=len(vocabulary), **config["sizes"])
    model.load_state_dict(weights)
    return model.float().eval(), vocabulary, config, record
