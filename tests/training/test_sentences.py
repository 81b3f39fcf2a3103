"""One dataset of pairs, one loss, one way to decode: for images, tuples, pixels, and language alone."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lrcn_utils.data.pixels import PixelFiles
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.decoding import beam_search, greedy, sample
from lrcn_utils.models.captioning import Captioner, ImageCaptioner
from lrcn_utils.models.description import TupleDecoder
from lrcn_utils.models.lstm import LanguageModel
from lrcn_utils.training.sentences import Pairs, batch_loss, collate, decode, nats_per_word, references, unknown_share

WORDS = Vocabulary(["a", "red", "green", "square", "on", "blue"])
TEXTS = ["a red square", "a green", "square on a blue square on a red square", "blue"]


class MeanColour(nn.Module):
    """Stands in for a CNN: three features, the mean of each channel."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def features(self, x, layer):
        return x.mean((2, 3)) * self.scale


def test_items_are_rows_and_numbers():
    pairs = Pairs(torch.eye(3), [(2, "a red"), (0, "a purple square on")], WORDS, longest=3)
    assert len(pairs) == 2 and torch.equal(pairs[0][0], torch.eye(3)[2])
    assert pairs[1][1] == [WORDS.ids["a"], 3, WORDS.ids["square"]]  # <unk>, and cut after three words
    inputs, before, words = collate([pairs[0], pairs[1]])
    assert inputs.shape == (2, 3) and before.shape == words.shape == (2, 4) and words[0, 3] == 0
    inputs, before, words = collate([Pairs(None, [(0, "a red")], WORDS)[0]])
    assert inputs is None and before.tolist() == [[1, 4, 5]] and words.tolist() == [[4, 5, 2]]


def test_crops_follow_seed_epoch_and_item_only():
    pixels = torch.randint(0, 255, (6, 3, 60, 60), dtype=torch.uint8)
    pairs = Pairs(pixels, [(i, "a") for i in range(6)], WORDS, crop=56)
    pairs.set_epoch(1, 2)
    crop, _ = pairs[5]
    assert crop.shape == (3, 56, 56) and crop.max() <= 1
    first = [pairs[i][0] for i in range(6)]
    assert all(torch.equal(a, pairs[i][0]) for i, a in enumerate(first))
    pairs.set_epoch(1, 3)
    assert not all(torch.equal(a, pairs[i][0]) for i, a in enumerate(first))


def test_files_give_the_same_crops_as_pixels_in_memory(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (2, 60, 60, 3), dtype=np.uint8)
    files = [tmp_path / f"{i}.png" for i in range(2)]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file)
    in_memory = Pairs(torch.from_numpy(images).permute(0, 3, 1, 2), [(1, "a")], WORDS, crop=56)
    assert torch.equal(Pairs(PixelFiles(files, 60), [(1, "a")], WORDS, crop=56)[0][0], in_memory[0][0])


def by_hand(model, pairs):
    """The loss over all pairs, one sentence at a time, and one word at a time."""
    total, count = 0.0, 0
    with torch.no_grad():
        for row, words in (pairs[i] for i in range(len(pairs))):
            before = torch.tensor([[1, *words]])
            log_p = (model(before) if row is None else model(row[None], before))[0].log_softmax(1)
            total -= sum(log_p[t, word].item() for t, word in enumerate([*words, 2]))
            count += len(words) + 1
    return total / count


@pytest.mark.parametrize("inputs", [torch.randn(4, 5), None])
def test_the_loss_is_a_mean_over_words_and_not_over_batches(inputs):
    """More than one batch of sentences of unequal length, against a sum by hand; dropout is off meanwhile."""
    model = (
        LanguageModel(len(WORDS), 6, 7)
        if inputs is None
        else Captioner(len(WORDS), 5, hidden=7, embedding=6, dropout=0.5)
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    pairs = Pairs(inputs, [(i % 4, TEXTS[2 if i < 200 else 3]) for i in range(230)], WORDS)
    expected = by_hand(model.eval(), pairs)
    assert nats_per_word(model.train(), pairs) == pytest.approx(expected, rel=1e-5)
    assert model.training


def test_unknown_words_can_be_left_out_of_the_loss():
    model = Captioner(len(WORDS), 2, hidden=8, embedding=4).eval()
    pairs = Pairs(torch.ones(2, 2), [(0, "a purple square"), (1, "red")], WORDS)
    assert unknown_share(pairs) == 1 / 6
    losses = []
    for features, before, words in (collate([pair]) for pair in pairs):
        log_probs = model(features, before).log_softmax(-1)[0]
        losses += [-log_probs[t, word].item() for t, word in enumerate(words[0].tolist()) if word != 3]
    assert nats_per_word(model, pairs, unknown=False) == pytest.approx(sum(losses) / 5, rel=1e-5)
    assert nats_per_word(model, pairs) != pytest.approx(sum(losses) / 5, rel=1e-5)


def test_the_unknown_word_is_never_written():
    model = TupleDecoder(2, len(WORDS), embedding=4, hidden=8)
    nn.init.zeros_(model.decoder.output.weight)
    with torch.no_grad():
        model.decoder.output.bias.copy_(torch.tensor([7.0, 8, 0, 9, *[1.0] * (len(WORDS) - 4)]))
    for decoder in ((greedy,), (beam_search, 3), (sample, 5)):
        words = {word for found in decode(model, torch.ones(2, 2), *decoder) for h in found for word in h.words}
        assert words and min(words) > 3


def test_fine_tuning_reaches_the_cnn():
    pixels = torch.randint(0, 255, (4, 3, 60, 60), dtype=torch.uint8)
    network = ImageCaptioner(MeanColour(), Captioner(len(WORDS), 3, hidden=8, embedding=4))
    pairs = Pairs(pixels, enumerate(TEXTS), WORDS, crop=56)
    total, count = batch_loss(network, collate([pairs[i] for i in range(4)]))
    assert count == sum(len(text.split()) + 1 for text in TEXTS)
    total.backward()
    assert network.cnn.scale.grad.abs().sum() > 0


def test_decoding_is_without_dropout_and_repeats():
    model = TupleDecoder(2, 9, embedding=4, hidden=8, dropout=0.5)
    options = {"generator": None}
    draws = []
    for _ in range(2):
        options["generator"] = torch.Generator().manual_seed(1)
        draws.append(decode(model.train(), torch.ones(5, 2), sample, 4, 1.5, **options))
    assert draws[0] == draws[1] and [len(hypotheses) for hypotheses in draws[0]] == [4] * 5


def test_references_are_tokenised_as_the_models_are():
    assert references([["A red square.", "a, b"], ["C"]]) == [[["a", "red", "square"], ["a", ",", "b"]], [["c"]]]
