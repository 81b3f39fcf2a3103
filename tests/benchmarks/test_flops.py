"""The arithmetic counted by hand is what PyTorch's counter finds, where that one can count."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import flops
from lrcn_utils.models.captioning import VARIANTS, Captioner
from lrcn_utils.models.cnn import ConvLayer, LayerTableCNN

TABLE = (ConvLayer(4, 5, stride=2, pool=True), ConvLayer(6, 3, padding=1), ConvLayer(8, 3, pool=True))


def counted(call) -> int:
    # oneDNN's LSTM is one operation that the counter does not know; PyTorch's own is made of matrix products.
    with torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


@pytest.mark.parametrize("layer", ["fc6", "fc7", "fc8"])
def test_a_cnn(layer):
    cnn = LayerTableCNN(5, TABLE, crop=40, hidden=16).eval()
    images = torch.rand(3, 3, 40, 40)
    assert flops.of_images(cnn, layer, 3) == counted(lambda: cnn.features(images, layer))
    train = counted(lambda: cnn.features(images, layer).sum().backward())
    assert flops.of_images(cnn, layer, 3, train=True) == train


def test_recurrent_and_linear_layers():
    lstm, linear = nn.LSTM(7, 5, num_layers=2, batch_first=True), nn.Linear(5, 3)
    x = torch.rand(4, 6, 7)
    assert flops.of_steps(lstm, 24) == counted(lambda: lstm(x))
    assert flops.of_steps(linear, 24, train=True) == 3 * counted(lambda: linear(torch.rand(24, 5)))
    assert flops.of_steps(nn.Embedding(100, 9), 24) == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_captioner_needs_the_product_of_the_image_once(variant):
    captioner = Captioner(30, 11, variant, hidden=6, embedding=5)
    image, words = torch.rand(2, 11), torch.ones(2, 7, dtype=torch.long)
    every_step = counted(lambda: captioner(image, words))
    twelve_times_more = 2 * (14 - 2) * 11 * 4 * 6
    assert flops.of_captioner(captioner, 2, 14) == every_step - twelve_times_more
    assert flops.of_captioner(captioner, 2, 14, train=True) == 3 * flops.of_captioner(captioner, 2, 14)
