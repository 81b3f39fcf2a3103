"""A tiny world of descriptions, for tests of what is computed of it and of how it is shown."""

import numpy as np
import torch

from lrcn_utils.data.vocabulary import EOS, Vocabulary, tokenise
from lrcn_utils.inference.description import Descriptions
from lrcn_utils.models.crf import TupleCRF
from lrcn_utils.training.description import decoders
from lrcn_utils.training.description.translator import train_translator

STATES = {
    "activity": ["cut", "stir"],
    "tool": ["knife", "spoon"],
    "object": ["carrot", "soup"],
    "source": ["board", "bowl"],
    "target": ["none"],
}
TUPLES = [("cut", "knife", "carrot", "board", "none"), ("stir", "spoon", "soup", "bowl", "none")]
TEXTS = ["the person cuts the carrot on the board with a knife", "the cook stirs the soup in the bowl with a spoon"]
SIZES = [len(words) for words in STATES.values()]


def descriptions() -> Descriptions:
    """Two videos, a CRF of two states a slot, untrained decoders of every kind and a translator."""
    torch.manual_seed(0)
    crf = TupleCRF(SIZES, [(0, 1), (0, 2), (0, 3), (0, 4)]).requires_grad_(False)
    for table in list(crf.pairwise)[:3]:
        table.copy_(torch.tensor([[2.0, -2.0], [-2.0, 2.0]]))
    unaries = [torch.tensor([[0.8, 0.2], [0.3, 0.7]]).log()[:, :k].log_softmax(1) for k in SIZES]
    words = Vocabulary.build(TEXTS, min_count=1)
    sizes = {"a": 20, "b": sum(SIZES), "c": sum(SIZES), "end": 3}
    untrained = {kind: (decoders._build(kind, size, len(words), 8, 8), words) for kind, size in sizes.items()}
    for model, _ in untrained.values():
        model.decoder.output.bias.data[EOS] += 3  # so that they come to an end
    return Descriptions(
        crf=crf,
        states=STATES,
        videos=["v_One_g01_c01", "v_Two_g01_c01"],
        unaries=unaries,
        decoders=untrained,
        open_video=lambda video: np.full((7, 12, 16, 3), 40 if "One" in video else 200, np.uint8),
        translator=train_translator(TUPLES * 3, [tokenise(text) for text in TEXTS * 3], list(STATES)),
        frames=torch.rand(2, 4, 3),
        tuples={"v_One_g01_c01": TUPLES[0]},
        references={"v_One_g01_c01": ["She <cuts> it."]},
        names={"b": "(b) LSTM decoder"},
    )
