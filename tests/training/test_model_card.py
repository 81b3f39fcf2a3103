"""A model card says what the run's results say, with spread, controls and limits, and nothing that they do not hold."""

import json
import re

import pytest

from lrcn_utils.training.model_card import ASKED, model_card

ACTIVITY = {
    "command": "python -m lrcn_utils.training activity --data mine --seeds 2",
    "facts": {
        "task": "activity",
        "cnn": "hybrid-toy",
        "limit": None,
        "random_split": False,
        "models": {"lrcn-fc6 rgb": {"hidden": 256, "classes": ["A|B", "C"]}},
        "training videos": "0123456789abcdef",
    },
    "versions": {"python": "3.11.7", "device": "cpu"},
    "data": {"train": 45, "test": 18},
    "seeds": [0, 1],
    "scores": {"lrcn-fc6 rgb": [0.5, 0.7]},
    "controls": {"chance among 2 classes": 0.5},
}


@pytest.fixture
def card(tmp_path):
    """The card of a run with these results, the section under each heading."""

    def make(results) -> dict[str, str]:
        (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
        parts = re.split(r"^## (.+)\n\n", model_card(tmp_path), flags=re.MULTILINE)
        return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}

    return make


def test_everything_that_was_recorded_is_told(card):
    found = card(ACTIVITY)
    assert found[""] == "# Model card: activity\n\n"
    assert ACTIVITY["command"] in found["How it was made"]
    assert "| train | 45 |\n| test | 18 |" in found["Data"]
    assert "| lrcn-fc6 rgb | 0.600 ± 0.141 | 2 |" in found["Scores"]
    assert "| chance among 2 classes | 0.500 |" in found["Controls"]
    assert "| cnn | hybrid-toy |" in found["Settings"] and "limit" not in found["Settings"]
    assert "| models: lrcn-fc6 rgb: classes | A/B, C |" in found["Settings"]  # a bar would end the cell
    assert "0123456789abcdef" not in found["Settings"]
    assert "| training videos | 0123456789abcdef |" in found["What it was made from, by contents"]
    assert found["What it was made with"].strip() == "python 3.11.7, device cpu"
    assert all(question in found["To be answered by whoever publishes it"] for question in ASKED)


def test_it_says_what_the_scores_do_not(card):
    limits = card(ACTIVITY)["What is not known"]
    assert "the 18 items" in limits and "standard error of 11 points" in limits and "none of its 2 classes" in limits
    assert "with the seed" not in limits and "both sides" not in limits
    one = ACTIVITY | {"seeds": [0], "scores": {"lrcn": [1.0]}, "facts": ACTIVITY["facts"] | {"random_split": True}}
    limits = card(one)["What is not known"]
    assert "with the seed" in limits and "both sides of the split" in limits
    assert "standard error of 6 points" in limits  # not 0, though all 18 were right


def test_scores_of_captioning_come_seed_by_seed_and_may_be_missing(card):
    found = card(
        {
            "command": "x",
            "facts": {"task": "captioning"},
            "versions": {},
            "data": {"train": 48, "val": 6, "words": 65},
            "seeds": [0, 1],
            "scores": [{"val_loss": 3.0, "val_loss_shuffled": None}, {"val_loss": 3.2, "val_loss_shuffled": None}],
        }
    )
    assert "| val_loss | 3.100 ± 0.141 | 2 |\n| val_loss_shuffled |  | 2 |" in found["Scores"]
    assert "Controls" not in found
    assert "the 6 items" in found["What is not known"] and "the 65 of its vocabulary" in found["What is not known"]


def test_scores_within_groups_have_the_names_of_both(card):
    scores = {"tuples": [{"tool": 0.9}], "detailed": {"b": [{"BLEU-4": 20.0}]}}
    found = card(ACTIVITY | {"facts": {"task": "description"}, "scores": scores, "seeds": [0]})
    assert "| tuples tool | 0.900 | 1 |\n| detailed b BLEU-4 | 20.000 | 1 |" in found["Scores"]


def test_a_run_that_is_not_finished_or_has_no_scores_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"results.json: there is no such file; .*--resume"):
        model_card(tmp_path)
    (tmp_path / "results.json").write_text(json.dumps(ACTIVITY | {"scores": {}}), encoding="utf-8")
    with pytest.raises(ValueError, match="holds no scores"):
        model_card(tmp_path)
