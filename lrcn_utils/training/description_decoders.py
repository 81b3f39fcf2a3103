"""The decoders of video description as they are fed, trained, decoded, saved and loaded, and their two controls."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from lrcn_utils import environment
from lrcn_utils.data.tacos import CRFOutputs, Description, decode_tuple
from lrcn_utils.data.vocabulary import BOS, EOS, Vocabulary, tokenise
from lrcn_utils.decoding import beam_search, sample
from lrcn_utils.metrics.language import NGram
from lrcn_utils.models.description import EncoderDecoder, EndToEnd, TupleDecoder, one_hot_tuple, tuple_vector
from lrcn_utils.training.captioning import batch_loss, best_words, collate, decode
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint
from lrcn_utils.training.description_smt import spoken
from lrcn_utils.training.loop import History, fit

Words = list[str]
KINDS = {"a": EncoderDecoder, "a-reversed": EncoderDecoder, "b": TupleDecoder, "c": TupleDecoder, "end": EndToEnd}
EPOCHS, BATCH = 24, 128  # chosen, like the sizes below, on groups 8 to 10 of Toy Kitchen's training side
LONGEST = 60  # words of a description that are learned, and written


class Pairs(Dataset):
    """One item a description: (its video's row of ``inputs``, the sentence's word numbers)."""

    def __init__(self, inputs: Tensor, videos: Sequence[str], descriptions: Sequence[Description], words: Vocabulary):
        row = {video: i for i, video in enumerate(videos)}
        self.inputs = inputs
        self.pairs = [(row[d.video], words.encode(d.text, LONGEST)) for d in descriptions]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, item: int) -> tuple[Tensor, list[int]]:
        row, words = self.pairs[item]
        return self.inputs[row], words


def source_vocabulary(states: dict[str, list[str]]) -> Vocabulary:
    """The words of all states: what the encoder of (a) reads."""
    return Vocabulary(dict.fromkeys(part for words in states.values() for word in words for part in spoken([word])))


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
        numbers = [vocabulary.ids[word] for word in spoken(decode_tuple(states, outputs.states))]
        rows.append(torch.tensor(numbers[::-1] if kind == "a-reversed" else numbers))
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


def build(kind: str, input_size: int, vocab_size: int, embedding: int = 48, hidden: int = 96, dropout: float = 0.2):
    """An untrained decoder of ``KINDS``.

    ``input_size``: size of (a)'s source vocabulary, of the tuple's vector, or of a frame's features.
    """
    return KINDS[kind](input_size, vocab_size, embedding, hidden, dropout)


def sizes(model: nn.Module) -> dict[str, int]:
    """What ``build`` was given to make ``model``: its ``input_size``, ``embedding`` and ``hidden``."""
    embedding, lstm = model.decoder.embedding.embedding_dim, model.decoder.lstm
    read = model.source.num_embeddings if isinstance(model, EncoderDecoder) else lstm.input_size - embedding
    return {"input_size": read, "embedding": embedding, "hidden": lstm.hidden_size}


def train_decoder(
    model: nn.Module, pairs: Pairs, *, epochs: int = EPOCHS, rate: float = 1e-2, seed: int = 0, **more
) -> History:
    """Teacher forcing with Adam, the rate falling to 0 along a cosine. ``more`` goes to ``fit``."""
    model.to(environment.device())
    optimizer = torch.optim.Adam(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    settings = {"epochs": epochs, "batch_size": BATCH, "seed": seed, "clip_norm": 5.0, "collate": collate}
    return fit(model, pairs, batch_loss, optimizer, schedule=schedule, **settings, **more)


def describe(model: nn.Module, inputs: Tensor, vocabulary: Vocabulary, width: int = 3) -> list[Words]:
    """The best sentence that beam search finds for each row of ``inputs``, split into words."""
    return best_words(decode(model, inputs, beam_search, width, max_length=LONGEST), vocabulary)


def drawn(model, inputs: Tensor, vocabulary: Vocabulary, seed: int = 0) -> list[Words]:
    """One sentence drawn at random from ``model`` for each row of ``inputs``."""
    generator = torch.Generator().manual_seed(seed)
    return best_words(
        decode(model, inputs, sample, 1, size=len(inputs), generator=generator, max_length=LONGEST), vocabulary
    )


def references(descriptions: Sequence[Description], videos: Sequence[str]) -> list[list[Words]]:
    """What the describers said of each of ``videos``, split into words."""
    found: dict[str, list[Words]] = {video: [] for video in videos}
    for description in descriptions:
        found[description.video].append(tokenise(description.text))
    return list(found.values())


def majority_sentence(descriptions: Sequence[Description]) -> Words:
    """The control that knows no video: the sentence written most often (the first by the alphabet among equals)."""
    counts = Counter(description.text for description in descriptions)
    return tokenise(min(counts, key=lambda text: (-counts[text], text)))


class BigramWriter:
    """The control that knows one word back: a bigram model, for ``lrcn_utils.decoding``."""

    def __init__(self, descriptions: Sequence[Description], vocabulary: Vocabulary):
        sentences = [[BOS, *vocabulary.encode(d.text, LONGEST), EOS] for d in descriptions]
        bigram, size = NGram(2, sentences, len(vocabulary) + 1), range(len(vocabulary))
        self.log_probs = torch.tensor([[bigram.prob(word, (before,)) for word in size] for before in size]).log()

    def start(self, inputs: Tensor) -> Tensor:
        return torch.zeros(len(inputs), 1)

    def step(self, words: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.log_probs[words], state


def save(path: Path | str, model: nn.Module, vocabulary: Vocabulary, config: dict, record: dict) -> None:
    """Write a decoder with its vocabulary, in half precision. ``config``: what ``build`` takes, and any notes."""
    save_checkpoint(path, model, {**config, "vocabulary": vocabulary.words}, record, half=True)


def load(path: Path | str) -> tuple[nn.Module, Vocabulary, dict, dict]:
    """(decoder, vocabulary, config, record) of a checkpoint, on the CPU and ready to decode."""
    weights, config, record = load_checkpoint(path)
    vocabulary = Vocabulary(config["vocabulary"])
    model = build(config["kind"], vocab_size=len(vocabulary), **config["sizes"])
    model.load_state_dict(weights)
    return model.float().eval(), vocabulary, config, record
