"""Soft attention over places: weights, the context that they make, and the captioner that looks."""

import pytest
import torch
import torch.nn.functional as F

from lrcn_utils.decoding import beam_search, follow
from lrcn_utils.models.attention import WEIGHTS, AttentionCaptioner, SoftAttention
from lrcn_utils.models.captioning import Captioner, loss_per_word

VOCABULARY, PLACES, SIZE = 11, 9, 6


@pytest.fixture
def model():
    return AttentionCaptioner(VOCABULARY, SIZE, hidden=8, embedding=4, width=5).eval()


@pytest.fixture
def images():
    return torch.randn(3, PLACES, SIZE)


@pytest.fixture
def words():
    return torch.randint(1, VOCABULARY, (3, 7))


def sharpen(model, factor=20.0):
    """Start weights are so small that all places weigh the same at every step: let them differ."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(factor)
    return model


def test_weights_are_one_distribution_over_the_places_for_each_step(model, images, words):
    weights = sharpen(model).look(images, words)
    assert weights.shape == (3, 7, PLACES) and (weights > 0).all() and weights.std() > 0.01
    torch.testing.assert_close(weights.sum(2), torch.ones(3, 7))
    assert not torch.allclose(weights[:, 0], weights[:, 5], atol=1e-3)  # each step asks anew


def test_scores_are_those_of_the_formula_and_the_mean_is_torchs_own(images):
    attention = SoftAttention(SIZE, 4, 5)
    asking = torch.randn(3, 2, 4)
    keys, w = attention.key(images), attention.score.weight[0]
    scores = torch.stack([(keys + attention.query(asking[:, t])[:, None]).tanh() @ w for t in range(2)], dim=1)
    # Given the scores, soft attention is PyTorch's: a bias on products that are 0.
    expected = F.scaled_dot_product_attention(torch.zeros(3, 2, SIZE), images, images, attn_mask=scores)
    torch.testing.assert_close(attention(keys, asking) @ images, expected)


def test_the_order_of_the_places_does_not_matter(model, images, words):
    order = torch.randperm(PLACES)
    torch.testing.assert_close(model(images[:, order], words), model(images, words))
    torch.testing.assert_close(model.look(images[:, order], words), model.look(images, words)[..., order])


def test_with_equal_weights_it_is_2f_on_the_mean_of_the_places(model, images, words):
    plain = Captioner(VOCABULARY, SIZE, "2f", hidden=8, embedding=4).eval()
    names = {"first.": "layers.0.", "second.": "layers.1."}
    weights = {}
    for name, tensor in model.state_dict().items():
        head = name.split(".")[0] + "."
        weights[name.replace(head, names.get(head, head))] = tensor
    plain.load_state_dict({name: t for name, t in weights.items() if not name.startswith("attention")})
    model.weights = "uniform"
    torch.testing.assert_close(model(images, words), plain(images.mean(1), words))
    torch.testing.assert_close(model.look(images, words), torch.full((3, 7, PLACES), 1 / PLACES))


def test_another_images_weights_are_those_of_the_image_half_a_batch_away(model, words):
    images, words = torch.randn(4, PLACES, SIZE), words[:1].expand(4, -1)
    own = sharpen(model).look(images, words)
    model.weights = "another image's"
    torch.testing.assert_close(model.look(images, words), own.roll(2, 0))
    assert not torch.allclose(own, own.roll(2, 0), atol=1e-2)


@pytest.mark.parametrize("whose", WEIGHTS)
def test_step_by_step_and_all_at_once_give_the_same(model, images, words, whose):
    sharpen(model).weights = whose
    model.standardise(images.flatten(0, 1) * 3 + 1)
    inputs = torch.cat([torch.ones(3, 1, dtype=torch.long), words[:, :-1]], dim=1)
    torch.testing.assert_close(follow(model, images, words, bos=1), model(images, inputs).log_softmax(2))


def test_it_learns_to_look_for_the_place_that_tells():
    """Two images differ in one place of nine only: the weight must go there."""
    images = torch.randn(1, PLACES, SIZE).repeat(2, 1, 1)
    images[:, 4] = torch.tensor([[3.0, -3.0, 0, 0, 0, 0], [3.0, 3.0, 0, 0, 0, 0]])
    inputs, targets = torch.tensor([[1, 4], [1, 5]]), torch.tensor([[4, 2], [5, 2]])
    model = AttentionCaptioner(VOCABULARY, SIZE, hidden=16, embedding=8, width=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(80):
        optimizer.zero_grad()
        loss_per_word(model(images, inputs), targets).backward()
        optimizer.step()
    assert (model.look(images, inputs)[:, 0].argmax(1) == 4).all()
    assert [beams[0].words for beams in beam_search(model.eval(), images, 2, bos=1, eos=2)] == [(4,), (5,)]
