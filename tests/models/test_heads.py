"""What reads the features of a clip: shapes, sizes, and which of the heads can know the order of the frames."""

import pytest
import torch

from lrcn_utils.models import heads
from lrcn_utils.models.cnn import toy_hybrid

PARAMETERS = 40_000
ORDER_BLIND = {"mean of frames", "attention over time"}


@pytest.fixture(scope="module")
def cnn():
    return toy_hybrid(3)


@pytest.fixture
def head(request, cnn):
    torch.manual_seed(0)
    return heads.build(request.param, cnn, 5, PARAMETERS).eval()


each = pytest.mark.parametrize("head", list(heads.HEADS), indirect=True)


@each
def test_one_answer_a_clip_or_one_a_step(head, cnn):
    steps = 7 if isinstance(head, heads.GRU | heads.LSTM) else 1
    assert head(torch.randn(2, 7, cnn.feature_size["fc6"])).shape == (2, steps, 5)
    assert head(torch.rand(2, 3, 3, 56, 56)).shape[::2] == (2, 5)


@each
def test_a_head_is_as_wide_as_its_parameters_allow(head, cnn, request):
    name = next(name for name, kind in heads.HEADS.items() if type(head) is kind)
    assert heads.count(head) <= PARAMETERS
    assert heads.count(heads.HEADS[name](cnn, 5, head.width + 4)) > PARAMETERS


@each
def test_who_can_know_the_order_of_the_frames(head, cnn):
    clips = torch.randn(3, 9, cnn.feature_size["fc6"])
    answers, backwards = head(clips).mean(1), head(clips.flip(1)).mean(1)
    blind = any(type(head) is heads.HEADS[name] for name in ORDER_BLIND)
    assert torch.allclose(answers, backwards, atol=1e-5) == blind


@each
def test_features_are_centred_and_scaled_first(head, cnn):
    clips = torch.randn(2, 4, cnn.feature_size["fc6"])
    expected = head(clips)
    head.mean, head.spread = torch.full_like(head.mean, 3.0), torch.full_like(head.spread, 2.0)
    torch.testing.assert_close(head(2 * clips + 3), expected, atol=1e-4, rtol=1e-4)


def test_too_few_parameters_are_refused(cnn):
    with pytest.raises(ValueError, match="too few for transformer"):
        heads.build("transformer", cnn, 5, 100)
