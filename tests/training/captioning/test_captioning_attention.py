"""The command that sets attention beside one vector an image, where attention looks, and what captions tell."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from lrcn_utils.data.coco import read_coco
from lrcn_utils.data.text import read_json
from lrcn_utils.data.vocabulary import Vocabulary, tokenise
from lrcn_utils.models.attention import AttentionCaptioner
from lrcn_utils.models.cnn import toy_hybrid
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.captioning import attention, looking, models, shipped
from lrcn_utils.training.captioning.told import FACTS, _told, right
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.cnn.models import load as load_cnn
from lrcn_utils.training.features import extract_images
from lrcn_utils.training.sentences import Pairs, nats_per_word
from lrcn_utils.training.settings import command as command_of

CROP_BEGINS = 2  # pixels of a still of 60 before the CNN's crop of 56
CONTROLS = [f"{attention.ATTENTION}, {whose} weights" for whose in ("uniform", "another image's")]


@pytest.fixture
def words(tiny_kitchen, tmp_path):
    places = ["--root", str(tiny_kitchen), "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "run")]
    return [
        "captioning",
        "attention",
        *places,
        "--epochs",
        "1",
        "--rate",
        "0.01",
        "--parameters",
        "30000",
        "--limit",
        "8",
    ]


def results(tmp_path):
    return json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))


def stills(root, split):
    return read_coco(root / "stills" / "annotations" / f"captions_{split}.json", root / "stills" / "images")


def test_every_model_is_trained_at_one_size_and_attention_has_its_controls(words, tmp_path, capsys):
    main(words)
    found = results(tmp_path)["found"]
    assert [one["name"] for one in found] == [*attention.MODELS, *CONTROLS]
    assert all(0.9 * 30_000 < one["parameters"] <= 30_000 for one in found)
    assert all({"nats a word", "BLEU-1", "BLEU-4", "CIDEr-D", *FACTS} <= set(one["scores"]) for one in found)
    assert [one["name"] for one in found if one["looks"]] == [attention.ATTENTION]
    printed = capsys.readouterr().out
    assert all(f"| {one['name']} |" in printed for one in found)


def test_seeds_give_a_spread_and_resuming_trains_nothing_again(words, tmp_path, capsys, monkeypatch):
    words += ["--only", attention.ATTENTION, "--seeds", "2"]
    main(words)
    first, text = results(tmp_path), capsys.readouterr().out
    assert [one["seed"] for one in first["found"]] == [0, 0, 0, 1, 1, 1] and "±" in text
    monkeypatch.setattr(attention, "learn", None)
    main([*words, "--resume"])
    assert results(tmp_path)["found"] == first["found"]
    model = models.load(tmp_path / "run" / "map_seed0.safetensors").model
    assert isinstance(model, AttentionCaptioner) and model.weights == "own"


def test_the_forms_of_the_map_are_of_one_map():
    cnn, images = load_cnn(), torch.rand(2, 3, 56, 56)
    seen = attention.Seen(cnn)
    with torch.no_grad():
        found = {layer: seen.features(images, layer) for layer in ("map", "mean", "flat", "fc6")}
        assert found["map"].shape == (2, looking.SIDE**2, 48) and found["fc6"].shape == (2, 256)
        torch.testing.assert_close(found["mean"], found["map"].mean(1))
        torch.testing.assert_close(found["fc6"], cnn.fc6(found["flat"]).relu())


@pytest.mark.parametrize("off", [-2, 0, 2])
def test_a_place_of_the_map_answers_to_a_dot_in_its_square(off):
    """With equal weights everywhere, and away from the border, where less comes in."""
    cnn = toy_hybrid(1, mean=(0.0, 0.0, 0.0)).eval()
    for name, parameter in cnn.convolutions.named_parameters():
        torch.nn.init.constant_(parameter, 0.0 if "bias" in name else 1 / parameter[0].numel())
    for row, column in [(1, 4), (3, 3), (5, 1)]:
        image = torch.zeros(1, 3, 56, 56)
        y, x = (looking.FIRST - CROP_BEGINS + looking.CELL * k + looking.CELL // 2 - 1 + off for k in (row, column))
        image[0, :, y, x] = 1
        with torch.no_grad():
            answer = cnn.maps(image)[0].sum(0)
        assert int(answer.argmax()) == row * looking.SIDE + column


@pytest.mark.parametrize(
    ("word", "name"),
    [("tomatoes", "tomato"), ("potatoes", "potato"), ("pot", "pot"), ("bread", "bread"), ("on", None), ("table", None)],
)
def test_a_word_names_a_thing(word, name):
    assert looking._thing(word) == name


def test_a_box_covers_the_squares_that_it_lies_on():
    everywhere = looking._inside({"egg#0": [0, 0, 128, 128]}, "egg")
    assert everywhere.shape == (49,) and (everywhere == 1).all()
    quarter = looking._inside({"egg#0": [0, 0, 128, 68], "egg#1": [0, 0, 128, 68], "pot#0": [0, 0, 128, 128]}, "egg")
    rows = quarter.reshape(7, 7)
    assert (rows[:3] == 1).all() and (rows[4:] == 0).all() and 0 < rows[3, 0] < 1 and (rows[3] == rows[3, 0]).all()
    assert looking._inside({"egg#0": [0, 0, 9, 9]}, "pot").sum() == 0


def test_where_weights_fall_is_measured_against_chance():
    here, there = np.eye(49)[3], np.eye(49)[8]
    said = [
        looking.Said("food", here, here, there),
        looking.Said("food", np.full(49, 1 / 49), here, there),
        looking.Said("dish", here, there, None),
        looking.Said("hand or tool", here, here, None),
    ]
    found = looking._looked(said)
    assert found["food"] == pytest.approx((1 + 1 / 49) / 2) and found["food, chance"] == pytest.approx(1 / 49)
    assert found["dish"] == 0 and found["hand or tool"] == 1
    assert found["named of two foods"] == pytest.approx(0.75)


def test_things_are_found_where_they_are_named_and_equal_weights_do_as_chance(tiny_kitchen, tmp_path):
    images = stills(tiny_kitchen, "train")
    records = read_json(tiny_kitchen / "ground_truth" / "stills.json")
    boxes = [records[path.name]["boxes"] for path in images.images]
    vocabulary = Vocabulary.build((text for _, text in images.pairs()), 1)
    maps = extract_images(images, attention.Seen(load_cnn()), "map", tmp_path / "cache")[1]
    model = AttentionCaptioner(len(vocabulary), maps.shape[2], hidden=8, embedding=4).standardise(maps.flatten(0, 1))
    found = looking.where_it_looks(model, maps, images, boxes, vocabulary)
    assert model.weights == "own" and found["own"] != found["uniform"]
    for kind in ("food", "dish", "hand or tool"):
        assert found["uniform"][kind] == pytest.approx(found["uniform"][f"{kind}, chance"], abs=1e-6)
    assert found["uniform"]["named of two foods"] == pytest.approx(0.5, abs=0.02)
    said = list(looking._things_said(model, maps[:1], images.subset([0]), boxes[:1], vocabulary))
    named = [looking._thing(word) for _, text in images.subset([0]).pairs() for word in tokenise(text)[:20]]
    there = {key.split("#")[0] for key in boxes[0]}
    assert len(said) == sum(name in there for name in named) > 0


@pytest.mark.parametrize(
    ("caption", "facts"),
    [
        ("on a white plate are three red apples and an egg left of it", ("apple", "3", "plate", "left")),
        ("two slices of bread on the table", ("bread", "2", "counter", "none")),
        ("and with it", ("none", "none", "none", "none")),
    ],
)
def test_what_a_caption_tells(caption, facts):
    assert tuple(_told(caption.split()).values()) == facts


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_captions_by_people_tell_all_facts_rightly(split, tiny_kitchen):
    images, records = stills(tiny_kitchen, split), read_json(tiny_kitchen / "ground_truth" / "stills.json")
    facts = [records[images.images[row].name]["facts"] for row, _ in images.pairs()]
    captions = [tokenise(text) for _, text in images.pairs()]
    assert right(captions, facts) == dict.fromkeys(FACTS, 1.0)
    assert all(share < 0.9 for share in right(captions[::-1], facts).values())


def test_too_few_parameters_are_refused():
    with pytest.raises(ValueError, match="too few for attention"):
        attention._widest(attention.ATTENTION, 11, 48, 100)


def test_what_is_recorded_is_of_every_model_and_seed_and_says_what_the_lesson_says():
    found = attention.recorded()
    names = [*attention.MODELS, *CONTROLS]
    assert sorted((one.name, one.seed) for one in found) == sorted((name, seed) for name in names for seed in range(3))
    sizes = [one.parameters for one in found]
    assert max(sizes) <= 225_000 and min(sizes) > 0.98 * max(sizes)
    loss = {name: np.array([one.scores["nats a word"] for one in found if one.name == name]) for name in names}
    assert (loss[attention.ATTENTION] < loss["LRCN-2f on the mean of the map"]).all()
    words = {name: np.array([one.scores["BLEU-4"] for one in found if one.name == name]) for name in names}
    assert (words["LRCN-2f on the mean of the map"] < words[attention.ATTENTION]).all()
    assert (words["LRCN-2f on the flat map"] > words[attention.ATTENTION]).all()
    assert all((loss[control] > loss[attention.ATTENTION] + 0.1).all() for control in CONTROLS)
    looks = [one.looks for one in found if one.name == attention.ATTENTION]
    assert all(one["own"]["food"] > 2 * one["own"]["food, chance"] for one in looks)
    assert all(one["own"]["named of two foods"] > one["another image's"]["named of two foods"] for one in looks)
    assert str(attention.table(found)).count("±") == 6 * 8


def test_the_shipped_captioner_is_the_recorded_one_of_seed_0(toy_kitchen):
    model, vocabulary, config, record = shipped.shipped("attention")
    assert shipped.path("attention").stat().st_size < 1_000_000
    recorded = next(one for one in attention.recorded() if one.name == attention.ATTENTION and one.seed == 0)
    assert record["scores"] == recorded.scores and config["feature"] == "map"
    cnn = models.cnn_of(config, beside=shipped.path("attention"))
    images, maps = extract_images(stills(toy_kitchen, "test"), cnn, "map", toy_kitchen / "cache", strict=True)
    loss = nats_per_word(model, Pairs(maps, images.pairs(), vocabulary))
    assert loss == pytest.approx(recorded.scores["nats a word"], abs=2e-3)
    assert load_checkpoint(shipped.path("attention"))[2]["command"] == command_of(
        replace(attention.SHIPPED), "captioning attention"
    )
