"""The command that sets LRCN's LSTM beside other models over time."""

import json

import numpy as np
import pytest

from lrcn_utils.models.heads import HEADS
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.activity import heads

PARAMETERS = "9000"
ORDER_BLIND = ("mean of frames", "attention over time")


@pytest.fixture
def words(tiny_kitchen, tmp_path):
    places = ["--root", str(tiny_kitchen), "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "run")]
    return ["activity", "heads", *places, "--test-groups", "1", "--epochs", "1", "--parameters", PARAMETERS]


def results(tmp_path):
    return json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))


def test_every_head_is_trained_at_one_size_and_scored_with_its_control(words, tmp_path, capsys):
    main(words)
    found = results(tmp_path)["found"]
    assert [one["name"] for one in found] == list(HEADS)
    assert all(0.5 * int(PARAMETERS) < one["parameters"] <= int(PARAMETERS) for one in found)
    for one in found:
        assert set(one["accuracy"]) == {"as filmed", "shuffled", "reversed"}
        if one["name"] in ORDER_BLIND:
            assert one["accuracy"]["shuffled"] == one["accuracy"]["as filmed"]
    printed = capsys.readouterr().out
    assert all(f"| {name} " in printed for name in HEADS) and "reversed pairs (%)" in printed


def test_seeds_give_a_spread_and_resuming_trains_nothing_again(words, tmp_path, capsys, monkeypatch):
    words += ["--only", "GRU", "--seeds", "2"]
    main(words)
    first, text = results(tmp_path), capsys.readouterr().out
    assert [one["seed"] for one in first["found"]] == [0, 1] and "±" in text
    monkeypatch.setattr("lrcn_utils.training.activity.heads.train", None)
    main([*words, "--resume"])
    assert results(tmp_path)["found"] == first["found"]


def test_what_is_recorded_is_of_every_head_and_seed_with_the_controls():
    """The lesson's table: only heads that can know the order go beyond the ceiling of frames without it."""
    found = heads.recorded()
    assert sorted((one.name, one.seed) for one in found) == sorted((name, seed) for name in HEADS for seed in range(3))
    assert all(0.95 * 530_448 < one.parameters <= 530_448 for one in found)
    for name in HEADS:
        same = [one.accuracy for one in found if one.name == name]
        pairs = np.mean([one["as filmed"]["reversed pairs"] for one in same])
        assert pairs < 0.6 if name in ORDER_BLIND else pairs > 0.7
        assert all((one["shuffled"] == one["as filmed"]) == (name in ORDER_BLIND) for one in same)
