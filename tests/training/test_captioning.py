"""Captioning end to end on a handful of coloured images, with a CNN that only averages colours."""

import argparse
import json

import pytest
import torch
from PIL import Image
from torch import nn

from lrcn_utils.data.captions import load_images
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.decoding import greedy, sample
from lrcn_utils.models.captioning import Captioner, ImageCaptioner
from lrcn_utils.training import captioning
from lrcn_utils.training.checkpoints import load_checkpoint

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


def arguments(kitchen, *more):
    parser = argparse.ArgumentParser()
    captioning.add_arguments(parser)
    fixed = ["--root", str(kitchen), "--out", str(kitchen / "run"), "--hidden", "16", "--embedding", "8"]
    return parser.parse_args([*fixed, "--batch-size", "8", "--rate", "0.02", "--epochs", "15", *more])


@pytest.fixture
def mean_colour(monkeypatch, kitchen):
    monkeypatch.setenv("LRCN_DATA", str(kitchen / "data"))
    monkeypatch.setattr(captioning, "network_of", lambda args: (MeanColour().eval(), "fc7"))


def test_the_command_trains_reports_saves_and_loads(kitchen, mean_colour, capsys):
    captioning.run(arguments(kitchen, "--epochs", "40"))
    said = capsys.readouterr().out
    assert "left out: val5.png: cannot be read as an image" in said
    assert "12 training images, 5 val images, 11 words" in said
    model, vocabulary, config, record = captioning.load(kitchen / "run" / "captioner.safetensors")
    assert record["command"].startswith("python -m lrcn_utils.training captioning --data toy --variant 2f")
    assert str(kitchen) not in json.dumps(record) and config["layer"] == "fc7"
    val_set, val = captioning.extract(MeanColour(), captioning.read("toy", kitchen, "val"), "fc7")
    assert captioning.evaluate(model, val, val_set, vocabulary) == pytest.approx(record["val_loss"], abs=0.01)
    words = captioning.best_words(captioning.decode(model, val, greedy), vocabulary)
    assert [next(w for w in caption if w in COLOURS) for caption in words] == ["red", "green", "blue", "red", "green"]
    shuffled = captioning.evaluate(model, val.roll(1, 0), val_set, vocabulary)
    assert shuffled > record["val_loss"] + 0.3  # the image is used


def test_a_killed_run_ends_as_the_unbroken_one(kitchen, mean_colour, capsys, monkeypatch):
    captioning.run(arguments(kitchen))
    whole = torch.load(kitchen / "run" / "state.pt", weights_only=True)
    (kitchen / "run" / "state.pt").unlink()
    real, steps = captioning.batch_loss, []

    def dies(model, batch):
        steps.append(1)
        if len(steps) == 10:  # in the middle of an epoch
            raise KeyboardInterrupt
        return real(model, batch)

    monkeypatch.setattr(captioning, "batch_loss", dies)
    with pytest.raises(KeyboardInterrupt):
        captioning.run(arguments(kitchen))
    monkeypatch.setattr(captioning, "batch_loss", real)
    captioning.run(arguments(kitchen))
    again = torch.load(kitchen / "run" / "state.pt", weights_only=True)
    assert all(torch.equal(whole["model"][name], again["model"][name]) for name in whole["model"])


@pytest.mark.parametrize("more", [["--no-image"], ["--variant", "mrnn"], ["--cell", "rnn", "--variant", "1u"]])
def test_every_kind_can_be_trained(kitchen, mean_colour, capsys, more):
    captioning.run(arguments(kitchen, *more, "--epochs", "1"))
    model, *_ = captioning.load(kitchen / "run" / "captioner.safetensors")
    if more == ["--no-image"]:
        assert model.image_mean.numel() == 0


def test_strict_stops_at_the_broken_image(kitchen, mean_colour, capsys):
    with pytest.raises(ValueError, match="val5.png"):
        captioning.run(arguments(kitchen, "--strict"))


def test_nothing_to_use_says_so(kitchen, mean_colour, capsys):
    (kitchen / "stills" / "annotations" / "captions_val.json").write_text("{broken")
    with pytest.raises(SystemExit, match="nothing to use in the val split"):
        captioning.run(arguments(kitchen))
    assert "captions_val.json: broken JSON" in capsys.readouterr().out


def test_features_are_cached_by_images_and_weights(kitchen, monkeypatch):
    train, network, folder = captioning.read("toy", kitchen, "val"), MeanColour(), kitchen / "cache"
    used, first = captioning.cached_features(network, train, "fc7", folder)
    assert len(used) == 5
    monkeypatch.setattr(captioning, "extract", lambda *args, **options: pytest.fail("not cached"))
    used, second = captioning.cached_features(network, captioning.read("toy", kitchen, "val"), "fc7", folder)
    assert torch.equal(first, second) and len(used) == 5
    monkeypatch.undo()
    with torch.no_grad():
        network.scale += 1
    assert not torch.equal(captioning.cached_features(network, train, "fc7", folder)[1], first)


def test_crops_follow_seed_epoch_and_item_only(kitchen):
    train, pixels = load_images(captioning.read("toy", kitchen, "train"), 60, 60)
    pixels = torch.randint(0, 255, pixels.shape, dtype=torch.uint8)
    pairs = captioning.CaptionPairs(pixels, train, Vocabulary(["a"]), crop=56)
    pairs.set_epoch(1, 2)
    crop, _ = pairs[5]
    assert crop.shape == (3, 56, 56) and crop.max() <= 1
    first = [pairs[i][0] for i in range(6)]
    assert all(torch.equal(a, pairs[i][0]) for i, a in enumerate(first))
    pairs.set_epoch(1, 3)
    assert not all(torch.equal(a, pairs[i][0]) for i, a in enumerate(first))


def test_fine_tuning_reaches_the_cnn(kitchen):
    train, pixels = load_images(captioning.read("toy", kitchen, "train"), 60, 60)
    vocabulary = Vocabulary.build((text for _, text in train.pairs()), min_count=1)
    network = ImageCaptioner(MeanColour(), Captioner(len(vocabulary), 3, hidden=8, embedding=4))
    pairs = captioning.CaptionPairs(pixels, train, vocabulary, crop=56)
    captioning.batch_loss(network, captioning.collate([pairs[i] for i in range(4)])).backward()
    assert network.cnn.scale.grad.abs().sum() > 0
    files = captioning.CaptionPairs(captioning.PixelFiles(train.images, 60), train, vocabulary, crop=56)
    assert torch.equal(files[3][0], pairs[3][0])


def test_the_command_fine_tunes(kitchen, mean_colour, capsys):
    captioning.run(arguments(kitchen, "--epochs", "2", "--fine-tune", "2"))
    assert "after 2 epochs of fine-tuning" in capsys.readouterr().out
    weights, *_ = load_checkpoint(kitchen / "run" / "cnn.safetensors")
    assert not torch.equal(weights["scale"], torch.ones(3))
    assert (weights["scale"] - 1).abs().max() < 0.02 * 2 * 15 / 40  # a tenth of a quarter of the rate, few steps


def test_samples_are_the_same_for_the_same_generator():
    model = Captioner(9, 2, hidden=8, embedding=4).eval()
    draws = [
        captioning.decode(model, torch.randn(5, 2), sample, 4, 1.5, generator=torch.Generator().manual_seed(1))
        for _ in range(2)
    ]
    assert [len(hypotheses) for hypotheses in draws[0]] == [4] * 5
