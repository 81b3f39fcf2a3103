"""The plain ways: how the same is written without thinking of speed, and what other public code does."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lrcn_utils.data.clips import LENGTH
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


def epoch(model, dataset, batch_loss: Callable, optimizer, *, batch_size: int, collate: Callable | None = None) -> None:
    """The training loop that everybody writes; ``batch_loss`` as ``training.loop.fit`` takes it."""
    model.train()
    for batch in DataLoader(dataset, batch_size, shuffle=True, collate_fn=collate):
        loss = batch_loss(model, batch)
        loss = loss[0] / loss[1] if isinstance(loss, tuple) else loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class StoredFeatures(Dataset):
    """Clips of cached features, the file of each film opened anew for each clip: (float32 (16, d), label)."""

    def __init__(self, features):
        self.files = [features.kept.path(file) for file in features.files]
        self.labels = [video.label for video in features.videos]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        found = np.load(self.files[i], mmap_mode="r")
        start = np.random.randint(found.shape[1] - LENGTH + 1)
        view = np.random.randint(len(found))
        return torch.from_numpy(found[view, start : start + LENGTH].astype(np.float32)), self.labels[i]


def raw_frames(path) -> int:
    """Decode a film with PyAV as its examples do: with its own threads, and a new scaler for each frame."""
    import av

    with av.open(str(path)) as container:
        return sum(frame.to_ndarray(format="rgb24") is not None for frame in container.decode(video=0))


def dis_flow(frames: np.ndarray) -> None:
    """OpenCV's flow of frames in memory, and nothing else."""
    import cv2

    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    for before, after in pairwise(grey):
        method.calc(before, after, None)
