"""Retrieval: ranks against a brute-force sort, ties included; the normalisation; memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrcn_utils.metrics.retrieval import both_directions, median_rank, normalise, ranks, recall_at


def rank_by_sorting(scores, truth):
    """Walk down a sorted list; of equal scores the wrong ones come first."""
    places = []
    for row, true in zip(scores, truth, strict=True):
        order = sorted(range(len(row)), key=lambda item: (-row[item], true[item]))
        wrong_before = 0
        for item in order:
            if true[item]:
                break
            wrong_before += 1
        places.append(wrong_before + 1)
    return places


@settings(max_examples=200)
@given(st.data())
def test_ranks_are_those_of_a_sorted_list_ties_included(data):
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 9)))
    scores = data.draw(arrays(float, shape, elements=st.sampled_from([-2.5, -1.0, 0.0, 3.0])))  # many ties
    truth = data.draw(arrays(bool, shape))
    truth[np.arange(shape[0]), data.draw(arrays(int, shape[0], elements=st.integers(0, shape[1] - 1)))] = True
    assert ranks(scores, truth).tolist() == rank_by_sorting(scores, truth)


def test_a_constant_score_gains_nothing():
    places = ranks(np.zeros((4, 20)), np.repeat(np.eye(4, dtype=bool), 5, axis=1))
    assert places.tolist() == [16] * 4


def test_recall_and_median():
    places = np.array([1, 2, 5, 11])
    assert [recall_at(places, k) for k in (1, 5, 10)] == [0.25, 0.75, 0.75]
    assert median_rank(places) == 3.5


def test_normalised_scores_are_log_ratios_to_the_mean_probability():
    p = np.random.default_rng(0).random((5, 7))
    assert normalise(np.log(p)) == pytest.approx(np.log(p / p.mean(axis=0)))
    assert np.isfinite(normalise(np.log(p) - 2000)).all()  # long captions: probabilities below the smallest float


def test_normalising_leaves_the_order_of_images_and_changes_that_of_captions():
    log_probs = np.log(np.array([[0.2, 0.1], [0.19, 0.001]]))  # caption 0 is likely for any image
    owners = np.array([1, 0])
    before, after = both_directions(log_probs, owners), both_directions(normalise(log_probs), owners)
    for name in ("R@1", "Medr"):
        assert before[f"caption to image, {name}"] == after[f"caption to image, {name}"]
    assert before["image to caption, R@1"] == 50.0 and after["image to caption, R@1"] == 100.0


def test_perfect_scores_are_perfect_both_ways():
    owners = np.repeat(np.arange(12), 5)
    scores = (owners == np.arange(12)[:, None]).astype(float)
    found = both_directions(scores, owners)
    assert all(value == (1 if name.endswith("Medr") else 100) for name, value in found.items())
    assert len(found) == 8


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        ranks(np.zeros((2, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="query 1 has no true item"):
        ranks(np.zeros((2, 2)), [[1, 0], [0, 0]])
    with pytest.raises(ValueError, match="nan"):
        ranks(np.array([[np.nan, 0]]), [[1, 0]])
