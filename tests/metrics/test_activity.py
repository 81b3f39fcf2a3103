"""Averages, fusion and accuracies against slow, obvious versions on random inputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_utils.metrics import activity


def random_scores(*shape, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1])


@given(st.integers(1, 5), st.integers(1, 20), st.integers(2, 6), st.integers(0, 99))
def test_average_steps(clips, time, classes, seed):
    scores = random_scores(clips, time, classes, seed=seed)
    lengths = np.random.default_rng(seed).integers(1, time + 1, clips)
    for i, row in enumerate(activity.average_steps(scores, lengths)):
        total = sum(scores[i, t] for t in range(lengths[i]))
        np.testing.assert_allclose(row, total / lengths[i])
    np.testing.assert_allclose(activity.average_steps(scores), activity.average_steps(scores, [time] * clips))


def test_average_clips():
    scores = random_scores(7, 4)
    slow = [sum(scores[i][k] for i in range(7)) / 7 for k in range(4)]
    np.testing.assert_allclose(activity.average_clips(scores), slow)


@given(st.integers(1, 30), st.integers(0, 99))
def test_running_average_is_the_mean_so_far(time, seed):
    scores = random_scores(time, 3, seed=seed)
    for t, row in enumerate(activity.running_average(scores)):
        np.testing.assert_allclose(row, scores[: t + 1].mean(0))


@given(st.floats(0, 1), st.integers(0, 99))
def test_fusion(weight, seed):
    rgb, flow = random_scores(6, 4, seed=seed), random_scores(6, 4, seed=seed + 100)
    fused = activity.fuse(rgb, flow, weight)
    for i in range(6):
        for k in range(4):
            assert fused[i, k] == pytest.approx(weight * rgb[i, k] + (1 - weight) * flow[i, k])
    np.testing.assert_allclose(fused.sum(1), 1)


def test_fusion_refuses_other_videos_and_weights():
    with pytest.raises(ValueError, match="not the same videos"):
        activity.fuse(np.ones((3, 2)), np.ones((4, 2)), 0.5)
    with pytest.raises(ValueError, match="weight_rgb is 2"):
        activity.fuse(np.ones((3, 2)), np.ones((3, 2)), 2)


def test_accuracy_confusion_and_classes():
    scores, labels = random_scores(60, 4), np.random.default_rng(1).integers(0, 3, 60)
    counts = activity.confusion(scores, labels)
    slow = np.zeros((4, 4))
    for row, label in zip(scores, labels, strict=True):
        slow[label, max(range(4), key=lambda k: row[k])] += 1
    np.testing.assert_array_equal(counts, slow)
    assert activity.accuracy(scores, labels) == pytest.approx(np.trace(slow) / 60)
    by_class = activity.class_accuracy(scores, labels)
    assert np.isnan(by_class[3]) and by_class[0] == pytest.approx(slow[0, 0] / slow[0].sum())


def test_pair_accuracy_looks_at_the_pair_only():
    scores = np.array([[0.1, 0.2, 0.7], [0.2, 0.1, 0.7], [0.2, 0.1, 0.7], [0.0, 0.0, 1.0]])
    assert activity.pair_accuracy(scores, [1, 1, 0, 2], [(0, 1)]) == pytest.approx(2 / 3)


def test_majority_comes_from_training():
    assert activity.majority([0, 0, 1], [1, 1, 1, 0]) == 0.25


def test_decision_step():
    assert activity.decision_step([[0.9, 0.1], [0.6, 0.4]]) == 0
    assert activity.decision_step([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]]) == 2
    assert activity.decision_step([[0.2, 0.8]]) == 0
