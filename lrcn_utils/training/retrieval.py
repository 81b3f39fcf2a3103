"""Retrieval: how probable a captioner finds every caption beside every image (paper, Tables 2, 4 and 5).

`lrcn_utils.metrics.retrieval` ranks by these numbers.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrcn_utils.data.vocabulary import BOS, PAD
from lrcn_utils.models.captioning import MRNN, Captioner

CAPTIONS_A_BLOCK = 256


@torch.no_grad()
def score_matrix(model, images: Tensor, captions: Sequence[Sequence[int]], batch: int = 2048) -> np.ndarray:
    """log p(caption | image) in nats of all pairs: float32 (images, captions).

    ``model``: anything with the ``start`` and ``step`` of `lrcn_utils.decoding`. ``images``: what its ``start``
    takes, batch first, on its device: features (images, image_size) for a captioner. ``captions``: word numbers
    without start and end, as ``Vocabulary.encode`` gives them. The end of a sentence is not scored, as in the
    released code.

    Captions that begin with the same words share these steps, so each beginning is computed once an image, and the
    layers of LRCN and m-RNN that see words only once for all images. No more
    than ``batch`` pairs are in memory at a time. Equal captions get exactly equal scores.
    Raises ValueError for an empty caption.
    """
    if empty := [number for number, words in enumerate(captions) if len(words) == 0]:
        raise ValueError(f"captions: number {empty[0]} has no words, so it has no probability")
    distinct = sorted(set(map(tuple, captions)))  # in the order of a dictionary: like beginnings are neighbours
    column = {words: number for number, words in enumerate(distinct)}
    scores = np.zeros((len(images), len(distinct)), dtype=np.float32)
    width = min(len(distinct), batch, CAPTIONS_A_BLOCK)
    height = batch // width
    of_words, start, step = _parts(model)
    for left in range(0, len(distinct), width):
        block = distinct[left : left + width]
        known = of_words(_before(block).to(images.device))
        for top in range(0, len(images), height):
            found = _block(start(images[top : top + height]), step, known, block)
            scores[top : top + len(found), left : left + len(block)] = found.cpu().numpy()
    return scores[:, [column[tuple(words)] for words in captions]]


def _block(state, step, known: Tensor, captions: list[tuple[int, ...]]) -> Tensor:
    """log p (images, captions): one step for every image of ``state`` and every different beginning of a caption."""
    images, row = _rows(state), {(): 0}
    total = torch.zeros(images, len(captions), device=known.device)
    for t in range(max(map(len, captions))):
        longer = [number for number, words in enumerate(captions) if len(words) > t]
        owner = {captions[number][:t]: number for number in longer}  # a caption that has this beginning
        state = _take(state, images, len(row), [row[words[:-1]] for words in owner])
        log_probs, state = step(known[list(owner.values()), t], state)

        row = {words: number for number, words in enumerate(owner)}
        rows = [row[captions[number][:t]] for number in longer]
        words = [captions[number][t] for number in longer]
        total[:, longer] += log_probs.view(images, len(row), -1)[:, rows, words]
    return total


def _parts(model):
    """(of_words, start, step) of a model: what the words alone determine, computed once and not for every image.

    ``of_words``: previous words (captions, time) -> (captions, time, ...). ``step``: rows of it and the state of all
    pairs, image by image -> log probabilities of all pairs and their next state.
    """
    if isinstance(model, Captioner):
        return partial(_captioner_words, model), model.start, partial(_captioner_step, model)
    if isinstance(model, MRNN):
        return partial(_mrnn_words, model), partial(_mrnn_image, model), partial(_mrnn_step, model)
    return (lambda before: before), model.start, partial(_any_step, model)


def _any_step(model, words: Tensor, state) -> tuple[Tensor, tuple]:
    return model.step(words.repeat(_rows(state) // len(words)), state)


def _captioner_words(model: Captioner, before: Tensor) -> Tensor:
    """The layers below the image, and the words' share of the gates of the layer that the image enters."""
    x = model.embedding(before)
    for layer in model.layers[: model.image_layer]:
        x = layer(x)[0]
    layer = model.layers[model.image_layer]
    return F.linear(x, layer.weight_ih_l0[:, : x.shape[2]], layer.bias_ih_l0 + layer.bias_hh_l0)


def _captioner_step(model: Captioner, known: Tensor, state) -> tuple[Tensor, tuple]:
    of_image, *states = state
    gates, x = None, None
    for i, layer in enumerate(model.layers[model.image_layer :], start=model.image_layer):
        gates = F.linear(states[i][0], layer.weight_hh_l0)
        if x is None:
            gates += of_image
            gates.view(-1, *known.shape).add_(known)
        else:
            gates += F.linear(x, layer.weight_ih_l0, layer.bias_ih_l0 + layer.bias_hh_l0)
        states[i] = _gated(layer, gates, states[i])
        x = states[i][0]
    return model.output(x).log_softmax(dim=1), (of_image, *states)


def _gated(layer: nn.RNNBase, gates: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The next state of an LSTM (h, c) or RNN (h,) from the sums before the non-linearities, which are overwritten."""
    if isinstance(layer, nn.RNN):
        return (gates.tanh_(),)
    i, f, g, o = gates.chunk(4, dim=1)
    c = f.sigmoid_() * state[1]
    c.addcmul_(i.sigmoid_(), g.tanh_())
    return c.tanh().mul_(o.sigmoid_()), c


def _mrnn_words(model: MRNN, before: Tensor) -> Tensor:
    embedded = model.second_embedding(model.embedding(before))
    words = torch.cat([embedded, model.recurrent(embedded)[0]], dim=2)
    return F.linear(words, model.multimodal.weight[:, : words.shape[2]], model.multimodal.bias)


def _mrnn_image(model: MRNN, images: Tensor) -> Tensor:
    image, _ = model.start(images)
    return F.linear(image, model.multimodal.weight[:, -image.shape[1] :])


def _mrnn_step(model: MRNN, known: Tensor, of_image: Tensor) -> tuple[Tensor, Tensor]:
    mixed = (of_image.view(-1, *known.shape) + known).flatten(0, 1)
    return model.output(1.7159 * torch.tanh(mixed * 2 / 3)).log_softmax(dim=1), of_image


def _before(captions: list[tuple[int, ...]]) -> Tensor:
    """The words before each word, 0-padded: (captions, time)."""
    rows = [torch.tensor((BOS, *words[:-1])) for words in captions]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


def _rows(state) -> int:
    return len(state) if isinstance(state, Tensor) else _rows(state[0])


def _take(state, images: int, width: int, parents: list[int]):
    """Of a state with ``width`` rows an image, the rows of ``parents`` for every image."""
    if not isinstance(state, Tensor):
        return tuple(_take(part, images, width, parents) for part in state)
    return state.view(images, width, *state.shape[1:])[:, parents].flatten(0, 1)
