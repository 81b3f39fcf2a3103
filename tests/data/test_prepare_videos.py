"""data_scripts/prepare_videos.py, run as a person runs it."""

import shutil
from collections import Counter

import pytest
from broken_videos import film, make_video, moving_square
from hypothesis import given
from hypothesis import strategies as st
from test_scripts_video import script

from lrcn_utils.data import split_lists
from lrcn_utils.data.text import read_csv
from lrcn_utils.data.ucf101 import ClipDataset, read_index

prepare_videos = script("prepare_videos")


def run(source, out, *arguments) -> None:
    prepare_videos.main(["--source", str(source), "--out", str(out), "--quiet", *map(str, arguments)])


def origin(out) -> dict[str, str]:
    return {row["file"]: row["video"] for _, row in read_csv(out / "origin.csv")}


def sides(out, split) -> tuple[set, set]:
    index = read_index(out, split)
    assert len(index.report) == 0
    return {video.name for video in index.train}, {video.name for video in index.test}


@pytest.fixture
def source(tmp_path):
    """Four films of each of two classes, without any order in their names and containers."""
    root = tmp_path / "my films"
    for folder in ("open the door!", "Jump"):
        (root / folder).mkdir(parents=True)
        for number, name in enumerate(("IMG 1.MP4", "b.mkv", "c.c.mov", "d.avi")):
            film(root / folder / name, moving_square(17 + number))
    return root


def test_films_become_a_dataset_of_three_splits(source, tmp_path, capsys):
    run(source, out := tmp_path / "out")
    said = capsys.readouterr().out
    assert "8 films in 8 groups; classes: Jump, open_the_door" in said
    assert "8 of them are a group of their own" in said and "split 1: train 6, test 2 films, 2 groups held out" in said
    tested = Counter()
    for split in (1, 2, 3):
        train, test = sides(out, split)
        assert len(train) == 6 and Counter(name.split("_g")[0] for name in test) == {"v_Jump": 1, "v_open_the_door": 1}
        tested.update(test)
    assert set(tested.values()) == {1}, "other groups in each split"
    names = origin(out)
    assert names["open the door!/IMG 1.MP4"] == "v_open_the_door_g05_c01.mp4" and len(names) == 8
    index = read_index(out)
    assert index.classes == ["Jump", "open_the_door"]
    assert ClipDataset(index.train)[0][0].shape == (16, 3, 56, 56)
    video = next(video for video in [*index.train, *index.test] if video.path.name == names["Jump/b.mkv"])
    assert video.path.is_symlink() and video.path.read_bytes() == (source / "Jump" / "b.mkv").read_bytes()


def test_films_that_are_added_and_removed_are_followed(source, tmp_path):
    out = tmp_path / "out"
    run(source, out)
    before = {path: path.lstat().st_mtime_ns for path in out.rglob("*.*") if path.is_symlink()}
    run(source, out)
    assert before == {path: path.lstat().st_mtime_ns for path in out.rglob("*.*") if path.is_symlink()}
    make_video(source / "Jump" / "new.avi", 20)
    shutil.rmtree(source / "open the door!")
    run(source, out)
    assert [path.name for path in (out / "UCF-101").iterdir()] == ["Jump"]
    assert len(list(out.glob("UCF-101/*/*"))) == len(origin(out)) == 5
    assert [len(side) for side in sides(out, 1)] == [3, 2]


def test_sub_folders_and_a_csv_make_groups_that_are_never_split(source, tmp_path, capsys):
    for folder in ("open the door!", "Jump"):
        for person, name in (("anna", "IMG 1.MP4"), ("anna", "b.mkv"), ("bob", "c.c.mov")):
            (source / folder / person).mkdir(exist_ok=True)
            (source / folder / name).rename(source / folder / person / name)
    table = tmp_path / "groups.csv"
    table.write_bytes(b"\xef\xbb\xbffile,group\r\nJump\\d.avi,bob\r\nJump/no.avi,bob\r\n")
    run(source, out := tmp_path / "out", "--groups", table)
    said = capsys.readouterr().out
    assert "8 films in 3 groups" in said and "1 of them are a group of their own" in said
    assert "groups.csv: 1 of its files are not among the films, first Jump/no.avi" in said
    group = {row["file"]: row["group"] for _, row in read_csv(out / "origin.csv")}
    assert group["Jump/anna/b.mkv"] == "anna" and group["Jump/d.avi"] == "bob"
    for split in (1, 2, 3):
        read_index(out, split)  # raises where a group is on both sides
        train, test = ({name.split("_g")[1][:2] for name in side} for side in sides(out, split))
        assert not train & test, "anna of one class is anna of the other"


def test_what_cannot_be_read_costs_a_line_each_and_the_rest_is_used(source, tmp_path, capsys):
    (source / "Jump" / "d.avi").write_bytes(b"")
    (source / "Jump" / "notes.txt").touch()
    (source / "loose.avi").touch()
    (source / "Jump" / ".hidden.avi").touch()
    (source / "only broken").mkdir()
    (source / "only broken" / "x.mp4").write_text("no film")
    run(source, out := tmp_path / "out")
    said = capsys.readouterr().out
    assert "7 films in 7 groups; classes: Jump, open_the_door" in said
    assert "2 left out (not a video, or in no class folder), first 'Jump/notes.txt'" in said
    assert "v_Jump_g04_c01.avi: the file is empty" in said and "v_only_broken_g05_c01.mp4: not a video" in said
    assert "Jump/d.avi" not in origin(out) and not (out / "UCF-101" / "only_broken").exists()
    sides(out, 1)
    with pytest.raises(SystemExit, match="^prepare_videos: .*left out"):
        run(source, out, "--strict")


def test_a_class_of_one_group_trains_and_is_said_not_to_be_tested(source, tmp_path, capsys):
    (source / "Wave").mkdir()
    make_video(source / "Wave" / "only.avi", 20)
    run(source, tmp_path / "out")
    assert "no group of theirs can be held out, so they are not tested: Wave" in capsys.readouterr().out
    assert "v_Wave_g05_c01" in {name[:14] for name in sides(tmp_path / "out", 1)[0]}


def test_limit_takes_the_first_films_of_each_class(source, tmp_path):
    run(source, tmp_path / "out", "--limit", 2)
    assert len(origin(tmp_path / "out")) == 4


def test_where_no_links_can_be_made_films_are_copied_once(source, tmp_path, monkeypatch):
    copied = []
    copy = shutil.copy2
    monkeypatch.setattr(prepare_videos.Path, "symlink_to", lambda *_: (_ for _ in ()).throw(OSError("no right")))
    monkeypatch.setattr(shutil, "copy2", lambda file, target: copied.append(file) or copy(file, target))
    for _ in range(2):
        run(source, tmp_path / "out")
        assert len(copied) == 8 and len(sides(tmp_path / "out", 1)[0]) == 6


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda source, out: shutil.rmtree(source), "there is no such folder"),
        (lambda source, out: shutil.rmtree(source / "Jump") or shutil.rmtree(source / "open the door!"), "no video in"),
        (lambda source, out: (out / "UCF-101").mkdir(parents=True), "holds another dataset; choose another --out"),
        (lambda source, out: out.symlink_to(source), "lies in the folder of the films"),
    ],
)
def test_wrong_folders_are_one_line(source, tmp_path, spoil, why):
    spoil(source, tmp_path / "out")
    with pytest.raises(SystemExit, match=rf"^prepare_videos: .*{why}"):
        run(source, tmp_path / "out")


@pytest.mark.parametrize(
    "text", ["name,group\nJump/d.avi,bob\n", "file,group\nJump/d.avi\n", "file,group\nJump/d.avi,\n"]
)
def test_a_csv_without_its_columns_is_named_by_line(source, tmp_path, text):
    (tmp_path / "g.csv").write_text(text)
    with pytest.raises(SystemExit, match=r"^prepare_videos: g\.csv, line 2: it needs the columns file,group"):
        run(source, tmp_path / "out", "--groups", tmp_path / "g.csv")


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=8, unique=True))
def test_safe_names_are_different_and_fit_the_form_of_ucf101(folders):
    names = prepare_videos.safe_names(folders)
    assert list(names) == folders and len({name.casefold() for name in names.values()}) == len(folders)
    for name in names.values():
        match = split_lists.LINE.fullmatch(f"{name}/v_{name}_g01_c02.mp4 3")
        assert match and match[1] == name


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("abcdefgh")), min_size=2, max_size=40),
    st.floats(0.05, 0.95),
    st.integers(0, 9),
)
def test_no_split_takes_all_films_of_a_class_and_most_classes_are_tested(pairs, share, seed):
    films = [prepare_videos.Film(None, "", folder, group) for folder, group in pairs]
    groups = {folder: {g for f, g in pairs if f == folder} for folder, _ in pairs}
    try:
        splits = prepare_videos.choose_groups(films, share, seed)
    except ValueError:
        assert not any(len(g) > 1 for g in groups.values()) or len({g for _, g in pairs}) < 4
        return
    for held in splits:
        assert held and all(groups[folder] - held for folder in groups)
    assert splits == prepare_videos.choose_groups(films[::-1], share, seed)
