"""The phrase-based baseline: alignment, phrases, and what the decoder makes of a tuple or a confusion network."""

import math
import random

import pytest

pytest.importorskip("nltk")

from lrcn_utils.models.ngram import NGram
from lrcn_utils.models.smt import END, START, Translator, Weights, align, passed_through, phrase_table, source_words

SLOTS = ("activity", "tool", "object", "source")
VERBS = {"cut": "cuts", "stir": "stirs", "peel": "peels"}
TOOLS = {"knife": "with a knife", "spoon": "with a spoon"}
THINGS = {"carrot": "the carrot", "soup": "the soup", "apple": "an apple"}
PLACES = {"board": "on the board", "bowl": "in the bowl", "none": ""}


def sentence(words):
    verb, tool, thing, place = words
    return f"the person {VERBS[verb]} {THINGS[thing]} {TOOLS[tool]} {PLACES[place]}".split()


def every_tuple():
    return [(v, t, o, p) for v in VERBS for t in TOOLS for o in THINGS for p in PLACES]


@pytest.fixture(scope="module")
def seen():
    return random.Random(0).sample(every_tuple(), 36)


@pytest.fixture(scope="module")
def pairs(seen):
    return [(source_words(words, SLOTS), tuple(sentence(words))) for words in seen]


@pytest.fixture(scope="module")
def translator(pairs):
    language = NGram(3, [(START, *target, END) for _, target in pairs], vocabulary_size=40, strength=0.5)
    return Translator(phrase_table(pairs, align(pairs)), language, Weights())


def test_alignment_finds_the_words_of_the_slots(pairs):
    alignments = align(pairs)
    hits = 0
    for (source, target), alignment in zip(pairs, alignments, strict=True):
        verb = target.index(VERBS[source[0].partition("=")[2]])
        hits += (0, verb) in alignment
    assert hits >= 0.9 * len(pairs)


def test_phrases_are_consistent_and_probabilities_sum_to_one():
    pairs = [(("a", "b"), ("x", "y", "z")), (("a", "c"), ("x", "w"))]
    table = phrase_table(pairs, [{(0, 0), (1, 1)}, {(0, 0), (1, 1)}])
    assert table[("a",)] == {("x",): (0.0, 0.0)}
    assert set(table[("b",)]) == {("y",), ("y", "z")}  # z is aligned to nothing, so it may come along
    assert set(table[(END,)]) == {(END,), ("z", END)}
    assert ("a", END) not in table  # b stands between
    crossed = phrase_table([(("a", "b", "c"), ("x", "y", "z"))], [{(0, 0), (1, 2), (2, 1)}])
    assert ("a", "b") not in crossed and crossed[("b", "c")] == {("y", "z"): (0.0, 0.0)}
    for translations in table.values():
        assert sum(math.exp(forward) for forward, _ in translations.values()) == pytest.approx(1)


def test_a_phrase_that_is_too_long_is_dropped_and_not_cut():
    table = phrase_table([(("a",), ("x", "y", "z"))], [{(0, 0), (0, 1), (0, 2)}], longest=2)
    assert set(table) == {(START,), (END,)}


def test_translates_tuples_that_it_never_saw(translator, seen):
    unseen = [words for words in every_tuple() if words not in seen]
    right = [translator.translate(source_words(words, SLOTS)) == sentence(words) for words in unseen]
    assert sum(right) >= 0.8 * len(right)


def test_words_of_no_phrase_are_passed_through(translator):
    words = translator.translate(source_words(("cut", "cutting wheel", "carrot", "board"), SLOTS))
    assert "wheel" in words and "cuts" in words
    assert passed_through("source=none") == ()


def test_a_certain_network_is_the_tuple_itself(translator, seen):
    words = source_words(seen[0], SLOTS)
    network = [{word: 0.0, other: -math.inf} for word, other in zip(words, ("x=1", "x=2", "x=3", "x=4"), strict=True)]
    assert translator.translate_network(network) == translator.translate(words)


def test_the_network_lets_other_words_win_by_their_probability(translator):
    words = source_words(("cut", "knife", "soup", "board"), SLOTS)

    def things(carrot):
        network = [{word: 0.0} for word in words]
        network[2] = {"object=soup": math.log(1 - carrot), "object=carrot": math.log(carrot)}
        return set(translator.with_weights(evidence=5.0).translate_network(network)) & {"carrot", "soup"}

    assert things(0.01) == {"soup"}
    assert things(0.99) == {"carrot"}


def test_the_word_reward_makes_sentences_longer(translator, seen):
    words = [source_words(each, SLOTS) for each in seen[:8]]
    lengths = [
        sum(len(translator.with_weights(word=reward).translate(each)) for each in words) for reward in (-3.0, 3.0)
    ]
    assert lengths[0] <= lengths[1]


def test_source_words_carry_their_slot():
    assert source_words(("cut", "none"), ("activity", "tool")) == ("activity=cut", "tool=none")


def test_an_alignment_holds_every_link_of_either_direction():
    """One source word for two target words: only the direction that chooses for each target word finds both links."""
    pairs = [(("a", "b"), ("x", "x2", "y")), (("a",), ("x", "x2")), (("b",), ("y",))] * 4
    assert align(pairs)[0] == {(0, 0), (0, 1), (1, 2)}


def test_a_sentence_ends_only_when_every_slot_is_covered():
    """All phrases of the first slot bring the end with them, and look best: the others must still be said."""
    one = {("a",): {("x",): (-9.0, -9.0)}, ("b",): {("y",): (-9.0, -9.0)}}
    marks = {(START,): {(START,): (0.0, 0.0)}, (END,): {("z", END): (0.0, 0.0), (END,): (-5.0, 0.0)}}
    together = {("b", END): {("y", END): (-1.0, -1.0)}}
    language = NGram(2, [(START, "x", "y", END)], vocabulary_size=6)
    words = Translator(one | marks | together, language, order=2, stack=1).translate(("a", "b"))
    assert words == ["x", "y"]
