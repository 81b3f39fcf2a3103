"""Image captioning: LRCN-1u, 2u, 2f and 4f, and the models that they are compared with.

All of them take an image feature and the words so far. Teacher forcing runs whole sentences through ``forward``;
``start`` and ``step`` give one word at a time, as `lrcn_utils.decoding` asks for.
Paper: CVPR Sec. 5, v4 Sec. 5 and Fig. 4.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# How many recurrent layers there are, and which of them (from 0) the image enters.
VARIANTS = {"1u": (1, 0), "2u": (2, 0), "2f": (2, 1), "4f": (4, 1)}
CELLS = {"lstm": nn.LSTM, "rnn": nn.RNN}


class Captioner(nn.Module):
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
        super().__init__()
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
        self.register_buffer("image_mean", torch.zeros(image_size))
        self.register_buffer("image_std", torch.ones(image_size))
        for name, parameter in self.named_parameters():
            nn.init.zeros_(parameter) if "bias" in name else nn.init.uniform_(parameter, -0.08, 0.08)

    def standardise(self, features: Tensor) -> "Captioner":
        """From now on bring image features to the mean 0 and deviation 1 of ``features`` (n, image_size)."""
        self.image_mean.copy_(features.mean(0))
        self.image_std.copy_((features - features.mean(0)).square().mean(0).sqrt().clamp(min=1e-3))
        return self

    def forward(self, image: Tensor, words: Tensor) -> Tensor:
        """Logits (batch, time, vocabulary) from ``image`` (batch, image_size) and ``words`` (batch, time)."""
        image = self._scaled(image)[:, None].expand(-1, words.shape[1], -1)
        x = self.dropout(self.embedding(words))
        for i, layer in enumerate(self.layers):
            if i == self.image_layer:
                x = torch.cat([x, self.dropout(image)], dim=2)
            x = layer(x)[0]
        return self.output(self.dropout(x))

    def start(self, image: Tensor):
        """The state before the first word: the image's share of the gates, and zeros for every layer."""
        layer = self.layers[self.image_layer]
        image = self._scaled(image)
        # The image never changes, so its product with the weights is formed once: the released code's static input.
        static = F.linear(image, layer.weight_ih_l0[:, layer.input_size - image.shape[1] :])
        zeros = image.new_zeros(len(image), layer.hidden_size)
        return static, *((zeros, zeros) if isinstance(one, nn.LSTM) else (zeros,) for one in self.layers)

    def step(self, words: Tensor, state) -> tuple[Tensor, tuple]:
        """Log probabilities (batch, vocabulary) of the word after ``words`` (batch,), and the next state."""
        static, *states = state
        x, after = self.embedding(words), []
        for i, (layer, before) in enumerate(zip(self.layers, states, strict=True)):
            after.append(_one_step(layer, x, before, static if i == self.image_layer else None))
            x = after[-1][0]
        return self.output(x).log_softmax(dim=1), (static, *after)

    def _scaled(self, image: Tensor) -> Tensor:
        return (image - self.image_mean) / self.image_std


def _one_step(layer: nn.RNNBase, x: Tensor, state: tuple[Tensor, ...], static: Tensor | None) -> tuple[Tensor, ...]:
    """One time step of ``nn.LSTM`` (h, c) or ``nn.RNN`` (h,); ``static`` is added to the pre-activations."""
    total = F.linear(x, layer.weight_ih_l0[:, : x.shape[1]], layer.bias_ih_l0)
    total = total + F.linear(state[0], layer.weight_hh_l0, layer.bias_hh_l0)
    if static is not None:
        total = total + static
    if isinstance(layer, nn.RNN):
        return (total.tanh(),)
    i, f, g, o = total.chunk(4, dim=1)
    c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


class MRNN(nn.Module):
    """The multimodal RNN of Mao et al. (2014): words, recurrent state and image meet in one layer before the softmax.

    The recurrent state (ReLU) sees words only; the multimodal layer sums projections of the embedded word, the state
    and the image through a scaled tanh. Two embedding layers, as in that paper.
    """

    def __init__(
        self, vocab_size: int, image_size: int, hidden: int = 256, embedding: int = 128, multimodal: int = 512
    ):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.second_embedding = nn.Linear(embedding, hidden)
        self.recurrent = nn.RNN(hidden, hidden, nonlinearity="relu", batch_first=True)
        self.multimodal = nn.Linear(hidden + hidden + image_size, multimodal)
        self.output = nn.Linear(multimodal, vocab_size)
        self.register_buffer("image_mean", torch.zeros(image_size))
        self.register_buffer("image_std", torch.ones(image_size))

    standardise = Captioner.standardise
    _scaled = Captioner._scaled

    def forward(self, image: Tensor, words: Tensor) -> Tensor:
        """Logits (batch, time, vocabulary) from ``image`` (batch, image_size) and ``words`` (batch, time)."""
        image = self._scaled(image)[:, None].expand(-1, words.shape[1], -1)
        embedded = self.second_embedding(self.embedding(words))
        return self._read_out(embedded, self.recurrent(embedded)[0], image)

    def start(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The state before the first word: the image and zeros."""
        return self._scaled(image), image.new_zeros(len(image), self.recurrent.hidden_size)

    def step(self, words: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Log probabilities (batch, vocabulary) of the word after ``words`` (batch,), and the next state."""
        image, hidden = state
        embedded = self.second_embedding(self.embedding(words))
        layer = self.recurrent
        hidden = torch.relu(
            F.linear(embedded, layer.weight_ih_l0, layer.bias_ih_l0)
            + F.linear(hidden, layer.weight_hh_l0, layer.bias_hh_l0)
        )
        return self._read_out(embedded, hidden, image).log_softmax(dim=1), (image, hidden)

    def _read_out(self, embedded: Tensor, hidden: Tensor, image: Tensor) -> Tensor:
        mixed = self.multimodal(torch.cat([embedded, hidden, image], dim=-1))
        return self.output(1.7159 * torch.tanh(mixed * 2 / 3))


class ImageCaptioner(nn.Module):
    """A CNN and a captioner as one network, from pixels to words: what is fine-tuned end to end."""

    def __init__(self, cnn: nn.Module, captioner: nn.Module, layer: str = "fc7"):
        super().__init__()
        self.cnn, self.captioner, self.layer = cnn, captioner, layer

    def forward(self, pixels: Tensor, words: Tensor) -> Tensor:
        """Logits (batch, time, vocabulary) from ``pixels`` (batch, 3, height, width) in 0..1 and ``words``."""
        return self.captioner(self.cnn.features(pixels, self.layer), words)

    def start(self, pixels: Tensor):
        """The captioner's state for these pixels."""
        return self.captioner.start(self.cnn.features(pixels, self.layer))

    def step(self, words: Tensor, state):
        """The captioner's step."""
        return self.captioner.step(words, state)


class NGram:
    """Counted words: the unigram (``order`` 1) and bigram (2) model, which never see the image. Baselines.

    ``sentences`` are inputs and targets as a batch is made (n, time), 0 where padded. Add-``smoothing`` counts.
    """

    def __init__(self, inputs: Tensor, targets: Tensor, vocab_size: int, order: int = 2, smoothing: float = 0.01):
        real = targets != 0
        before = inputs[real] if order == 2 else torch.zeros_like(inputs[real])
        counts = torch.zeros(vocab_size, vocab_size)
        counts.index_put_((before, targets[real]), torch.ones(()), accumulate=True)
        if order == 1:
            counts = counts[:1].expand(vocab_size, -1)
        self.log_probs = ((counts + smoothing) / (counts + smoothing).sum(1, keepdim=True)).log()

    def __call__(self, image: Tensor, words: Tensor) -> Tensor:
        """Log probabilities (batch, time, vocabulary); they serve as logits."""
        return self.log_probs[words]

    def start(self, image: Tensor) -> Tensor:
        """Nothing to remember but how many images there are."""
        return image[:, :1]

    def step(self, words: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Log probabilities (batch, vocabulary) of the word after ``words`` (batch,)."""
        return self.log_probs[words], state


def nearest(features: Tensor, training: Tensor) -> Tensor:
    """For each of ``features`` (n, d) the index of the most similar (cosine) of ``training`` (m, d): 1-NN's choice."""
    return (F.normalize(features, dim=1) @ F.normalize(training, dim=1).T).argmax(dim=1)


def loss_per_word(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats over the real words and the end word; ``targets`` (batch, time) are 0 where padded."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=0)
