"""Figures of sentences: what is written in them, and which paths of a beam tree are alive."""

from xml.etree import ElementTree

import numpy as np
from matplotlib.figure import Figure

from lrcn_utils.plots.style import GREY, ORANGE
from lrcn_utils.plots.text import Node, beam_tree, beam_tree_svg, best_words, captioned, word_probabilities

LEVELS = [
    [Node("a", 0, -0.1), Node("two", 0, -1.0)],
    [Node("red", 0, -0.5), Node("<eos>", 0, -0.9, True)],
    [Node("<eos>", 1, -0.9, True), Node("apple", 0, -1.2)],
]


def axes():
    return Figure().subplots()


def written(ax):
    return [text.get_text() for text in ax.texts]


def test_word_probabilities_are_written_on_the_bars():
    ax = word_probabilities(axes(), ["a", "red", "apple"], [0.9, 0.25, 1.0])
    assert [bar.get_height() for bar in ax.patches] == [0.9, 0.25, 1.0]
    assert written(ax) == ["0.90", "0.25", "1.00"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "red", "apple"]


def test_best_words_frames_the_chosen_one():
    ax = best_words(axes(), [["a", "two"], ["red", "<eos>"]], np.array([[0.7, 0.2], [0.5, 0.4]]), ["a", "<eos>"], now=1)
    assert written(ax) == ["a\n0.70", "two\n0.20", "red\n0.50", "<eos>\n0.40"]
    frames = [patch.get_xy() for patch in ax.patches if patch.get_edgecolor()[:3] == ax.patches[0].get_edgecolor()[:3]]
    assert [(round(x), round(y)) for x, y in frames] == [(0, 0), (1, 1)]


def test_best_words_leaves_out_what_is_hardly_possible_unless_it_was_taken():
    ax = best_words(axes(), [["a", "two"], ["of", "red"]], np.array([[0.99, 0.009], [0.99, 0.002]]), ["a", "red"])
    assert written(ax) == ["a\n0.99", "of\n0.99", "red\n0.00"]


def test_the_beam_tree_shows_each_word_once_and_the_best_path():
    ax = beam_tree(axes(), LEVELS, best=0)
    assert written(ax) == ["start", "a\n-0.10", "two\n-1.00", "red\n-0.50", "<eos>\n-0.90", "apple\n-1.20"]
    edges = {text.get_text().split("\n")[0]: text.get_bbox_patch().get_edgecolor() for text in ax.texts}
    from matplotlib.colors import to_rgba

    assert edges["a"] == edges["<eos>"] == to_rgba(ORANGE)
    assert edges["two"] == to_rgba(GREY)
    assert sum(line.get_linestyle() == ":" for line in ax.lines) == 1


def test_the_svg_has_the_same_words_and_lines():
    root = ElementTree.fromstring(beam_tree_svg(LEVELS, best=0))
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{space}text")]
    assert texts[2:12:2] == ["a", "two", "red", "<eos>", "apple"] and texts[3:13:2][0] == "-0.10"
    lines = list(root.iter(f"{space}line"))
    assert len(lines) == 6 and sum("stroke-dasharray" in line.attrib for line in lines) == 1
    assert sum(line.attrib["stroke"] == ORANGE for line in lines) == 3


def test_an_empty_tree_and_another_best_can_be_drawn():
    beam_tree(axes(), [])
    ax = beam_tree(axes(), LEVELS, best=None)
    assert all(line.get_color() != ORANGE for line in ax.lines)


def test_a_caption_is_wrapped_below_the_image():
    ax = captioned(axes(), np.zeros((4, 4, 3), np.uint8), ["a red apple lies on a wooden board beside a knife"], 20)
    assert all(len(line) <= 20 for line in ax.get_xlabel().split("\n"))
