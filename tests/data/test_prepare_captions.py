"""The two scripts that prepare real caption datasets, on small copies in the official layouts."""

import importlib.util
import json
from pathlib import Path

import pytest
from PIL import Image

from lrcn_utils.data.coco import read_coco
from lrcn_utils.data.flickr import read_flickr

SCRIPTS = Path(__file__).resolve().parents[2] / "data_scripts"


def script(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def coco(tmp_path):
    """Two images in train2014, two in val2014; of a third only the caption is there."""
    (tmp_path / "annotations").mkdir()
    for half, ids in (("train2014", (1, 2, 3)), ("val2014", (4, 5))):
        (tmp_path / half).mkdir()
        names = {i: f"COCO_{half}_{i:012}.jpg" for i in ids}
        for i in ids:
            if i != 3:
                Image.new("RGB", (9, 9)).save(tmp_path / half / names[i])
        content = {
            "images": [{"id": i, "file_name": names[i]} for i in ids],
            "annotations": [{"id": 10 * i, "image_id": i, "caption": f"Caption of {i} ."} for i in ids],
        }
        (tmp_path / "annotations" / f"captions_{half}.json").write_text(json.dumps(content))
    return tmp_path


def karpathy(root, splits):
    images = [{"filename": f"COCO_{half}_{i:012}.jpg", "filepath": half, "split": split} for half, i, split in splits]
    (root / "dataset_coco.json").write_text(json.dumps({"images": images}))


def test_coco_is_split_as_karpathy_did(coco, capsys):
    karpathy(
        coco, [("train2014", 1, "train"), ("train2014", 3, "train"), ("val2014", 4, "test"), ("val2014", 5, "val")]
    )
    assert script("prepare_coco").main(["--root", str(coco)]) == 0
    said = capsys.readouterr().out
    assert "COCO_train2014_000000000003.jpg: no such image in train2014/" in said
    assert "train: 1 images, 1 of its images are not here" in said
    for split, number in (("train", "1"), ("val", "5"), ("test", "4")):
        found = read_coco(coco / "annotations" / f"captions_{split}.json", coco, strict=True)
        assert found.ids == [number] and found.captions == [[f"Caption of {number} ."]]


def test_coco_without_karpathys_file_has_the_official_halves(coco, capsys):
    script("prepare_coco").main(["--root", str(coco), "--limit", "1"])
    assert "train: 1 images" in capsys.readouterr().out
    assert read_coco(coco / "annotations" / "captions_val.json", coco).ids == ["4"]


def test_coco_strict_and_missing(coco):
    with pytest.raises(SystemExit, match="000000000003.jpg"):
        script("prepare_coco").main(["--root", str(coco), "--strict"])
    with pytest.raises(SystemExit, match="captions_train2014.json: no such caption file"):
        script("prepare_coco").main(["--root", str(coco / "nowhere")])


def test_flickr30k_gets_its_lists_from_karpathy(tmp_path, capsys):
    (tmp_path / "flickr30k-images").mkdir()
    for name in ("1.jpg", "2.jpg"):
        Image.new("RGB", (9, 9)).save(tmp_path / "flickr30k-images" / name)
    (tmp_path / "results_20130124.token").write_text("1.jpg#0\tOne .\n2.jpg#0\tTwo .\n")
    images = [{"filename": "1.jpg", "split": "train"}, {"filename": "2.jpg", "split": "val"}]
    (tmp_path / "dataset_flickr30k.json").write_text(json.dumps({"images": images}))
    script("prepare_flickr").main(["--data", "flickr30k", "--root", str(tmp_path)])
    assert "train: 1 images, 1 captions, 2 words" in capsys.readouterr().out
    assert read_flickr(tmp_path, "val").captions == [["Two ."]]


def test_flickr_that_is_not_there(tmp_path):
    with pytest.raises(SystemExit, match="no token file"):
        script("prepare_flickr").main(["--root", str(tmp_path)])
    with pytest.raises(SystemExit, match="by a form"):
        script("prepare_flickr").main(["--data", "flickr30k", "--root", str(tmp_path), "--fetch"])


@pytest.mark.real
def test_the_real_flickr8k_slice_is_prepared(real_data, capsys):
    script("prepare_flickr").main(["--root", str(real_data / "flickr8k"), "--limit", "20"])
    said = capsys.readouterr().out
    assert "train: 20 images, 100 captions" in said and "val: 20 images" in said and "test: no list" in said
    assert said.count("line 6731") == 1
