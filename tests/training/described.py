"""Tuples as a perfect CRF, or as clumsy classifiers, would give them of described videos."""

import torch

from lrcn_utils.data.tacos import CRFOutputs


def certain(described, videos):
    """What a perfect CRF would say of ``videos``."""
    truth = described.truth(videos)
    marginals = [torch.nn.functional.one_hot(truth[:, s], k).float() for s, k in enumerate(described.sizes)]
    return CRFOutputs(list(videos), described.states, marginals, truth)


def blurred(described, videos, seed=0):
    """Log-probabilities of clumsy classifiers: right more often than not."""
    generator = torch.Generator().manual_seed(seed)
    return [
        (4 * m + 2 * torch.randn(m.shape, generator=generator)).log_softmax(1)
        for m in certain(described, videos).marginals
    ]
