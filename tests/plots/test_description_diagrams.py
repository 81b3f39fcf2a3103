"""The diagrams of video description: what the text names is drawn, and nothing leaves the page or hides a label."""

import pytest
from drawn import assert_it_fits, count, words
from matplotlib.patches import Circle, FancyArrowPatch

from lrcn_utils.plots import description_diagrams as diagrams

DRAWINGS = {
    "crf_star": lambda: diagrams.crf_star("activity", ["tool", "object", "source", "target"]),
    "small_star": lambda: diagrams.crf_star("activity", ["tool", "object"]),
    "three_decoders": diagrams.three_decoders,
    "two_clocks": diagrams.two_clocks,
    "short_clocks": lambda: diagrams.two_clocks(1, ["<eos>"]),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_nothing_leaves_the_page_and_no_two_labels_overlap(draw):
    assert_it_fits(draw())


@pytest.mark.parametrize("leaves", [2, 4])
def test_every_leaf_of_a_star_sends_one_message_and_every_slot_has_a_unary(leaves):
    figure = diagrams.crf_star("activity", [f"leaf {k}" for k in range(leaves)])
    assert count(figure, Circle) == leaves + 1
    assert count(figure, FancyArrowPatch) == leaves
    assert words(figure).count("unary") == leaves + 1
    assert f"$m_{{{leaves}}}$" in words(figure) and "activity" in words(figure)


def test_the_three_decoders_stand_side_by_side():
    figure = diagrams.three_decoders()
    titles = [text for text in figure.axes[0].texts if text.get_text()[:3] in ("(a)", "(b)", "(c)")]
    assert [title.get_text()[:3] for title in titles] == ["(a)", "(b)", "(c)"]
    places = [title.get_position() for title in titles]
    assert sorted(places) == places and len({y for _, y in places}) == 1


@pytest.mark.parametrize(("frames", "said"), [(4, ["he", "stirs", "<eos>"]), (1, ["<eos>"]), (3, ["a", "b"])])
def test_the_journal_saves_one_step(frames, said):
    drawn = words(diagrams.two_clocks(frames, said))
    steps = [word for word in drawn if word.isdigit()]
    cvpr, v4 = frames + len(said), frames + len(said) - 1
    assert steps == [str(step + 1) for steps in (cvpr, v4) for step in range(steps)]
    assert drawn.count("<bos>") == 2
    assert drawn.count(f"frame {frames}") == 2 and f"frame {frames + 1}" not in drawn
    assert drawn.count(said[0]) == 2 * (2 if len(said) > 1 else 1)  # said, and heard a step later


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: diagrams.crf_star("activity", ["tool"]), "leaves"),
        (lambda: diagrams.two_clocks(0), "frames"),
        (lambda: diagrams.two_clocks(2, []), "words"),
    ],
)
def test_errors_name_the_argument(call, argument):
    with pytest.raises(ValueError, match=argument):
        call()
