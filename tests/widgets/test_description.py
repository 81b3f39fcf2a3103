"""The description explorer: every control moved over its range, and only what changes is computed again."""

import pytest
from small_descriptions import STATES, TEXTS, descriptions

from lrcn_utils.inference import description
from lrcn_utils.widgets.description import OWN_CHOICE, DescriptionExplorer, description_figure
from lrcn_utils.widgets.drawing import png


@pytest.fixture
def logic():
    return descriptions()


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
    kinds = {id(model): kind for kind, (model, _) in logic.decoders.items()}
    show, write = logic.open_video, description.write
    monkeypatch.setattr(logic, "open_video", lambda video: opened.append(video) or show(video))
    monkeypatch.setattr(
        description, "write", lambda model, *rest: written.append(kinds[id(model)]) or write(model, *rest)
    )
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
    assert "tool (by hand)" in [
        axes.get_title() for axes in description_figure(logic, "v_Two_g01_c01", {"tool": "knife"}).axes
    ]


def test_names_and_words_are_text():
    logic = descriptions()
    logic.states["tool"][:] = ["$\\frac$<img src=x>", "spoon"]
    logic.videos[0] = "v_$\\frac$<img src=x>_g01_c01"
    view = DescriptionExplorer(logic)
    assert not any("<img" in part.value for part in (view.tuple, view.bars, view.said))
    png(view.figure())
