"""LRCN-2f that looks: soft attention over the places of a convolutional map (Xu et al., Show, Attend and Tell, 2015).

LRCN gives the second LSTM the same image feature at every step. Here a map of the image has a feature for each
place, and at every step the second LSTM gets a weighted mean of them, with weights made anew for that step. Xu et
al. have one LSTM whose state asks; here it is the output of the first LSTM of 2f, which knows the words so far.
"""

import torch
from torch import Tensor, nn

from lrcn_utils.models.captioning import ImageConditioned
from lrcn_utils.models.lstm import input_sums, next_state, uniform_weights

WEIGHTS = ("own", "uniform", "another image's")


class SoftAttention(nn.Module):
    """Additive attention: the score of place i is w . tanh(K x_i + Q h), and a softmax over the places weighs them.

    ``size``: numbers of a place. ``asking``: numbers of what asks. ``width``: units between them and the score.
    """

    def __init__(self, size: int, asking: int, width: int):
        super().__init__()
        self.key = nn.Linear(size, width)
        self.query = nn.Linear(asking, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, keys: Tensor, asking: Tensor) -> Tensor:
        """Weights (batch, steps, places), each row of sum 1, from ``keys`` (batch, places, width), which are
        ``self.key`` of the places, and ``asking`` (batch, steps, asking)."""
        sums = keys[:, None] + self.query(asking)[:, :, None]
        return self.score(sums.tanh())[..., 0].softmax(dim=2)


class AttentionCaptioner(ImageConditioned):
    """LRCN-2f whose second LSTM gets, at each step, a weighted mean of the image's places.

    An image is (places, numbers of a place). The weights of the network start as those of ``Captioner``.
    ``weights`` says whose weights the places get, and is changed for controls only: the image's "own", "uniform" ones,
    or "another image's" of the same batch, half a batch away.
    """

    def __init__(
        self,
        vocab_size: int,
        image_size: int,
        hidden: int = 160,
        embedding: int = 80,
        dropout: float = 0.0,
        width: int = 64,
    ):
        super().__init__(image_size)
        self.weights = "own"
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.first = nn.LSTM(embedding, hidden, batch_first=True)
        self.attention = SoftAttention(image_size, hidden, width)
        self.second = nn.LSTM(hidden + image_size, hidden, batch_first=True)
        self.output = nn.Linear(hidden, vocab_size)
        self.dropout = nn.Dropout(dropout)
        uniform_weights(self, 0.08)

    def forward(self, image: Tensor, words: Tensor) -> Tensor:
        """Logits (batch, time, vocabulary) from ``image`` (batch, places, numbers) and ``words`` (batch, time)."""
        places, asking = self.scaled(image), self._ask(words)
        seen = self.attention(self._keys(places), asking) @ places
        x = self.second(torch.cat([asking, self.dropout(seen)], dim=2))[0]
        return self.output(self.dropout(x))

    def look(self, image: Tensor, words: Tensor) -> Tensor:
        """Where it looks: weights (batch, time, places), those with which the word after ``words`` is chosen."""
        return self.attention(self._keys(self.scaled(image)), self._ask(words))

    def start(self, image: Tensor):
        """The state before the first word: places, their keys, and zeros for both LSTMs."""
        places = self.scaled(image)
        zeros = image.new_zeros(image.shape[0], self.first.hidden_size)
        return places, self._keys(places), (zeros, zeros), (zeros, zeros)

    def step(self, words: Tensor, state) -> tuple[Tensor, tuple]:
        """Log probabilities (batch, vocabulary) of the word after ``words`` (batch,), and the next state."""
        places, keys, first, second = state
        first = next_state(self.first, input_sums(self.first, self.embedding(words)), first)
        seen = self.attention(keys, first[0][:, None]) @ places
        x = torch.cat([first[0], seen[:, 0]], dim=1)
        second = next_state(self.second, input_sums(self.second, x), second)
        return self.output(second[0]).log_softmax(dim=1), (places, keys, first, second)

    def _ask(self, words: Tensor) -> Tensor:
        return self.first(self.dropout(self.embedding(words)))[0]

    def _keys(self, places: Tensor) -> Tensor:
        keys = self.attention.key(places)
        if self.weights == "uniform":  # equal keys have equal scores
            return torch.zeros_like(keys)
        return keys.roll(len(keys) // 2, 0) if self.weights == "another image's" else keys
