"""Video description from end to end on a tiny Toy Kitchen, and on the form of TACoS."""

import json
from dataclasses import replace

import pytest
from described import certain
from interrupted import assert_same_models, count_steps, kill

from lrcn_utils.data import tacos
from lrcn_utils.data.tacos import write_crf
from lrcn_utils.evaluate import main as evaluate
from lrcn_utils.training.__main__ import main
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.description import chain, decoders, language, tuples
from lrcn_utils.training.description.chain import Reading
from lrcn_utils.training.description.command import Writers, score
from lrcn_utils.training.sentences import references


@pytest.fixture(scope="module")
def described(tiny_kitchen):
    return chain.read_toy(tiny_kitchen, ["short"])


@pytest.fixture
def run(tiny_kitchen, tmp_path, monkeypatch):
    """Run the command on a few videos, with few steps, into a folder of this name."""
    monkeypatch.setattr(tuples, "RECIPE", replace(tuples.RECIPE, epochs=2))
    words = ["description", "--root", str(tiny_kitchen), "--cache", str(tmp_path / "cache"), "--epochs", "1"]
    words += ["--least-batches", "3", "--limit", "20", "--levels", "short", "--model", "majority", "b"]

    def go(*more, out="run"):
        main([*words, *more, "--out", str(tmp_path / out)])
        return tmp_path / out

    return go


def refusal(run, *more):
    with pytest.raises(SystemExit) as stopped:
        run(*more)
    assert "\n" not in stopped.value.code
    return stopped.value.code


def test_the_command_reads_writes_and_scores(run, capsys):
    out = run("--seeds", "2")
    said = capsys.readouterr().out
    assert "20 videos, seed 1: right slots" in said and "(b) LSTM decoder" in said
    results = json.loads((out / "results.json").read_text())
    scores = results["scores"]["20"]
    assert set(scores) == {"tuples", "alone", "short"} and len(scores["tuples"]) == len(scores["short"]["b"]) == 2
    assert results["data"]["train"] == 20
    assert load_checkpoint(out / "short_b_seed0.safetensors")[2]["epochs"] > 1  # few sentences, more passes
    model, vocabulary, config, record = decoders.load(out / "short_b_seed1.safetensors")
    assert config["kind"] == "b" and config["task"] == "description" and record["test"] == scores["short"]["b"][1]
    found, told = chain.load(out / config["chain"])
    assert told["cnn"]["name"] == "hybrid-toy" and told["frames"] == 8 and set(found) == {"classifier", "crf"}
    assert len(tacos.read_crf(out / "crf_seed1.csv").videos) == 36


def test_a_decoder_is_scored_again_as_in_its_training(run, tiny_kitchen, tmp_path, capsys):
    out = run()
    written = json.loads((out / "results.json").read_text())["scores"]["20"]
    words = ["--root", str(tiny_kitchen), "--cache", str(tmp_path / "cache"), "--limit", "20"]
    evaluate(["description", str(out / "short_b_seed0.safetensors"), *words, "--out", str(tmp_path / "scored")])
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "scored" / "results.json").read_text())
    assert found["tuples"] == pytest.approx(written["tuples"][0])  # of the same films, read anew
    assert 100 * found["scores"]["beam 3"]["BLEU-4"] == pytest.approx(written["short"]["b"][0]["BLEU-4"], abs=0.1)
    assert set(found["scores"]) == {"greedy", "beam 3"} and f"{found['data']['videos']} videos" in said
    predictions = json.loads((tmp_path / "scored" / "predictions.json").read_text())
    assert len(predictions) == found["data"]["videos"]


@pytest.mark.parametrize(
    ("name", "says"), [("crf_seed0.safetensors", "not a decoder"), ("none.safetensors", "no such")]
)
def test_what_cannot_be_scored_is_one_line(run, tiny_kitchen, name, says):
    out = run()
    with pytest.raises(SystemExit, match=says):
        evaluate(["description", str(out / name), "--root", str(tiny_kitchen)])


def test_sizes_learn_from_fewer_videos_and_keep_every_model(run):
    out = run("--sizes", "8", "16")
    assert set(json.loads((out / "results.json").read_text())["scores"]) == {"8", "16"}
    assert (out / "short_b_8videos_seed0.safetensors").exists() and (out / "crf_16videos_seed0.safetensors").exists()


@pytest.mark.parametrize("step", [2, 5, 8, 9, 11])
def test_a_killed_run_resumes_and_ends_as_the_unbroken_one(run, tmp_path, monkeypatch, step):
    """Eight steps of four classifiers, then three of the decoder."""
    run(out="whole")
    kill(monkeypatch, step, run)
    run("--resume")
    assert_same_models(tmp_path / "whole", tmp_path / "run")
    whole, again = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("whole", "run"))
    assert whole["scores"] == again["scores"]


def test_a_finished_run_trains_no_decoder_again_and_another_is_refused(run, monkeypatch):
    run()
    assert "holds this run already" in refusal(run)
    assert "model" in refusal(run, "--model", "majority")
    assert "seed 0 there, 2 here" in refusal(run, "--seed", "2", "--resume")
    monkeypatch.setattr(decoders, "follow", lambda *a, **k: pytest.fail("trained again"))
    run("--resume")


def test_an_option_that_would_not_be_used_is_refused(run, capsys):
    with pytest.raises(SystemExit):
        run("--sentences", "10")
    assert "--sentences belongs to --data tacos" in capsys.readouterr().err


@pytest.fixture
def real(described, tmp_path):
    """A folder in the form of TACoS, with the outputs of a CRF for all videos but one."""
    root = tmp_path / "real"
    (root / "short").mkdir(parents=True)
    (root / "experimentalSetup").symlink_to(described.corpus.root / "experimentalSetup")
    for video in described.train + described.test:
        (root / "short" / video).symlink_to(described.corpus.root / "short" / video)
    write_crf(root / "crf.csv", certain(described, described.train[1:] + described.test))
    return root


def tacos_words(root, out):
    words = ["description", "--data", "tacos", "--root", str(root), "--levels", "short", "--epochs", "1"]
    return [*words, "--model", "majority", "b", "end", "--out", str(out)]


def test_tacos_with_and_without_the_outputs_of_a_crf(real, described, tmp_path, capsys, monkeypatch):
    main(tacos_words(real, tmp_path / "out"))
    said = capsys.readouterr().out
    assert f"{described.train[0]}: no row in crf.csv" in said
    assert "short: perplexity unigram" in said and "(b) LSTM decoder" in said and "end to end" not in said
    scores = json.loads((tmp_path / "out" / "results.json").read_text())["scores"]
    assert set(scores["short"]) == {"majority", "b"} and set(scores["perplexity"]["short"][0]) == {
        "unigram",
        "bigram",
        "LSTM",
    }
    assert load_checkpoint(tmp_path / "out" / "short_language_seed0.safetensors")[1]["kind"] == "language"
    steps = count_steps(monkeypatch)
    main([*tacos_words(real, tmp_path / "out"), "--resume"])
    assert not steps
    (real / "crf.csv").unlink()
    main([*tacos_words(real, tmp_path / "language"), "--sentences", "20"])
    assert "no tuples, so only the language was trained" in capsys.readouterr().out


@pytest.mark.slow
def test_a_decoder_learns_to_read_tuples_and_the_translator_too(described):
    train, test = (Reading(certain(described, videos)) for videos in (described.train, described.test))
    writers = Writers(train, described.corpus.of("short", described.train))
    told = references(decoders.texts_of(described.corpus.of("short", described.test), described.test))
    said = {kind: writers.write(kind, test) for kind in ("majority", "smt")}
    said["c"] = decoders.describe(writers.decoder("c", epochs=30)[0], test.inputs("c"), writers.vocabulary)
    scores = {kind: score(sentences, told)["BLEU-4"] for kind, sentences in said.items()}
    assert scores["smt"] > scores["majority"] + 10 and scores["c"] > scores["majority"] + 10, scores


@pytest.mark.real
@pytest.mark.slow
def test_the_lstm_foresees_real_sentences_better_than_counting(real_data, tmp_path):
    from lrcn_utils.data.download import unpack
    from lrcn_utils.training.description.language import perplexities

    unpack(real_data / "tacos_ml.tar.gz", tmp_path)
    corpus = tacos.read_corpus(tmp_path / "tacos_ml", ["singlesentence"])
    scores = perplexities(corpus, "singlesentence", recipe=replace(language.RECIPE, epochs=12))[0]
    assert scores["LSTM"] < scores["bigram"] - 1 < scores["unigram"]
