"""The describers that the course ships: as good as recorded, and clearly better than both controls."""

import json

import pytest
import torch
from described import certain

from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.models.crf import TupleCRF, chow_liu
from lrcn_utils.models.description import SlotClassifier
from lrcn_utils.training.captioning.models import cnn_of
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint
from lrcn_utils.training.description import chain, decoders, shipped, tuples
from lrcn_utils.training.description.command import score
from lrcn_utils.training.description.settings import NAMES
from lrcn_utils.training.sentences import references


@pytest.fixture(scope="module")
def described(tiny_kitchen):
    return chain.read_toy(tiny_kitchen, ["short"])


@pytest.fixture(scope="module")
def toy(toy_kitchen):
    return chain.read_toy(toy_kitchen, ["detailed"])


@pytest.fixture(scope="module")
def features(toy, toy_kitchen):
    """Frame features by the CNN that the shipped chain names."""
    cnn = cnn_of(chain.load(shipped.CHECKPOINT)[1], beside=shipped.CHECKPOINT)
    return chain.frame_features(toy, cnn, toy_kitchen / "cache")


@pytest.fixture(scope="module")
def told(toy):
    return references(decoders.texts_of(toy.corpus.of("detailed", toy.test), toy.test))


@pytest.fixture(scope="module")
def record():
    return shipped.recorded()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a", "a-reversed", "b", "c"])
def test_shipped_decoders_still_reach_their_scores(kind, toy, told):
    model, vocabulary, config, record = decoders.load(shipped.path(kind))
    said = decoders.describe(model, decoders.decoder_inputs(kind, certain(toy, toy.test)), vocabulary)
    # From the true tuples a decoder writes about as well as from the CRF's, on which it was trained.
    assert score(said, told)["BLEU-4"] > record["test"]["BLEU-4"] - 2, record["command"]


@pytest.mark.slow
def test_shipped_end_to_end_model_still_reaches_its_score(toy, told, features):
    model, vocabulary, config, record = decoders.load(shipped.path("end"))
    said = decoders.describe(model, torch.stack([features[video] for video in toy.test]), vocabulary)
    assert score(said, told)["BLEU-4"] == pytest.approx(record["test"]["BLEU-4"], abs=1.5)


def test_recorded_results_hold_three_seeds_and_their_commands(record):
    assert set(record["full"]["detailed"]) == set(NAMES)
    assert all(len(runs) >= 3 for runs in record["full"]["detailed"].values())
    assert all("python -m lrcn_utils.training description" in command for command in record["commands"].values())


@pytest.mark.parametrize("kind", ["smt", "smt-prob", *decoders.KINDS])
def test_every_writer_beat_both_controls_clearly_in_every_run(kind, record):
    for runs in (record["full"]["detailed"], record["levels"]["short"], record["levels"]["singlesentence"]):
        controls = max(run["BLEU-4"] for control in ("majority", "bigram") for run in runs[control])
        assert min(run["BLEU-4"] for run in runs[kind]) > controls + 20


@pytest.mark.parametrize("kind", ["crf", *decoders.KINDS])
def test_shipped_models_are_small_and_say_how_they_were_made(kind):
    file = shipped.CHECKPOINT if kind == "crf" else shipped.path(kind)
    record = load_checkpoint(file)[2]
    assert file.stat().st_size < 3_000_000
    assert record["command"].startswith("python -m lrcn_utils.training description") and record["seed"] == 0


@pytest.mark.slow
def test_the_shipped_chain_still_reads_as_well_as_recorded(record, toy, features):
    found, config = chain.load(shipped.CHECKPOINT)
    assert config["states"] == toy.states
    unaries = tuples.unaries(found["classifier"], torch.stack([features[video] for video in toy.test]))
    read = tuples.read_clips(found["crf"], unaries, toy.test, toy.states)
    accuracy = tuples.slot_accuracy(read, toy.truth(toy.test))
    assert accuracy["mean of slots"] == pytest.approx(record["test"]["mean of slots"], abs=0.01)


def test_shipping_packs_the_scores_and_seed_0_of_every_model(tmp_path, described, monkeypatch):
    out, home = tmp_path / "runs", tmp_path / "checkpoints"
    monkeypatch.setattr(shipped, "CHECKPOINTS", home)
    monkeypatch.setattr(shipped, "CHECKPOINT", home / "description_toy_crf.safetensors")
    sizes, words = described.sizes, Vocabulary.build(["the cook stirs"], min_count=1)
    tree = chow_liu(described.truth(described.train), sizes)
    made = torch.nn.ModuleDict({"classifier": SlotClassifier(3, sizes, 4), "crf": TupleCRF(sizes, tree)})
    config = {"task": "description"} | chain.config_of(described, made, {"name": "hybrid-toy"})
    scores = {"9": {"detailed": {"b": [{"BLEU-4": 1.0}]}}}
    for part in shipped.PARTS:
        save_checkpoint(out / part / "crf_seed0.safetensors", made, config, {"seed": 0})
        (out / part / "results.json").write_text(json.dumps({"command": part, "scores": scores}))
    for kind in decoders.KINDS:
        model = decoders._build(kind, 5, len(words), 4, 4)
        notes = decoders.config_of(kind, "detailed", model, words, "crf_seed0.safetensors")
        notes["task"] = "description"
        save_checkpoint(out / "full" / f"detailed_{kind}_seed0.safetensors", model, notes, {"seed": 0})
    shipped.ship(out)
    record = load_checkpoint(shipped.CHECKPOINT)[2]
    assert record["full"] == scores["9"] and record["sizes"] == scores and record["commands"]["levels"] == "levels"
    again, told = chain.load(shipped.CHECKPOINT)
    frames = torch.rand(2, 4, 3)
    assert told["states"] == described.states
    for one, other in zip(made.eval()["classifier"](frames), again["classifier"](frames), strict=True):
        torch.testing.assert_close(one, other)
    assert {file.name for file in home.iterdir()} == {
        f"description_toy_{kind}.safetensors" for kind in ("crf", *decoders.KINDS)
    }
    assert decoders.load(home / "description_toy_b.safetensors")[2]["chain"] == "description_toy_crf.safetensors"
