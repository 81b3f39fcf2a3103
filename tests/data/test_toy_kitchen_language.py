"""What Toy Kitchen's describers write: complete, about the picture, and varied."""

import csv
import json
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcn_utils.data.toy_kitchen import activities, films, language, stills


@given(st.sampled_from(activities.CLASSES), st.integers(1, 25), st.integers(1, 99))
@settings(max_examples=150)
def test_sentences_are_complete(name, group, clip):
    facts = films.scene(0, name, group, clip).facts
    written = language.describe(activities.VERBS[name], facts, np.random.default_rng(clip))
    assert {level: len(lines) for level, lines in written.items()} == language.DESCRIBERS
    for line in sum(written.values(), []):
        assert re.fullmatch(r"[a-z]+(,? [a-z]+)*\.", line), line
        assert "none" not in line.split()
    for line in written["detailed"]:
        named = facts["object"] in line or (facts["object"] == "lid" and re.search("cover", line))
        assert named, line


@given(st.sampled_from(["train", "val", "test"]), st.integers(0, 400))
@settings(max_examples=100)
def test_captions_are_complete_distinct_and_of_the_picture(split, number):
    facts = stills.scene(0, split, number).facts
    captions = language.caption(facts, np.random.default_rng(number))
    assert len(set(captions)) == 5
    for line in captions:
        assert re.fullmatch(r"[a-z']+( [a-z']+)*", line), line
        assert facts["main"]["name"].rstrip("o") in line
        assert facts["main"]["colour"] is None or facts["main"]["colour"] in line
        assert facts["main"]["count"] == 1 or language.NUMBERS[facts["main"]["count"]] in line


def test_expand_chooses_tenses_and_fills():
    rng = np.random.default_rng(0)
    seen = {
        language.expand("{who} <cut/cuts> [it|[this|that]]", rng, {"who": "[she|he]"}, past=False) for _ in range(80)
    }
    assert seen == {f"{who} cuts {what}" for who in ("she", "he") for what in ("it", "this", "that")}
    assert language.expand("a <did/does>  b", rng, {}) == "a did b"
    with pytest.raises(ValueError, match="no partner"):
        language.expand("{who} [cut|sliced", rng, {"who": "she"})


def test_the_grammar_knows_every_verb():
    verbs = set(activities.VERBS.values())
    assert verbs == set(language.DETAILED) == set(language.SHORT) == set(language.SINGLE)


@pytest.mark.parametrize("pair", [("open", "close"), ("put in", "take out"), ("stir", "whisk")])
def test_the_single_sentence_tells_less_than_the_detailed_one(pair):
    """At the coarsest level the members of a pair read alike; in detail they never do."""
    first, second = (language.SINGLE[verb] for verb in pair)
    assert first == second
    assert language.DETAILED[pair[0]] != language.DETAILED[pair[1]]


def test_tuples_and_sentences_on_disk(tiny_kitchen):
    root = tiny_kitchen / "descriptions"
    with open(root / "tuples.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["video", "activity", "tool", "object", "source", "target"]
    setup = root / "experimentalSetup"
    train, test = ((setup / f"{n}.txt").read_text().split() for n in ("sequencesTrainValDishes", "sequencesTest"))
    assert sorted(train + test) == sorted(row["video"] for row in rows)
    assert all("_g01_" in video for video in test) and not any("_g01_" in video for video in train)
    for row in rows:
        for level, count in language.DESCRIBERS.items():
            files = sorted((root / level / row["video"]).iterdir())
            assert [file.name for file in files] == [f"{n}.txt" for n in range(1, count + 1)]


def test_captions_on_disk_are_five_a_picture(tiny_kitchen):
    for split in stills.SPLIT_GROUPS:
        content = json.loads((tiny_kitchen / "stills" / "annotations" / f"captions_{split}.json").read_text())
        assert set(Counter(a["image_id"] for a in content["annotations"]).values()) == {5}
        assert len({a["id"] for a in content["annotations"]}) == len(content["annotations"])
        for image in content["images"]:
            assert (tiny_kitchen / "stills" / "images" / image["file_name"]).exists()


def test_words_are_seldom_rare(toy_kitchen):
    """The paper keeps words seen five times or more; a grammar should lose next to none by that."""
    counts = Counter()
    content = json.loads((toy_kitchen / "stills" / "annotations" / "captions_train.json").read_text())
    for annotation in content["annotations"]:
        counts.update(annotation["caption"].split())
    assert len(counts) > 60
    assert sum(n < 5 for n in counts.values()) <= 3
