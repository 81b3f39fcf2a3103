"""Video description from end to end on a tiny Toy Kitchen: what is learned, what is left out, what is shipped."""

import argparse
import json

import pytest
import torch

from lrcn_utils import environment
from lrcn_utils.data import tacos
from lrcn_utils.data.tacos import CRFOutputs, write_crf
from lrcn_utils.data.vocabulary import Vocabulary, tokenise
from lrcn_utils.models.crf import TupleCRF, chow_liu
from lrcn_utils.models.description import SlotClassifier
from lrcn_utils.training import description as lesson
from lrcn_utils.training import description_crf as crf
from lrcn_utils.training import description_decoders as decoders
from lrcn_utils.training import description_shipped
from lrcn_utils.training import description_smt as smt
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def task(tiny_kitchen):
    return lesson.read_toy(tiny_kitchen, ["short"])


def shipped(kind):
    """The file of a shipped checkpoint; the test is skipped where it has not been made."""
    file = environment.CHECKPOINTS / f"description_toy_{kind}.safetensors"
    if not file.exists():
        pytest.skip(f"{file.name} is not shipped")
    return file


def certain(task, videos):
    """What a perfect CRF would say of ``videos``."""
    truth = task.truth(videos)
    marginals = [torch.nn.functional.one_hot(truth[:, s], k).float() for s, k in enumerate(task.sizes)]
    return CRFOutputs(list(videos), task.states, marginals, truth)


def blurred(task, videos, seed=0):
    """Log-probabilities of clumsy classifiers: right more often than not."""
    generator = torch.Generator().manual_seed(seed)
    return [
        (4 * m + 2 * torch.randn(m.shape, generator=generator)).log_softmax(1) for m in certain(task, videos).marginals
    ]


def test_toy_kitchen_is_read_whole(task):
    assert not task.report.lines and task.train and task.test
    assert not {tacos.group(v) for v in task.train} & {tacos.group(v) for v in task.test}
    assert all(path.exists() for path in task.paths(task.train[:3] + task.test[:3]))


def test_a_video_without_a_whole_tuple_costs_one_line(task, tiny_kitchen, tmp_path):
    import shutil

    shutil.copytree(tiny_kitchen / "descriptions", tmp_path / "descriptions")
    table = tmp_path / "descriptions" / "tuples.csv"
    lines = table.read_text().splitlines()
    first, second = (line.split(",")[0] for line in lines[1:3])
    lines[1] = f"{first},open,hand,,counter,none"  # an empty slot
    del lines[2]  # a video without a row
    table.write_text("\n".join(lines) + "\n")
    mended = lesson.read_toy(tmp_path, ["short", "brief"])
    assert len(mended.report) == 4
    assert any("slot object is empty" in line for line in mended.report.lines)
    assert any(line.startswith(f"{second}: no tuple") for line in mended.report.lines)
    assert any("level 'brief' is unknown" in line for line in mended.report.lines)
    assert not {first, second} & {*mended.train, *mended.test}
    with pytest.raises(ValueError, match="level 'brief'"):
        lesson.read_toy(tmp_path, ["brief"], strict=True)


def test_the_fitted_crf_beats_independent_slots(task):
    videos = task.train
    truth, unaries = task.truth(videos), blurred(task, videos)
    alone = crf.fit_crf(unaries, truth, [])
    tree = crf.fit_crf(unaries, truth, chow_liu(truth, task.sizes))
    test, right = blurred(task, task.test, 1), task.truth(task.test)
    assert tree(unaries, truth) < alone(unaries, truth)
    assert tree(test, right) < alone(test, right)


def test_fitting_twice_gives_the_same_crf(task):
    truth, unaries = task.truth(task.train), blurred(task, task.train)
    one, other = (crf.fit_crf(unaries, truth, chow_liu(truth, task.sizes)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_cross_fitting_never_judges_a_group_that_it_learned(monkeypatch):
    videos = [f"v_Stir_g{g:02d}_c01" for g in range(1, 10)]
    features, tuples = torch.arange(9.0).reshape(9, 1, 1), torch.zeros(9, 1, dtype=torch.long)
    learned = []

    def remember(frames, *_, **__):
        learned.append(set(frames.flatten().int().tolist()))
        return None

    monkeypatch.setattr(crf, "train_classifier", remember)
    monkeypatch.setattr(crf, "unaries", lambda _, frames: [frames[:, 0].repeat(1, 2) + 100 * len(learned)])
    (judged,) = crf.out_of_fold(features, tuples, videos, [2])
    for video, value in enumerate(judged[:, 0].int().tolist()):
        fold = value // 100
        assert value % 100 == video and video not in learned[fold - 1]


def test_noise_keeps_distributions_and_lowers_accuracy(task):
    unaries, truth = blurred(task, task.train), task.truth(task.train)
    noisy = crf.add_noise(unaries, 5.0)
    torch.testing.assert_close(noisy[0].exp().sum(1), torch.ones(len(truth)))
    right = [crf.slot_accuracy(crf.independent(u, task.train, task.states), truth) for u in (unaries, noisy)]
    assert right[1]["mean of slots"] < right[0]["mean of slots"] - 0.1


def test_inputs_of_the_decoders(task):
    outputs = certain(task, task.train[:4])
    words = decoders.source_vocabulary(task.states)
    source = decoders.decoder_inputs("a", outputs)
    spoken = [words.decode([n for n in row if n]) for row in source.tolist()]
    assert spoken == [" ".join(w for w in task.tuples[v] if w != "none") for v in task.train[:4]]
    backwards = decoders.decoder_inputs("a-reversed", outputs)
    assert [row[row != 0].flip(0).tolist() for row in backwards] == [row[row != 0].tolist() for row in source]
    assert torch.equal(decoders.decoder_inputs("b", outputs), decoders.decoder_inputs("c", outputs))


def test_words_of_a_tuple_as_they_are_spoken():
    assert smt.spoken(("cut", "none", "cutting board")) == ["cut", "cutting", "board"]


def test_networks_keep_few_words_and_at_least_one(task):
    outputs = certain(task, task.train[:2])
    outputs.marginals[0][0] = 0.02  # flat: every state is below the limit
    (first, second) = smt.networks(outputs)
    assert [len(position) for position in second] == [1] * 5
    assert len(first[0]) == 1 and all(word.startswith("activity=") for word in first[0])


def test_majority_sentence_is_the_most_frequent():
    written = [tacos.Description("v", str(i), "short", (text,)) for i, text in enumerate(["b c.", "a.", "b c."])]
    assert decoders.majority_sentence(written) == ["b", "c"]


def test_bigram_writer_draws_from_the_bigram():
    written = [tacos.Description("v", str(i), "short", ("the cook stirs.",)) for i in range(50)]
    vocabulary = Vocabulary.build(["the cook stirs"], min_count=1)
    said = decoders.drawn(decoders.BigramWriter(written, vocabulary), torch.zeros(20, 1), vocabulary)
    assert sum(words == ["the", "cook", "stirs"] for words in said) >= 15


def test_a_saved_decoder_says_the_same(tmp_path, task):
    torch.manual_seed(0)
    vocabulary = Vocabulary.build([d.text for d in task.corpus.descriptions], min_count=1)
    for kind, size in (("a", 60), ("c", sum(task.sizes)), ("end", 5)):
        model = decoders.build(kind, size, len(vocabulary)).eval()
        config = {"kind": kind, "sizes": decoders.sizes(model)}
        decoders.save(tmp_path / f"{kind}.safetensors", model, vocabulary, config, {"seed": 0})
        loaded, words, _, record = decoders.load(tmp_path / f"{kind}.safetensors")
        assert words.words == vocabulary.words and record == {"seed": 0}
        for one, other in zip(model.parameters(), loaded.parameters(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_a_decoder_learns_to_read_tuples_and_the_translator_too(task):
    train, test = (lesson.Reading(certain(task, videos)) for videos in (task.train, task.test))
    learn = task.corpus.of("short", task.train)
    its = decoders.references(task.corpus.of("short", task.test), task.test)
    scores = {
        kind: lesson.score(said, its)["BLEU-4"]
        for kind, said, _ in lesson.write_sentences(["majority", "smt", "c"], train, test, learn, epochs=30)
    }
    assert scores["smt"] > scores["majority"] + 10 and scores["c"] > scores["majority"] + 10, scores


@pytest.mark.slow
def test_command_line_on_toy_and_on_tacos_with_a_crf_file(tiny_kitchen, tmp_path, capsys, task):
    options = argparse.ArgumentParser()
    lesson.add_arguments(options)
    common = ["--levels", "short", "--models", "majority", "b", "--epochs", "1"]
    try:
        toy = [*common, "--root", str(tiny_kitchen), "--out", str(tmp_path / "toy")]
        lesson.run(options.parse_args(toy))
        results = json.loads((tmp_path / "toy" / "results.json").read_text())
        assert set(results[str(len(task.train))]["short"]) == {"majority", "b"}
        assert decoders.load(tmp_path / "toy" / "short_b_seed0.safetensors")[2]["kind"] == "b"
    except FileNotFoundError:
        pytest.skip("the toy CNN is not shipped")
    real = tmp_path / "real"
    (real / "short").mkdir(parents=True)
    (real / "experimentalSetup").symlink_to(task.corpus.root / "experimentalSetup")
    for video in task.train + task.test:
        (real / "short" / video).symlink_to(task.corpus.root / "short" / video)
    write_crf(real / "crf.csv", certain(task, task.train[1:] + task.test))
    lesson.run(options.parse_args([*common, "--data", "tacos", "--root", str(real), "--out", str(tmp_path / "out")]))
    printed = capsys.readouterr().out
    assert f"left out: {task.train[0]}: no row in crf.csv" in printed
    assert "short: perplexity unigram" in printed and "(b) LSTM decoder" in printed


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a", "a-reversed", "b", "c"])
def test_shipped_decoders_still_reach_their_scores(kind, toy_kitchen):
    task = lesson.read_toy(toy_kitchen, ["detailed"])
    model, vocabulary, config, record = decoders.load(shipped(kind))
    said = decoders.describe(model, decoders.decoder_inputs(kind, certain(task, task.test)), vocabulary)
    its = decoders.references(task.corpus.of("detailed", task.test), task.test)
    # With the true tuples a decoder must do better than its recorded score with the CRF's.
    assert lesson.score(said, its)["BLEU-4"] > record["test"]["BLEU-4"], record["command"]


@pytest.mark.slow
def test_shipped_end_to_end_model_still_reaches_its_score(toy_kitchen):
    task = lesson.read_toy(toy_kitchen, ["detailed"])
    model, vocabulary, config, record = decoders.load(shipped("end"))
    features = lesson.toy_features(task, toy_kitchen)
    said = decoders.describe(model, torch.stack([features[video] for video in task.test]), vocabulary)
    its = decoders.references(task.corpus.of("detailed", task.test), task.test)
    assert lesson.score(said, its)["BLEU-4"] == pytest.approx(record["test"]["BLEU-4"], abs=1.5)


@pytest.fixture(scope="module")
def record():
    shipped("crf")
    return description_shipped.recorded()


def test_recorded_results_hold_three_seeds_and_their_commands(record):
    assert set(record["full"]["detailed"]) == set(lesson.NAMES)
    assert all(len(runs) >= 3 for runs in record["full"]["detailed"].values())
    assert all("python -m lrcn_utils.training description" in command for command in record["commands"].values())


@pytest.mark.parametrize("kind", ["smt", "smt-prob", *decoders.KINDS])
def test_every_writer_beat_both_controls_clearly_in_every_run(kind, record):
    for runs in (record["full"]["detailed"], record["levels"]["short"], record["levels"]["singlesentence"]):
        controls = max(run["BLEU-4"] for control in ("majority", "bigram") for run in runs[control])
        assert min(run["BLEU-4"] for run in runs[kind]) > controls + 20


@pytest.mark.parametrize("kind", ["crf", *decoders.KINDS])
def test_shipped_models_are_small_and_say_how_they_were_made(kind):
    file = shipped(kind)
    record = load_checkpoint(file)[2]
    assert file.stat().st_size < 3_000_000
    assert record["command"].startswith("python -m lrcn_utils.training description") and record["seed"] == 0


@pytest.mark.slow
def test_the_shipped_chain_still_reads_as_well_as_recorded(record, toy_kitchen):
    task = lesson.read_toy(toy_kitchen, ["detailed"])
    chain, states = description_shipped.load_chain()
    assert states == task.states
    features = lesson.toy_features(task, toy_kitchen)
    unaries = crf.unaries(chain["classifier"], torch.stack([features[video] for video in task.test]))
    read = crf.read_clips(chain["crf"], unaries, task.test, states)
    accuracy = crf.slot_accuracy(read, task.truth(task.test))
    assert accuracy["mean of slots"] == pytest.approx(record["test"]["mean of slots"], abs=0.01)


def test_shipping_packs_the_scores_and_seed_0_of_every_model(tmp_path, task, monkeypatch):
    out, home = tmp_path / "runs", tmp_path / "checkpoints"
    monkeypatch.setattr(description_shipped, "CHECKPOINTS", home)
    monkeypatch.setattr(description_shipped, "CHECKPOINT", home / "description_toy_crf.safetensors")
    sizes, words = task.sizes, Vocabulary.build(["the cook stirs"], min_count=1)
    chain = torch.nn.ModuleDict(
        {"classifier": SlotClassifier(3, sizes, 4), "crf": TupleCRF(sizes, chow_liu(task.truth(task.train), sizes))}
    )
    config = {"states": task.states, "edges": chain["crf"].edges, "feature_size": 3, "hidden": 4}
    for part in description_shipped.PARTS:
        save_checkpoint(out / part / "crf_seed0.safetensors", chain, config, {"command": part, "seed": 0})
        scores = {"9": {"detailed": {"b": [{"BLEU-4": 1.0}]}}}
        (out / part / "results.json").write_text(json.dumps(scores))
    for kind in decoders.KINDS:
        model = decoders.build(kind, 5, len(words), 4, 4)
        notes = {"kind": kind, "sizes": decoders.sizes(model)}
        decoders.save(out / "full" / f"detailed_{kind}_seed0.safetensors", model, words, notes, {"seed": 0})
    description_shipped.ship(out)
    record = load_checkpoint(description_shipped.CHECKPOINT)[2]
    assert record["full"] == scores["9"] and record["sizes"] == scores and record["commands"]["levels"] == "levels"
    again, states = description_shipped.load_chain(description_shipped.CHECKPOINT)
    frames = torch.rand(2, 4, 3)
    assert states == task.states
    for one, other in zip(chain.eval()["classifier"](frames), again["classifier"](frames), strict=True):
        torch.testing.assert_close(one, other)
    assert {file.name for file in home.iterdir()} == {
        f"description_toy_{kind}.safetensors" for kind in ("crf", *decoders.KINDS)
    }


@pytest.mark.real
@pytest.mark.slow
def test_the_lstm_foresees_real_sentences_better_than_counting(real_data, tmp_path):
    from lrcn_utils.data.download import unpack

    unpack(real_data / "tacos_ml.tar.gz", tmp_path)
    corpus = tacos.read_corpus(tmp_path / "tacos_ml", ["singlesentence"])
    scores = lesson.perplexities(corpus, "singlesentence", epochs=12)[0]
    assert scores["LSTM"] < scores["bigram"] - 1 < scores["unigram"]


def test_references_are_tokenised_as_the_models_are(task):
    (its,) = decoders.references(task.corpus.of("short", task.test[:1]), task.test[:1])
    assert its == [tokenise(d.text) for d in task.corpus.of("short", task.test[:1])]
