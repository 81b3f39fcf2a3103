"""The chain of training on a tiny Toy Kitchen: what starts from what, what is frozen, what a run refuses."""

import copy
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from interrupted import assert_same_models, count_steps, kill
from tiny_cnn import TinyCNN
from torch.utils.data import Dataset

from lrcn_utils import environment
from lrcn_utils.data.video import read_video, write_video
from lrcn_utils.models import cnn as cnns
from lrcn_utils.models.activity import LRCN, SingleFrame
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.activity import command, models
from lrcn_utils.training.activity.models import build, load, start_cnn, train
from lrcn_utils.training.activity.scores import Scores
from lrcn_utils.training.activity.settings import RECIPES, ActivitySettings, Recipe, TableSettings
from lrcn_utils.training.activity.split import _groups
from lrcn_utils.training.activity.videos import choose_videos, mix
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.settings import parse


def test_groups():
    assert _groups("8-11") == (8, 9, 10, 11) and _groups("1,3,8-9") == (1, 3, 8, 9)


def parsed(*words, kind=ActivitySettings):
    return parse(kind, list(words), prog="activity", about="")


def test_table_has_every_model_on_every_input():
    streams = parsed(kind=TableSettings).streams()
    assert [(s.name, s.input) for s in streams] == [
        (name, stream) for name in ("single-frame", "lrcn-fc6", "lrcn-fc7") for stream in ("rgb", "flow")
    ]
    frozen = parsed("--cnn", "squeezenet1_1", "--hidden", "32", kind=TableSettings).streams()
    assert {s.name for s in frozen} == {"single-frame", "lrcn-pool"} and frozen[-1].hidden == 32


def test_recipe_is_overruled_by_options_but_not_that_of_the_single_frame_before():
    settings = parsed("--epochs", "3", "--optimizer", "sgd", "--batch-size", "2", "--hidden", "8")
    assert (settings.recipe.epochs, settings.recipe.optimizer, settings.recipe.batch_size) == (3, "sgd", 2)
    assert settings.recipe.clip_norm == RECIPES["lrcn", "rgb"].clip_norm
    assert parsed("--clip-norm", "0").recipe.clip_norm is None
    assert settings.single_frame().recipe == RECIPES["single-frame", "rgb"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--cnn", "squeezenet1_1", "--cnn-weights", "x"], "--cnn-weights has no meaning for squeezenet1_1"),
        (["--cnn", "squeezenet1_1", "--feature", "fc6"], "squeezenet1_1 has no such layer"),
        (["--feature", "pool"], "hybrid-toy has no such layer"),
        (["--model", "single-frame", "--hidden", "8"], "--hidden belongs to --model lrcn"),
        (["--model", "single-frame", "--start", "x"], "--start belongs to --model lrcn"),
        (["--cnn", "squeezenet1_1", "--start", "x"], "--start has no meaning for squeezenet1_1"),
        (["--start", "x", "--cnn-weights", "y"], "leave --cnn-weights out"),
        (["--validation-groups", "10-8"], "'10-8' is not a group"),
        (["--feature-dropout", "5"], "must be at most 1"),
    ],
)
def test_an_option_that_would_not_be_used_is_refused(words, line, capsys):
    with pytest.raises(SystemExit):
        parsed(*words)
    assert line in capsys.readouterr().err


# The models


def config(model="lrcn", stream="rgb"):
    return ActivitySettings(model=model, input=stream).config(["a", "b"])


@pytest.mark.parametrize("model", ["single-frame", "lrcn"])
def test_a_flow_model_takes_no_motion_as_its_mean(model):
    network = build(config(model, "flow"))
    assert torch.equal(network.cnn.mean.flatten(), torch.tensor([128 / 255] * 3))
    weights = cnns.toy_hybrid(3).state_dict()
    start_cnn(network, weights)
    assert torch.equal(network.cnn.mean.flatten(), torch.tensor([128 / 255] * 3))
    assert torch.equal(network.cnn.fc6.weight, weights["fc6.weight"])
    assert not torch.equal(build(config(model)).cnn.mean, network.cnn.mean)


def test_cnn_weights_are_checked():
    model, other = SingleFrame(TinyCNN(), 3), TinyCNN()
    start_cnn(model, {f"cnn.{k}": v for k, v in other.state_dict().items()}, "cnn.")
    assert torch.equal(model.cnn.fc6.weight, other.fc6.weight)
    with pytest.raises(ValueError, match="2 missing, 1 unknown"):
        start_cnn(model, {"fc6.weight": other.fc6.weight, "fc6.bias": other.fc6.bias, "x": torch.ones(1)})
    with pytest.raises(ValueError, match="not the weights of this CNN"):
        start_cnn(build(config()), cnns.toy_caffenet(3).state_dict())


class Clips(Dataset):
    """Clips of noise of these lengths, 4 x 4 pixels or those of the toy CNN."""

    def __init__(self, *lengths, side=4):
        generator = torch.Generator().manual_seed(0)
        self.clips = [torch.rand(n, 3, side, side, generator=generator) for n in lengths]

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, i):
        return self.clips[i], i % 3


def loss_of(model, *clips):
    """The loss that ``train`` reports for one batch of ``clips``, without changing the model."""
    dataset = Clips(*[1] * len(clips))
    dataset.clips = list(clips)
    recipe = Recipe(epochs=1, rate=0.0, batch_size=len(clips), weight_decay=0)
    return train(model, dataset, recipe, progress=False).loss[0]


def test_padding_is_no_part_of_the_loss():
    """A batch of 16 and 9 frames: every real frame counts once, as it does when its clip comes alone."""
    model = LRCN(TinyCNN(), 3, dropout=0.0)
    long, short = Clips(16, 9).clips
    alone = [loss_of(model, long), loss_of_label_1(model, short)]
    assert loss_of(model, long, short) == pytest.approx((16 * alone[0] + 9 * alone[1]) / 25, rel=1e-5)


def loss_of_label_1(model, clip):
    with torch.no_grad():
        logits = model.train()(clip[None])[0]
    return torch.nn.functional.cross_entropy(logits, torch.ones(len(clip), dtype=torch.long)).item()


def test_conv1_stays_where_the_recipe_says_so():
    model = build(config())
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    recipe = Recipe(epochs=1, batch_size=2, freeze_conv1=True)
    train(model, Clips(3, 3, side=56), recipe, progress=False)
    now = model.state_dict()
    assert torch.equal(now["cnn.convolutions.conv1.weight"], before["cnn.convolutions.conv1.weight"])
    assert not torch.equal(now["cnn.convolutions.conv2.weight"], before["cnn.convolutions.conv2.weight"])
    train(model, Clips(3, 3, side=56), replace(recipe, freeze_conv1=False), progress=False)


# The command


CLASSES = ["Stir", "OpenDrawer", "CloseDrawer"]


@pytest.fixture
def words(tiny_kitchen, tmp_path, monkeypatch):
    short = {name: replace(recipe, epochs=1) for name, recipe in RECIPES.items()}
    monkeypatch.setattr("lrcn_utils.training.activity.settings.RECIPES", short)
    words = ["activity", "--root", str(tiny_kitchen), "--cache", str(tmp_path / "cache"), "--test-groups", "1"]
    return [*words, "--classes", *CLASSES, "--epochs", "2", "--warm-up", "1"]


def folder_of(tmp_path, name="run"):
    return ["--out", str(tmp_path / name)]


def refusal(words):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert "\n" not in stopped.value.code
    return stopped.value.code


def test_the_chain_from_the_command_line(words, tmp_path, capsys, monkeypatch):
    """CNN, single frame, LRCN; a finished run is only looked up again."""
    out = folder_of(tmp_path)
    main(words + out)
    made = sorted(file.name for file in (tmp_path / "run").iterdir())
    assert made == [
        "lrcn-fc6_rgb_seed0.csv",
        "lrcn-fc6_rgb_seed0.npz",
        "lrcn-fc6_rgb_seed0.safetensors",
        "lrcn-fc6_rgb_seed0.warm-up.csv",
        "results.json",
        "run.json",
        "single-frame_rgb_seed0.csv",
        "single-frame_rgb_seed0.safetensors",
    ]
    for log, epochs in (("lrcn-fc6_rgb_seed0", 2), ("lrcn-fc6_rgb_seed0.warm-up", 1), ("single-frame_rgb_seed0", 1)):
        assert (tmp_path / "run" / f"{log}.csv").read_text().count("\n") == 1 + epochs
    text = capsys.readouterr().out
    assert "3 classes, 9 training and 3 test videos" in text and "| always the class most frequent" in text
    model, classes = load(tmp_path / "run" / made[2])
    assert isinstance(model, LRCN) and classes == sorted(CLASSES)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    scores = Scores.load(tmp_path / "run" / made[1])
    assert results["scores"] == {"lrcn-fc6 rgb": [scores.accuracy]} and results["data"] == {"train": 9, "test": 3}
    assert results["controls"] == dict.fromkeys(
        ("always the class most frequent in training", "chance among 3 classes"), pytest.approx(1 / 3)
    )
    assert load_checkpoint(tmp_path / "run" / made[2])[1]["task"] == "activity"

    assert "holds this run already" in refusal(words + out)
    steps, _ = count_steps(monkeypatch), capsys.readouterr()
    main([*words, *out, "--resume"])
    assert not steps and capsys.readouterr().out == text


def test_lrcn_starts_from_the_single_frame_and_learns_whole(words, tmp_path, monkeypatch):
    """With a rate of 0 its CNN is that of the single frame; otherwise all of it but conv1 learns."""
    main([*words, "--rate", "0", *folder_of(tmp_path)])
    single, lrcn = (
        load(tmp_path / "run" / f"{name}_rgb_seed0.safetensors")[0] for name in ("single-frame", "lrcn-fc6")
    )
    for (name, one), other in zip(single.cnn.named_parameters(), lrcn.cnn.parameters(), strict=True):
        assert torch.equal(one, other) or name.startswith("fc8"), name
    seen = {}

    def watching(model, dataset, recipe, **options):
        history = train(model, dataset, recipe, **options)
        seen[options["state"].facts["stage"]] = {name for name, p in model.named_parameters() if not p.requires_grad}
        return history

    monkeypatch.setattr(command, "train", watching)
    main([*words, *folder_of(tmp_path, "moving")])
    assert seen["warm-up"] == {name for name, _ in lrcn.named_parameters() if name.startswith("cnn.")}
    assert seen[""] == {"cnn.convolutions.conv1.weight", "cnn.convolutions.conv1.bias"}
    moved = load(tmp_path / "moving" / "lrcn-fc6_rgb_seed0.safetensors")[0]
    assert not torch.equal(moved.cnn.convolutions.conv2.weight, single.cnn.convolutions.conv2.weight)


@pytest.mark.parametrize("step", [1, 2, 4, 8])
def test_a_killed_run_resumes_and_ends_as_the_unbroken_one(words, tmp_path, monkeypatch, step):
    """At step 1 the single frame is trained, from 2 on the head alone, from 5 on the whole LRCN."""
    main(words + folder_of(tmp_path, "whole"))
    kill(monkeypatch, step, lambda: main(words + folder_of(tmp_path)))
    main([*words, *folder_of(tmp_path), "--resume"])
    assert_same_models(tmp_path / "whole", tmp_path / "run")
    first, second = (Scores.load(tmp_path / name / "lrcn-fc6_rgb_seed0.npz") for name in ("whole", "run"))
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


def test_the_preset_trains_both_models_and_is_recorded(words, tmp_path, capsys):
    words = [*words[: words.index("--epochs")], "--preset", "paper", "--cnn", "hybrid-toy", "--no-end-to-end"]
    words += ["--iterations", "3", "--batch-size", "4", "--accumulate", "2"]
    main([*words, "--model", "single-frame", *folder_of(tmp_path, "single")])
    single = tmp_path / "single" / "single-frame_rgb_seed0.safetensors"
    capsys.readouterr()
    main([*words, "--start", str(single), "--decode", "--cache", str(tmp_path / "other"), *folder_of(tmp_path)])
    assert any((tmp_path / "cache").glob("frames_*")) and not any((tmp_path / "other").glob("frames_*"))
    said = capsys.readouterr().out
    assert "the paper's settings of lrcn-fc6 rgb:" in said and "single-frame rgb:" not in said
    assert "--clip-norm 5.0                    activity code, lstm_solver_RGB.prototxt" in said
    assert "--iterations 3                     given, in place of 30000" in said
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    recipe = results["facts"]["recipes"]["lrcn-fc6 rgb"]
    assert (recipe["weight_decay"], recipe["drop_every"], recipe["drop_to"]) == (0.005, 10_000, 0.1)
    assert results["facts"]["feature_dropout"] == 0.9 and "--weight-decay 0.005" in results["command"]
    # Nine videos, eight a step: two steps an epoch, so two epochs for three steps.
    assert (tmp_path / "run" / "lrcn-fc6_rgb_seed0.csv").read_text().count("\n") == 3


def test_an_imagenet_cnn_is_trained_end_to_end(words, tmp_path, monkeypatch):
    """SqueezeNet at the paper's size of frames; its weights are random here."""
    first = cnns.untrained("squeezenet1_1")
    monkeypatch.setattr(cnns, "pretrained", lambda name, download: copy.deepcopy(first))
    words = [*words[: words.index("--epochs")], "--cnn", "squeezenet1_1", "--end-to-end", "--model", "single-frame"]
    main([*words, "--epochs", "1", "--clip-length", "1", "--every", "1", "--limit", "1", *folder_of(tmp_path)])
    file = tmp_path / "run" / "single-frame_rgb_seed0.safetensors"
    weights, config, _ = load_checkpoint(file)
    before = dict(first.named_parameters())
    moved = [name for name, weight in before.items() if not torch.equal(weights[f"cnn.{name}"], weight)]
    assert "network.features.0.weight" in moved
    assert config["views"] == "centre" and not config["normalise"] and config["frames"] == [240, 320, 224]


def test_other_inputs_and_settings_in_a_used_folder_are_refused_by_name(words, tmp_path, tiny_kitchen):
    out = folder_of(tmp_path)
    main(words + out)
    assert "epochs 2 there, 3 here" in refusal([*words, "--epochs", "3", *out, "--resume"])
    assert "seed 0 there, 1 here" in refusal([*words, "--seed", "1", *out])
    other = tmp_path / "run" / "single-frame_rgb_seed0.safetensors"
    assert "initial weights" in refusal([*words, "--cnn-weights", str(other), *out])
    assert "start not set there" in refusal([*words, "--start", str(other), *out])
    assert "limit" in refusal([*words, "--limit", "1", *out])
    film = next((tiny_kitchen / "UCF-101" / "Stir").glob("*_g08_*.avi"))
    before, time = film.read_bytes(), os.stat(film).st_mtime_ns
    try:
        write_video(film, read_video(film)[::-1], options={"qmin": "3", "qmax": "3"})
        os.utime(film, ns=(time, time))  # as old as before, and another film
        assert "training videos" in refusal([*words, *out, "--resume"])
    finally:
        film.write_bytes(before)


def test_a_misspelt_file_of_weights_is_one_line(words, tmp_path):
    assert "no_such.safetensors: there is no such checkpoint" in refusal(
        [*words, "--cnn-weights", "no_such.safetensors"]
    )
    assert "no_such.safetensors: there is no such checkpoint" in refusal([*words, "--start", "no_such.safetensors"])


def test_missing_flow_is_said_before_anything_is_computed(words, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "follow", lambda *a, **k: pytest.fail("trained"))
    assert "flow is missing" in refusal([words[0], "table", *words[1:], *folder_of(tmp_path)])
    assert not (tmp_path / "run").exists()


def test_ten_crops_are_of_test_frames():
    settings = parsed("--cnn", "squeezenet1_1", "--crops", "ten")
    assert (settings.views, settings.training_views) == ("ten", "whole")
    assert parsed("--cnn", "alexnet").views == "centre"


def test_weights_of_something_else_are_named(words, tmp_path):
    other = environment.CHECKPOINTS / "captioning_2f_toy.safetensors"
    assert "a checkpoint of captioning, not of cnn" in refusal([*words, "--cnn-weights", str(other)])
    assert "a checkpoint of captioning, not of activity" in refusal([*words, "--start", str(other)])


def test_random_initial_weights_are_asked_for():
    settings = parsed("--cnn-weights", "none")
    assert settings.initial_weights is None and parsed("--cnn", "caffenet-toy").initial_weights is None
    assert parsed().initial_weights.name == "cnn_hybrid_toy.safetensors"


def test_a_side_without_videos_is_refused_before_anything_is_computed(words, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "follow", lambda *a, **k: pytest.fail("trained"))
    assert "no video to test on" in refusal([*words, "--test-groups", "99", *folder_of(tmp_path)])
    assert "no video to train on" in refusal([*words, "--test-groups", "1-25", *folder_of(tmp_path)])
    assert "no test video is left" in refusal([*words, "--validation-groups", "99", *folder_of(tmp_path)])
    assert not (tmp_path / "run").exists()


def test_a_rate_that_explodes_stops_in_one_line(words, tmp_path):
    assert "lower --rate" in refusal([*words, "--rate", "1e30", *folder_of(tmp_path)])
    assert not (tmp_path / "run" / "lrcn-fc6_rgb_seed0.safetensors").exists()


def test_mixing_leaks_groups_and_keeps_the_numbers(tiny_kitchen):
    index = choose_videos(ActivitySettings(root=tiny_kitchen, test_groups=(1,)))
    mixed = mix(index)
    assert len(mixed.test) == len(index.test) and len(mixed.train) == len(index.train)
    assert {v.name for v in mixed.train} | {v.name for v in mixed.test} == {v.name for v in [*index.train, *index.test]}
    assert {v.group for v in mixed.train} & {v.group for v in mixed.test}


def test_validation_groups_come_from_training(tiny_kitchen):
    settings = ActivitySettings(root=tiny_kitchen, test_groups=(1,), validation_groups=(8,))
    index = choose_videos(settings)
    assert {v.group for v in index.test} == {8}
    assert not {v.group for v in index.train} & {1, 8}
