"""The arrow of time: models find an order that is there, a single frame none, and every film is shown both ways."""

import json

import numpy as np
import pytest
from arrow_films import LOSSLESS, falling, lossy, make_films, swaying
from tiny_cnn import TinyCNN

from lrcn_utils.data.report import Report
from lrcn_utils.data.video import read_video
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.activity.settings import ActivitySettings, Recipe
from lrcn_utils.training.arrow import command, shown, table
from lrcn_utils.training.arrow.films import Film, find
from lrcn_utils.training.arrow.models import DIFFERENCES, LSTM, SINGLE, calls, trained
from lrcn_utils.training.arrow.shown import AGAIN, BACKWARDS, FORWARDS, KEYS, POSITION, STORED, Projector

RECIPE = Recipe(60, 3e-3, clip_norm=5)


def features(make, films=24, frames=24):
    """Films whose features are a few units around a place that moves; seen backwards they run backwards."""
    rng, found = np.random.default_rng(0), []
    for _ in range(films):
        places = make(np.arange(frames) + rng.uniform(0, 40))
        forwards = np.exp(-((places[:, None] - np.linspace(0, 1, 6)) ** 2) / 0.05).astype(np.float16)
        found.append({FORWARDS: [forwards], BACKWARDS: [forwards[::-1]]})
    return found


def measured(name, films):
    half = len(films) // 2
    model = trained(name, TinyCNN(), "fc6", films[:half], 8, RECIPE, 0)
    return table.accuracy(calls(model, films[half:], 8))


def teeth(steps):
    return steps % 12 / 12


def swing(steps):
    return 0.5 + 0.4 * np.cos(2 * np.pi * steps / 12)


@pytest.mark.parametrize("name", [LSTM, DIFFERENCES])
def test_an_order_is_found(name):
    assert measured(name, features(teeth)) > 0.9


def test_a_single_frame_is_worth_exactly_half():
    assert measured(SINGLE, features(teeth)) == 0.5


@pytest.mark.parametrize("name", [LSTM, DIFFERENCES])
def test_an_even_swing_has_no_arrow(name):
    assert 0.3 <= measured(name, features(swing)) <= 0.7


def test_windows_backwards_hold_the_same_frames_in_reverse():
    from lrcn_utils.training.arrow import models

    films = [{FORWARDS: [np.arange(20.0)[:, None]], BACKWARDS: [np.arange(20.0)[::-1, None]]}]
    dataset = models._Windows(films, 7)
    for epoch in range(10):
        dataset.set_epoch(0, epoch)
        (there, forwards), (back, backwards) = dataset[0], dataset[1]
        assert (forwards, backwards) == (0, 1)
        assert there.flip(0).equal(back)
        assert there[0] < there[-1]


@pytest.fixture
def projector(tmp_path):
    return Projector(TinyCNN(), ActivitySettings(), tmp_path / "cache", 300, 12, 10)


def test_sequences_are_those_of_the_encoding():
    film = Film("film", "Class", "g01", 62, tuple(range(0, 62, 12)))
    frames = {name: shown._sequences(film, name, 12) for name in (STORED, AGAIN, POSITION, KEYS)}
    assert frames[STORED] == [list(range(62))]
    assert frames[AGAIN] == [list(range(60))]
    assert frames[KEYS] == [[0, 12, 24, 36, 48, 60]]
    assert len(frames[POSITION]) == 12 and all({n % 12 for n in s} == {s[0]} for s in frames[POSITION])
    assert shown._sequences(Film("film", "Class", "g01", 62, (0,)), KEYS, 12) == []


def test_a_film_is_encoded_again_in_the_direction_in_which_it_is_shown(tmp_path, projector):
    films = find(make_films(tmp_path / "films", swaying, groups=1), most_frames=300, limit=None, report=Report())
    frames = read_video(films[0].path)[:60]
    there, back = (projector._frames(films[0], AGAIN, way)[0] for way in (FORWARDS, BACKWARDS))
    assert np.abs(there.astype(int) - frames).mean() < 40
    assert np.abs(back[::-1].astype(int) - frames).mean() < 40
    error = np.abs(back.astype(int) - frames[::-1]).mean((1, 2, 3)).reshape(-1, 12)
    assert error[1:, 0].mean() < error[1:, -1].mean()  # it drifts as it is shown: the first of a group is the best
    assert not np.array_equal(there, back[::-1])


def test_flow_is_that_of_the_film_as_it_is_shown(tmp_path, monkeypatch):
    pytest.importorskip("cv2")
    films = find(make_films(tmp_path / "films", falling, groups=1), most_frames=20, limit=None, report=Report())
    flow = Projector(TinyCNN(), ActivitySettings(input="flow"), tmp_path, 20, 12, 20)
    seen = []
    monkeypatch.setattr(shown, "cnn_features", lambda cnn, frames, layer: seen.append(frames) or _nothing(frames))
    found = flow.show(films, STORED)[0]
    assert [len(found[way][0]) for way in (FORWARDS, BACKWARDS)] == [19, 19]
    down = [np.concatenate(parts)[..., 1].astype(int).mean() - 128 for parts in (seen[:2], seen[2:])]
    assert down[0] * down[1] < 0  # what falls forwards rises backwards


def _nothing(frames):
    import torch

    return torch.zeros(len(frames), 6)


def test_groups_come_from_names_or_else_each_film_is_its_own(tmp_path):
    make_films(tmp_path, falling, groups=2, frames=3)
    other = tmp_path / "own" / "a film.mkv"
    shown.write_video(other, list(falling(np.random.default_rng(0), 3)), codec="ffv1")
    (tmp_path / "own" / "broken.avi").write_bytes(b"nothing")
    report = Report()
    films = find(tmp_path, most_frames=2, limit=None, report=report)
    assert [film.group for film in films] == ["g01", "g02", "own/a film.mkv"]
    assert len(report) == 1 and "broken.avi" in str(report)
    assert {film.frames for film in films} == {2}


def test_a_folder_within_a_class_is_a_group_as_for_prepare_videos(tmp_path):
    for below in ("Jump/anna/1.mkv", "Jump/anna/2.mkv", "Jump/ben.mkv", "Run/anna/outdoors/3.mkv", "4.mkv"):
        (tmp_path / below).parent.mkdir(parents=True, exist_ok=True)
        shown.write_video(tmp_path / below, list(falling(np.random.default_rng(0), 3)), codec="ffv1")
    films = find(tmp_path, most_frames=2, limit=None, report=Report())
    assert [(film.class_name, film.group) for film in films] == [
        (tmp_path.name, "4.mkv"),
        ("Jump", "anna"),
        ("Jump", "anna"),
        ("Jump", "Jump/ben.mkv"),
        ("Run", "anna"),
    ]


def test_a_limit_takes_films_of_as_many_groups_of_a_class_as_possible(tmp_path):
    for below in ("Jump/anna/in/1.mkv", "Jump/anna/in/2.mkv", "Jump/anna/3.mkv", "Jump/ben/4.mkv", "Run/anna/5.mkv"):
        (tmp_path / below).parent.mkdir(parents=True, exist_ok=True)
        shown.write_video(tmp_path / below, list(falling(np.random.default_rng(0), 3)), codec="ffv1")
    films = find(tmp_path, most_frames=2, limit=2, report=Report())
    assert [(film.class_name, film.group) for film in films] == [("Jump", "anna"), ("Jump", "ben"), ("Run", "anna")]


def test_groups_are_never_on_both_sides_and_every_film_is_tested():
    films = [Film(None, name, f"g{g:02d}", 20, (0,)) for name in "AB" for g in range(7) for _ in range(2)]
    folds = command._folds(films, 3, 0)
    assert set(folds) == {film.group for film in films} and set(folds.values()) == {0, 1, 2}
    assert folds != command._folds(films, 3, 1)


def test_the_summary_counts_both_directions_and_groups():
    films = [Film(None, "A", "g01", 20, (0,)), Film(None, "A", "g01", 20, (0,)), Film(None, "A", "g02", 20, (0,))]
    right, always, short = {FORWARDS: 0.9, BACKWARDS: 0.1}, {FORWARDS: 0.9, BACKWARDS: 0.9}, None
    found = {(STORED, STORED): {LSTM: [[right, always, short]]}, (STORED, AGAIN): {LSTM: [[always, always, short]]}}
    results = json.loads(json.dumps(table.summary(films, found, 12)))
    assert results["accuracy"][STORED][LSTM]["A"] == [0.75]
    assert (results["films"][STORED]["A"], results["groups"][STORED]["A"]) == (2, 1)
    assert results["called forwards"][LSTM]["A"][AGAIN][BACKWARDS] == [1.0]
    assert "75.0" in str(table.accuracies(results)) and "100.0" in str(table.control(results))


def test_the_command_measures_every_encoding_and_resumes(tmp_path, capsys):
    make_films(tmp_path / "films", falling, groups=3, frames=49, storing=LOSSLESS)
    words = ["arrow", "--data", str(tmp_path / "films"), "--out", str(tmp_path / "run"), "--cache", str(tmp_path / "c")]
    main([*words, "--seeds", "1", "--epochs", "1"])
    results = (tmp_path / "run" / "results.json").read_text()
    assert set(json.loads(results)["accuracy"]) == {STORED, AGAIN, POSITION, KEYS}
    for encoding in (STORED, POSITION, KEYS):
        assert json.loads(results)["accuracy"][encoding][SINGLE]["all"] == [0.5]
    main([*words, "--seeds", "1", "--epochs", "1", "--resume"])
    assert (tmp_path / "run" / "results.json").read_text() == results
    assert "reversed and then encoded again" in capsys.readouterr().out


def test_too_few_groups_are_one_line(tmp_path):
    make_films(tmp_path / "films", falling, groups=2, frames=3)
    with pytest.raises(SystemExit, match="--folds"):
        main(["arrow", "--data", str(tmp_path / "films"), "--out", str(tmp_path / "run")])


def test_a_codec_plants_an_arrow_in_a_film_that_has_none(tmp_path):
    """The film sways evenly. Stored with loss it gets worse up to the next key frame, which mends it."""
    kinds = {"lossless": LOSSLESS, "lossy": lossy()}
    for name, storing in kinds.items():
        make_films(tmp_path / name, swaying, groups=1, frames=60, storing=storing)
    films = [find(tmp_path / name, most_frames=60, limit=None, report=Report())[0] for name in kinds]
    clean, stored = (read_video(film.path).astype(int) for film in films)
    error = np.abs(stored - clean).mean((1, 2, 3)).reshape(-1, 12)
    assert films[1].has_key_frames_every(12)
    assert (error[:-1, -1] - error[1:, 0]).mean() > 0.1


@pytest.mark.real
def test_the_command_reads_real_films(real_data, tmp_path):
    root = real_data / "ucf101"
    words = ["arrow", "--data", "ucf101", "--root", str(root), "--out", str(tmp_path / "run")]
    main([*words, "--cache", str(tmp_path), "--limit", "3", "--frames", "60", "--epochs", "1", "--seeds", "1"])
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["films"][STORED]["all"] == 9 and results["films"][KEYS]["BabyCrawling"] == 0
    assert results["accuracy"][STORED][SINGLE]["all"] == [0.5]
