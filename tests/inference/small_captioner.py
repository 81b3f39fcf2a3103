"""An untrained captioner that is sure of its words, for the tests of captions and of their views."""

import torch

from lrcn_utils.models.captioning import Captioner


def small_captioner(words: int) -> Captioner:
    """A captioner of image features of size 3 and so many ``words``, the same at every call."""
    torch.manual_seed(0)
    model = Captioner(words, 3, hidden=12, embedding=6).eval()
    for parameter in model.parameters():
        parameter.data *= 20
    return model
