"""The diagrams of captioners: the image enters where the models take it, and a beam keeps what it keeps."""

import pytest
from drawn import assert_it_fits, words
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch

from lrcn_utils.models.captioning import VARIANTS
from lrcn_utils.plots import caption_diagrams
from lrcn_utils.plots.caption_diagrams import Candidate
from lrcn_utils.plots.style import BLUE, GREY, ORANGE

LEVELS = [
    [Candidate(("a",), 0.5, True), Candidate(("b",), 0.4, True), Candidate(("<eos>",), 0.1, finished=True)],
    [Candidate(("b", "<eos>"), 0.36, True, True), Candidate(("a", "b"), 0.2, True), Candidate(("a", "a"), 0.15)],
    [Candidate(("a", "b", "<eos>"), 0.18, True, True), Candidate(("b", "<eos>"), 0.36, True, True)],
]
DRAWINGS = {
    "arrangements": caption_diagrams.arrangements,
    "2f": lambda: caption_diagrams.arrangements(["2f"]),
    "unrolled": lambda: caption_diagrams.unrolled_captioner(["two", "lemons"]),
    "m-rnn": caption_diagrams.multimodal_rnn,
    "beam": lambda: caption_diagrams.beam(LEVELS),
}


def boxes(figure):
    """The boxes and the words in them, in the order in which they were drawn."""
    patches = [patch for patch in figure.axes[0].patches if type(patch) is FancyBboxPatch]
    middle = {_middle(patch): patch for patch in patches}
    texts = [text for text in figure.axes[0].texts if _rounded(text.get_position()) in middle]
    return [(text.get_text(), middle[_rounded(text.get_position())]) for text in texts]


def _middle(patch):
    return _rounded((patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2))


def _rounded(point):
    return round(point[0], 3), round(point[1], 3)


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_nothing_leaves_the_page_and_every_word_fits_its_box(draw):
    figure = draw()
    assert_it_fits(figure)
    for text, patch in boxes(figure):
        drawn = next(t for t in figure.axes[0].texts if _rounded(t.get_position()) == _middle(patch))
        assert drawn.get_window_extent().width < patch.get_window_extent().width, text


def test_the_image_enters_where_the_models_take_it():
    assert caption_diagrams.ARRANGEMENTS == VARIANTS
    for name, (layers, entered) in VARIANTS.items():
        drawn = boxes(caption_diagrams.arrangements([name]))
        height = {text: _middle(patch)[1] for text, patch in drawn}
        assert height["image"] == height[f"LSTM {entered + 1}"]
        assert sum(text.startswith("LSTM") for text, _ in drawn) == layers
        assert height["softmax"] > height[f"LSTM {layers}"]


def test_an_unrolled_captioner_reads_a_word_and_says_the_next():
    drawn = words(caption_diagrams.unrolled_captioner(["two", "lemons"]))
    assert drawn.count("LSTM 1") == drawn.count("LSTM 2") == drawn.count("image") == 3
    assert drawn.count("two") == drawn.count("lemons") == 2 and {"<bos>", "<eos>"} <= set(drawn)


def test_the_recurrent_layer_of_the_m_rnn_stands_apart_from_the_image():
    place = {text: _middle(patch) for text, patch in boxes(caption_diagrams.multimodal_rnn())}
    assert place["image"][1] == place["multimodal"][1] > place["recurrent"][1] > place["embedding 2"][1]


def test_a_beam_colours_the_winner_the_kept_and_the_dropped():
    figure = caption_diagrams.beam(LEVELS)
    colour = {text: [to_hex(p.get_edgecolor()) for t, p in boxes(figure) if t == text] for text in words(figure)}
    assert colour["b  0.40"] == [ORANGE.lower()] and colour["<eos>  0.36"] == [ORANGE.lower()] * 2
    assert colour["a  0.50"] == colour["b  0.20"] == colour["<eos>  0.18"] == [BLUE.lower()]
    assert colour["<eos>  0.10"] == colour["a  0.15"] == [GREY.lower()]
    assert sum(line.get_linestyle() == ":" for line in figure.axes[0].lines) == 1, "one finished sentence waits"


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: caption_diagrams.arrangements([]), "names"),
        (lambda: caption_diagrams.arrangements(["3f"]), "names"),
        (lambda: caption_diagrams.unrolled_captioner([]), "words"),
        (lambda: caption_diagrams.beam([]), "levels"),
        (lambda: caption_diagrams.beam([LEVELS[0], [Candidate(("c", "d"), 0.1)]]), "levels"),
    ],
)
def test_errors_name_the_argument(call, argument):
    with pytest.raises(ValueError, match=argument):
        call()
