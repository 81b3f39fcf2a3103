"""Scores of all captions beside all images: equal to one pair at a time, for any model, in bounded memory."""

import numpy as np
import pytest
import torch
from torch import nn

from lrcn_utils.data.vocabulary import BOS
from lrcn_utils.models.captioning import MRNN, Captioner
from lrcn_utils.training.captioning.retrieval import score_matrix

CAPTIONS = [[4, 5, 6], [7], [4, 5, 6], [8, 9, 4, 5, 6, 7, 4], [9, 9]]


@torch.no_grad()
def one_pair(model, feature, words):
    before = torch.tensor([[BOS, *words[:-1]]])
    log_probs = model(feature[None], before)[0].log_softmax(dim=1)
    return sum(log_probs[t, word].item() for t, word in enumerate(words))


@pytest.mark.parametrize(
    "model",
    [
        *(Captioner(12, 5, variant, hidden=7, embedding=6) for variant in ("1u", "2u", "2f", "4f")),
        Captioner(12, 5, cell="rnn", hidden=7, embedding=6),
        MRNN(12, 5, hidden=7, embedding=6, multimodal=8),
    ],
)
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_every_pair_is_scored_as_if_alone(model, batch):
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    features = torch.randn(4, 5)
    model.standardise(torch.randn(20, 5) * 3 + 1).eval()
    scores = score_matrix(model, features, CAPTIONS, batch)
    assert scores.dtype == np.float32
    expected = [[one_pair(model, feature, words) for words in CAPTIONS] for feature in features]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


def test_a_model_with_a_plain_step_gets_the_same_scores():
    class Plain:
        def __init__(self, model):
            self.start, self.step = model.start, model.step

    model, features = Captioner(12, 5, hidden=7, embedding=6), torch.randn(4, 5)
    np.testing.assert_allclose(score_matrix(Plain(model), features, CAPTIONS), score_matrix(model, features, CAPTIONS))


def test_equal_captions_get_exactly_equal_scores():
    scores = score_matrix(Captioner(12, 5, hidden=7, embedding=6), torch.randn(40, 5), CAPTIONS * 30, batch=50)
    assert (scores[:, 0] == scores[:, 2]).all() and (scores[:, 1] == scores[:, 6]).all()


class Counting:
    """A model of three equally likely words that notes how many pairs it was given at once."""

    most = 0

    def start(self, images):
        return images

    def step(self, words, state):
        self.most = max(self.most, len(words))
        assert len(words) == len(state)
        return torch.full((len(words), 3), 1 / 3).log(), state


def test_images_and_captions_never_all_meet_at_once():
    model = Counting()
    captions = [[1 + n % 2 for n in map(int, f"{number:b}")] for number in range(1, 801)]
    scores = score_matrix(model, torch.zeros(300, 1), captions, batch=2000)
    assert scores.shape == (300, 800) and 0 < model.most <= 2000
    assert scores[0, 0] == pytest.approx(-np.log(3))
    assert scores[299, 799] == pytest.approx(-np.log(3) * len(f"{800:b}"))


def test_an_empty_caption_is_named():
    with pytest.raises(ValueError, match="number 1"):
        score_matrix(Captioner(12, 5, hidden=7, embedding=6), torch.randn(2, 5), [[4], []])
