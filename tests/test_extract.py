"""``python -m lrcn_utils.extract``: what trainings read, made once, divided over processes, and never twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from broken_videos import make_dataset, truncated
from PIL import Image
from torch import nn

from lrcn_utils import extract
from lrcn_utils.data.cache import digest
from lrcn_utils.models import cnn as cnns
from lrcn_utils.training import calls
from lrcn_utils.training.__main__ import main as train
from lrcn_utils.training.captioning import models

TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


class Colours(nn.Module):
    """Stands in for a frozen CNN: the mean of each channel. ``seen`` counts the pictures of all of them."""

    crop, feature_size, seen = 56, {"pool": 3}, 0

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def features(self, images, layer):
        Colours.seen += len(images)
        return images.mean((2, 3)) * self.scale


@pytest.fixture(autouse=True)
def _counted(monkeypatch):
    monkeypatch.setattr(calls, "PICTURES_AT_ONCE", 1)
    monkeypatch.setattr(cnns, "pretrained", lambda name, download=False: Colours())
    monkeypatch.setattr(models, "open_cnn", lambda name: Colours().eval())
    monkeypatch.setattr(Colours, "seen", 0)


def seen(function, words) -> int:
    """How many pictures the CNN sees while the command runs."""
    before = Colours.seen
    function([str(word) for word in words])
    return Colours.seen - before


@pytest.fixture
def films(tmp_path):
    return make_dataset(tmp_path / "ucf", groups=(1, 8), frames=(20, 18))


def test_a_training_afterwards_extracts_nothing(films, tmp_path, capsys):
    words = ["activity", "--data", "ucf101", "--root", films, "--cnn", "squeezenet1_1"]
    assert seen(extract.main, words) == 20 + 18 + 2, "films of two contents, and two calls for the estimate"
    assert "8 videos; to do: 8, about" in capsys.readouterr().out
    assert seen(extract.main, words) == 0
    said = capsys.readouterr().out
    assert "8 videos: the features of all of them are there" in said and "8 are there, 0 could not be read" in said
    assert seen(train, [*words, "--epochs", "1", "--out", tmp_path / "run"]) == 0


def test_the_index_names_what_was_made_and_what_failed(films):
    broken = truncated(films / "UCF-101" / "Jump" / "v_Jump_g01_c01.avi")
    extract.main(["activity", "--data", "ucf101", "--root", str(films), "--cnn", "squeezenet1_1"])
    (file,) = films.glob("cache/features-*/index.json")
    index = json.loads(file.read_text())
    assert len(index) == 8 and "truncated" in index.pop(broken.name)["error"]
    for name, entry in index.items():
        (video,) = films.glob(f"UCF-101/*/{name}")
        assert entry["from"] == digest(video) and np.load(file.with_name(entry["file"])).shape[2] == 3


def test_a_dry_run_computes_no_features(films, capsys):
    words = ["activity", "--data", "ucf101", "--root", films, "--cnn", "squeezenet1_1", "--dry-run"]
    assert seen(extract.main, words) == 2
    assert "8 videos; to do: 8" in capsys.readouterr().out and not list(films.glob("cache/features-*"))


def test_a_cnn_that_is_trained_has_no_features_to_keep(films, capsys):
    with pytest.raises(SystemExit):
        extract.main(["activity", "--data", "ucf101", "--root", str(films), "--cnn", "hybrid"])
    assert "--cnn hybrid is trained itself; choose one that is not: squeezenet1_1" in capsys.readouterr().err


def test_images_of_all_splits_are_extracted_and_a_captioner_finds_them(tmp_path, capsys):
    for split, count in (("train", 5), ("val", 3), ("test", 2)):
        images = [{"id": i, "file_name": f"{split}{i}.png"} for i in range(count)]
        annotations = [{"image_id": i, "caption": "a red square"} for i in range(count)]
        (tmp_path / "images").mkdir(exist_ok=True)
        for i in range(count):
            Image.new("RGB", (64, 64), (20 * i, 9, count)).save(tmp_path / "images" / f"{split}{i}.png")
        (tmp_path / "annotations").mkdir(exist_ok=True)
        content = json.dumps({"images": images, "annotations": annotations})
        (tmp_path / "annotations" / f"captions_{split}.json").write_text(content)
    (tmp_path / "images" / "val2.png").write_text("no image")
    words = ["captioning", "--data", tmp_path, "--feature", "pool"]
    extract.main([*map(str, words)])
    said = capsys.readouterr().out
    assert "9 are there, 1 could not be read" in said and "val2.png: cannot be read as an image" in said
    short = ["--hidden", "8", "--embedding", "8", "--epochs", "1", "--out", tmp_path / "run"]
    assert seen(train, [*words, *short]) == 0


def launch(root: Path, *launcher, **options) -> subprocess.Popen:
    repository = Path(__file__).parents[1]
    variables = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE")}
    variables |= {"PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, *launcher, "-m", "lrcn_utils.extract", "flow", root, "--workers", "1", "--quiet"]
    return subprocess.Popen([*map(str, words)], env=variables, text=True, stdout=subprocess.PIPE, **options)


def made_before_a_kill(command: subprocess.Popen, root: Path, files: str) -> dict[Path, int]:
    """Kill the command when the first of ``files`` is there: {what it has made: when}."""
    while not list(root.glob(files)) and command.poll() is None:
        time.sleep(0.001)
    command.send_signal(signal.SIGKILL)
    command.communicate()
    assert command.returncode == -signal.SIGKILL
    return {path: path.stat().st_mtime_ns for path in root.glob(files)}


@pytest.mark.slow
def test_two_processes_make_each_flow_once_and_one_index(films):
    pytest.importorskip("accelerate", reason="needs the extra 'distributed'")
    pytest.importorskip("cv2")
    truncated(films / "UCF-101" / "Walk" / "v_Walk_g08_c02.avi")
    said, _ = launch(films, *TWO).communicate(timeout=300)
    assert "8 videos: 0 were done, 7 made now" in said and "7 are there, 1 could not be read" in said
    index = json.loads((films / "flow" / "index.json").read_text())
    assert len(index) == 8 and sum("error" in entry for entry in index.values()) == 1
    assert len(list(films.glob("flow/*/*"))) == 7


@pytest.mark.slow
def test_flow_that_was_killed_goes_on_and_makes_nothing_twice(tmp_path):
    pytest.importorskip("cv2")
    films = make_dataset(tmp_path / "ucf", groups=(1, 8), frames=(300, 300))
    made = made_before_a_kill(launch(films), films, "flow/*/*.avi")
    assert 0 < len(made) < 8 and not (films / "flow" / "index.json").exists()
    said, _ = launch(films).communicate(timeout=300)
    assert f"8 videos: {len(made)} were done, {8 - len(made)} made now" in said
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in made.items())
    assert len(list(films.glob("flow/*/*"))) == 8, "no part of a file is left"


def launch_features(root: Path) -> subprocess.Popen:
    """The command for features in a process of its own, with ``Colours`` for a CNN, slow enough to be killed."""
    words = ["activity", "--data", "ucf101", "--root", str(root), "--cnn", "squeezenet1_1"]
    code = f"""
import time
from test_extract import Colours
from lrcn_utils import extract
from lrcn_utils.models import cnn

class Slow(Colours):
    def features(self, images, layer):
        time.sleep(0.2)
        return super().features(images, layer)

cnn.pretrained = lambda name, download=False: Slow()
extract.main({words!r})
"""
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", code], env=variables, text=True, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_features_whose_extraction_was_killed_are_those_of_an_unbroken_one(tmp_path):
    unbroken = make_dataset(tmp_path / "unbroken", groups=(1, 8), frames=(60, 50))
    films = make_dataset(tmp_path / "killed", groups=(1, 8), frames=(60, 50))
    launch_features(unbroken).communicate(timeout=300)
    made = made_before_a_kill(launch_features(films), films, "cache/features-*/*.npy")
    assert len(made) == 1, "of two: the eight films are copies of two"
    said, _ = launch_features(films).communicate(timeout=300)
    assert "8 are there, 0 could not be read" in said
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in made.items())
    (one,), (other,) = unbroken.glob("cache/features-*"), films.glob("cache/features-*")
    assert len(list(other.iterdir())) == len(list(one.iterdir())), "no part of a file is left"
    for file in one.glob("*.npy"):
        np.testing.assert_array_equal(np.load(other / file.name), np.load(file))
