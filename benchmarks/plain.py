"""The plain ways: how the same is written without thinking of speed, and what other public code does."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lrcn_utils.data.vocabulary import BOS, EOS


def frame_by_frame(model, clips: Tensor) -> Tensor:
    """LRCN with a loop over the frames: the CNN sees the frames of one moment at a time, then the LSTM one step."""
    state, logits = None, []
    for t in range(clips.shape[1]):
        features = model.cnn.features(clips[:, t], model.feature)
        hidden, state = model.lstm(features[:, None], state)
        logits.append(model.classifier(hidden))
    return torch.cat(logits, dim=1)


def word_by_word(captioner, image: Tensor, words: Tensor) -> Tensor:
    """A captioner with a loop over the words: every layer's LSTM is called for one step at a time."""
    image = captioner.scaled(image)[:, None]
    states, logits = [None] * len(captioner.layers), []
    for t in range(words.shape[1]):
        x = captioner.embedding(words[:, t : t + 1])
        for i, layer in enumerate(captioner.layers):
            x = torch.cat([x, image], dim=2) if i == captioner.image_layer else x
            x, states[i] = layer(x, states[i])
        logits.append(captioner.output(x))
    return torch.cat(logits, dim=1)


def one_at_a_time(decoder: Callable, model, images: Tensor, *settings, **options) -> list:
    """Decode the images one after another."""
    return [decoder(model, image[None], *settings, bos=BOS, eos=EOS, **options)[0] for image in images]


def every_pair(model, images: Tensor, captions: list[list[int]]) -> Tensor:
    """log p (images, captions), each pair by itself: the whole caption is read anew beside every image."""
    scores = torch.zeros(len(images), len(captions), device=images.device)
    for i, image in enumerate(images):
        for j, words in enumerate(captions):
            before = torch.tensor([[BOS, *words[:-1]]], device=images.device)
            log_probs = model(image[None], before).log_softmax(dim=2)[0]
            scores[i, j] = log_probs[torch.arange(len(words)), words].sum()
    return scores


def batches(items, size: int) -> Iterator[list]:
    """Lists of ``size`` items one after another, the last one shorter."""
    for start in range(0, len(items), size):
        yield [items[i] for i in range(start, min(start + size, len(items)))]
