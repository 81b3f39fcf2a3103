"""The description explorer: its logic, and every control moved over its range."""

import numpy as np
import pytest
import torch

from lrcn_utils.data.vocabulary import EOS, Vocabulary, tokenise
from lrcn_utils.models.crf import TupleCRF
from lrcn_utils.training import description_decoders as decoders
from lrcn_utils.training.description_smt import train_translator
from lrcn_utils.widgets.description import OWN_CHOICE, DescriptionExplorer, Descriptions

STATES = {
    "activity": ["cut", "stir"],
    "tool": ["knife", "spoon"],
    "object": ["carrot", "soup"],
    "source": ["board", "bowl"],
    "target": ["none"],
}
TUPLES = [("cut", "knife", "carrot", "board", "none"), ("stir", "spoon", "soup", "bowl", "none")]
TEXTS = ["the person cuts the carrot on the board with a knife", "the cook stirs the soup in the bowl with a spoon"]
SIZES = [len(words) for words in STATES.values()]


@pytest.fixture
def logic():
    torch.manual_seed(0)
    crf = TupleCRF(SIZES, [(0, 1), (0, 2), (0, 3), (0, 4)]).requires_grad_(False)
    for table in list(crf.pairwise)[:3]:
        table.copy_(torch.tensor([[2.0, -2.0], [-2.0, 2.0]]))
    unaries = [torch.tensor([[0.8, 0.2], [0.3, 0.7]]).log()[:, :k].log_softmax(1) for k in SIZES]
    words = Vocabulary.build(TEXTS, min_count=1)
    sizes = {"a": 20, "b": sum(SIZES), "c": sum(SIZES), "end": 3}
    untrained = {kind: (decoders.build(kind, size, len(words), 8, 8), words) for kind, size in sizes.items()}
    for model, _ in untrained.values():
        model.decoder.output.bias.data[EOS] += 3  # so that they come to an end
    return Descriptions(
        crf=crf,
        states=STATES,
        videos=["v_One_g01_c01", "v_Two_g01_c01"],
        unaries=unaries,
        decoders=untrained,
        open_video=lambda video: np.full((7, 12, 16, 3), 40 if "One" in video else 200, np.uint8),
        translator=train_translator(TUPLES * 3, [tokenise(text) for text in TEXTS * 3], list(STATES)),
        frames=torch.rand(2, 4, 3),
        tuples={"v_One_g01_c01": TUPLES[0]},
        references={"v_One_g01_c01": ["She <cuts> it."]},
        names={"b": "(b) LSTM decoder"},
    )


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


def test_every_control_over_its_range(logic):
    view = DescriptionExplorer(logic)
    for _, video in view.video.options:
        view.video.value = video
        for number in range(view.frame.min, view.frame.max + 1):
            view.frame.value = number
        for slot, box in view.slots.items():
            assert box.description == slot
            for word in box.options:
                view.reset.click()
                box.value = word
                assert (slot in view.edits) == (word != OWN_CHOICE)
                assert "<u>" + word + "</u>" in view.tuple.value or word == OWN_CHOICE
        view.reset.click()
        assert view.edits == {}


def test_the_view_shows_the_clip_and_escapes_what_people_wrote(logic):
    view = DescriptionExplorer(logic)
    dark = view.screen.value
    assert "She &lt;cuts&gt; it." in view.said.value and "carrot" in view.tuple.value
    view.video.value = "v_Two_g01_c01"
    assert view.screen.value != dark
    assert "unknown" in view.tuple.value


def test_only_what_an_edit_changes_is_computed_again(logic, monkeypatch):
    opened, written = [], []
    show, write = logic.open_video, logic._write
    monkeypatch.setattr(logic, "open_video", lambda video: opened.append(video) or show(video))
    monkeypatch.setattr(logic, "_write", lambda kind, *rest: written.append(kind) or write(kind, *rest))
    view = DescriptionExplorer(logic)
    assert written == ["a", "b", "c", "end"]
    view.slots["activity"].value = "stir"
    assert written[4:] == ["a", "b", "c"], "the model without a tuple has nothing to say anew"
    view.frame.value = 0
    view.slots["activity"].value = OWN_CHOICE
    assert len(written) == 7, "what was written once is remembered, and a frame writes nothing"
    assert opened == ["v_One_g01_c01"]


def test_static_twin_has_five_slots_and_all_sentences(logic):
    figure = DescriptionExplorer(logic).figure()
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]
    assert titles[1:6] == list(STATES)
    assert TEXTS[0] in figure.axes[-1].texts[0].get_text()
    assert "tool (by hand)" in [axes.get_title() for axes in logic.figure("v_Two_g01_c01", {"tool": "knife"}).axes]
