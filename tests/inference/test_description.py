"""Descriptions: of films as in training, of edited tuples, and only what an edit changes is written again."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from small_descriptions import STATES, TEXTS, descriptions

from lrcn_utils.data.tacos import decode_tuple
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.inference.description import Describer
from lrcn_utils.inference.film import Film
from lrcn_utils.training.captioning.models import cnn_of
from lrcn_utils.training.description import chain as chains
from lrcn_utils.training.description import decoders, shipped, tuples
from lrcn_utils.training.features import extract


@pytest.fixture
def logic():
    return descriptions()


def test_an_edit_is_certain_and_the_crf_infers_the_rest(logic):
    before, after = logic.read("v_One_g01_c01"), logic.read("v_One_g01_c01", {"activity": "stir"})
    assert before.map_tuples.tolist() == [[0, 0, 0, 0, 0]]
    assert after.marginals[0][0, 1] > 0.9999
    assert after.marginals[1][0, 1] > before.marginals[1][0, 1] + 0.3
    assert after.map_tuples[0, 0] == 1
    with pytest.raises(ValueError, match="'fly' is no state of slot activity"):
        logic.read("v_One_g01_c01", {"activity": "fly"})


def test_every_model_speaks_and_only_the_one_without_tuple_ignores_an_edit(logic):
    everything = {slot: words[-1] for slot, words in STATES.items()}
    own, edited = logic.sentences("v_One_g01_c01"), logic.sentences("v_One_g01_c01", everything)
    assert list(own) == ["smt", "smt-prob", "a", "(b) LSTM decoder", "c", "end"]
    assert own["smt"].words == TEXTS[0] and edited["smt"].words == TEXTS[1]
    assert own["end"] == edited["end"]
    assert own["c"].log_prob != edited["c"].log_prob
    assert own["smt"].log_prob is None and all(own[name].log_prob < 0 for name in ("a", "c", "end"))


@pytest.mark.parametrize("kind", ["a", "a-reversed", "b", "c", "end"])
def test_a_film_gets_the_tuple_and_the_sentence_of_training(tiny_kitchen, tmp_path, kind):
    videos = read_index(tiny_kitchen, test_groups=[1]).test[:3]
    chain, config = chains.load(shipped.CHECKPOINT)
    cnn = cnn_of(config, beside=shipped.CHECKPOINT)
    dataset = ClipDataset(videos, train=False, cache=False)
    features = extract(dataset, cnn, config["layer"], tmp_path, spread=config["frames"])
    features = torch.stack([torch.tensor(features[i][0]).float() for i in range(len(videos))])
    seen = tuples.unaries(chain["classifier"], features)
    outputs = tuples.read_clips(chain["crf"], seen, [video.name for video in videos], config["states"])
    model, vocabulary, _, _ = decoders.load(shipped.path(kind))
    inputs = features if kind == "end" else decoders.decoder_inputs(kind, outputs)
    expected = decoders.describe(model, inputs, vocabulary)
    describer = Describer.load(shipped.path(kind))
    for row, video in enumerate(videos):
        found = describer.describe(Film(video.name, video.path))
        assert found.frames == video.frames
        assert tuple(found.words.values()) == decode_tuple(outputs.map_tuples[row], outputs.states)
        assert list(found.words) == list(config["states"])
        assert found.sentence.words.split() == expected[row]
        assert found.sentence.log_prob < 0


def test_a_decoder_that_never_saw_a_film_is_refused(tmp_path):
    with safe_open(shipped.path("c"), "pt") as file:
        header, weights = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    config = json.loads(header["config"]) | {"chain": None}
    save_file(weights, tmp_path / "deaf.safetensors", header | {"config": json.dumps(config)})
    with pytest.raises(ValueError, match=r"deaf\.safetensors: .* learned from tuples alone"):
        Describer.load(tmp_path / "deaf.safetensors")
