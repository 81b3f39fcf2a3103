"""The scripts that prepare captions: real datasets, on small copies in the official layouts, and own pictures."""

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
    with pytest.raises(SystemExit, match="000000000003.jpg: no such image in train2014/$"):
        script("prepare_coco").main(["--root", str(coco), "--strict"])
    with pytest.raises(SystemExit, match=r"nowhere: has neither of annotations/captions_{train,val}2014.json"):
        script("prepare_coco").main(["--root", str(coco / "nowhere")])


def test_coco_with_one_annotation_file_is_a_part_of_it(coco, capsys):
    (coco / "annotations" / "captions_train2014.json").unlink()
    karpathy(coco, [("val2014", 4, "test"), ("val2014", 5, "val"), ("train2014", 1, "train")])
    assert script("prepare_coco").main(["--root", str(coco)]) == 0
    said = capsys.readouterr().out
    assert "train: 0 images, 1 of its images are not here" in said and "val: 1 images" in said


def test_coco_without_any_image_is_an_error_and_writes_nothing(coco):
    for file in [*(coco / "train2014").iterdir(), *(coco / "val2014").iterdir()]:
        file.unlink()
    with pytest.raises(SystemExit, match="no image with a caption in train2014 or val2014; unpack the images there"):
        script("prepare_coco").main(["--root", str(coco)])
    assert sorted(file.name for file in (coco / "annotations").iterdir()) == [
        "captions_train2014.json", "captions_val2014.json",
    ]  # fmt: skip


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


def flickr8k(root):
    """The official form with its one odd line, and lists for all three splits."""
    (root / "Flicker8k_Dataset").mkdir()
    for name in "1234":
        Image.new("RGB", (9, 9)).save(root / "Flicker8k_Dataset" / f"{name}.jpg")
    lines = [f"{name}.jpg#{k}\tCaption {k} .\n" for name in "1234" for k in range(5)]
    lines[5] = "2.jpg.1#0\tpeople waiting for the subway\n"
    (root / "Flickr8k.token.txt").write_text("".join(lines))
    for split, names in {"train": "12", "dev": "3", "test": "4"}.items():
        (root / f"Flickr_8k.{split}Images.txt").write_text("".join(f"{name}.jpg\n" for name in names))
    return root


def test_the_official_flickr8k_passes_strictly(tmp_path, capsys):
    assert script("prepare_flickr").main(["--root", str(flickr8k(tmp_path)), "--strict"]) == 0
    assert capsys.readouterr().out.endswith(
        "train: 2 images, 10 captions, 32 words\n"
        "val: 1 images, 5 captions, 15 words\n"
        "test: 1 images, 5 captions, 15 words\n"
    )
    for file in (tmp_path / "Flicker8k_Dataset").iterdir():
        file.unlink()
    with pytest.raises(SystemExit, match="1.jpg: no such image in Flicker8k_Dataset/$"):
        script("prepare_flickr").main(["--root", str(tmp_path), "--strict"])
    with pytest.raises(SystemExit, match="no image with a caption is there"):
        script("prepare_flickr").main(["--root", str(tmp_path)])


def everything_below(folder):
    return sorted(str(path) for path in folder.rglob("*"))


def test_a_copy_elsewhere_is_linked_and_left_as_it_is(tmp_path, tmp_path_factory, coco, capsys):
    theirs = flickr8k(tmp_path_factory.mktemp("theirs"))
    roots = tmp_path_factory.mktemp("roots")
    for name, copy in (("flickr", theirs), ("coco", coco)):
        there, root = everything_below(copy), roots / name
        script(f"prepare_{name}").main(["--source", str(copy), "--root", str(root), "--dry-run"])
        said = capsys.readouterr().out
        assert "licence: " in said and "images to decode; to do: " in said and not root.exists()
        script(f"prepare_{name}").main(["--source", str(copy), "--root", str(root), "--quiet"])
        assert "train: " in capsys.readouterr().out and everything_below(copy) == there
    assert len(read_flickr(roots / "flickr", "train")) == 2
    assert (roots / "coco" / "annotations" / "captions_train.json").exists()


def test_every_image_is_opened_once(tmp_path, capsys, monkeypatch):
    from lrcn_utils.data import image_index

    opened, real = [], image_index.read_image
    monkeypatch.setattr(image_index, "read_image", lambda path, size: opened.append(path.name) or real(path, size))
    root = flickr8k(tmp_path)
    broken = root / "Flicker8k_Dataset" / "2.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    for _ in range(2):
        script("prepare_flickr").main(["--root", str(root), "--quiet"])
        assert "2.jpg: cannot be read as an image" in capsys.readouterr().out, "and it is listed each time"
    assert sorted(opened) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    Image.new("RGB", (9, 9)).save(broken)
    script("prepare_flickr").main(["--root", str(root), "--quiet"])
    assert opened[4:] == ["2.jpg"] and "train: 2 images" in capsys.readouterr().out


def test_flickr_that_is_not_there(tmp_path):
    with pytest.raises(SystemExit, match="no token file"):
        script("prepare_flickr").main(["--root", str(tmp_path)])
    with pytest.raises(SystemExit, match="by a form"):
        script("prepare_flickr").main(["--data", "flickr30k", "--root", str(tmp_path), "--fetch"])


# Pictures of one's own


@pytest.fixture
def mine(tmp_path):
    """Twelve pictures in two folders, the same names in both, and a table of two captions each."""
    for folder in ("cats", "dogs"):
        (tmp_path / "pictures" / folder).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (9, 9), (20 * i, 0, 0)).save(tmp_path / "pictures" / folder / f"{i}.png")
    rows = [
        f"{folder}\\{i}.PNG,A {folder[:-1]}{', again' * k}\n"
        for folder in ("cats", "dogs")
        for i in range(6)
        for k in (0, 1)
    ]
    rows = [row if ", " not in row else row.replace(",", ',"', 1).replace("\n", '"\n') for row in rows]
    (tmp_path / "mine.csv").write_text("image,caption\n" + "".join(rows), encoding="utf-8-sig")
    return tmp_path


def prepare_mine(root, *more):
    source, images, out = root / "mine.csv", root / "pictures", root / "out"
    return script("prepare_captions").main(
        ["--source", str(source), "--images", str(images), "--out", str(out), *map(str, more)]
    )


def sets(root):
    return {
        split: read_coco(root / "out" / "annotations" / f"captions_{split}.json", root / "out" / "images", strict=True)
        for split in ("train", "val", "test")
    }


def everything(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted((root / "out").rglob("*")) if path.is_file()}


def test_own_pictures_become_a_dataset(mine, capsys):
    assert prepare_mine(mine, "--strict") == 0
    assert "train: 10 images, 20 captions; wrote " in capsys.readouterr().out
    found = sets(mine)
    assert [len(some) for some in found.values()] == [10, 1, 1]
    files = [path.relative_to(mine / "out" / "images").as_posix() for some in found.values() for path in some.images]
    assert sorted(files) == sorted(f"{folder}/{i}.png" for folder in ("cats", "dogs") for i in range(6))
    assert len({i for some in found.values() for i in some.ids}) == 12
    for some in found.values():
        for path, captions in zip(some.images, some.captions, strict=True):
            assert captions == [f"A {path.parent.name[:-1]}", f"A {path.parent.name[:-1]}, again"]
            assert path.read_bytes() == (mine / "pictures" / path.parent.name / path.name).read_bytes()
    before = everything(mine)
    assert prepare_mine(mine) == 0 and everything(mine) == before, "run again it changes nothing"


def test_own_pictures_are_copied_where_links_cannot_be_made(mine, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    for _ in range(2):
        assert prepare_mine(mine) == 0
        assert not any(path.is_symlink() for path in (mine / "out").rglob("*")) and len(sets(mine)["train"]) == 10


def test_own_pictures_into_the_folder_where_they_lie(mine):
    (mine / "out").mkdir()
    (mine / "pictures").rename(mine / "out" / "images")
    (mine / "pictures").symlink_to(mine / "out" / "images")
    before = everything(mine)
    assert prepare_mine(mine) == 0 and len(sets(mine)["train"]) == 10
    assert before.items() <= everything(mine).items()


def test_own_pictures_are_split_as_their_table_says(mine, capsys):
    rows = "".join(f"cats/{i}.png,A cat,{split}\n" for i, split in enumerate(["train", "Validation", "test", "x", ""]))
    (mine / "mine.csv").write_text("image,caption,split\n" + rows)
    assert prepare_mine(mine) == 0
    assert {split: [p.name for p in some.images] for split, some in sets(mine).items()} == {
        "train": ["0.png"], "val": ["1.png"], "test": ["2.png"],
    }  # fmt: skip
    said = capsys.readouterr().out
    assert "image cats/3.png: its split is 'x'; want one of train, val, test; left out" in said
    assert "image cats/4.png: it has no split; want one of train, val, test; left out" in said


def test_what_is_wrong_with_own_pictures_is_a_line_each(mine, capsys):
    (mine / "pictures" / "cats" / "0.png").write_bytes(b"no picture")
    with open(mine / "mine.csv", "a") as file:
        file.write("gone.png,A dog\n../mine.csv,A table\ndogs/1.png,\n")
    assert prepare_mine(mine, "--limit", 4) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("  ")] == [
        "  mine.csv: image ../mine.csv does not lie below --images; left out",
        "  gone.png: no such image in pictures/; left out",
        "  mine.csv, line 28 (image dogs/1.png): the caption is empty; caption left out",
        "  0.png: cannot be read as an image (it is empty, damaged, or of another kind); "
        "get it again, or save it as JPEG or PNG; left out",
    ]
    assert "train: 4 images, 8 captions" in said
    with pytest.raises(
        SystemExit, match=r"^prepare_captions: mine.csv: image ../mine.csv does not lie below --images$"
    ):
        prepare_mine(mine, "--strict")


def test_too_little_to_use_writes_nothing(mine):
    for table, message in (
        ("image,caption\ncats/0.png,A cat\n", "too few images can be used (0 for train, 1 for val, 0 for test)"),
        ("image,caption\nx.png,A cat\n", "too few images can be used"),
        ("image,words\ncats/0.png,A cat\n", "too few images can be used"),
    ):
        (mine / "mine.csv").write_text(table)
        with pytest.raises(SystemExit) as caught:
            prepare_mine(mine)
        assert message in str(caught.value) and not (mine / "out").exists()
    (mine / "mine.csv").unlink()
    with pytest.raises(SystemExit, match=r"^prepare_captions: mine.csv: no such file in "):
        prepare_mine(mine)


@pytest.mark.real
def test_the_real_flickr8k_slice_is_prepared(real_data, tmp_path, capsys):
    copy = ["--source", str(real_data / "flickr8k"), "--root", str(tmp_path)]
    script("prepare_flickr").main([*copy, "--limit", "20", "--quiet"])
    said = capsys.readouterr().out
    assert "train: 20 images, 100 captions" in said and "val: 20 images" in said and "test: no list" in said
    assert "line 6731" not in said
