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
            found = _block(images[top : top + height], block, known, start, step)
            scores[top : top + len(found), left : left + len(block)] = found.cpu().numpy()
    return scores[:, [column[tuple(words)] for words in captions]]


def _block(images: Tensor, captions: list[tuple[int, ...]], known: Tensor, start, step) -> Tensor:
    """log p (images, captions): one step of the model for every image and every different beginning of a caption."""
    (of_image, state), row = start(images), {(): 0}
    total = torch.zeros(len(images), len(captions), device=images.device)
    for t in range(max(map(len, captions))):
        longer = [number for number, words in enumerate(captions) if len(words) > t]
        owner = {captions[number][:t]: number for number in longer}  # a caption that has this beginning
        state = _take(state, len(images), len(row), [row[words[:-1]] for words in owner])
        log_probs, state = step(known[list(owner.values()), t], of_image, state)

        row = {words: number for number, words in enumerate(owner)}
        rows = [row[captions[number][:t]] for number in longer]
        words = [captions[number][t] for number in longer]
        total[:, longer] += log_probs.view(len(images), len(row), -1)[:, rows, words]
    return total


def _parts(model):
    """(of_words, start, step) of a model: what depends on the words alone is computed once, not for every image.

    ``of_words``: previous words (captions, time) -> (captions, time, ...). ``start``: images -> (what depends on
    the image alone, the state). ``step``: rows of the first, the second, the state of all pairs, image by image ->
    log probabilities of all pairs, the next state.
    """
    if isinstance(model, Captioner):
        return partial(_captioner_words, model), partial(_captioner_start, model), partial(_captioner_step, model)
    if isinstance(model, MRNN):
        return partial(_mrnn_words, model), partial(_mrnn_start, model), partial(_mrnn_step, model)
    return (lambda before: before), partial(_any_start, model), partial(_any_step, model)


def _any_start(model, images: Tensor):
    return len(images), model.start(images)


def _any_step(model, words: Tensor, images: int, state):
    return model.step(words.repeat(images), state)


def _captioner_words(model: Captioner, before: Tensor) -> Tensor:
    """The layers below the image, and the words' share of the gates of the layer that the image enters."""
    x = model.embedding(before)
    for layer in model.layers[: model.image_layer]:
        x = layer(x)[0]
    layer = model.layers[model.image_layer]
    return F.linear(x, layer.weight_ih_l0[:, : x.shape[2]], layer.bias_ih_l0 + layer.bias_hh_l0)


def _captioner_start(model: Captioner, images: Tensor):
    of_image, *states = model.start(images)
    return of_image, tuple(states[model.image_layer :])


def _captioner_step(model: Captioner, known: Tensor, of_image: Tensor, states):
    after, x = [], None
    for layer, state in zip(model.layers[model.image_layer :], states, strict=True):
        if x is None:
            gates = (of_image[:, None] + known).flatten(0, 1)
        else:
            gates = F.linear(x, layer.weight_ih_l0, layer.bias_ih_l0 + layer.bias_hh_l0)
        after.append(_gated(layer, gates.addmm_(state[0], layer.weight_hh_l0.T), state))
        x = after[-1][0]
    return model.output(x).log_softmax(dim=1), tuple(after)


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


def _mrnn_start(model: MRNN, images: Tensor):
    image, _ = model.start(images)
    return F.linear(image, model.multimodal.weight[:, -image.shape[1] :]), ()


def _mrnn_step(model: MRNN, known: Tensor, of_image: Tensor, state):
    mixed = (of_image[:, None] + known).flatten(0, 1)
    return model.output(mixed.mul_(2 / 3).tanh_().mul_(1.7159)).log_softmax(dim=1), state


def _before(captions: list[tuple[int, ...]]) -> Tensor:
    """The words before each word, 0-padded: (captions, time)."""
    rows = [torch.tensor((BOS, *words[:-1])) for words in captions]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


def _take(state, images: int, width: int, parents: list[int]):
    """Of a state with ``width`` rows an image, the rows of ``parents`` for every image."""
    if not isinstance(state, Tensor):
        return tuple(_take(part, images, width, parents) for part in state)
    return state.view(images, width, *state.shape[1:])[:, parents].flatten(0, 1)
