"""Image captioning: LRCN-1u, 2u, 2f and 4f, and the models that they are compared with.

All of them take an image feature and the words so far. Teacher forcing runs whole sentences through ``forward``;
``start`` and ``step`` give one word at a time, as `lrcn_utils.decoding` asks for.

To score many sentences beside many images, the captioners also offer the same step in three parts, so that what
depends on the words alone or on the image alone is computed once: ``words_share`` and ``image_share``, whose sum
goes into ``factored_step``.
Paper: CVPR Sec. 5, v4 Sec. 5 and Fig. 4.
"""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrcn_utils.models.lstm import input_sums, next_state, read_sentences, uniform_weights

# How many recurrent layers there are, and which of them (from 0) the image enters.
VARIANTS = {"1u": (1, 0), "2u": (2, 0), "2f": (2, 1), "4f": (4, 1)}
CELLS = {"lstm": nn.LSTM, "rnn": nn.RNN}


class ImageConditioned(nn.Module):
    """What all captioners share: they standardise image features, by a mean and a deviation kept with the weights."""

    def __init__(self, image_size: int):
        super().__init__()
        self.register_buffer("image_mean", torch.zeros(image_size))
        self.register_buffer("image_std", torch.ones(image_size))

    def standardise(self, features: Tensor) -> Self:
        """From now on bring image features to the mean 0 and deviation 1 of ``features`` (n, image_size)."""
        self.image_mean.copy_(features.mean(0))
        self.image_std.copy_((features - features.mean(0)).square().mean(0).sqrt().clamp(min=1e-3))
        return self

    def scaled(self, image: Tensor) -> Tensor:
        """Image features (batch, image_size), standardised."""
        return (image - self.image_mean) / self.image_std


class Captioner(ImageConditioned):
    """LRCN for captions: embedded words and the image into a stack of LSTMs (or RNNs), a distribution out.

    The same image feature enters at every step, concatenated to the input of one layer: the first in the
    unfactored variants 1u and 2u, the second in the factored 2f and 4f. With ``image_size`` 0 it is the same network
    without an image, the control. The paper's sizes: hidden 1000, embedding 1000, no dropout; weights start uniform
    in [-0.08, 0.08], biases at 0, as in the released code.
    """

    def __init__(
        self,
        vocab_size: int,
        image_size: int,
        variant: str = "2f",
        cell: str = "lstm",
        hidden: int = 256,
        embedding: int = 128,
        dropout: float = 0.0,
    ):
        super().__init__(image_size)
        if variant not in VARIANTS or cell not in CELLS:
            raise ValueError(f"variant {variant!r}, cell {cell!r}: choose from {list(VARIANTS)} and {list(CELLS)}")
        layers, self.image_layer = VARIANTS[variant]
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.layers = nn.ModuleList(
            CELLS[cell](
                (hidden if i else embedding) + (image_size if i == self.image_layer else 0), hidden, batch_first=True
            )
            for i in range(layers)
        )
        self.output = nn.Linear(hidden, vocab_size)
        self.dropout = nn.Dropout(dropout)
        uniform_weights(self, 0.08)

    def forward(self, image: Tensor, words: Tensor, real: Tensor | None = None) -> Tensor:
        """Logits (batch, time, vocabulary) from ``image`` (batch, image_size) and ``words`` (batch, time).

        Where ``real`` (batch, time) tells the words from the padding behind them, nothing is computed for the padding,
        and the logits are those behind the words alone, (real words, vocabulary), in the order of ``words[real]``.
        """
        image = self.scaled(image)[:, None].expand(-1, words.shape[1], -1)
        x = self.dropout(self.embedding(words))
        for i, layer in enumerate(self.layers):
            if i == self.image_layer:
                x = torch.cat([x, self.dropout(image)], dim=2)
            if real is None or not isinstance(layer, nn.LSTM):
                x = layer(x)[0]
            else:
                x = read_sentences(layer, x, real.sum(dim=1))
        x = self.dropout(x)
        if real is not None:
            x = x.flatten(0, 1).index_select(0, real.flatten().nonzero()[:, 0])
        return self.output(x)

    def start(self, image: Tensor):
        """The state before the first word: the image's share of the gates, and zeros for every layer."""
        layer = self.layers[self.image_layer]
        # The image never changes, so its product with the weights is formed once: the released code's static input.
        static = F.linear(self.scaled(image), layer.weight_ih_l0[:, layer.input_size - image.shape[1] :])
        zeros = image.new_zeros(image.shape[0], layer.hidden_size)
        return static, *((zeros, zeros) if isinstance(one, nn.LSTM) else (zeros,) for one in self.layers)

    def step(self, words: Tensor, state) -> tuple[Tensor, tuple]:
        """Log probabilities (batch, vocabulary) of the word after ``words`` (batch,), and the next state."""
        static, *states = state
        x, below = self.embedding(words), []
        for layer, before in zip(self.layers[: self.image_layer], states, strict=False):
            below.append(next_state(layer, input_sums(layer, x), before))
            x = below[-1][0]
        sums = input_sums(self.layers[self.image_layer], x) + static
        log_probs, above = self.factored_step(sums, states[self.image_layer :])
        return log_probs, (static, *below, *above)

    def words_share(self, before: Tensor) -> Tensor:
        """What the previous words ``before`` (captions, time) alone add to a step: (captions, time, gates * hidden).

        These are the layers below the image, and the words' share of the gates of the layer that the image enters.
        """
        x = self.embedding(before)
        for layer in self.layers[: self.image_layer]:
            x = layer(x)[0]
        return input_sums(self.layers[self.image_layer], x)

    def image_share(self, image: Tensor) -> tuple[Tensor, tuple]:
        """What ``image`` alone adds to every step, (batch, gates * hidden), and the state before the first one.

        The state is that of the layers from the image's upwards: those below are in ``words_share``.
        """
        static, *states = self.start(image)
        return static, tuple(states[self.image_layer :])

    def factored_step(self, share: Tensor, state) -> tuple[Tensor, tuple]:
        """Log probabilities (pairs, vocabulary) of the next word, and the next state.

        ``share`` (pairs, gates * hidden): the sum of the words' and the image's share, for each pair of the two. It is
        overwritten.
        """
        after = []
        for layer, before in zip(self.layers[self.image_layer :], state, strict=True):
            sums = input_sums(layer, after[-1][0]) if after else share
            after.append(next_state(layer, sums, before))
        return self.output(after[-1][0]).log_softmax(dim=1), tuple(after)


class MRNN(ImageConditioned):
    """The multimodal RNN of Mao et al. (2014): words, recurrent state and image meet in one layer before the softmax.

    The recurrent state (ReLU) sees words only; the multimodal layer sums projections of the embedded word, the state
    and the image through a scaled tanh. Two embedding layers, as in that paper.
    """

    def __init__(
        self, vocab_size: int, image_size: int, hidden: int = 256, embedding: int = 128, multimodal: int = 512
    ):
        super().__init__(image_size)
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.second_embedding = nn.Linear(embedding, hidden)
        self.recurrent = nn.RNN(hidden, hidden, nonlinearity="relu", batch_first=True)
        self.multimodal = nn.Linear(hidden + hidden + image_size, multimodal)
        self.output = nn.Linear(multimodal, vocab_size)

    def forward(self, image: Tensor, words: Tensor) -> Tensor:
        """Logits (batch, time, vocabulary) from ``image`` (batch, image_size) and ``words`` (batch, time)."""
        return self._read_out(self.words_share(words) + self.image_share(image)[0][:, None])

    def start(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The state before the first word: the image's share of the multimodal layer, and zeros."""
        return self.image_share(image)[0], image.new_zeros(image.shape[0], self.recurrent.hidden_size)

    def step(self, words: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Log probabilities (batch, vocabulary) of the word after ``words`` (batch,), and the next state."""
        static, hidden = state
        embedded = self.second_embedding(self.embedding(words))
        (hidden,) = next_state(self.recurrent, input_sums(self.recurrent, embedded), (hidden,))
        return self.factored_step(self._mix(embedded, hidden) + static, ())[0], (static, hidden)

    def words_share(self, before: Tensor) -> Tensor:
        """What the previous words ``before`` (captions, time) add to the multimodal layer's sums, the bias included.

        Shape (captions, time, multimodal).
        """
        embedded = self.second_embedding(self.embedding(before))
        return self._mix(embedded, self.recurrent(embedded)[0])

    def image_share(self, image: Tensor) -> tuple[Tensor, tuple]:
        """What ``image`` adds to the multimodal layer's sums, (batch, multimodal), and a state: nothing.

        The recurrent layer sees words only, so it is in ``words_share``.
        """
        image = self.scaled(image)
        weight = self.multimodal.weight
        return F.linear(image, weight[:, weight.shape[1] - image.shape[1] :]), ()

    def factored_step(self, share: Tensor, state: tuple) -> tuple[Tensor, tuple]:
        """Log probabilities (pairs, vocabulary) from the sum of both shares (pairs, multimodal), and the state."""
        return self._read_out(share).log_softmax(dim=1), state

    def _mix(self, embedded: Tensor, hidden: Tensor) -> Tensor:
        words = torch.cat([embedded, hidden], dim=-1)
        return F.linear(words, self.multimodal.weight[:, : words.shape[-1]], self.multimodal.bias)

    def _read_out(self, sums: Tensor) -> Tensor:
        return self.output(1.7159 * torch.tanh(sums * 2 / 3))


class ImageCaptioner(nn.Module):
    """A CNN and a captioner as one network, from pixels to words: what is fine-tuned end to end."""

    def __init__(self, cnn: nn.Module, captioner: nn.Module, layer: str = "fc7"):
        super().__init__()
        self.cnn, self.captioner, self.layer = cnn, captioner, layer

    def forward(self, pixels: Tensor, words: Tensor, real: Tensor | None = None) -> Tensor:
        """The captioner's logits from ``pixels`` (batch, 3, height, width) in 0..1, ``words`` and ``real``."""
        return self.captioner(self.cnn.features(pixels, self.layer), words, real)

    def start(self, pixels: Tensor):
        """The captioner's state for these pixels."""
        return self.captioner.start(self.cnn.features(pixels, self.layer))

    def step(self, words: Tensor, state):
        """The captioner's step."""
        return self.captioner.step(words, state)


def nearest(features: Tensor, training: Tensor) -> Tensor:
    """For each of ``features`` (n, d) the index of the most similar (cosine) of ``training`` (m, d): 1-NN's choice."""
    return (F.normalize(features, dim=1) @ F.normalize(training, dim=1).T).argmax(dim=1)


def word_loss(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy over the real words and the end word: (its sum in nats, the number of words), both scalars.

    ``logits`` (batch, time, vocabulary); ``targets`` (batch, time) are 0 where padded. Or both without the padding:
    (words, vocabulary) and (words,).
    """
    total = F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=0, reduction="sum")
    return total, (targets != 0).sum()


def loss_per_word(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats a word; shapes as for ``word_loss``."""
    total, words = word_loss(logits, targets)
    return total / words
