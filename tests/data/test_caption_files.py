"""Captions in every common form: the same images, captions and splits come out, and faults cost a line each."""

import codecs
import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lrcn_utils.data.caption_files import plain, read_captions
from lrcn_utils.data.captions import CaptionError, draw_splits
from lrcn_utils.data.coco import read_coco
from lrcn_utils.data.flickr import read_flickr
from lrcn_utils.data.report import Report

PAIRS = [("a.jpg", "A dog, running ."), ("a.jpg", 'The "big" dog .'), ("b.jpg", "A cat .")]
RECORDS = [{"file": name, "caption": caption} for name, caption in PAIRS]
KARPATHY = {
    "images": [
        {"filename": "a.jpg", "split": "train", "sentences": [{"raw": PAIRS[0][1]}, {"raw": PAIRS[1][1]}]},
        {"filename": "b.jpg", "split": "val", "sentences": [{"raw": PAIRS[2][1]}]},
    ]
}
COCO = {
    "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}],
    "annotations": [{"image_id": 7 + (name == "b.jpg"), "caption": caption} for name, caption in PAIRS],
}
FORMS = {
    "Flickr8k.token.txt": "".join(f"{name}#{i}\t{caption}\n" for i, (name, caption) in enumerate(PAIRS)),
    "results.csv": "image_name| comment_number| comment\n"
    + "".join(f"{name}| {i}| {caption}\n" for i, (name, caption) in enumerate(PAIRS)),
    "captions.txt": 'image,caption\na.jpg,"A dog, running ."\na.jpg,"The ""big"" dog ."\nb.jpg,A cat .\n',
    "numbered.csv": 'image_name,comment_number,comment\na.jpg,0,"A dog, running ."\na.jpg,1,"The ""big"" dog ."\n'
    "b.jpg,0,A cat .\n",
    "excel.csv": 'Image; Caption\r\na.jpg;A dog, running .\r\na.jpg;"The ""big"" dog ."\r\nb.jpg;A cat .\r\n',
    "coco.json": json.dumps(COCO),
    "dataset_flickr8k.json": json.dumps(KARPATHY),
    "records.json": json.dumps(RECORDS),
    "mapping.json": json.dumps({"a.jpg": [PAIRS[0][1], PAIRS[1][1]], "b.jpg": PAIRS[2][1]}),
}


def read(path, strict=False):
    found = read_captions(path, Report(strict, CaptionError))
    return found, [(found.names[key], words) for _, key, words in found.captions]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["", "BOM"])
@pytest.mark.parametrize("name", list(FORMS))
def test_every_form_says_the_same(tmp_path, name, mark):
    (tmp_path / name).write_bytes(mark + FORMS[name].encode())
    found, pairs = read(tmp_path / name, strict=True)
    assert pairs == PAIRS and list(found.names.values()) == ["a.jpg", "b.jpg"]
    assert found.splits == ({"a.jpg": "train", "b.jpg": "val"} if "dataset" in name else {})


def test_the_known_slips_of_the_originals_are_read_rightly(tmp_path):
    (tmp_path / "Flickr8k.token.txt").write_text("225_58.jpg.1#0\tpeople waiting\n225_58.jpg#1\tSome people .\n")
    assert read(tmp_path / "Flickr8k.token.txt", strict=True)[1] == [
        ("225_58.jpg", "people waiting"),
        ("225_58.jpg", "Some people ."),
    ]
    (tmp_path / "results.csv").write_text("image_name| comment_number| comment\n2.jpg| 3| One .\n2.jpg| 4   A dog .\n")
    assert read(tmp_path / "results.csv", strict=True)[1] == [("2.jpg", "One ."), ("2.jpg", "A dog .")]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", "image,caption\na.jpg,A dog, running .\n", "line 2: has more fields than the heading; put the"),
        ("a.csv", "a.jpg,A dog .\n", "there is no image in it; the first line of a table names its columns"),
        ("a.csv", "a.jpg,A dog .\nb.jpg,A cat .\n", "line 2: needs the image and the caption; name the fields"),
        ("a.csv", 'image,caption\na.jpg,"A dog .\n', "line 2: unexpected end of data; is a quotation mark missing?"),
        ("a.csv", "image,caption\n,A dog .\n", "line 2: the image's name is empty"),
        ("a.json", "[3]", "record [0]: needs the image and the caption"),
        ("a.txt", "", "there is no image in it"),
        ("a.json", "3", "has neither COCO's form nor records"),
        ("a.json", '{"images": [{"filename": "x.jpg"}]}', "images[0]: needs 'filename' and 'split', as Karpathy's"),
        ("a.json", '{"annotations": []}', "has no list 'images'"),
        ("a.json", "{", "broken JSON"),
        ("a.txt", "a.jpg#0\tA dog .\nwhat\n", "line 2: 'what' is not name.jpg#number"),
    ],
)
def test_faults_cost_one_line_with_file_and_place(tmp_path, name, content, line):
    (tmp_path / name).write_text(content)
    found, _ = read(tmp_path / name)
    (said,) = found.report.lines
    assert said.startswith(name) and line in said
    with pytest.raises(CaptionError) as caught:
        read(tmp_path / name, strict=True)
    assert line in str(caught.value) and not str(caught.value).endswith("left out")


def test_what_stands_twice_is_used_once(tmp_path):
    (tmp_path / "a.csv").write_text("image,caption\na.jpg,A dog .\na.jpg, A  dog .\nb.jpg,A dog .\na.jpg,A dog .\n")
    found, pairs = read(tmp_path / "a.csv", strict=True)
    assert pairs == [("a.jpg", "A dog ."), ("b.jpg", "A dog .")]
    assert found.report.lines == ["a.csv: captions that stand twice, and are used once: 1"]
    # Two people who wrote the same are two references; the same person's line twice is one.
    (tmp_path / "a.txt").write_text("a.jpg#0\tA dog .\na.jpg#1\tA dog .\na.jpg#1\tA dog .\n")
    assert len(read(tmp_path / "a.txt")[1]) == 2


def test_an_image_told_in_two_ways_is_taken_as_it_was_first(tmp_path):
    (tmp_path / "a.csv").write_text("image,caption,split\na.jpg,A dog .,train\na.jpg,A cat .,Validation\n")
    found, _ = read(tmp_path / "a.csv")
    assert found.splits == {"a.jpg": "train"}
    assert found.report.lines == ["a.csv, line 3: image a.jpg is val here, and train before; the first is used"]
    content = {"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}], "annotations": []}
    (tmp_path / "c.json").write_text(json.dumps(content))
    found, _ = read(tmp_path / "c.json")
    assert found.names == {"1": "a.jpg"} and "image 1 is b.jpg here, and a.jpg before" in found.report.lines[0]


def test_names_are_compared_as_people_mean_them():
    assert plain(" .\\Dogs\\A.b.JPG ") == "Dogs/A.b.jpg" and plain("12") == "12"


def flickr(root, names=("a.jpg", "b.jpg")):
    for name in names:
        (root / "Images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / "Images" / name, "jpeg")
    return root


def test_names_differ_from_those_on_disk_in_capitals_and_slashes(tmp_path):
    flickr(tmp_path, ["A.JPG", "sub/Caf\u00e9.jpeg", "c.jpg"])
    (tmp_path / "Flickr8k.token.txt").write_text(
        "a.jpg#0\tOne .\nsub\\cafe\u0301.JPEG#0\tTwo .\nc.JPG#0\tThree .\n", encoding="utf-8"
    )
    (tmp_path / "Flickr_8k.trainImages.txt").write_text(
        " a.JPG \r\nsub\\cafe\u0301.jpeg\r\nc.jpg\r\na.jpg\r\n", encoding="utf-8-sig"
    )
    found = read_flickr(tmp_path, "train", strict=True)
    assert [path.relative_to(tmp_path / "Images").as_posix() for path in found.images] == [
        "A.JPG", "sub/Caf\u00e9.jpeg", "c.jpg",
    ]  # fmt: skip
    assert found.report.lines == ["Flickr_8k.trainImages.txt: images that stand twice, and are used once: 1"]


def test_a_link_that_leads_nowhere_is_a_missing_image(tmp_path):
    (flickr(tmp_path, ["b.jpg"]) / "Images" / "a.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "Flickr8k.token.txt").write_text("a.jpg#0\tOne .\nb.jpg#0\tTwo .\n")
    (tmp_path / "Flickr_8k.trainImages.txt").write_text("a.jpg\nb.jpg\n")
    found = read_flickr(tmp_path, "train")
    assert found.ids == ["b.jpg"] and found.report.lines == ["a.jpg: no such image in Images/; left out"]


def test_coco_names_with_backslashes(tmp_path):
    flickr(tmp_path, ["sub/a.JPG"])
    content = {"images": [{"id": 1, "file_name": "sub\\a.jpg"}], "annotations": [{"image_id": 1, "caption": "One ."}]}
    (tmp_path / "c.json").write_text(json.dumps(content))
    assert read_coco(tmp_path / "c.json", tmp_path / "Images", strict=True).images[0].name == "a.JPG"


def test_a_token_file_with_a_byte_order_mark_loses_nothing(tmp_path):
    names = [f"{i}.jpg" for i in range(3)]
    tokens = "".join(f"{name}#{k}\tCaption {k} .\n" for name in names for k in range(5))
    (flickr(tmp_path, names) / "Flickr8k.token.txt").write_text(tokens, encoding="utf-8-sig")
    (tmp_path / "Flickr_8k.trainImages.txt").write_text("\n".join(names), encoding="utf-8-sig")
    found = read_flickr(tmp_path, "train", strict=True)
    assert found.ids == names and {len(captions) for captions in found.captions} == {5}


@pytest.mark.parametrize("name", ["captions.txt", "results.csv"])
def test_kaggles_flickr_has_no_lists_and_the_split_is_drawn_and_said(tmp_path, name):
    names = [f"{i}.jpg" for i in range(30)]
    lines = [f"{n},Caption .\n" if name == "captions.txt" else f"{n}| 0| Caption .\n" for n in names]
    heading = "image,caption\n" if name == "captions.txt" else "image_name| comment_number| comment\n"
    (flickr(tmp_path, names) / name).write_text(heading + "".join(lines))
    found = {split: read_flickr(tmp_path, split, strict=True) for split in ("train", "val", "test")}
    assert {split: len(some) for split, some in found.items()} == {"train": 24, "val": 3, "test": 3}
    assert sorted(sum((some.ids for some in found.values()), [])) == sorted(names)
    (line,) = found["val"].report.lines
    assert (
        line.startswith(f"{name}: there are no lists of the splits, so a tenth") and "Flickr_8k.devImages.txt" in line
    )
    (tmp_path / "Flickr_8k.devImages.txt").write_text("7.jpg\n")
    assert read_flickr(tmp_path, "val").ids == ["7.jpg"], "the official list, once it is there"
    with pytest.raises(FileNotFoundError, match="no list of the test split"):
        read_flickr(tmp_path, "test")


def test_karpathys_file_alone_or_beside_a_table(tmp_path):
    (flickr(tmp_path) / "dataset_flickr8k.json").write_text(json.dumps(KARPATHY))
    alone = read_flickr(tmp_path, "val", strict=True)
    assert (alone.ids, alone.captions, len(alone.report)) == (["b.jpg"], [["A cat ."]], 0)
    (tmp_path / "captions.txt").write_text("image,caption\na.jpg,One .\nb.jpg,Two .\n")
    assert read_flickr(tmp_path, "val", strict=True).captions == [["Two ."]]


def test_a_folder_without_captions_says_what_it_looked_for(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"captions.txt .* or dataset_flickr30k.json\); unpack the dataset there"
    ):
        read_flickr(tmp_path, "train")


@given(st.sets(st.text(max_size=8), max_size=60), st.integers(0, 3))
def test_a_drawn_split_parts_the_names_whatever_their_order(names, seed):
    splits = draw_splits(sorted(names), seed)
    assert splits == draw_splits(sorted(names, reverse=True), seed) and splits.keys() == names
    share = max(1, len(names) // 10)
    if len(names) >= 3:
        assert [list(splits.values()).count(s) for s in ("val", "test")] == [share, share]
        assert "train" in splits.values()


def test_another_seed_is_another_split():
    names = [f"{i}.jpg" for i in range(100)]
    assert draw_splits(names, 0) != draw_splits(names, 1)


@pytest.mark.real
def test_karpathys_and_kaggles_forms_of_the_real_flickr8k_say_the_same(real_data, tmp_path):
    source = real_data / "flickr8k"
    official = read_flickr(source, "train")
    lines = (source / "Flickr8k.token.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines]
    table = "".join(
        f'{key.split("#")[0].replace(".jpg.1", ".jpg")},"{words.replace(chr(34), chr(34) * 2)}"\n'
        for key, words in pairs
    )
    (tmp_path / "captions.txt").write_text("image,caption\n" + table, encoding="utf-8")
    shutil.copy(source / "Flickr_8k.trainImages.txt", tmp_path)
    (tmp_path / "Images").symlink_to(source / "Images")
    kaggle = read_flickr(tmp_path, "train")
    assert kaggle.ids == official.ids
    assert [sorted(set(some)) for some in kaggle.captions] == [sorted(set(some)) for some in official.captions]
