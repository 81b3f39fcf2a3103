"""Counting models: the probabilities by hand, and the same numbers as a table that is decoded and scored."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcn_utils.decoding import beam_search
from lrcn_utils.models.captioning import loss_per_word
from lrcn_utils.models.ngram import NGram, perplexity

CORPUS = st.lists(st.lists(st.sampled_from("abcd"), max_size=6), min_size=1, max_size=8)


@settings(max_examples=60)
@given(CORPUS, st.integers(1, 3), st.floats(0.01, 50), st.lists(st.sampled_from("abcdx"), max_size=4))
def test_probabilities_of_all_words_sum_to_one(corpus, order, strength, context):
    model = NGram(order, corpus, vocabulary_size=5, strength=strength)
    total = sum(model.prob(word, tuple(context)) for word in ["a", "b", "c", "d", model.eos])
    assert total == pytest.approx(1)


@settings(max_examples=40)
@given(CORPUS, st.integers(1, 3))
def test_perplexity_lies_between_one_and_what_nothing_learned_gives(corpus, order):
    assert 1 <= NGram(order, corpus, vocabulary_size=5).perplexity(corpus) <= 5 + 1e-9


def test_counts_by_hand():
    corpus = ["ab", "ab", "ac"]
    unigram, bigram = NGram(1, corpus, 4), NGram(2, corpus, 4)
    a = (3 + 1 / 4) / (9 + 1)
    b = (2 + 1 / 4) / (9 + 1)
    assert unigram.prob("a") == pytest.approx(a)
    assert bigram.prob("b", ("a",)) == pytest.approx((2 + b) / (3 + 1))
    assert bigram.prob("a", ("never seen",)) == pytest.approx(a)
    assert unigram.log_prob("a") == pytest.approx(math.log(a) + math.log(unigram.prob(unigram.eos)))


def test_order_matters_to_a_bigram_only():
    corpus = [["the", "red", "cup"]] * 5
    backwards = ["cup", "red", "the"]
    assert NGram(1, corpus, 9).log_prob(backwards) == pytest.approx(NGram(1, corpus, 9).log_prob(corpus[0]))
    assert NGram(2, corpus, 9).log_prob(backwards) < NGram(2, corpus, 9).log_prob(corpus[0]) - 3


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices():
    assert perplexity(10 * math.log(1 / 7), 10) == pytest.approx(7)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: perplexity(-1.0, 0), "words"),
        (lambda: NGram(0, ["a"], 3), "order"),
        (lambda: NGram(2, [], 3), "sentences"),
        (lambda: NGram(2, ["a"], 3, strength=0), "strength"),
        (lambda: NGram(1, ["abc"], 3), "vocabulary_size"),
        (lambda: NGram(1, [[1, 4, 2]], 3), "sentences"),
        (lambda: NGram(1, [[4, 2]], 3), "sentences"),
        (lambda: NGram(3, [[4]], 3).log_probs, "order"),
    ],
)
def test_errors_name_the_argument(call, argument):
    with pytest.raises(ValueError, match=argument):
        call()


NUMBERED = st.lists(st.lists(st.integers(3, 6), max_size=6), min_size=1, max_size=8)


@settings(max_examples=40)
@given(NUMBERED, st.integers(1, 2), st.floats(0.01, 50))
def test_the_table_holds_the_same_probabilities(sentences, order, strength):
    model = NGram(order, sentences, vocabulary_size=5, strength=strength)
    assert model.log_probs.shape == (7, 7)
    assert model.log_probs[:, [0, 1]].isneginf().all(), "padding and the start never come"
    for before in (1, *range(3, 7)):
        wanted = [model.prob(word, (before,)) for word in range(2, 7)]
        assert model.log_probs[before, 2:].exp().tolist() == pytest.approx(wanted, rel=1e-5)


def test_called_as_a_captioner_it_gives_its_own_perplexity():
    sentences, other = [[4, 5], [4, 6, 3], [4, 5]], [[6, 5, 4], [3]]
    inputs, targets = torch.tensor([[1, 6, 5, 4], [1, 3, 0, 0]]), torch.tensor([[6, 5, 4, 2], [3, 2, 0, 0]])
    for order in (1, 2):
        model = NGram(order, sentences, vocabulary_size=5)
        loss = loss_per_word(model(torch.zeros(2, 1), inputs), targets)
        assert loss.exp().item() == pytest.approx(model.perplexity(other), rel=1e-5)


def test_a_counted_model_is_decoded():
    model = NGram(2, [[4, 5], [4, 5], [4, 6]], vocabulary_size=5, strength=1e-6)
    first, second = beam_search(model, torch.zeros(1, 1), 2, bos=1, eos=2)[0]
    assert (first.words, second.words) == ((4, 5), (4, 6))
    assert first.log_prob == pytest.approx(math.log(2 / 3), abs=1e-4)
