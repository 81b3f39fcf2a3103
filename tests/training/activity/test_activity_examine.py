"""The command ``activity controls`` on a tiny Toy Kitchen and on real clips."""

import json

import pytest
import torch

from lrcn_utils.data.text import read_json
from lrcn_utils.data.ucf101 import ClipDataset
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.activity import examine
from lrcn_utils.training.activity.models import build, load
from lrcn_utils.training.activity.parts import ControlsSettings
from lrcn_utils.training.activity.scores import score
from lrcn_utils.training.activity.settings import ActivitySettings
from lrcn_utils.training.activity.videos import choose_videos
from lrcn_utils.training.checkpoints import save_checkpoint

CLASSES = ["CloseDrawer", "OpenDrawer", "Stir"]


def checkpoint(file, classes=CLASSES, *, seed=0, frames=None, **options):
    """A model with random weights, and what a trained one says of itself."""
    config = ActivitySettings(**options).config(classes) | ({"frames": frames} if frames else {})
    torch.manual_seed(seed)
    model = build(config)
    save_checkpoint(file, model, {"task": "activity", **config}, {"command": "a command of long ago"})
    return str(file)


@pytest.fixture
def words(tiny_kitchen, tmp_path):
    words = ["activity", "controls", "--root", str(tiny_kitchen), "--cache", str(tmp_path / "cache")]
    return [*words, "--test-groups", "1", "--out", str(tmp_path / "run"), "--checkpoint"]


def refusal(words):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert "\n" not in stopped.value.code
    return stopped.value.code


def test_controls_from_the_command_line(words, tmp_path, tiny_kitchen, capsys, monkeypatch):
    files = [checkpoint(tmp_path / f"seed{seed}.safetensors", seed=seed) for seed in (0, 1)]
    main(words + files)
    text = capsys.readouterr().out
    assert "seed1.safetensors does not say which split it was trained on; it was made by: a command of long ago" in text
    assert "3 classes, 9 training and 3 test videos" in text and "±" in text
    heads = ["the frames of each test clip", "the first frames of each test clip alone", "the last frames"]
    heads += [f"one frame of each video, a linear classifier on {layer}" for layer in ("fc6", "fc7")]
    assert all(f"**{head}" in text for head in heads) and text.count("| chance among 3 classes | 33.3 |") == 5

    results = read_json(tmp_path / "run" / "results.json")
    assert results["chance"] == 1 / 3 and results["ceilings"] == {}  # three classes are not the card's world
    assert results["command"].endswith("--test-groups 1 --checkpoint seed0.safetensors seed1.safetensors")
    index = choose_videos(ControlsSettings(root=tiny_kitchen, test_groups=(1,)), CLASSES)
    for measured in results["controls"]:
        scores = score(load(tmp_path / measured["checkpoint"])[0], ClipDataset(index.test, train=False), CLASSES)
        as_filmed = next(one for one in measured["found"] if one["name"] == "as filmed")
        assert as_filmed["accuracy"]["all"] == scores.accuracy
        assert set(as_filmed["accuracy"]) == {"all", "reversed pairs", "motion only"}

    assert "holds this run already" in refusal(words + files)
    monkeypatch.setattr(examine, "load", lambda file: pytest.fail("measured again"))
    capsys.readouterr()
    main([*words, *files, "--resume"])
    assert capsys.readouterr().out == text


def test_a_model_is_examined_on_the_split_it_was_trained_on(words, tmp_path):
    """The record of a trained model says which split that was."""
    training = [words[0], "--model", "single-frame", "--epochs", "1", "--classes", *CLASSES, *words[2:-1]]
    main(training)
    trained = str(tmp_path / "run" / "single-frame_rgb_seed0.safetensors")
    words = [*words, trained, "--out", str(tmp_path / "controls")]
    main(words)
    there = "single-frame_rgb_seed0.safetensors was trained with --split 1 --test-groups 1; here it would be tested"
    assert f"{there} with --split 1 --test-groups 8" in refusal([*words, "--test-groups", "8"])
    assert there in refusal([*words, "--validation-groups", "8"]) and there in refusal([*words, "--random-split"])


def test_models_that_do_not_belong_together_are_refused(words, tmp_path):
    lrcn, single, other = (
        checkpoint(tmp_path / "lrcn.safetensors"),
        checkpoint(tmp_path / "single.safetensors", model="single-frame"),
        checkpoint(tmp_path / "other.safetensors", ["CloseDrawer", "OpenDrawer"]),
    )
    assert "models of two kinds: model, feature differ" in refusal([*words, lrcn, single])
    assert "models of two kinds: classes differ" in refusal([*words, lrcn, other])
    assert "names one model twice" in refusal([*words, lrcn, lrcn])
    assert "no such checkpoint" in refusal([*words, "no_such_model"])
    assert "a checkpoint of captioning, not of activity" in refusal(
        [*words, str(CHECKPOINTS / "captioning_2f_toy.safetensors")]
    )


def test_other_classes_or_another_order_of_them_are_refused(words, tmp_path):
    assert "no class Swim" in refusal([*words, checkpoint(tmp_path / "swim.safetensors", ["Stir", "Swim"])])
    turned = checkpoint(tmp_path / "turned.safetensors", CLASSES[::-1])
    assert "the classes are CloseDrawer, OpenDrawer, Stir, but turned.safetensors knows Stir" in refusal(
        [*words, turned]
    )


def test_missing_flow_is_said_before_anything_is_measured(words, tmp_path):
    assert "flow is missing" in refusal([*words, checkpoint(tmp_path / "flow.safetensors", input="flow")])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--classes", "--cnn", "--epochs", "--seeds", "--crops", "--input"])
def test_what_the_checkpoint_says_is_not_asked_for(words, option, capsys):
    with pytest.raises(SystemExit):
        main([*words, "lrcn_rgb", option, "1"])
    assert f"unrecognized arguments: {option}" in capsys.readouterr().err


@pytest.mark.real
def test_controls_of_real_clips(real_data, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(real_data / "torch_home"))
    classes = ["BabyCrawling", "PushUps"]
    small = {"cnn": "squeezenet1_1", "model": "single-frame", "frames": [60, 80, 56]}
    file = checkpoint(tmp_path / "m.safetensors", classes, **small)
    words = ["activity", "controls", "--data", "ucf101", "--root", str(real_data / "ucf101"), "--split", "2"]
    main(
        [
            *words,
            "--limit",
            "4",
            "--cache",
            str(tmp_path / "cache"),
            "--out",
            str(tmp_path / "run"),
            "--checkpoint",
            file,
        ]
    )
    text = capsys.readouterr().out
    assert "2 classes, 8 training and 8 test videos" in text and "classifier on pool" in text and "pairs" not in text
    (measured,) = json.loads((tmp_path / "run" / "results.json").read_text())["controls"]
    accuracy = {one["name"]: one["accuracy"] for one in measured["found"]}
    assert accuracy["as filmed"] == accuracy["shuffled"] == accuracy["reversed"]  # a single frame knows no order
    assert accuracy["middle frame"]["all"] >= 0.75
