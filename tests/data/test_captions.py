"""Caption files, good and bad: each fault costs one clear line, the rest is used."""

import json

import pytest
import torch
from PIL import Image

from lrcn_utils.data.captions import CaptionError, CaptionSet, why_unusable
from lrcn_utils.data.coco import read_coco, write_coco
from lrcn_utils.data.flickr import read_flickr
from lrcn_utils.data.image import ImageError
from lrcn_utils.data.pixels import load_images


def picture(path, colour=(200, 30, 30), size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def coco(tmp_path):
    """Three images; then everything that can be wrong with a caption, once."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        picture(tmp_path / "images" / name)
    content = {
        "images": [{"id": i, "file_name": f"{name}.jpg"} for i, name in enumerate(["a", "b", "c", "gone"])]
        + [{"id": 9}],
        "annotations": [
            {"image_id": 0, "caption": "A  red\nsquare ."},
            {"image_id": 1, "caption": "Ein rotes Quadrat für Ärzte"},
            {"image_id": 0, "caption": "  "},
            {"image_id": 0, "caption": "一个红色的正方形"},
            {"image_id": 77, "caption": "Nobody knows me ."},
            {"image_id": 1, "caption": None},
            {"caption": "I have no image ."},
            {"image_id": 3, "caption": "My image is gone ."},
        ],
    }
    file = tmp_path / "captions.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_every_fault_costs_one_clear_line_and_the_rest_is_used(coco):
    found = read_coco(coco, coco.parent / "images")
    assert found.ids == ["0", "1"]
    assert found.captions == [["A red square ."], ["Ein rotes Quadrat für Ärzte"]]
    assert found.report.lines == [
        "captions.json, images[4]: needs 'id' and 'file_name'; left out",
        "captions.json, annotations[6]: needs 'image_id'; left out",
        "gone.jpg: no such image in images/; left out",
        "captions.json, annotations[2] (image 0): the caption is empty; caption left out",
        "captions.json, annotations[3] (image 0): the caption is in another script than Latin; caption left out",
        "captions.json, annotations[4]: no image has the id 77; caption left out",
        "captions.json, annotations[5] (image 1): the caption is None, not text; caption left out",
        "captions.json: image 2 has no usable caption; left out",
    ]


def test_strict_stops_at_the_first_fault(coco):
    with pytest.raises(CaptionError, match=r"images\[4\]"):
        read_coco(coco, coco.parent / "images", strict=True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"images": [', "broken JSON"),
        ("[1, 2]", "has no list 'images'"),
        ('{"info": 1}', "has no list 'images'"),
    ],
)
def test_a_broken_file_gives_an_empty_set_and_says_so(tmp_path, text, line):
    file = tmp_path / "captions.json"
    file.write_text(text)
    found = read_coco(file, tmp_path)
    assert len(found) == 0 and line in found.report.lines[0] and "captions.json" in found.report.lines[0]
    with pytest.raises(CaptionError, match="captions.json"):
        read_coco(file, tmp_path, strict=True)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"captions_val.json: no such file in "):
        read_coco(tmp_path / "captions_val.json", tmp_path)


def test_many_faults_of_a_kind_are_counted(tmp_path):
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in range(30)]
    file = tmp_path / "captions.json"
    file.write_text(json.dumps({"images": images, "annotations": []}))
    lines = read_coco(file, tmp_path).report.lines
    assert len(lines) == 6 and lines[-1] == "... and 25 more of this kind: missing image"


def test_what_is_written_is_read_back(tmp_path):
    picture(tmp_path / "val2014" / "x.jpg")
    write_coco(tmp_path / "c.json", ["5"], ["val2014/x.jpg"], [["One .", "Two ."]])
    found = read_coco(tmp_path / "c.json", tmp_path)
    assert (found.ids, found.captions, len(found.report)) == (["5"], [["One .", "Two ."]], 0)
    assert found.pairs() == [(0, "One ."), (0, "Two .")]


def test_flickr_token_files(tmp_path):
    for name in ("1.jpg", "2.jpg"):
        picture(tmp_path / "Images" / name)
    (tmp_path / "Flickr8k.token.txt").write_text(
        "1.jpg#0\tA dog runs .\n1.jpg#1\tOne dog .\n2.jpg#0\tA cat .\n3.jpg-1\tpeople waiting\n2.jpg#1\t\n"
    )
    (tmp_path / "Flickr_8k.trainImages.txt").write_text("2.jpg\n1.jpg\n9.jpg\n")
    (tmp_path / "Flickr_8k.devImages.txt").write_text("1.jpg\n")
    found = read_flickr(tmp_path, "train")
    assert found.ids == ["2.jpg", "1.jpg"] and found.captions == [["A cat ."], ["A dog runs .", "One dog ."]]
    assert found.report.lines == [
        "Flickr8k.token.txt, line 4: '3.jpg-1' is not name.jpg#number; left out",
        "Flickr_8k.trainImages.txt: 9.jpg has no caption in Flickr8k.token.txt; left out",
        "Flickr8k.token.txt, line 5 (image 2.jpg): the caption is empty; caption left out",
    ]
    assert read_flickr(tmp_path, "val").ids == ["1.jpg"]
    with pytest.raises(FileNotFoundError, match="list of the test split"):
        read_flickr(tmp_path, "test")
    with pytest.raises(CaptionError, match="line 4"):
        read_flickr(tmp_path, "train", strict=True)


def test_flickr30k_with_bare_numbers(tmp_path):
    picture(tmp_path / "flickr30k-images" / "1000092795.jpg")
    (tmp_path / "results_20130124.token").write_text("1000092795.jpg#0\tTwo young guys .\n")
    (tmp_path / "val.txt").write_text("1000092795\n")
    found = read_flickr(tmp_path, "val")
    assert found.captions == [["Two young guys ."]] and len(found.report) == 0


@pytest.mark.parametrize(
    ("caption", "fault"),
    [
        ("A dog.", None),
        ("Café où l'on mange", None),
        ("A sign reading Θ and Ж", None),
        ("", "empty"),
        (" . !", "empty"),
        ("собака бежит", "script"),
        ("犬", "script"),
        (3, "not text"),
    ],
)
def test_which_captions_can_be_used(caption, fault):
    found = why_unusable(caption)
    assert (found is None) if fault is None else (fault in found)


def test_images_are_warped_and_broken_ones_left_out(tmp_path):
    picture(tmp_path / "a.jpg", (255, 0, 0), (20, 10))
    Image.new("L", (5, 5), 128).save(tmp_path / "grey.png")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    names = ["a.jpg", "grey.png", "cut.jpg", "text.jpg"]
    given = CaptionSet(names, [tmp_path / name for name in names], [["."]] * 4)
    kept, pixels = load_images(given, 4, 6)
    assert pixels.shape == (2, 3, 4, 6) and pixels.dtype == torch.uint8 and kept.ids == ["a.jpg", "grey.png"]
    assert pixels[0, 0].min() > 240 and pixels[0, 1].max() < 15
    assert [line.split(":")[0] for line in kept.report.lines] == ["cut.jpg", "text.jpg"]
    with pytest.raises(ImageError, match="cut.jpg"):
        load_images(given, 4, 6, strict=True)


@pytest.mark.real
def test_the_real_flickr8k_slice(real_data):
    root = real_data / "flickr8k"
    train, val = read_flickr(root, "train"), read_flickr(root, "val")
    assert (len(train), len(val)) == (753, 113)
    assert not set(train.ids) & set(val.ids)
    assert train.report.lines[-1] == "... and 5242 more of this kind: missing image"
    assert {len(captions) for captions in train.captions} == {5}
