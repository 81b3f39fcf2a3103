"""The four variants, the RNN and m-RNN: shapes, the static image, steps against whole sentences."""

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
    loss_per_word,
    nearest,
    word_loss,
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


@torch.no_grad()
def test_the_step_in_three_parts_is_the_step():
    """Every pair of two images and three sentences, through the parts and through whole sentences."""
    for model in every_model():
        model.standardise(3 * torch.randn(20, IMAGE) + 1)
        images, (_, words) = torch.randn(2, IMAGE), batch()
        of_words, (of_image, state) = model.words_share(words), model.image_share(images.repeat_interleave(3, dim=0))
        whole = model(images.repeat_interleave(3, dim=0), words.repeat(2, 1)).log_softmax(dim=2)
        for t in range(words.shape[1]):
            log_probs, state = model.factored_step(of_words[:, t].repeat(2, 1) + of_image, state)
            torch.testing.assert_close(log_probs, whole[:, t], msg=str(model))


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


def test_a_checkpoint_keeps_its_names():
    model = Captioner(VOCABULARY, IMAGE, "1u", hidden=7, embedding=4)
    layer = [f"layers.0.{kind}_{side}_l0" for kind in ("weight", "bias") for side in ("ih", "hh")]
    names = {"image_mean", "image_std", "embedding.weight", *layer, "output.weight", "output.bias"}
    assert set(model.state_dict()) == names
    assert {"image_mean", "image_std", "multimodal.weight"} <= set(MRNN(VOCABULARY, IMAGE).state_dict())


def test_standardised_features_have_mean_0_and_deviation_1():
    features = 3 * torch.randn(50, IMAGE) + 2
    features[:, 0] = 7  # a feature that never changes must not be divided by 0
    for model in (Captioner(VOCABULARY, IMAGE, hidden=7, embedding=4), MRNN(VOCABULARY, IMAGE)):
        scaled = model.standardise(features).scaled(features)
        torch.testing.assert_close(scaled.mean(0), torch.zeros(IMAGE), atol=1e-5, rtol=0)
        torch.testing.assert_close(scaled[:, 1:].std(0, correction=0), torch.ones(IMAGE - 1))
        assert (scaled[:, 0] == 0).all()


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
    total, words = word_loss(logits, targets)
    assert total.item() == pytest.approx(torch.stack(expected).sum().item()) and words == 6


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_real_words_alone_give_what_they_give_among_padding(dropout):
    """Loss and gradients, and with dropout the same units dropped."""
    for variant in VARIANTS:
        for cell in CELLS:
            model = Captioner(VOCABULARY, IMAGE, variant, cell, hidden=7, embedding=4, dropout=dropout).double()
            image, words = torch.randn(4, IMAGE, dtype=torch.float64), torch.randint(4, VOCABULARY, (4, 6))
            targets = torch.randint(4, VOCABULARY, (4, 6))
            for row, length in enumerate((3, 6, 1, 5)):
                words[row, length:] = targets[row, length:] = 0
            found = []
            for real in (None, words != 0):
                torch.manual_seed(0)
                logits = model(image, words, real)
                loss, _ = word_loss(logits, targets if real is None else targets[real])
                found.append((loss, *torch.autograd.grad(loss, list(model.parameters()))))
            assert len(logits) == 3 + 6 + 1 + 5
            for plain, ours in zip(*found, strict=True):
                torch.testing.assert_close(ours, plain)


def test_nearest_is_the_most_similar_direction():
    training = torch.tensor([[1.0, 0.0], [0.0, 5.0], [1.0, 1.0]])
    assert nearest(torch.tensor([[9.0, 0.1], [0.1, 0.1]]), training).tolist() == [0, 2]
