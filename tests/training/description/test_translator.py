"""The weights of the phrase-based baseline: what moves them, and on which clips."""

import itertools

import pytest
import torch

pytest.importorskip("nltk")

from lrcn_utils.data import tacos
from lrcn_utils.data.tacos import CRFOutputs, Description
from lrcn_utils.models.smt import END, START, Weights
from lrcn_utils.training.description import translator

STATES = {"activity": ["cut", "peel", "stir"], "object": ["apple", "carrot"]}


@pytest.fixture
def clips():
    """Outputs of a CRF for twelve groups of four clips, and a sentence for each; a group has a word of its own."""
    numbers = list(itertools.islice(itertools.cycle(itertools.product(range(3), range(2))), 48))
    videos = [f"v_Some_g{i // 4 + 1:02d}_c{i % 4 + 1:02d}" for i in range(48)]
    marginals = [torch.eye(len(words))[[row[s] for row in numbers]] for s, words in enumerate(STATES.values())]
    told = [f"cook{i // 4} {STATES['activity'][a]}s the {STATES['object'][o]}" for i, (a, o) in enumerate(numbers)]
    learn = [Description(video, "1", "short", (text,)) for video, text in zip(videos, told, strict=True)]
    return CRFOutputs(videos, STATES, marginals, torch.tensor(numbers)), learn


def test_a_weight_moves_only_where_it_helps_in_every_part():
    def scores(weights):
        first = 0.5 - abs(weights.word - 1.5) + 5 * (weights.phrase == 1.0)  # a phrase reward: much better here,
        second = 0.4 - abs(weights.word - 1.5) - 0.01 * (weights.phrase == 1.0)  # and a little worse there
        return [first, second]

    found = translator._tune(scores, Weights(), {"word": (0.0, 1.5, 2.0), "phrase": (-1.0, 1.0)})
    assert found == Weights(word=1.5)


def test_without_any_part_the_weights_stay():
    assert translator._tune(lambda weights: [], Weights()) == Weights()


def test_every_training_group_is_asked_and_never_learned_from_at_once(clips):
    outputs, learn = clips
    parts = translator._parts(outputs, learn, [{(0, 1), (1, 3)}] * len(learn))
    asked = [{tacos.group(video) for video in part.held.videos} for part in parts]
    assert len(parts) == translator.PARTS and set().union(*asked) == {tacos.group(d.video) for d in learn}
    for part, held in zip(parts, asked, strict=True):
        known = {word for targets in part.translator.table.values() for phrase in targets for word in phrase}
        cooks = {f"cook{i}" for i in range(12) if f"g{i + 1:02d}" not in held}
        assert known == cooks | {"cuts", "peels", "stirs", "the", "apple", "carrot", START, END}
        assert len(part.told) == len(part.held.videos) and all(part.told)


def test_one_group_has_no_others_to_learn_from(clips):
    outputs, learn = clips
    assert translator._parts(outputs, learn[:4], [set()] * 4) == []


def test_the_tuned_translator_knows_the_phrases_of_all_groups(clips):
    tuned = translator.tuned_translator(*clips)
    assert tuned.table == translator.train_translator(*translator.translation_pairs(*clips)).table
