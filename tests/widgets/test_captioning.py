"""The caption explorer and the beam tree: every control over its whole range, uploads in both forms, and the twins."""

import io

import numpy as np
import pytest
import torch
from choose_file import choose
from matplotlib.figure import Figure
from PIL import Image
from small_captioner import small_captioner

from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.decoding import greedy
from lrcn_utils.inference.captioning import DECODERS, Captions, Picture
from lrcn_utils.widgets.captioning import BeamTree, CaptionExplorer
from lrcn_utils.widgets.drawing import png

VOCABULARY = Vocabulary(["a", "two", "red", "green", "<b>", "apple", "apples", "on", "plate", "board", "and"])


@pytest.fixture
def captions():
    model = small_captioner(len(VOCABULARY))
    pixels = np.random.default_rng(0).integers(0, 255, (3, 20, 30, 3), dtype=np.uint8)
    pictures = [Picture(f"image {i}", p, torch.randn(1, 3), ["a red <i>apple</i>"]) for i, p in enumerate(pixels)]
    return Captions(model, VOCABULARY, pictures, lambda p: torch.from_numpy(p).float().mean((0, 1))[None] / 255)


def every_value(control):
    if hasattr(control, "max"):
        step = getattr(control, "step", 1)
        return [control.min + i * step for i in range(int((control.max - control.min) / step) + 1)]
    return [value for _, value in control._options_full]


def test_every_control_of_the_explorer_moves_over_its_range(captions):
    view = CaptionExplorer(captions)
    for decoder in DECODERS:
        view.decoder.value = decoder
        for control in (view.choice, *view.settings_box.children, view.number, view.step):
            for value in every_value(control):
                if hasattr(control, "max") and value > control.max:
                    continue
                control.value = value
                assert view.step.value <= view.step.max and "<table" in view.table.value
    assert {c.description for c in (view.choice, view.decoder, view.width, view.n, view.t, view.number, view.step)}


def test_every_control_of_the_tree_moves_over_its_range(captions):
    view = BeamTree(captions)
    for control in (view.choice, view.width, view.path, view.steps):
        for value in every_value(control):
            control.value = value
            assert bytes(view.screen.value).startswith(b"<svg")


def test_the_words_come_one_by_one(captions):
    view = CaptionExplorer(captions)
    view.decoder.value = "greedy"
    expected = [VOCABULARY.words[w] for w in greedy(captions.model, view.picture.feature, bos=1, eos=2)[0][0].words]
    for count in range(1, view.step.max + 1):
        view.step.value = count
        assert view.table.value.count("<th>") == 1 + count + 10  # corner, steps, ranks
    assert " ".join(expected).replace("<", "&lt;").replace(">", "&gt;") in view.message.value
    assert "<b>" not in view.table.value and "a red &lt;i&gt;apple" in view.message.value


def jpeg(size, colour=(255, 0, 0)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "jpeg")
    return buffer.getvalue()


def test_an_upload_is_shown_as_often_as_it_is_chosen_and_the_list_stays_of_use(captions):
    view = CaptionExplorer(captions)
    for _ in range(2):
        choose(view.upload, "red.jpg", jpeg((9, 7)))
        assert view.picture.name == "red.jpg" and "reference" not in view.message.value
        assert view.picture.feature[0].tolist() == pytest.approx([1, 0, 0], abs=0.02)
        view.choice.value = 0
        assert view.picture.name == "image 0"


def test_a_file_that_is_no_image_says_so_until_another_is_opened(captions):
    view = CaptionExplorer(captions)
    before, said = view.picture, view.message.value
    choose(view.upload, "x<b>.jpg", b"nothing")
    assert "x&lt;b&gt;.jpg: " in view.upload.message.value and view.picture is before
    view.step.value = 1
    view.decoder.value = "greedy"
    assert "x&lt;b&gt;.jpg: " in view.upload.message.value
    view.choice.value = 1
    assert ".jpg" not in view.upload.message.value and view.message.value != said


def test_a_strip_of_an_image_is_shown_small(captions):
    view = CaptionExplorer(captions)
    for size in ((2, 3000), (3000, 2)):
        choose(view.upload, "strip.jpg", jpeg(size))
        assert max(Image.open(io.BytesIO(view.screen.value)).size) <= 480


def test_without_a_way_to_look_nothing_can_be_uploaded(captions):
    captions.look = None
    assert CaptionExplorer(captions).upload.button.disabled


def test_words_are_no_formulas(captions):
    captions.vocabulary.words[-1] = "a$b$"
    captions.vocabulary.words[-2] = "$\\frac"
    for view in (CaptionExplorer(captions), BeamTree(captions)):
        png(view.figure())


def test_static_twins(captions):
    for view in (CaptionExplorer(captions), BeamTree(captions)):
        assert isinstance(view.figure(), Figure)


def test_a_step_or_a_path_decodes_nothing_anew(captions, monkeypatch):
    steps = []
    step = captions.model.step
    monkeypatch.setattr(captions.model, "step", lambda *arguments: steps.append(1) or step(*arguments))
    explorer, tree = CaptionExplorer(captions), BeamTree(captions)
    before = len(steps)
    for control, value in ((explorer.step, 1), (tree.path, 2), (tree.steps, 1)):
        control.value = value
    assert len(steps) == before
    explorer.width.value = 10
    assert len(steps) > before
