"""The decoders of video description (v4 Sec. 6 and Fig. 6; CVPR Sec. 6), and one that goes beyond the paper.

* ``EncoderDecoder``, (a): the MAP tuple written as words goes in word by word, the sentence comes out.
* ``TupleDecoder``, (b) and (c): one fixed vector beside every word, like the image in captioning. For (b) it is the
  one-hot MAP tuple, for (c) the CRF's distributions. The network is the same.
* ``EndToEnd``: frame features go in frame by frame, with no tuple between video and sentence.

All use two stacked LSTM layers, unfactored: every input enters the first layer. Each has ``forward(inputs, words)``
for training and ``start(inputs)``, ``step(words, state)`` for ``lrcn_utils.decoding``. A state is the pair (h, c),
each (batch, layers, hidden), batch first so that beams can be re-ordered.
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

LAYERS = 2
State = tuple[torch.Tensor, ...]


class _Decoder(nn.Module):
    """Word embedding, two-layer LSTM on [word, extra input], dropout, scores of the next word."""

    def __init__(self, vocab_size: int, extra: int, embedding: int, hidden: int, dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.lstm = nn.LSTM(embedding + extra, hidden, LAYERS, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, vocab_size)

    def forward(self, words: torch.Tensor, extra: torch.Tensor, state: State | None = None):
        """``words`` (b, t), ``extra`` (b, t, extra) -> logits (b, t, vocab) and the state after the last word."""
        inputs = torch.cat([self.embedding(words), extra], 2)
        hidden, state = self.lstm(inputs, None if state is None else _layers_first(state))
        return self.output(self.dropout(hidden)), _batch_first(state)


class TupleDecoder(nn.Module):
    """Decoders (b) and (c): the tuple's vector at every step, concatenated with the word.

    ``tuple_size``: the number of states of all slots together. Inputs: tuple vectors (b, tuple_size), one-hot a slot
    or distributions a slot, concatenated.
    """

    def __init__(self, tuple_size: int, vocab_size: int, embedding: int, hidden: int, dropout: float = 0.0):
        super().__init__()
        self.decoder = _Decoder(vocab_size, tuple_size, embedding, hidden, dropout)

    def forward(self, tuples: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Logits (b, t, vocab) of the next word after each of ``words`` (b, t), <bos> first."""
        return self.decoder(words, tuples[:, None].expand(-1, words.shape[1], -1))[0]

    def start(self, tuples: torch.Tensor) -> State:
        zeros = tuples.new_zeros(tuples.shape[0], LAYERS, self.decoder.lstm.hidden_size)
        return zeros, zeros.clone(), tuples

    def step(self, words: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        *memory, tuples = state
        logits, memory = self.decoder(words[:, None], tuples[:, None], memory)
        return logits[:, 0].log_softmax(1), (*memory, tuples)


class EncoderDecoder(nn.Module):
    """Decoder (a): a two-layer LSTM reads the tuple's words, its last state starts a two-layer LSTM that writes.

    Inputs: source word ids (b, s), 0 where a row has ended; every row holds at least one word.
    Two LSTMs, as in v4; in CVPR one LSTM serves both (``EndToEnd`` is built that way).
    """

    def __init__(self, source_size: int, vocab_size: int, embedding: int, hidden: int, dropout: float = 0.0):
        super().__init__()
        self.source = nn.Embedding(source_size, embedding, padding_idx=0)
        self.encoder = nn.LSTM(embedding, hidden, LAYERS, batch_first=True)
        self.decoder = _Decoder(vocab_size, 0, embedding, hidden, dropout)

    def forward(self, source: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Logits (b, t, vocab) of the next word after each of ``words`` (b, t), <bos> first."""
        return self.decoder(words, _nothing(words), self.start(source))[0]

    def start(self, source: torch.Tensor) -> State:
        # Packing stops every row at its own last word, so padding never touches the state.
        lengths = (source != 0).sum(1).cpu()
        packed = pack_padded_sequence(self.source(source), lengths, batch_first=True, enforce_sorted=False)
        return _batch_first(self.encoder(packed)[1])

    def step(self, words: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        logits, state = self.decoder(words[:, None], _nothing(words[:, None]), state)
        return logits[:, 0].log_softmax(1), state


class EndToEnd(nn.Module):
    """One two-layer LSTM that first watches and then speaks: the paper's encoder-decoder on frames, without a tuple.

    Inputs: CNN features (b, frames, feature_size), every row with the same number of frames.
    Each step takes [word embedding, frame features]; what is missing is zero. The two papers count the steps
    differently, for T frames and T' words (the end of the sentence is one of them):

    * ``clock="cvpr"``: T steps watch, then T' steps speak: T + T' in all.
    * ``clock="v4"``: the last frame and <bos> arrive together and the first word is spoken at step T: T + T' - 1.

    Raises ValueError for another clock.
    """

    def __init__(
        self,
        feature_size: int,
        vocab_size: int,
        embedding: int,
        hidden: int,
        dropout: float = 0.0,
        clock: str = "v4",
    ):
        super().__init__()
        if clock not in ("cvpr", "v4"):
            raise ValueError(f"clock {clock!r}: give 'cvpr' (T + T' steps) or 'v4' (T + T' - 1)")
        self.clock = clock
        self.decoder = _Decoder(vocab_size, feature_size, embedding, hidden, dropout)

    def forward(self, frames: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Logits (b, t, vocab) of the next word after each of ``words`` (b, t), <bos> first."""
        *memory, last = self.start(frames)
        silence = last.new_zeros(len(last), words.shape[1] - 1, last.shape[1])
        return self.decoder(words, torch.cat([last[:, None], silence], 1), memory)[0]

    def start(self, frames: torch.Tensor) -> State:
        """Watch the frames. The state's third part is what stands beside the next word: a frame's features or zeros."""
        if self.clock == "cvpr":
            watched, last = frames, torch.zeros_like(frames[:, 0])
        else:
            watched, last = frames[:, :-1], frames[:, -1]
        lstm = self.decoder.lstm
        if watched.shape[1] == 0:
            zeros = frames.new_zeros(frames.shape[0], LAYERS, lstm.hidden_size)
            return zeros, zeros.clone(), last
        silent = frames.new_zeros(*watched.shape[:2], self.decoder.embedding.embedding_dim)
        return *_batch_first(lstm(torch.cat([silent, watched], 2))[1]), last

    def step(self, words: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        *memory, beside = state
        logits, memory = self.decoder(words[:, None], beside[:, None], memory)
        return logits[:, 0].log_softmax(1), (*memory, torch.zeros_like(beside))


class SlotClassifier(nn.Module):
    """The visual classifiers behind the CRF's unaries: one LSTM over frame features, one softmax a slot.

    Stands in for the dense trajectories and SIFT of the paper's CRF. ``states``: number of states of each slot.
    """

    def __init__(self, feature_size: int, states: list[int], hidden: int, dropout: float = 0.5):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(feature_size, hidden, batch_first=True)
        self.heads = nn.ModuleList(nn.Linear(hidden + feature_size, k) for k in states)

    def forward(self, frames: torch.Tensor) -> list[torch.Tensor]:
        """Log-probabilities, one tensor (b, states[s]) a slot, from CNN features (b, frames, feature_size).

        The heads see the LSTM's last output and the mean of the frames.
        """
        frames = self.dropout(frames)
        seen = torch.cat([self.lstm(frames)[0][:, -1], frames.mean(1)], 1)
        return [head(seen).log_softmax(1) for head in self.heads]


def tuple_vector(parts: list[torch.Tensor]) -> torch.Tensor:
    """The input of (c): the distributions of all slots, each (b, states[s]), side by side."""
    return torch.cat(list(parts), 1)


def one_hot_tuple(tuples: torch.Tensor, states: list[int]) -> torch.Tensor:
    """The input of (b): the states of ``tuples`` (b, slots) as one-hot vectors side by side: (b, sum(states))."""
    slots = [nn.functional.one_hot(tuples[:, s], k) for s, k in enumerate(states)]
    return torch.cat(slots, 1).float()


def _nothing(words: torch.Tensor) -> torch.Tensor:
    """An empty extra input beside ``words`` (b, t)."""
    return torch.empty(*words.shape, 0, device=words.device)


def _batch_first(state) -> State:
    return tuple(part.transpose(0, 1) for part in state)


def _layers_first(state) -> State:
    return tuple(part.transpose(0, 1).contiguous() for part in state)
