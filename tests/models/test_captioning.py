"""The four variants, the RNN, m-RNN and the counted models: shapes, the static image, steps against whole sentences."""

import pytest
import torch
from torch import nn

from lrcn_utils.decoding import beam_search, follow
from lrcn_utils.models.captioning import (
    CELLS,
    MRNN,
    VARIANTS,
    Captioner,
    ImageCaptioner,
    NGram,
    loss_per_word,
    nearest,
)

VOCABULARY, IMAGE = 11, 5


def batch(n=3, time=6):
    return torch.randn(n, IMAGE), torch.randint(4, VOCABULARY, (n, time))


def every_model():
    for variant in VARIANTS:
        for cell in CELLS:
            yield Captioner(VOCABULARY, IMAGE, variant, cell, hidden=7, embedding=4)
    yield MRNN(VOCABULARY, IMAGE, hidden=7, embedding=4, multimodal=6)


def test_the_variants_have_the_papers_layers():
    wired = {
        variant: [layer.input_size for layer in Captioner(VOCABULARY, IMAGE, variant, hidden=7, embedding=4).layers]
        for variant in VARIANTS
    }
    assert wired == {"1u": [4 + 5], "2u": [4 + 5, 7], "2f": [4, 7 + 5], "4f": [4, 7 + 5, 7, 7]}


def test_steps_equal_teacher_forcing():
    for model in every_model():
        model.standardise(3 * torch.randn(20, IMAGE) + 1).double()
        image, words = batch()
        image = image.double()
        inputs = torch.cat([torch.ones_like(words[:, :1]), words[:, :-1]], dim=1)
        whole = model(image, inputs).log_softmax(dim=2)
        torch.testing.assert_close(follow(model, image, words, bos=1), whole, msg=str(model))


def test_the_concatenated_image_equals_the_released_codes_extra_gate_term():
    # There the image has a weight matrix of its own, whose product is added to the four gates at every step.
    model = Captioner(VOCABULARY, IMAGE, "1u", hidden=7, embedding=4).double()
    image, words = batch()
    image, layer = image.double(), model.layers[0]
    words_only = nn.LSTMCell(4, 7).double()
    static_weight = layer.weight_ih_l0[:, 4:].detach()
    with torch.no_grad():
        words_only.weight_ih.copy_(layer.weight_ih_l0[:, :4])
        words_only.weight_hh.copy_(layer.weight_hh_l0)
        words_only.bias_ih.zero_()
        words_only.bias_hh.zero_()
    h = c = torch.zeros(3, 7, dtype=torch.double)
    outputs = []
    for t in range(words.shape[1]):
        x = model.embedding(words[:, t])
        gates = x @ words_only.weight_ih.T + h @ words_only.weight_hh.T + image @ static_weight.T
        i, f, g, o = gates.chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(model.output(h))
    torch.testing.assert_close(torch.stack(outputs, dim=1), model(image, words))


def test_only_the_right_layer_sees_the_image():
    image, words = batch()
    for variant, (_, image_layer) in VARIANTS.items():
        model = Captioner(VOCABULARY, IMAGE, variant, hidden=7, embedding=4)
        seen = []
        for layer in model.layers:
            layer.register_forward_hook(lambda _, __, out, seen=seen: seen.append(out[0]))
        model(image, words)
        first, seen[:] = list(seen), []
        model(image + 1, words)
        changed = [not torch.equal(a, b) for a, b in zip(first, seen, strict=True)]
        assert changed == [i >= image_layer for i in range(len(changed))]


def test_without_an_image_the_captions_do_not_depend_on_it():
    model = Captioner(VOCABULARY, 0, "2f", hidden=7, embedding=4)
    _, words = batch()
    assert model(torch.empty(3, 0), words).shape == (3, 6, VOCABULARY)
    found = beam_search(model, torch.empty(3, 0), 2, bos=1, eos=2, max_length=5)
    assert found[0] == found[1] == found[2]


def test_weights_start_as_in_the_released_code():
    model = Captioner(VOCABULARY, IMAGE, "2f", hidden=50, embedding=20)
    for name, parameter in model.named_parameters():
        assert parameter.abs().max() <= 0.08, name
        assert (parameter == 0).all() == ("bias" in name), name


def test_a_wrong_name_is_refused():
    with pytest.raises(ValueError, match="3f.*choose from"):
        Captioner(VOCABULARY, IMAGE, "3f")


def test_every_model_learns_which_image_has_which_caption():
    words = torch.tensor([[4, 5, 6], [7, 8, 9]])
    inputs = torch.cat([torch.ones(2, 1, dtype=torch.long), words], dim=1)
    targets = torch.cat([words, torch.full((2, 1), 2)], dim=1)
    image = torch.eye(2, IMAGE)
    for model in (Captioner(VOCABULARY, IMAGE, "2f", hidden=16, embedding=8), MRNN(VOCABULARY, IMAGE, 16, 8, 16)):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
        for _ in range(80):
            optimizer.zero_grad()
            loss_per_word(model(image, inputs), targets).backward()
            optimizer.step()
        found = beam_search(model, image, 3, bos=1, eos=2)
        assert [beams[0].words for beams in found] == [(4, 5, 6), (7, 8, 9)]


def test_pixels_and_features_give_the_same_words():
    class Eye(nn.Module):
        def features(self, pixels, layer):
            return pixels.flatten(1)[:, :IMAGE] * (1 if layer == "fc7" else 0)

    captioner = Captioner(VOCABULARY, IMAGE, hidden=7, embedding=4)
    network = ImageCaptioner(Eye(), captioner, "fc7")
    pixels, words = torch.rand(2, 3, 2, 2), torch.randint(0, VOCABULARY, (2, 4))
    features = pixels.flatten(1)[:, :IMAGE]
    assert torch.equal(network(pixels, words), captioner(features, words))
    assert beam_search(network, pixels, 2, bos=1, eos=2) == beam_search(captioner, features, 2, bos=1, eos=2)


def test_loss_counts_real_words_only():
    logits, targets = torch.randn(2, 4, VOCABULARY), torch.tensor([[5, 2, 0, 0], [6, 7, 8, 2]])
    expected = [-logits[b, t].log_softmax(0)[targets[b, t]] for b in range(2) for t in range(4) if targets[b, t]]
    assert loss_per_word(logits, targets).item() == pytest.approx(torch.stack(expected).mean().item())


def test_counted_models_count():
    inputs, targets = torch.tensor([[1, 4, 5], [1, 4, 0]]), torch.tensor([[4, 5, 2], [4, 2, 0]])
    bigram = NGram(inputs, targets, 6, order=2, smoothing=1e-9)
    assert bigram.log_probs.exp()[4].tolist() == pytest.approx([0, 0, 0.5, 0, 0, 0.5], abs=1e-6)
    unigram = NGram(inputs, targets, 6, order=1, smoothing=1e-9)
    assert unigram.log_probs.exp()[3].tolist() == pytest.approx([0, 0, 0.4, 0, 0.4, 0.2], abs=1e-6)
    sentence = beam_search(bigram, torch.zeros(1, 1), 2, bos=1, eos=2)[0][0]
    assert sentence.words == (4,) and sentence.log_prob == pytest.approx(-0.693147, abs=1e-4)


def test_nearest_is_the_most_similar_direction():
    training = torch.tensor([[1.0, 0.0], [0.0, 5.0], [1.0, 1.0]])
    assert nearest(torch.tensor([[9.0, 0.1], [0.1, 0.1]]), training).tolist() == [0, 2]
