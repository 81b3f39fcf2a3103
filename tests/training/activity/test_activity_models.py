"""The start of an LSTM that suits its features."""

import numpy as np
import torch
from torch import nn

from lrcn_utils.training.activity.models import PULL, fit_lstm


def test_the_fitted_lstm_sees_how_far_a_feature_is_from_its_mean():
    """Its sums are those of PyTorch's start on standardised features, PULL times as strong."""
    rng = np.random.default_rng(0)
    mean, spread = rng.uniform(-3, 3, 5), rng.uniform(0.1, 4, 5)
    videos = [(mean + spread * rng.normal(size=(2, 200, 5))).astype(np.float16) for _ in range(30)]
    plain = nn.LSTM(5, 4, batch_first=True)
    fitted = nn.LSTM(5, 4, batch_first=True)
    fitted.load_state_dict(plain.state_dict())
    fit_lstm(fitted, videos)
    x = torch.from_numpy(videos[0].astype(np.float32))
    standardised = (x - torch.tensor(mean, dtype=torch.float32)) / torch.tensor(spread, dtype=torch.float32)
    expected = PULL * standardised @ plain.weight_ih_l0.T + plain.bias_ih_l0
    found = x @ fitted.weight_ih_l0.T + fitted.bias_ih_l0
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.3)


def test_a_feature_that_is_always_zero_does_no_harm():
    lstm = nn.LSTM(3, 4, batch_first=True)
    videos = [np.random.default_rng(1).uniform(0, 1, (1, 50, 3)).astype(np.float16) * [1, 0, 1]]
    fit_lstm(lstm, videos)
    assert lstm(torch.rand(1, 6, 3))[0].isfinite().all()
