"""The gate explorer: its numbers are the model's, every control over its range, figures drawn."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lrcn_utils.data.vocabulary import BOS, Vocabulary
from lrcn_utils.models.lstm import LanguageModel
from lrcn_utils.widgets.gates import LONGEST, GateExplorer, Gates

SENTENCES = ["a red cup on a plate", "two cups", ""]


@pytest.fixture
def vocabulary():
    return Vocabulary.build(SENTENCES[:2], min_count=1)


@pytest.fixture
def model(vocabulary):
    return LanguageModel(len(vocabulary), embedding=5, hidden=7, layers=2)


@pytest.fixture
def explorer(model, vocabulary):
    return GateExplorer(model, vocabulary, SENTENCES)


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def test_the_hidden_states_are_the_models_own(model, vocabulary):
    reading = Gates(model, vocabulary).read(SENTENCES[0])
    ids = torch.tensor([[BOS, *vocabulary.encode(SENTENCES[0])]])
    with torch.no_grad():
        hidden, _ = model.lstm(model.embedding(ids))
    np.testing.assert_allclose(reading.layers[1]["hidden"], hidden[0], atol=1e-6)
    assert reading.steps == ["<bos>", "a", "red", "cup", "on", "a", "plate"]


def test_unknown_words_are_marked_and_long_sentences_cut(model, vocabulary):
    gates = Gates(model, vocabulary)
    assert gates.read("a green <cup>").steps == ["<bos>", "a", "green ?", "< ?", "cup", "> ?"]
    assert len(gates.read("cup " * 80).steps) == LONGEST + 1


def test_picking_fills_the_text_and_reads_it(explorer):
    before = explorer.all_units.value
    explorer.menu.value = "two cups"
    assert explorer.text.value == "two cups"
    assert explorer.reading.steps == ["<bos>", "two", "cups"]
    assert explorer.all_units.value != before


def test_every_control_over_its_range(explorer):
    for sentence in [*SENTENCES, "unseen <script> words"]:
        explorer.text.value = sentence
    assert "unseen, &lt;, script, &gt;, words" in explorer.note.value
    for layer in range(explorer.layer.min, explorer.layer.max + 1):
        explorer.layer.value = layer
        seen = set()
        for unit in range(explorer.unit.min, explorer.unit.max + 1):
            explorer.unit.value = unit
            seen.add(explorer.one_unit.value)
        assert len(seen) == 7
        explorer.longest.click()
        memory = explorer.reading.layers[layer - 1]["forget"].mean(axis=0)
        assert explorer.unit.value == memory.argmax()


def test_pictures_and_static_twin(explorer):
    assert size(explorer.all_units.value)[0] > 500 and size(explorer.one_unit.value)[0] > 500
    assert len(explorer.figure().axes) == 2


def test_the_layer_is_asked_for_only_where_there_are_several(explorer, vocabulary):
    single = GateExplorer(LanguageModel(len(vocabulary), 5, 3), vocabulary, SENTENCES)
    assert single.layer not in single.children[2].children
    assert explorer.layer in explorer.children[2].children


def test_no_sentences_is_an_error(model, vocabulary):
    with pytest.raises(ValueError, match="sentences"):
        GateExplorer(model, vocabulary, [])


def test_what_is_typed_is_no_formula(explorer):
    explorer.text.value = "$$ cup $\\$"
    assert "$$" in " ".join(explorer.reading.steps)
    explorer.longest.click()
