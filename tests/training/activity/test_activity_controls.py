"""Controls of models and features that are made so that the right answer is known."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lrcn_utils.training.activity.controls import ANY_FRAME, KNOWN_FRAME, NO_ORDER, Control, Kinds, measure, table
from lrcn_utils.training.activity.probe import POSITIONS, _logistic_regression, _probe, probes

CLASSES = ["Open", "Close", "Stir", "Cut"]
MEMBERS = {"all": [0, 1, 2, 3], "reversed pairs": [0, 1], "motion only": [2], "object only": [3]}
KINDS = Kinds(CLASSES, MEMBERS, [(0, 1)])


class Model(nn.Module):
    """What scoring needs of a model: ``logits`` of the features of clips (clips, time, d), at every step."""

    def __init__(self, logits):
        super().__init__()
        self.anywhere, self.classify = nn.Parameter(torch.zeros(1)), logits


def found_of(model, features, labels, kinds=KINDS):
    return {(one.about.split()[1], one.name): one.accuracy for one in measure(model, features, labels, kinds)}


def every_step(logits, like):
    return logits[:, None].expand(-1, like.shape[1], -1)


# One clip of 16 frames: the first shows the class of the video, the others show another one.
LABELS = np.arange(40) % 4
FIRST_TELLS = [torch.eye(4)[[label, *[(label + 1) % 4] * 15]][None] for label in LABELS.tolist()]


def test_a_model_that_reads_the_first_frame_alone():
    found = found_of(Model(lambda clips: every_step(9 * clips[:, 0], clips)), FIRST_TELLS, LABELS)
    for name in ("as filmed", "first frame kept, rest shuffled", "first frame frozen", "every second frame"):
        assert found["frames", name] == dict.fromkeys(MEMBERS, 1.0), name
    assert found["frames", "reversed"]["all"] == 0 and found["frames", "shuffled"]["all"] < 0.3
    for n in ("1", "2", "4", "8", "16"):
        assert found["first", n]["all"] == 1
        assert found["last", n]["all"] == (n == "16"), n


def test_only_the_kept_frames_are_seen():
    """The model names class 0 if it sees the number 3, else class 1: the number is in the fourth frame from an end."""
    features = [torch.arange(16.0).view(1, 16, 1), torch.arange(16.0).flip(0).view(1, 16, 1)]

    def logits(clips):
        seen = (clips == 3).any(dim=1).float()
        return every_step(torch.cat([seen, 1 - seen, seen * 0, seen * 0], dim=1), clips)

    found = found_of(Model(logits), features, [0, 0])
    assert [found["first", n]["all"] for n in ("1", "2", "4", "8")] == [0, 0, 0.5, 0.5]
    assert [found["last", n]["all"] for n in ("1", "2", "4", "8")] == [0, 0, 0.5, 0.5]
    assert found["first", "16"]["all"] == found["last", "16"]["all"] == 1


def ramps(count, n_frames=16):
    """Films that rise (class 0) and the same ones backwards (class 1)."""
    labels = np.arange(count) % 2
    rising = torch.arange(float(n_frames)).view(1, n_frames, 1)
    return [rising if label == 0 else rising.flip(1) for label in labels.tolist()], labels


def by_direction(clips):
    """Class 0 if the clip rises from its first step to its last, else class 1."""
    rise = clips[:, -1] - clips[:, 0]
    return every_step(torch.cat([rise, -rise, 0 * rise - 99, 0 * rise - 99], dim=1), clips)


@pytest.mark.parametrize("n_frames", [16, 30])
def test_a_model_of_the_order_falls_to_chance_when_shuffled_and_names_the_partner_when_reversed(n_frames):
    features, labels = ramps(400, n_frames)
    found = found_of(Model(by_direction), features, labels)
    assert found["frames", "as filmed"] == {"all": 1, "reversed pairs": 1}  # no video of the other kinds
    assert found["frames", "reversed"]["reversed pairs"] == 0
    assert found["frames", "reversed, and named as the other of the pair"] == {"reversed pairs": 1}
    assert 0.4 <= found["frames", "shuffled"]["reversed pairs"] <= 0.6
    # The first frame in its place and the set of the others tell the direction: no ceiling of chance holds here.
    assert found["frames", "first frame kept, rest shuffled"]["all"] == 1


def test_swapped_counts_the_partner_and_nothing_else():
    answers = np.eye(4)[[1, 0, 2, 0, 1]]  # two partners, a class of no pair, one right; the last is not of a pair
    assert KINDS.swapped(answers, [0, 1, 0, 0, 2]) == {"reversed pairs": 0.5}
    assert KINDS.swapped(answers, [2, 2, 3, 3, 3]) == {} == Kinds(CLASSES, MEMBERS).swapped(answers, [0] * 5)


def test_without_pairs_nothing_is_said_of_them():
    plain = Kinds(CLASSES, {"all": [0, 1, 2, 3]})
    found = measure(Model(lambda clips: every_step(clips[:, 0], clips)), FIRST_TELLS, LABELS, plain)
    assert not any("pair" in one.name for one in found) and {kind for one in found for kind in one.accuracy} == {"all"}


CARD = {
    "videos_per_class": {"Open": 1, "Close": 1, "Stir": 1, "Cut": 1},
    "reversed_pairs": [["Open", "Close"]],
    "motion_only": ["Stir"],
    "object_only": ["Cut"],
    "ceilings": {ANY_FRAME: {"all": 0.6}, KNOWN_FRAME: {"all": 0.7}, NO_ORDER: {"all": 0.8, "reversed pairs": 0.5}},
}


def test_kinds_come_from_the_card(tmp_path):
    assert Kinds.read(tmp_path, CLASSES) == Kinds(CLASSES, {"all": [0, 1, 2, 3]})
    (tmp_path / "card.json").write_text(json.dumps(CARD))
    assert Kinds.read(tmp_path, CLASSES) == Kinds(CLASSES, MEMBERS, [(0, 1)], CARD["ceilings"])
    turned = Kinds.read(tmp_path, CLASSES[::-1])
    assert turned.pairs == [(3, 2)] and turned.members["object only"] == [0]


def test_ceilings_of_frames_are_not_those_of_flow_nor_of_some_classes(tmp_path):
    (tmp_path / "card.json").write_text(json.dumps(CARD))
    assert Kinds.read(tmp_path, CLASSES, "flow") == KINDS
    some = Kinds.read(tmp_path, ["Open", "Stir", "Cut"])
    assert some.pairs == [] and some.ceilings == {} and list(some.members) == ["all", "motion only", "object only"]


def test_chance_and_ceilings_stand_in_the_table():
    kinds = Kinds(CLASSES, MEMBERS, [(0, 1)], CARD["ceilings"])
    runs = [
        [
            Control("frames", "shuffled", {"all": accuracy, "reversed pairs": 0.5}, NO_ORDER),
            Control("frames", "partner", {"reversed pairs": 1.0}),
            Control("one frame", "first", {"all": 0.25, "reversed pairs": 0.0}, KNOWN_FRAME),
        ]
        for accuracy in (0.2, 0.4)
    ]
    assert str(table(runs, kinds, "9 videos")).splitlines() == [
        "| | all (%) | reversed pairs (%) |",
        "|---|---:|---:|",
        "| **frames, 9 videos** | | |",
        "| shuffled | 30.0 ± 14.1 | 50.0 ± 0.0 |",
        f"| ceiling of {NO_ORDER} | 80.0 | 50.0 |",
        "| partner |  | 100.0 ± 0.0 |",
        "| chance among 4 classes | 25.0 | 25.0 |",
        f"| ceiling of {ANY_FRAME} | 60.0 |  |",
        "| **one frame, 9 videos** | | |",
        "| first | 25.0 ± 0.0 | 0.0 ± 0.0 |",
        f"| ceiling of {KNOWN_FRAME} | 70.0 |  |",
        "| chance among 4 classes | 25.0 | 25.0 |",
    ]
    alone = str(table(runs[:1], KINDS, "9 videos"))
    assert "| shuffled | 20.0 | 50.0 |" in alone and "ceiling" not in alone


def test_a_ceiling_that_several_rows_share_stands_once_below_them():
    kinds = Kinds(CLASSES, MEMBERS, [(0, 1)], CARD["ceilings"])
    rows = [Control("frames", name, {"all": 0.5}, KNOWN_FRAME) for name in ("first", "last")]
    rows.append(Control("frames", "shuffled", {"all": 0.5}, NO_ORDER))
    lines = str(table([rows], kinds, "9 videos")).splitlines()
    assert [line.split(" | ")[0] for line in lines[3:7]] == [
        "| first",
        "| last",
        f"| ceiling of {KNOWN_FRAME}",
        "| shuffled",
    ]


def test_every_control_of_one_frame_or_of_no_order_has_its_ceiling():
    found = measure(Model(by_direction), *ramps(4), KINDS)
    assert {(one.about.split()[1], one.name): one.ceiling for one in found if one.ceiling} == {
        ("frames", "shuffled"): NO_ORDER,
        ("frames", "first frame frozen"): KNOWN_FRAME,
        ("first", "1"): KNOWN_FRAME,
        ("last", "1"): KNOWN_FRAME,
    }


# The probe of one frame


@pytest.mark.parametrize("decay", [1e-3, 0.1, 10])
def test_logistic_regression_ends_where_the_gradient_is_zero(decay):
    """The gradient by hand, in NumPy; the loss is convex, so there is one such place."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 20)), rng.integers(0, 4, 60)
    weight, bias = (found.numpy() for found in _logistic_regression(torch.from_numpy(x), torch.from_numpy(y), 4, decay))
    scores = x @ weight.T + bias
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    error = (p - np.eye(4)[y]) / len(x)
    np.testing.assert_allclose(error.T @ x + decay * weight, 0, atol=1e-5)
    np.testing.assert_allclose(error.sum(axis=0), 0, atol=1e-5)
    assert np.abs(weight).max() > 1e-3


def videos_of(labels, groups):
    return [SimpleNamespace(label=label, group=group) for label, group in zip(labels, groups, strict=True)]


class Kept(list):
    """Features of videos in memory, as ``FrameFeatures`` gives them."""

    def __init__(self, rows, videos):
        super().__init__(rows)
        self.videos = videos


def side(count, seed, told=0):
    """Features (1, positions, 8) of noise, in which position ``told`` alone carries the class; five videos a group."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count).tolist()
    found = rng.normal(size=(count, 1, len(POSITIONS), 8)).astype(np.float16)
    found[np.arange(count), 0, told, labels] += 8
    return Kept(found, videos_of(labels, np.arange(count) // 5))


@pytest.mark.parametrize("told", [0, 3, 4])
def test_the_probe_reads_the_position_that_carries_the_class_and_no_other(told):
    found = probes("fc6", side(200, 0, told), side(200, 1, told), KINDS)
    assert [one.name for one in found] == list(POSITIONS) and all(one.ceiling == KNOWN_FRAME for one in found)
    for number, one in enumerate(found):
        if number == told:
            assert all(accuracy > 0.95 for accuracy in one.accuracy.values())
        else:
            assert 0.1 <= one.accuracy["all"] <= 0.4


def test_the_decay_is_chosen_on_groups_that_are_held_out():
    """Each group has a feature of its own: it tells the class in training and nothing of other groups."""
    labels, groups = np.arange(96) % 4, np.arange(96) // 8
    own = np.eye(48)[4 * groups + labels].astype(np.float32)
    new = np.eye(48, dtype=np.float32)
    far = _probe(own, labels.tolist(), groups.tolist(), new, 4)
    assert far.max() < 0.3  # the strongest decay: nothing here carries over
    sure = _probe(own, labels.tolist(), (np.arange(96) % 8 // 4).tolist(), new, 4)
    assert sure.max() > 0.7  # the same features on both sides of the choice: the weakest


def test_test_videos_have_no_part_in_the_probe():
    train, test = side(100, 0), side(40, 1)
    seen, unseen = (np.stack([one[0, 0] for one in rows]).astype(np.float32) for rows in (train, test))
    labels, groups = ([getattr(video, name) for video in train.videos] for name in ("label", "group"))
    whole = _probe(seen, labels, groups, unseen, 4)
    np.testing.assert_allclose(_probe(seen, labels, groups, unseen[:3], 4), whole[:3], rtol=1e-9)
    np.testing.assert_array_equal(_probe(seen, labels, groups, unseen, 4), whole)


def test_a_feature_that_hardly_varies_in_training_is_not_blown_up():
    train = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    train[:, 2] = 1e-6 * train[:, 2]
    labels, groups = (train[:, 0] > 0).astype(int).tolist(), (np.arange(40) % 4).tolist()
    new = np.array([[2, 0, 0.1], [-2, 0, -0.1]], np.float32)
    assert _probe(train, labels, groups, new, 2).argmax(1).tolist() == [1, 0]
    assert np.isfinite(_probe(np.ones((4, 3), np.float32), [0, 1, 0, 1], [0, 0, 1, 1], new, 2)).all()


def test_a_probe_of_one_group_is_refused():
    with pytest.raises(ValueError, match="two groups or more"):
        _probe(np.ones((4, 3), np.float32), [0, 1, 0, 1], [7] * 4, np.ones((1, 3), np.float32), 2)
