"""The batched decoders against slow, obvious ones: one image, one beam, one word at a time, in plain Python."""

import itertools
import math

import numpy as np
import pytest
import torch

from lrcn_utils.decoding import Without, beam_levels, beam_search, follow, greedy, sample

BOS, EOS = 0, 1


class RandomModel:
    """A random recurrence; with ``levels`` its log probabilities are coarse, so that ties are common."""

    def __init__(self, seed, vocabulary=6, size=4, levels=None):
        random = np.random.default_rng(seed)
        self.recurrent = random.normal(size=(size, size))
        self.embedding = random.normal(size=(vocabulary, size))
        self.output = 2 * random.normal(size=(size, vocabulary))
        self.levels = levels

    def start(self, inputs):
        return (inputs, (inputs[:, :1],))  # nested, and with a part that step hands on unchanged

    def step(self, words, state):
        hidden, rest = self.recur(words.numpy(), state[0].numpy())
        return torch.from_numpy(self.log_probs(hidden)), (torch.from_numpy(hidden), state[1])

    def recur(self, word, hidden):
        return np.tanh(hidden @ self.recurrent + self.embedding[word]), None

    def log_probs(self, hidden):
        scores = hidden @ self.output
        if self.levels:
            return np.round(scores * self.levels) / self.levels - 8
        return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


def images(seed, n, size=4):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, size)))


def obvious_beam(model, image, width, max_length):
    beams = [((), 0.0, image.numpy(), False)]
    for _ in range(max_length):
        candidates = []
        for words, total, hidden, finished in beams:
            if finished:
                candidates.append((words, total, hidden, True))
                continue
            hidden, _ = model.recur(words[-1] if words else BOS, hidden)
            for word, log_prob in enumerate(model.log_probs(hidden)):
                candidates.append(((*words, word), total + log_prob, hidden, word == EOS))
        # sorted is stable, and the candidates stand in the order of (beam, word)
        beams = sorted(candidates, key=lambda c: -c[1])[:width]
        if all(finished for *_, finished in beams):
            break
    return [(words[:-1] if finished else words, total) for words, total, _, finished in beams]


def every_sentence(model, image, vocabulary, max_length):
    found = []
    for length in range(1, max_length + 1):
        for words in itertools.product(range(vocabulary), repeat=length):
            ends = words[-1] == EOS
            if EOS in words[:-1] or not (ends or length == max_length):
                continue
            hidden, total, previous = image.numpy(), 0.0, BOS
            for word in words:
                hidden, _ = model.recur(previous, hidden)
                total, previous = total + model.log_probs(hidden)[word], word
            found.append((words[:-1] if ends else words, total))
    return sorted(found, key=lambda s: -s[1])


def same(hypotheses, expected):
    assert [h.words for h in hypotheses] == [words for words, _ in expected]
    assert [h.log_prob for h in hypotheses] == pytest.approx([total for _, total in expected], abs=1e-9)


@pytest.mark.parametrize("levels", [None, 1], ids=["all different", "many ties"])
def test_beam_search_equals_the_obvious_version_on_1000_random_models(levels):
    for seed in range(500):
        model, inputs, width = RandomModel(seed, levels=levels), images(seed, 2), 1 + seed % 5
        found = beam_search(model, inputs, width, bos=BOS, eos=EOS, max_length=5)
        for hypotheses, image in zip(found, inputs, strict=True):
            same(hypotheses, obvious_beam(model, image, width, 5))


def test_a_beam_as_wide_as_the_language_finds_every_sentence_in_order():
    for seed in range(10):
        model, inputs = RandomModel(seed, vocabulary=3), images(seed, 2)
        expected = [every_sentence(model, image, 3, 4) for image in inputs]
        found = beam_search(model, inputs, 81, bos=BOS, eos=EOS, max_length=4)
        for hypotheses, sentences in zip(found, expected, strict=True):
            assert len(hypotheses) == len(sentences) == 31  # 1 + 2 + 4 + 8 end in time, 16 do not
            same(hypotheses, sentences)


@pytest.mark.parametrize("levels", [None, 1, 0.2], ids=["all different", "ties", "many ties"])
def test_beams_of_a_long_vocabulary_equal_the_obvious_version(levels):
    """So many words that each beam's own best are a small part of them, with equals at the edge and within."""
    for seed in range(30):
        model, inputs, width = RandomModel(seed, vocabulary=80, levels=levels), images(seed, 2), 1 + seed % 9
        found = beam_search(model, inputs, width, bos=BOS, eos=EOS, max_length=4)
        for hypotheses, image in zip(found, inputs, strict=True):
            same(hypotheses, obvious_beam(model, image, width, 4))


class Counting(RandomModel):
    """Notes how many rows each step computes."""

    def start(self, inputs):
        self.rows = []
        return super().start(inputs)

    def step(self, words, state):
        self.rows.append(len(words))
        return super().step(words, state)


@pytest.mark.parametrize("decoder", [greedy, lambda *a, **o: sample(*a, 3, **o)], ids=["greedy", "sample"])
def test_a_sentence_that_has_ended_takes_no_more_steps(decoder):
    model, inputs = Counting(0), images(0, 8)
    found = decoder(model, inputs, bos=BOS, eos=EOS, max_length=9)
    lengths = [len(hypothesis.words) for some in found for hypothesis in some]
    assert len(set(lengths)) > 2  # they end at different steps
    assert model.rows == [sum(length >= t for length in lengths) for t in range(len(model.rows))]


def test_the_log_probability_of_the_best_never_exceeds_the_true_best():
    for seed in range(20):
        model, inputs = RandomModel(seed, vocabulary=4), images(seed, 1)
        best = every_sentence(model, inputs[0], 4, 4)[0][1]
        for width in (1, 2, 3):
            assert beam_search(model, inputs, width, bos=BOS, eos=EOS, max_length=4)[0][0].log_prob <= best + 1e-9


@pytest.mark.parametrize("levels", [None, 1])
def test_greedy_is_a_beam_of_one_and_takes_the_first_of_equals(levels):
    for seed in range(100):
        model, inputs = RandomModel(seed, levels=levels), images(seed, 3)
        for hypotheses, image in zip(greedy(model, inputs, bos=BOS, eos=EOS, max_length=6), inputs, strict=True):
            same(hypotheses, obvious_beam(model, image, 1, 6))


def test_samples_equal_the_obvious_version_with_the_same_random_numbers():
    for seed in range(30):
        model, inputs, temperature = RandomModel(seed), images(seed, 2), (1.0, 1.5, 2.0)[seed % 3]
        generator = torch.Generator().manual_seed(seed)
        found = sample(model, inputs, 7, temperature, bos=BOS, eos=EOS, max_length=6, generator=generator)
        uniform = torch.rand(14, 6, generator=torch.Generator().manual_seed(seed)).view(2, 7, 6).double()
        for hypotheses, image, rows in zip(found, inputs, uniform.tolist(), strict=True):
            drawn = []
            for row in rows:
                hidden, words, total = image.numpy(), [], 0.0
                for point in row:
                    hidden, _ = model.recur(words[-1] if words else BOS, hidden)
                    log_probs = model.log_probs(hidden)
                    sharpened = np.exp(temperature * log_probs)
                    sharpened /= sharpened.sum()
                    word = int(np.flatnonzero(np.cumsum(sharpened) > point)[0])
                    words, total = [*words, word], total + log_probs[word]
                    if word == EOS:
                        break
                drawn.append((tuple(w for w in words if w != EOS), total))
            same(hypotheses, sorted(drawn, key=lambda s: -s[1]))


def test_samples_follow_the_models_probabilities():
    model, inputs = RandomModel(3, vocabulary=3), images(3, 1)
    found = sample(
        model,
        inputs,
        20_000,
        bos=BOS,
        eos=EOS,
        max_length=2,
        generator=torch.Generator().manual_seed(0),
    )[0]
    for words, log_prob in every_sentence(model, inputs[0], 3, 2):
        share = sum(h.words == words for h in found) / len(found)
        p = math.exp(log_prob)
        assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / len(found)) + 1e-9


def test_other_images_do_not_change_a_caption():
    model, inputs = RandomModel(5), images(5, 9)
    together = beam_search(model, inputs, 3, bos=BOS, eos=EOS)
    for image, hypotheses in zip(inputs, together, strict=True):
        alone = beam_search(model, image[None], 3, bos=BOS, eos=EOS)[0]
        same(alone, [(h.words, h.log_prob) for h in hypotheses])


def test_finished_beams_are_kept_and_never_extended():
    for seed in range(50):
        levels = list(beam_levels(RandomModel(seed), images(seed, 4), 3, bos=BOS, eos=EOS, max_length=8))
        for before, after in itertools.pairwise(levels):
            ended = before.finished.gather(1, after.parents)
            assert (after.words[ended] == EOS).all()
            assert torch.equal(after.log_probs[ended], before.log_probs.gather(1, after.parents)[ended])


def test_impossible_sentences_are_left_out():
    class OnlyOne:
        def start(self, inputs):
            return inputs

        def step(self, words, state):
            log_probs = torch.full((len(words), 4), -torch.inf)
            log_probs[words == BOS, 2] = 0.0
            log_probs[words == 2, EOS] = 0.0
            return log_probs, state

    found = beam_search(OnlyOne(), torch.zeros(2, 1), 3, bos=BOS, eos=EOS)
    assert [[h.words for h in hypotheses] for hypotheses in found] == [[(2,)], [(2,)]]


def test_follow_gives_the_log_probabilities_that_beam_search_summed():
    model, inputs = RandomModel(8), images(8, 1)
    best = beam_search(model, inputs, 4, bos=BOS, eos=EOS, max_length=20)[0][0]
    words = torch.tensor([[*best.words, EOS]])
    log_probs = follow(model, inputs, words, bos=BOS)
    assert log_probs.gather(2, words[..., None]).sum().item() == pytest.approx(best.log_prob)


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: beam_search(m, x, 0, bos=BOS, eos=EOS),
        lambda m, x: sample(m, x, 0, bos=BOS, eos=EOS),
        lambda m, x: sample(m, x, 1, 0.0, bos=BOS, eos=EOS),
    ],
)
def test_impossible_settings_are_refused(call):
    with pytest.raises(ValueError, match="at least 1"):
        call(RandomModel(0), images(0, 1))


@pytest.mark.parametrize("forbidden", [[3], [2, 4, 5]])
def test_a_forbidden_word_is_never_said_and_the_others_keep_their_probability(forbidden):
    class Sharp(RandomModel):
        """The obvious way: the words' scores are struck from the list before the best are taken."""

        def log_probs(self, hidden):
            scores = super().log_probs(hidden)
            scores[..., forbidden] = -np.inf
            return scores

    model, some = RandomModel(1), images(2, 6)
    said = beam_search(Without(model, forbidden), some, 3, bos=BOS, eos=EOS, max_length=5)
    for image, found in zip(some, said, strict=True):
        expected = obvious_beam(Sharp(1), image, 3, 5)
        assert [h.log_prob for h in found] == pytest.approx([total for _, total, *_ in expected if total > -np.inf])
    drawn = sample(Without(model, forbidden), some, 20, 0.1, bos=BOS, eos=EOS, max_length=8)
    first = greedy(Without(model, forbidden), some, bos=BOS, eos=EOS, max_length=8)
    words = {word for found in (*said, *drawn, *first) for hypothesis in found for word in hypothesis.words}
    assert words and not words & set(forbidden)
    free = {word for found in sample(model, some, 20, 0.1, bos=BOS, eos=EOS) for h in found for word in h.words}
    assert free >= set(forbidden)  # the model itself says them
