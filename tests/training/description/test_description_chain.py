"""Video description from end to end on a tiny Toy Kitchen: what is learned, what is left out, what is shipped."""

import shutil

import pytest
import torch
from described import blurred, certain

from lrcn_utils.data import tacos
from lrcn_utils.data.video import read_video
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.models.crf import chow_liu
from lrcn_utils.training.calls import PICTURES_AT_ONCE
from lrcn_utils.training.description import chain, decoders, translator, tuples


@pytest.fixture(scope="module")
def described(tiny_kitchen):
    return chain.read_toy(tiny_kitchen, ["short"])


def test_toy_kitchen_is_read_whole(described):
    assert not described.report.lines and described.train and described.test
    assert not {tacos.group(v) for v in described.train} & {tacos.group(v) for v in described.test}
    assert all(described.videos[name].path.exists() for name in described.train + described.test)


def test_a_video_without_a_whole_tuple_costs_one_line(described, tiny_kitchen, tmp_path):
    shutil.copytree(tiny_kitchen / "descriptions", tmp_path / "descriptions")
    table = tmp_path / "descriptions" / "tuples.csv"
    lines = table.read_text().splitlines()
    first, second = (line.split(",")[0] for line in lines[1:3])
    lines[1] = f"{first},open,hand,,counter,none"  # an empty slot
    del lines[2]  # a video without a row
    table.write_text("\n".join(lines) + "\n")
    for folder in ("UCF-101", "ucfTrainTestlist"):
        (tmp_path / folder).symlink_to(tiny_kitchen / folder)
    mended = chain.read_toy(tmp_path, ["short", "brief"])
    assert len(mended.report) == 4
    assert any("slot object is empty" in line for line in mended.report.lines)
    assert any(line.startswith(f"{second}: no tuple") for line in mended.report.lines)
    assert any("level 'brief' is unknown" in line for line in mended.report.lines)
    assert not {first, second} & {*mended.train, *mended.test}
    with pytest.raises(ValueError, match="level 'brief'"):
        chain.read_toy(tmp_path, ["brief"], strict=True)


def test_the_fitted_crf_beats_independent_slots(described):
    videos = described.train
    truth, unaries = described.truth(videos), blurred(described, videos)
    alone = tuples.fit_crf(unaries, truth, [])
    tree = tuples.fit_crf(unaries, truth, chow_liu(truth, described.sizes))
    test, right = blurred(described, described.test, 1), described.truth(described.test)
    assert tree(unaries, truth) < alone(unaries, truth)
    assert tree(test, right) < alone(test, right)


def test_fitting_twice_gives_the_same_crf(described):
    truth, unaries = described.truth(described.train), blurred(described, described.train)
    one, other = (tuples.fit_crf(unaries, truth, chow_liu(truth, described.sizes)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_at_the_fit_nothing_is_left_of_the_slope(described):
    truth, unaries = described.truth(described.train), blurred(described, described.train)
    field = tuples.fit_crf(unaries, truth, chow_liu(truth, described.sizes), precision=0.1)
    assert {one.dtype for one in field.parameters()} == {torch.float32}
    field.double().requires_grad_()
    large = (field.unary_weight - 1).square().sum() + sum(table.square().sum() for table in field.pairwise)
    (field(unaries, truth) + 0.1 * large / (2 * len(truth))).backward()
    slope = max(one.grad.abs().max().item() for one in field.parameters())
    assert slope < 1e-6


def test_cross_fitting_never_judges_a_group_that_it_learned(monkeypatch):
    videos = [f"v_Stir_g{g:02d}_c01" for g in range(1, 10)]
    features, truth = torch.arange(9.0).reshape(9, 1, 1), torch.zeros(9, 1, dtype=torch.long)
    learned = []

    def remember(frames, *_, **__):
        learned.append(set(frames.flatten().int().tolist()))
        return None

    monkeypatch.setattr(tuples, "train_classifier", remember)
    monkeypatch.setattr(tuples, "unaries", lambda _, frames: [frames[:, 0].repeat(1, 2) + 100 * len(learned)])
    (judged,) = tuples.out_of_fold(features, truth, videos, [2])
    for video, value in enumerate(judged[:, 0].int().tolist()):
        fold = value // 100
        assert value % 100 == video and video not in learned[fold - 1]


def test_noise_keeps_distributions_and_lowers_accuracy(described):
    unaries, truth = blurred(described, described.train), described.truth(described.train)
    noisy = tuples.add_noise(unaries, 5.0)
    torch.testing.assert_close(noisy[0].exp().sum(1), torch.ones(len(truth)))
    right = [
        tuples.slot_accuracy(tuples.independent(u, described.train, described.states), truth) for u in (unaries, noisy)
    ]
    assert right[1]["mean of slots"] < right[0]["mean of slots"] - 0.1


def test_inputs_of_the_decoders(described):
    outputs = certain(described, described.train[:4])
    words = decoders.source_vocabulary(described.states)
    source = decoders.decoder_inputs("a", outputs)
    said_words = [words.decode([n for n in row if n]) for row in source.tolist()]
    assert said_words == [" ".join(w for w in described.tuples[v] if w != "none") for v in described.train[:4]]
    backwards = decoders.decoder_inputs("a-reversed", outputs)
    assert [row[row != 0].flip(0).tolist() for row in backwards] == [row[row != 0].tolist() for row in source]
    assert torch.equal(decoders.decoder_inputs("b", outputs), decoders.decoder_inputs("c", outputs))


def test_words_of_a_tuple_as_they_are_said_words():
    assert decoders.tuple_words(("cut", "none", "cutting board")) == ["cut", "cutting", "board"]


def test_networks_keep_few_words_and_at_least_one(described):
    outputs = certain(described, described.train[:2])
    outputs.marginals[0][0] = 0.02  # flat: every state is below the limit
    (first, second) = translator.networks(outputs)
    assert [len(position) for position in second] == [1] * 5
    assert len(first[0]) == 1 and all(word.startswith("activity=") for word in first[0])


def test_majority_sentence_is_the_most_frequent():
    written = [tacos.Description("v", str(i), "short", (text,)) for i, text in enumerate(["b c.", "a.", "b c."])]
    assert decoders.majority_sentence(written) == ["b", "c"]


def test_the_bigram_draws_from_its_counts():
    written = [tacos.Description("v", str(i), "short", ("the cook stirs.",)) for i in range(50)]
    vocabulary = Vocabulary.build(["the cook stirs"], min_count=1)
    said = decoders.drawn(decoders.bigram(written, vocabulary), 20, vocabulary)
    assert sum(words == ["the", "cook", "stirs"] for words in said) >= 15


def test_sentences_and_texts_follow_the_order_of_the_videos():
    written = [
        tacos.Description(video, "1", "short", (text,)) for video, text in (("w", "A b."), ("v", "c"), ("w", "d"))
    ]
    assert decoders.sentences_of(written, ["v", "w"]) == [(1, "A b"), (0, "c"), (1, "d")]
    assert decoders.texts_of(written, ["v", "w", "x"]) == [["c"], ["A b", "d"], []]


def test_frames_are_spread_over_the_whole_film_and_features_kept(described, tmp_path):
    class Means(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.calls = torch.nn.Parameter(torch.ones(1)), 0

        def features(self, images, layer):
            self.calls += 1
            return images.mean((2, 3)) * self.scale

    few = described.fewer(2, both=True)
    found = chain.frame_features(few, cnn := Means(), tmp_path)
    needed = -(-4 * chain.FRAMES // PICTURES_AT_ONCE)
    assert len(found) == 4 and cnn.calls == needed, "frames of several films share a call"
    name = few.test[0]
    film = read_video(described.videos[name].path, (60, 80))[:, 2:58, 12:68] / 255
    chosen = film[torch.linspace(0, len(film) - 1, chain.FRAMES).round().long().numpy()]
    torch.testing.assert_close(found[name].double(), torch.tensor(chosen).mean((1, 2)), atol=1e-3, rtol=0)
    chain.frame_features(few, cnn, tmp_path)
    assert cnn.calls == needed


def test_no_video_left_says_so(described, tiny_kitchen, tmp_path):
    shutil.copytree(tiny_kitchen / "descriptions", tmp_path / "descriptions")
    for folder in ("UCF-101", "ucfTrainTestlist"):
        (tmp_path / folder).symlink_to(tiny_kitchen / folder)
    (tmp_path / "descriptions" / "tuples.csv").write_text("video,activity,tool,object,source,target\n")
    with pytest.raises(ValueError, match="no training video has descriptions, a tuple and a film"):
        chain.read_toy(tmp_path, ["short"])
