"""Scoring against a slow, obvious version; the chain of training; the command line, on a tiny Toy Kitchen."""

import argparse
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lrcn_utils.models.activity import LRCN, SingleFrame
from lrcn_utils.training import activity, activity_models, activity_scores, activity_table
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.activity_scores import Scores


class TinyCNN(nn.Module):
    feature_size = {"fc6": 6, "fc7": 6}

    def __init__(self):
        super().__init__()
        self.fc6, self.fc7 = nn.Linear(3 * 4 * 4, 6), nn.Linear(6, 6)

    def features(self, frames, layer):
        fc6 = self.fc6(frames.flatten(1)).relu()
        return fc6 if layer == "fc6" else self.fc7(fc6).relu()


class Frames:
    """What scoring needs of a dataset: frames in memory."""

    frames, input = SimpleNamespace(crop=4), "rgb"

    def __init__(self, *lengths):
        rng = np.random.default_rng(0)
        self.videos = [
            SimpleNamespace(name=f"v{i}", label=i % 3, data=rng.integers(0, 256, (n, 6, 8, 3), dtype=np.uint8))
            for i, n in enumerate(lengths)
        ]

    def length(self, video):
        return len(video.data)

    def read(self, video, start=0, stop=None):
        return video.data[start:stop]


def slow_score(model, video, length=16, stride=8):
    """Section 4, a clip and a frame at a time."""
    n = len(video)
    starts = [s for s in range(0, n, stride) if s + length <= n] or [0]
    if starts[-1] + length < n:
        starts.append(n - length)
    clips = []
    for start in starts:
        frames = video[start : start + length, 1:5, 2:6]
        clip = torch.tensor(frames / 255, dtype=torch.float32).permute(0, 3, 1, 2)
        with torch.no_grad():
            logits = model(clip[None])[0]
        probabilities = [torch.softmax(step, 0) for step in logits]
        clips.append(sum(probabilities) / len(probabilities))
    return (sum(clips) / len(clips)).numpy()


@pytest.mark.parametrize("build", [SingleFrame, LRCN])
def test_scores_are_those_of_the_slow_version(build):
    model = build(TinyCNN(), 3).eval()
    dataset = Frames(1, 2, 15, 16, 17, 24, 25, 44)
    scores = activity_scores.score(model, dataset, ["a", "b", "c"])
    for row, video in zip(scores.probabilities, dataset.videos, strict=True):
        np.testing.assert_allclose(row, slow_score(model, video.data), atol=1e-6)
    assert scores.names[2] == "v2" and scores.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_ten_thousand_frames_are_read_in_parts():
    model, dataset = LRCN(TinyCNN(), 3).eval(), Frames(10_000, 700)
    longest = []
    dataset.read = lambda video, start, stop: longest.append(stop - start) or video.data[start:stop]
    scores = activity_scores.score(model, dataset, ["a", "b", "c"])
    np.testing.assert_allclose(scores.probabilities.sum(1), 1, atol=1e-5)
    assert max(longest) <= activity_scores.FRAMES_AT_ONCE
    np.testing.assert_allclose(scores.probabilities[1], slow_score(model, dataset.videos[1].data), atol=1e-5)


def test_ten_crops_average_five_places_and_their_mirrors():
    model, dataset = SingleFrame(TinyCNN(), 3).eval(), Frames(20)
    video = dataset.videos[0].data
    rows = []
    for image in (video, video[:, :, ::-1]):
        for top, left in ((0, 0), (0, 4), (2, 0), (2, 4), (1, 2)):
            padded = np.zeros_like(video)
            padded[:, 1:5, 2:6] = image[:, top : top + 4, left : left + 4]
            rows.append(slow_score(model, padded))
    scores = activity_scores.score(model, dataset, ["a", "b", "c"], crops="ten")
    np.testing.assert_allclose(scores.probabilities[0], np.mean(rows, axis=0), atol=1e-6)


def test_orders_do_what_they_say():
    clips = torch.arange(12.0).view(2, 6, 1)
    done = {name: order(clips)[0, :, 0].tolist() for name, order in activity_scores.ORDERS.items()}
    assert sorted(done["shuffled"]) == done["as filmed"] == [0, 1, 2, 3, 4, 5]
    assert done["reversed"] == [5, 4, 3, 2, 1, 0]
    assert done["first frame frozen"] == [0] * 6
    assert done["every second frame"] == [0, 2, 4]


def test_order_is_nothing_to_the_single_frame_and_shuffling_repeats():
    features = [torch.rand(1, 30, 6) for _ in range(3)]
    single, lrcn = SingleFrame(TinyCNN(), 3).eval(), LRCN(TinyCNN(), 3).eval()
    for order in ("shuffled", "reversed"):
        as_filmed = activity_scores.score_features(single, features)
        np.testing.assert_allclose(activity_scores.score_features(single, features, order), as_filmed, atol=1e-6)
        assert not np.allclose(
            activity_scores.score_features(lrcn, features, order), activity_scores.score_features(lrcn, features)
        )
    again = [activity_scores.score_features(lrcn, features, "shuffled", seed=3) for _ in range(2)]
    np.testing.assert_array_equal(*again)


def scores(*rows, names=None):
    return Scores(names or [f"v{i}" for i in range(len(rows))], np.array([0, 1, 0]), ["a", "b"], np.array(rows))


RGB = scores([0.9, 0.1], [0.6, 0.4], [0.2, 0.8])
FLOW = scores([0.4, 0.6], [0.3, 0.7], [0.6, 0.4])


def test_scores_survive_the_disk(tmp_path):
    RGB.save(tmp_path / "s.npz")
    back = Scores.load(tmp_path / "s.npz")
    assert back.names == RGB.names and back.classes == RGB.classes
    np.testing.assert_allclose(back.probabilities, RGB.probabilities)
    np.savez(tmp_path / "other.npz", names=["v0"])
    with pytest.raises(ValueError, match=r"other.npz: no field classes, labels, probabilities"):
        Scores.load(tmp_path / "other.npz")


def test_only_the_same_videos_are_fused():
    with pytest.raises(ValueError, match="not of the same videos"):
        activity_scores.fuse(RGB, scores([1, 0], [1, 0], [1, 0], names=["v0", "v1", "v9"]), 0.5)


def test_table_has_both_fusions_the_spread_and_the_majority():
    runs = {("lrcn-fc6", "rgb"): [RGB, RGB], ("lrcn-fc6", "flow"): [FLOW, RGB]}
    found = activity_table.accuracies(runs)["lrcn-fc6"]
    assert found["RGB"].tolist() == pytest.approx([100 / 3] * 2)
    assert found["flow"].tolist() == pytest.approx([200 / 3, 100 / 3])
    # By hand: the halves give (.65, .45, .4) for class a, the thirds (.57, .4, .47).
    assert found["RGB+flow weighted 1/2,1/2"][0] == pytest.approx(200 / 3)
    text = str(activity_table.table(runs, [0, 0, 1]))
    assert "50.0 ± 23.6" in text and "66.7" in text and "2 seeds" in text
    fewer = activity_table.table(runs | {("lrcn-fc7", "rgb"): [RGB]}, [0, 0, 1])
    assert "| lrcn-fc7 (1 seed) | 33.3 |" in str(fewer) and "| lrcn-fc6 | 33.3" in str(fewer)
    assert "| scores | 33.3 | 66.7 |" in str(activity_table.fused(RGB, FLOW))


def test_groups():
    assert activity.groups("8-11") == [8, 9, 10, 11] and activity.groups("1,3,8-9") == [1, 3, 8, 9]


def test_cnn_weights_are_checked():
    model = SingleFrame(TinyCNN(), 3)
    other = TinyCNN()
    activity_models.start_cnn(model, {f"cnn.{k}": v for k, v in other.state_dict().items()}, "cnn.")
    assert torch.equal(model.cnn.fc6.weight, other.fc6.weight)
    with pytest.raises(ValueError, match="2 missing, 1 unknown"):
        activity_models.start_cnn(
            model, {"fc6.weight": other.fc6.weight, "fc6.bias": other.fc6.bias, "x": torch.ones(1)}
        )


def parsed(*words):
    parser = argparse.ArgumentParser()
    activity.add_arguments(parser)
    return parser.parse_args(words)


def test_table_runs_every_model_on_every_input():
    streams = activity.table_streams(parsed("table"))
    assert [(activity.model_name(s), s.input) for s in streams] == [
        (name, stream) for name in ("single-frame", "lrcn-fc6", "lrcn-fc7") for stream in ("rgb", "flow")
    ]
    frozen = activity.table_streams(parsed("table", "--cnn", "squeezenet1_1"))
    assert {activity.model_name(s) for s in frozen} == {"single-frame", "lrcn-pool"}


def test_options_may_stand_before_table_or_after_it():
    before, after = (
        parsed("--data", "ucf101", "--seeds", "5", "table"),
        parsed("table", "--data", "ucf101", "--seeds", "5"),
    )
    assert vars(before) == vars(after) and before.seeds == 5 and before.cnn == "hybrid-toy"
    mixed = parsed("--seeds", "5", "--random-split", "table", "--split", "2")
    assert (mixed.seeds, mixed.random_split, mixed.split, mixed.strict) == (5, True, 2, False)


def test_recipe_is_overruled_by_options():
    recipe = activity.recipe_of(parsed("--epochs", "3", "--optimizer", "sgd"))
    assert (recipe.epochs, recipe.optimizer) == (3, "sgd")
    assert recipe.clip_norm == activity_models.RECIPES["lrcn", "rgb"].clip_norm


def test_mixing_leaks_groups_and_keeps_the_numbers(tiny_kitchen):
    index = activity.read_index(tiny_kitchen, test_groups=[1])
    mixed = activity.mix(index)
    assert len(mixed.test) == len(index.test) and len(mixed.train) == len(index.train)
    assert {v.name for v in mixed.train} | {v.name for v in mixed.test} == {v.name for v in [*index.train, *index.test]}
    assert {v.group for v in mixed.train} & {v.group for v in mixed.test}


def test_validation_groups_come_from_training(tiny_kitchen):
    index = activity.choose_videos(
        parsed("--root", str(tiny_kitchen), "--test-groups", "1", "--validation-groups", "8")
    )
    assert {v.group for v in index.test} == {8}
    assert not {v.group for v in index.train} & {1, 8}


def test_the_chain_from_the_command_line(tiny_kitchen, tmp_path, capsys, monkeypatch):
    """CNN, single frame, LRCN; a second call finds everything trained and scores the same."""
    words = ["activity", "--root", str(tiny_kitchen), "--cache", str(tmp_path / "cache"), "--test-groups", "1"]
    words += ["--classes", "Stir", "OpenDrawer", "CloseDrawer", "--cnn", "caffenet-toy", "--cnn-weights", "none"]
    words += ["--epochs", "2", "--warm-up", "1", "--out", str(tmp_path / "runs")]
    short = {name: activity.replace(recipe, epochs=1) for name, recipe in activity.RECIPES.items()}
    monkeypatch.setattr(activity, "RECIPES", short)
    main(words)
    made = sorted(file.name for file in (tmp_path / "runs").iterdir() if file.is_file())
    assert made == ["lrcn-fc6_rgb_seed0.npz", "lrcn-fc6_rgb_seed0.safetensors", "single-frame_rgb_seed0.safetensors"]
    text = capsys.readouterr().out
    assert "3 classes, 9 training and 3 test videos" in text and "| always the class most frequent" in text
    model, classes = activity.load(tmp_path / "runs" / made[1])
    assert isinstance(model, LRCN) and classes == ["CloseDrawer", "OpenDrawer", "Stir"]

    monkeypatch.setattr(activity, "train", lambda *_, **__: pytest.fail("trained again"))
    before = Scores.load(tmp_path / "runs" / made[0]).probabilities
    main(words)
    np.testing.assert_allclose(Scores.load(tmp_path / "runs" / made[0]).probabilities, before, atol=1e-6)


def test_help_lists_the_tasks(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "activity     Activity recognition" in capsys.readouterr().out
