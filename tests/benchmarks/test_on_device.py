"""Rows whose tensors and models go to the GPU, or to a pretend one: both ways, and the same results."""

from dataclasses import replace

import pytest
from pretend_gpu import gpu

from benchmarks import measure as measuring
from benchmarks.rows import ROWS

ON_DEVICE = (
    "toy LRCN, 4 clips, train",
    "toy LRCN, 4 clips, infer",
    "captioner 1u 512, train",
    "greedy, 1u 512",
    "beam 3, 1u 512",
    "sampling 20 x 8 images, 1u 512",
    "CRF training step, 5 slots x 16 states",
    "CRF log Z, 20 slots x 16 states",
    "CRF MAP, 5 slots x 16 states",
    "activity head on cached features, an epoch of 400 films",
    "lesson 01, an epoch: toy CNN, 600 images",
    "lesson 02, an epoch: LSTM of 64 units, 2,000 sentences",
    "lesson 04, an epoch: captioner 2f of 192 units, 1,000 captions",
    "lesson 06, an epoch: decoder (c), 1,000 descriptions",
    "features of toy films, fc6",
)


@pytest.mark.device
@pytest.mark.parametrize("name", ON_DEVICE)
def test_a_row_is_measured_on_the_gpu(name, monkeypatch):
    (row,) = (row for row in ROWS if row.name == name)
    monkeypatch.setattr(measuring, "SECONDS_OF_A_ROW", 0)
    monkeypatch.setitem(measuring.PRODUCT, "cuda", 256)
    with gpu():
        result = measuring.measure(replace(row, least=1))
    assert not result["fault"], result["fault"]
    assert result["clock"] == "wall" and result["figure"] > 0
