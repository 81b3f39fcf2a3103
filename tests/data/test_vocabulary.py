import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrcn_utils.data.vocabulary import BOS, EOS, PAD, SPECIALS, UNK, Vocabulary, as_text, pad_batch, tokenise

WORDS = st.lists(st.text("abcxyz019", min_size=1, max_size=6), min_size=1, max_size=12)
ENCODED = st.lists(st.lists(st.integers(3, 50), max_size=9), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A man, who cooks.", ["a", "man", ",", "who", "cooks"]),
        ("Two-tone bowls", ["two", "-", "tone", "bowls"]),
        ("  It's  done!", ["it", "'", "s", "done", "!"]),
        ("Stop. Go", ["stop", ".", "go"]),
        ("Crème brûlée.", ["crème", "brûlée"]),
        (".", []),
        ("", []),
    ],
)
def test_tokens_follow_the_captioning_code(text, tokens):
    assert tokenise(text) == tokens


@given(WORDS)
def test_tokenise_undoes_join(words):
    assert tokenise(" ".join(words) + ".") == words


def test_rare_words_become_unknown_and_frequent_words_come_first():
    vocabulary = Vocabulary.build(["a red cup", "a red bowl", "a spoon"], min_count=2)
    assert vocabulary.words == [*SPECIALS, "a", "red"]
    assert vocabulary.encode("A red spoon.") == [4, 5, UNK]
    assert vocabulary.decode([BOS, 4, 5, UNK, EOS, 4, PAD]) == "a red <unk>"
    assert "red" in vocabulary and "spoon" not in vocabulary


def test_ties_are_sorted_so_that_the_order_of_sentences_does_not_matter():
    one, other = Vocabulary.build(["b a", "c"], 1), Vocabulary.build(["c", "a b"], 1)
    assert one.words == other.words


@given(WORDS)
def test_known_sentences_come_back(words):
    vocabulary = Vocabulary.build([" ".join(words)], min_count=1)
    again = Vocabulary(json.loads(json.dumps(vocabulary.words)))
    assert again.decode(again.encode(" ".join(words))) == " ".join(words)


def test_long_sentences_are_cut():
    vocabulary = Vocabulary(["a"])
    assert len(vocabulary.encode("a " * 30)) == 20
    assert len(vocabulary.encode("a " * 30, max_length=7)) == 7


@given(ENCODED)
def test_targets_are_the_inputs_one_step_later(sentences):
    inputs, targets = pad_batch(sentences)
    assert inputs.shape == targets.shape == (len(sentences), max(map(len, sentences)) + 1)
    assert inputs.dtype == targets.dtype == torch.long
    for ids, given_words, wanted in zip(sentences, inputs.tolist(), targets.tolist(), strict=True):
        empty = [PAD] * (len(given_words) - len(ids) - 1)
        assert given_words == [BOS, *ids, *empty]
        assert wanted == [*ids, EOS, *empty]


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: Vocabulary(["a", "b", "a"]), "words"),
        (lambda: Vocabulary.build([]), "sentences"),
        (lambda: Vocabulary.build(["a"], min_count=0), "min_count"),
        (lambda: Vocabulary(["a"]).decode([99]), "ids"),
        (lambda: Vocabulary(["a"]).decode([-1]), "ids"),
        (lambda: pad_batch([]), "sentences"),
    ],
)
def test_errors_name_the_argument(call, argument):
    with pytest.raises(ValueError, match=argument):
        call()


@pytest.mark.parametrize("text", ["a man's t-shirt", "two dogs , one - eyed", "rock 'n' roll"])
def test_words_become_the_sentence_that_they_came_from(text):
    assert tokenise(as_text(tokenise(text))) == tokenise(text)
    assert as_text(tokenise("A man's t-shirt.")) == "a man's t-shirt"
