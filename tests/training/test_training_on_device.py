"""Every training command, and prediction with what it trained, on the GPU: a real one, or the pretend one."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from arrow_films import LOSSLESS, falling, make_films
from interrupted import kill
from pretend_gpu import gpu

from lrcn_utils import predict
from lrcn_utils.data.flow import make_flow
from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.activity.settings import RECIPES
from lrcn_utils.training.description import tuples
from lrcn_utils.training.description.settings import NAMES

pytestmark = pytest.mark.device
CLASSES = ["Stir", "OpenDrawer", "CloseDrawer"]


@pytest.fixture(scope="module")
def kitchen(tiny_kitchen, tmp_path_factory) -> Path:
    """A tiny Toy Kitchen of its own, with the flow of three classes."""
    root = tmp_path_factory.mktemp("device") / "toy_kitchen"
    shutil.copytree(tiny_kitchen, root)
    index = read_index(root, test_groups=[1])
    for video in index.train + index.test:
        if index.classes[video.label] in CLASSES:
            make_flow(video.path, video.flow_path)
    return root


@pytest.fixture
def run(kitchen, tmp_path, monkeypatch):
    """Run a command on the device with few steps; what stands in its run's folder is said to be of the device."""
    short = {name: replace(recipe, epochs=1, warm_up=min(1, recipe.warm_up)) for name, recipe in RECIPES.items()}
    monkeypatch.setattr("lrcn_utils.training.activity.settings.RECIPES", short)
    monkeypatch.setattr(tuples, "RECIPE", replace(tuples.RECIPE, epochs=2))

    def go(*words, out="run", root=("--root", str(kitchen))) -> Path:
        folder = tmp_path / out
        with gpu():
            main([*words, *root, "--cache", str(tmp_path / "cache"), "--out", str(folder)])
        assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["versions"]["device"] == "cuda"
        return folder

    return go


ACTIVITY = ["--test-groups", "1", "--classes", *CLASSES]


def test_activity_and_its_controls(run):
    lrcn = run("activity", *ACTIVITY) / "lrcn-fc6_rgb_seed0.safetensors"
    run("activity", "controls", "--test-groups", "1", "--checkpoint", str(lrcn), out="controls")


def test_activity_with_ten_crops_and_sgd(run):
    run("activity", *ACTIVITY, "--model", "single-frame", "--crops", "ten", "--optimizer", "sgd", "--brightness", "0.2")


def test_the_table_of_activity(run, capsys):
    run("activity", "table", *ACTIVITY)
    assert "lrcn-fc7" in capsys.readouterr().out


def test_a_killed_run_goes_on(run, monkeypatch):
    kill(monkeypatch, 3, lambda: run("activity", *ACTIVITY))
    run("activity", *ACTIVITY, "--resume")


@pytest.mark.parametrize(
    "words",
    [
        ["1u"],
        ["2u"],
        ["4f", "--no-image"],
        ["2f", "--cell", "rnn"],
        ["mrnn"],
        ["2f", "--dropout", "0.3", "--fine-tune", "1"],
    ],
    ids=" ".join,
)
def test_captioning(run, words):
    run("captioning", "--epochs", "1", "--hidden", "16", "--embedding", "8", "--limit", "30", "--model", *words)


def test_description(run):
    few = ["--epochs", "1", "--least-batches", "3", "--limit", "20", "--levels", "short"]
    run("description", *few, "--model", *NAMES)


def test_cnn(run):
    run("cnn", "--more-stills", "20", "--films", "16", "--epochs", "1", "--batch-size", "16")


def test_captioning_with_attention(run):
    run("captioning", "attention", "--epochs", "1", "--limit", "8", "--parameters", "30000")


def test_arrow(run, tmp_path):
    make_films(tmp_path / "films", falling, groups=3, frames=49, storing=LOSSLESS)
    run("arrow", "--data", str(tmp_path / "films"), "--seeds", "1", "--epochs", "1", root=())


def test_prediction(kitchen, capsys):
    video = read_index(kitchen, test_groups=[1]).test[0]
    image = sorted((kitchen / "stills" / "images").rglob("*.jpg"))[0]
    with gpu(), pytest.raises(SystemExit) as end:
        predict.main([str(video.path), str(image), "--json"])
    film, picture = json.loads(capsys.readouterr().out)
    assert end.value.code == 0
    assert film.keys() == {"file", "activity", "description"} and picture.keys() == {"file", "captioning"}
