"""Pre-training of the toy CNN: right labels, repeatable crops, unseen kitchens, and a checkpoint as good as it says."""

import json

import numpy as np
import pytest
import torch
from interrupted import assert_same_models, kill

from lrcn_utils.data.toy_kitchen import films
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.cnn import images, models
from lrcn_utils.training.cnn.images import POINT_LABELS, LabelledImages
from lrcn_utils.training.cnn.scores import scores


def facts(**changes):
    main = {"name": "carrot", "count": 2, "colour": None, "size": None}
    return {"place": "bowl", "dish_colour": "blue", "table": "wood", "main": main, "held_out": False} | changes


def dataset(n=6, labels=3, train=True):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (60, 80, 3), dtype=np.uint8) for _ in range(n)]
    targets = rng.integers(0, 2, (n, labels + len(POINT_LABELS))).astype(np.float32)
    points = np.full((n, 3, 2), (40.0, 30.0), np.float32)
    return LabelledImages(pictures, targets, points, train)


def test_a_still_tells_one_word_for_each_family():
    words = images.still_words(facts(second={"name": "egg", "count": 1, "colour": "white", "where": "left"}))
    assert words["object"] == "carrot" and words["colour"] == "orange" and words["count"] == "2"
    assert words["place"] == "bowl" and words["dish"] == "blue" and words["table"] == "wood"
    assert words["second"] == "egg" and words["where"] == "left" and words["tool"] == "none"
    assert images.still_words(facts())["second"] == "none"


def test_what_one_frame_cannot_tell_apart_shares_an_activity():
    told = {"tool": "hand", "object": "drawer", "source": "counter", "target": "none"}
    words = [images._frame_words(name, told) for name in ("OpenDrawer", "CloseDrawer", "Stir")]
    assert (
        words[0] == words[1]
        and words[0]["activity"] == "OpenDrawer/CloseDrawer"
        and words[2]["activity"] == "Stir/Beat/Scrape/Whisk"
    )


def test_what_is_not_told_is_unknown():
    words = [images.still_words(facts()), {"activity": "Stir", "object": "soup"}]
    labels = images.label_names(words)
    rows = dict(zip(labels, images.as_targets(words, labels).T, strict=True))
    assert rows["object carrot"].tolist() == [1, 0] and rows["object soup"].tolist() == [0, 1]
    assert np.isnan(rows["activity Stir"][0]) and rows["activity Stir"][1] == 1
    assert rows["count 2"][0] == 1 and np.isnan(rows["count 2"][1])
    assert labels[-len(POINT_LABELS) :] == POINT_LABELS


def test_unknown_labels_have_no_gradient():
    class Scores(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = torch.nn.Parameter(torch.zeros(2, 3))

        def forward(self, images):
            return self.scores

    model = Scores()
    targets = torch.tensor([[1.0, float("nan"), 0.0], [float("nan"), 0.0, 1.0]])
    models._multi_label_loss(model, (torch.zeros(2, 3, 4, 4), targets)).backward()
    assert torch.equal(model.scores.grad == 0, targets.isnan())


def test_crops_depend_on_seed_epoch_and_item_alone():
    one, two = dataset(), dataset()
    one.set_epoch(3, 1), two.set_epoch(3, 1)
    two[0], two[5]
    assert all(torch.equal(a, b) for a, b in zip(one[2], two[2], strict=True))
    two.set_epoch(3, 2)
    assert any(not torch.equal(one[i][0], two[i][0]) for i in range(6))
    assert one[2][0].shape == (3, 56, 56) and one[2][0].min() >= 0 and one[2][0].max() <= 1


def test_points_move_with_the_crop():
    data = dataset()
    for epoch in range(5):
        data.set_epoch(0, epoch)
        pixels, target = data[0]
        x, y = target[-len(POINT_LABELS) :][:2] * 56
        column, row = round(40 - x.item()), round(30 - y.item())
        crop = data.images[0][row : row + 56, column : column + 56]
        np.testing.assert_allclose(pixels.permute(1, 2, 0) * 255, crop, atol=1e-3)


def test_a_point_outside_the_crop_is_unknown():
    data = dataset(train=False)
    data.points[0] = (2.0, 30.0)  # left of the middle crop
    assert data[0][1][-len(POINT_LABELS) :].isnan().all() and not data[1][1].isnan().any()


def test_training_and_test_kitchens_are_apart(tiny_kitchen):
    pictures, words, points = images._video_frames(tiny_kitchen, per_video=2)
    assert len(pictures) == len(words) == len(points) == 16 * 2 and pictures[0].shape == (60, 80, 3)  # group 1 alone
    still_groups = json.loads((tiny_kitchen / "ground_truth" / "stills.json").read_text()).values()
    assert not {s["facts"]["group"] for s in still_groups if s["split"] == "train"} & images.TEST_GROUPS


def test_more_stills_are_new_and_keep_held_out_compositions_out(tiny_kitchen):
    from lrcn_utils.data.toy_kitchen.stills import HELD_OUT

    on_disk, _ = images.read_stills(tiny_kitchen, "train")
    pictures, words = images.render_stills(tiny_kitchen, 30)
    assert pictures[0].shape == (60, 60, 3)
    likeness = [min(np.abs(a.astype(int) - b).mean() for b in on_disk) for a in pictures]
    assert min(likeness) > 2  # the same picture through JPEG differs by less
    assert not {(w["object"], w["place"]) for w in words} & set(HELD_OUT)


def test_the_films_are_of_kitchens_that_no_set_shows(tiny_kitchen):
    tested, _, _ = images._video_frames(tiny_kitchen, per_video=18)
    pictures, words, points = images.render_frames(tiny_kitchen, 16)
    assert len(pictures) == len(words) == len(points) == 16 * images.FRAMES_OF_A_FILM
    assert pictures[0].shape == (60, 80, 3)
    assert len({w["activity"] for w in words}) == 9  # four pairs, the motion-only ones, four by their object
    likeness = [min(np.abs(a.astype(int) - b).mean() for b in tested) for a in pictures[::4]]
    assert min(likeness) > 8


def test_the_object_is_the_one_in_the_hand(tiny_kitchen):
    """Other foods of the kind lie about; what is carried is at the fingers."""
    scene = films.scene(0, "PutIn", 4, 1)
    for t in range(scene.frames):
        hand, _, thing = images._points(scene, t)
        assert np.hypot(*(hand - thing)) < 6


@pytest.fixture
def run(tiny_kitchen, tmp_path):
    words = ["cnn", "--root", str(tiny_kitchen), "--more-stills", "20", "--epochs", "2"]
    words += ["--films", "16"]

    def go(*more, out="run"):
        main([*words, "--batch-size", "16", *more, "--out", str(tmp_path / out)])
        return tmp_path / out

    return go


def test_a_short_run_learns_writes_and_loads(run, tiny_kitchen):
    file = run() / "cnn_seed0.safetensors"
    model, (_, config, record) = models.load(file), load_checkpoint(file)
    assert config["task"] == "cnn" and record["loss"][1] < record["loss"][0]
    assert model.labels == config["labels"] and model(torch.rand(2, 3, 56, 56)).shape == (2, len(model.labels))
    tests = images.test_sets(tiny_kitchen, model.labels)
    assert scores(model.train(), tests["stills"], model.labels) == record["scores"]["stills"]  # without dropout
    assert json.loads((file.parent / "results.json").read_text())["scores"] == [record["scores"]]


@pytest.mark.parametrize("step", [3, 11])
def test_a_killed_run_resumes_and_ends_as_the_unbroken_one(run, tmp_path, monkeypatch, step):
    """Seven steps an epoch."""
    run(out="whole")
    kill(monkeypatch, step, run)
    run("--resume")
    assert_same_models(tmp_path / "whole", tmp_path / "run")


def test_another_run_is_refused_and_other_data_has_no_labels(run, tmp_path, capsys):
    run()
    with pytest.raises(SystemExit) as stopped:
        run("--rate", "0.5", "--resume")
    assert "rate 0.001 there, 0.5 here" in stopped.value.code
    with pytest.raises(SystemExit):
        run("--data", str(tmp_path))
    assert "which no other dataset has" in capsys.readouterr().err


def test_the_shipped_checkpoint_is_small_and_tells_its_origin():
    _, _, record = load_checkpoint(models.CHECKPOINT)
    assert models.CHECKPOINT.stat().st_size < 3_000_000
    assert record["command"].startswith("python -m lrcn_utils.training cnn") and record["seed"] == 0
    assert {"object", "count", "colour", "place"} <= set(record["scores"]["stills"])


def test_the_shipped_checkpoint_still_reaches_its_scores(toy_kitchen):
    model = models.load()
    _, _, record = load_checkpoint(models.CHECKPOINT)
    for name, test in images.test_sets(toy_kitchen, model.labels).items():
        found = scores(model, test, model.labels)
        for family, share in record["scores"][name].items():
            assert found[family] == pytest.approx(share, abs=0.02), f"{name}, {family}"
