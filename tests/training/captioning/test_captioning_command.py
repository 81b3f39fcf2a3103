"""Captioning end to end on a handful of coloured images, with a CNN that only averages colours."""

import json
import shutil

import pytest
import torch
from interrupted import assert_same_models, count_steps, kill
from PIL import Image
from torch import nn

from lrcn_utils.data.coco import read_coco
from lrcn_utils.decoding import greedy
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.captioning import models
from lrcn_utils.training.checkpoints import load_checkpoint, weights_digest
from lrcn_utils.training.features import extract_images
from lrcn_utils.training.sentences import Pairs, best_words, decode, nats_per_word

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}


class MeanColour(nn.Module):
    """Stands in for a CNN: three features, the mean of each channel."""

    crop = 56

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def features(self, x, layer):
        return x.mean((2, 3)) * self.scale


@pytest.fixture
def kitchen(tmp_path):
    """Twelve training and six val images of one colour each, in Toy Kitchen's form; one val image is broken."""
    stills = tmp_path / "stills"
    (stills / "images").mkdir(parents=True)
    (stills / "annotations").mkdir()
    for split, count in (("train", 12), ("val", 6)):
        images, annotations = [], []
        for i in range(count):
            colour = list(COLOURS)[i % 3]
            Image.new("RGB", (64, 64), COLOURS[colour]).save(stills / "images" / f"{split}{i}.png")
            images.append({"id": i, "file_name": f"{split}{i}.png"})
            for text in (f"a {colour} square .", f"one square , {colour}"):
                annotations.append({"image_id": i, "caption": text})
        content = {"images": images, "annotations": annotations}
        (stills / "annotations" / f"captions_{split}.json").write_text(json.dumps(content))
    (stills / "images" / "val5.png").write_text("no image")
    return tmp_path


@pytest.fixture
def words(kitchen, monkeypatch):
    monkeypatch.setattr(models, "open_cnn", lambda name: MeanColour().eval())
    words = ["captioning", "--root", str(kitchen), "--hidden", "16", "--embedding", "8", "--feature", "fc7"]
    return [*words, "--batch-size", "8", "--rate", "0.02", "--epochs", "3"]


@pytest.fixture
def run(words, kitchen):
    """Run the command with more words, into a folder of this name."""

    def go(*more, out="run"):
        main([*words, *more, "--out", str(kitchen / "runs" / out)])
        return kitchen / "runs" / out

    return go


def refusal(run, *more, **options):
    with pytest.raises(SystemExit) as stopped:
        run(*more, **options)
    assert "\n" not in stopped.value.code
    return stopped.value.code


def split(kitchen, name):
    return read_coco(kitchen / "stills" / "annotations" / f"captions_{name}.json", kitchen / "stills" / "images")


def test_the_command_trains_reports_saves_and_loads(run, kitchen, capsys):
    out = run("--epochs", "40")
    said = capsys.readouterr().out
    assert "val5.png: " in said and "12 training images, 5 val images, 11 words" in said
    model, vocabulary, config, record = models.load(out / "captioner_seed0.safetensors")
    assert record["command"].startswith("python -m lrcn_utils.training captioning --epochs 40 --batch-size 8")
    assert str(kitchen) not in json.dumps([config, record]) and config["feature"] == "fc7"
    assert config["cnn"] == {"name": "hybrid-toy", "weights": weights_digest(MeanColour()), "file": None}
    val_set, val = extract_images(split(kitchen, "val"), MeanColour(), "fc7", kitchen / "cache")
    loss = nats_per_word(model, Pairs(val, val_set.pairs(), vocabulary))
    assert loss == pytest.approx(record["scores"]["val_loss"], abs=1e-4)
    said = best_words(decode(model, val, greedy), vocabulary)
    assert [next(w for w in caption if w in COLOURS) for caption in said] == ["red", "green", "blue", "red", "green"]
    assert record["scores"]["val_loss_shuffled"] > loss + 0.3  # the image is used
    results = json.loads((out / "results.json").read_text())
    assert results["scores"] == [record["scores"]] and results["data"] == {"train": 12, "val": 5, "words": 11}


def test_a_finished_run_is_not_trained_again_and_another_is_refused_by_name(run, kitchen, monkeypatch):
    run()
    assert "holds this run already" in refusal(run)
    steps = count_steps(monkeypatch)
    run("--resume")
    assert not steps
    assert "rate 0.02 there, 0.5 here" in refusal(run, "--rate", "0.5", "--resume")
    assert "epochs 3 there, 6 here" in refusal(run, "--epochs", "6", "--resume")
    assert "hidden 16 there, 8 here" in refusal(run, "--hidden", "8")
    assert "limit not set there, 2 here" in refusal(run, "--limit", "2")
    Image.new("RGB", (64, 64), "white").save(kitchen / "stills" / "images" / "train3.png")
    assert "train images and captions" in refusal(run, "--resume")


@pytest.mark.parametrize("step", [2, 8, 11, 14])
def test_a_killed_run_resumes_and_ends_as_the_unbroken_one(run, kitchen, monkeypatch, step):
    """Nine steps of the captioner alone, then six with its CNN; a batch has 8 of 24 captions."""
    run("--fine-tune", "2", out="whole")
    kill(monkeypatch, step, lambda: run("--fine-tune", "2"))
    run("--fine-tune", "2", "--resume")
    assert_same_models(kitchen / "runs" / "whole", kitchen / "runs" / "run")
    whole, again = (json.loads((kitchen / "runs" / name / "results.json").read_text()) for name in ("whole", "run"))
    assert whole["scores"] == again["scores"]


def test_every_seed_is_another_captioner(run):
    out = run("--seeds", "2", "--seed", "3")
    one, other = (models.load(out / f"captioner_seed{seed}.safetensors") for seed in (3, 4))
    assert not torch.equal(one.model.output.weight, other.model.output.weight)
    assert [one.record["seed"], other.record["seed"]] == [3, 4]


@pytest.mark.parametrize("more", [["--no-image"], ["--model", "mrnn"], ["--cell", "rnn", "--model", "1u"]])
def test_every_kind_can_be_trained(run, more):
    model = models.load(run(*more, "--epochs", "1") / "captioner_seed0.safetensors").model
    if more == ["--no-image"]:
        assert model.image_mean.numel() == 0


def test_options_that_would_not_be_used_are_refused(words, capsys):
    for more, line in (
        (["--model", "mrnn", "--dropout", "0.5"], "belong to LRCN"),
        (["--no-image", "--fine-tune", "1"], "--fine-tune"),
    ):
        with pytest.raises(SystemExit):
            main([*words, *more])
        assert line in capsys.readouterr().err


def test_strict_stops_at_the_broken_image(run):
    assert "val5.png" in refusal(run, "--strict")


def test_nothing_to_use_says_so_before_anything_is_computed(run, kitchen, capsys):
    (kitchen / "stills" / "annotations" / "captions_val.json").write_text("{broken")
    assert "nothing to use in the val split" in refusal(run)
    assert "captions_val.json: broken JSON" in capsys.readouterr().out and not (kitchen / "runs").exists()


def test_words_come_from_the_training_captions_alone(run, kitchen):
    """A word that only the val captions know, however often, is <unk>."""
    file = kitchen / "stills" / "annotations" / "captions_val.json"
    content = json.loads(file.read_text())
    content["annotations"] += [{"image_id": i % 6, "caption": "a magenta square ."} for i in range(30)]
    file.write_text(json.dumps(content))
    vocabulary = models.load(run() / "captioner_seed0.safetensors").vocabulary
    assert "square" in vocabulary and "magenta" not in vocabulary


def test_the_shuffled_control_has_wrong_images(run):
    scores = models.load(run("--epochs", "30") / "captioner_seed0.safetensors").record["scores"]
    assert scores["val_loss_shuffled"] > scores["val_loss"] + 0.2


def test_pictures_of_ones_own_in_a_folder(words, kitchen, monkeypatch):
    """``--data FOLDER``, in the form that prepare_captions writes."""
    folder = kitchen / "mine"
    shutil.copytree(kitchen / "stills", folder)
    out = kitchen / "runs" / "mine"
    main([*[word for word in words if word not in ("--root", str(kitchen))], "--data", str(folder), "--out", str(out)])
    assert (out / "captioner_seed0.safetensors").exists()


def test_the_command_fine_tunes(run):
    out = run("--epochs", "2", "--fine-tune", "2")
    weights, config, _ = load_checkpoint(out / "cnn_seed0.safetensors")
    assert config["task"] == "cnn" and not torch.equal(weights["scale"], torch.ones(3))
    assert (weights["scale"] - 1).abs().max() < 0.02 * 2 * 15 / 40  # a tenth of a quarter of the rate, few steps
    cnn = models.load(out / "captioner_seed0.safetensors").config["cnn"]
    tuned = MeanColour()
    tuned.load_state_dict(weights)
    assert cnn == {"name": "hybrid-toy", "weights": weights_digest(tuned), "file": "cnn_seed0.safetensors"}
