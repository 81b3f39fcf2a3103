"""How results are compared: which sentence a student reads."""

import numpy as np
import pytest
import torch

from lrcn_utils.checks.compare import alike, judge, numbers
from lrcn_utils.checks.exercise import Wrong

MISTAKES = {"the sum, not the mean.": torch.tensor([2.0, 4.0]), "only the first.": 1.0}


def said(found) -> str:
    with pytest.raises(Wrong) as wrong:
        judge(found, torch.tensor([1.0, 2.0]), MISTAKES, "something else.")
    return str(wrong.value)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([2, 4], "the sum, not the mean."),
        (1, "only the first."),
        ([1, 3], "something else."),
        ([np.nan, 2], "something else."),
        ([1, 2, 3], "the result should have the shape (2,), but yours has (3,)."),
        (None, "your function returns nothing; does it end with `return`?"),
        ("two", "your function should return numbers, but returns str."),
        ([[1], [1, 2]], "your function should return numbers, but returns list."),
    ],
)
def test_a_result_is_told_what_it_is_like(found, sentence):
    assert said(found) == sentence


def test_a_right_result_is_right_in_any_type():
    for found in (torch.tensor([1.0, 2.0], requires_grad=True), np.array([1, 2]), [1, 2], (1.0, 2.00001)):
        judge(found, torch.tensor([1.0, 2.0]), MISTAKES, "something else.")


def test_the_tolerance_is_that_of_the_caller():
    assert alike([128], [129], tolerance=1) and not alike([128], [130.1], tolerance=1) and not alike([128], [129])
    assert numbers(torch.ones(2, dtype=torch.uint8)).dtype == np.float64
