"""Caption metrics against the COCO evaluation code, and the laws that any such metric must obey."""

import contextlib
import io
import random
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcn_utils.metrics.captions import (
    bleu,
    caption_scores,
    cider_d,
    cider_d_each,
    clipped_matches,
    closest_length,
    coco_code_scores,
    coco_words,
    common_subsequence,
    meteor,
    rouge_l,
    rouge_l_each,
)

word = st.sampled_from(["a", "red", "carrot", "bowl", "on", "the", "two", "knife"])
caption = st.lists(word, max_size=9)  # empty ones too
image = st.tuples(caption, st.lists(st.lists(word, min_size=1, max_size=9), min_size=1, max_size=4))
corpus = st.lists(image, min_size=1, max_size=5)


def words(sentence):
    return sentence.split()


def split(pairs):
    return [candidate for candidate, _ in pairs], [references for _, references in pairs]


def as_coco(candidates, references):
    gts = {i: [" ".join(words) for words in its] for i, its in enumerate(references)}
    return gts, {i: [" ".join(words)] for i, words in enumerate(candidates)}


def coco(scorer, candidates, references):
    with contextlib.redirect_stdout(io.StringIO()):
        return scorer.compute_score(*as_coco(candidates, references))


@settings(max_examples=150)
@given(corpus)
def test_agrees_with_the_coco_code_on_arbitrary_predictions(pairs):
    bleu_module = pytest.importorskip("pycocoevalcap.bleu.bleu")
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    candidates, references = split(pairs)
    assert bleu(candidates, references) == pytest.approx(coco(bleu_module.Bleu(4), candidates, references)[0], abs=1e-9)
    each = rouge_l_each(candidates, references)
    assert each == pytest.approx(list(coco(Rouge(), candidates, references)[1]), abs=1e-9)
    each = cider_d_each(candidates, references)
    assert each == pytest.approx(list(coco(Cider(), candidates, references)[1]), abs=1e-9)


@settings(max_examples=150)
@given(image)
def test_ngram_counts_are_the_coco_codes_exactly(pair):
    scorer = pytest.importorskip("pycocoevalcap.bleu.bleu_scorer")
    candidate, references = pair
    cooked = scorer.cook_test(
        " ".join(candidate), scorer.cook_refs([" ".join(words) for words in references]), eff="closest"
    )
    ours = [clipped_matches(candidate, references, n) for n in (1, 2, 3, 4)]
    assert [matches for matches, _ in ours] == cooked["correct"]
    assert [guesses for _, guesses in ours] == cooked["guess"]
    assert closest_length(candidate, references) == cooked["reflen"]


@settings(max_examples=50)
@given(corpus, st.randoms(use_true_random=False))
def test_the_order_of_the_images_and_of_the_references_changes_nothing(pairs, rng):
    before = caption_scores(*split(pairs))
    shuffled = [(candidate, rng.sample(its, len(its))) for candidate, its in rng.sample(pairs, len(pairs))]
    assert caption_scores(*split(shuffled)) == pytest.approx(before)


@settings(max_examples=50)
@given(st.lists(st.lists(word, min_size=4, max_size=9), min_size=1, max_size=5))
def test_a_perfect_caption_scores_one(captions):
    references = [[words, ["another", "one"]] for words in captions]
    assert bleu(captions, references) == pytest.approx([1.0] * 4)
    assert rouge_l(captions, references) == pytest.approx(1.0)


def test_a_perfect_caption_of_unlike_images_scores_ten_in_cider():
    captions = [words(f"{c}1 {c}2 {c}3 {c}4") for c in "abc"]
    assert cider_d(captions, [[words] for words in captions]) == pytest.approx(10.0)


@pytest.mark.parametrize("candidates", [[], [[]], [[], []], [[], ["a"]]])
def test_empty_predictions_do_not_crash(candidates):
    references = [[["a", "bowl"], ["one", "red", "bowl"]]] * len(candidates)
    scores = caption_scores(candidates, references)
    assert all(0 <= value < 0.5 for value in scores.values())
    assert all(value < 1e-3 for name, value in scores.items() if name == "BLEU-4")


def test_clipping_brevity_and_corpus_level_by_hand():
    # The classic: seven times "the" is granted twice, the most any one reference has.
    references = [words("the cat is on the mat"), words("there is a cat on the mat")]
    assert clipped_matches(["the"] * 7, references, 1) == (2, 7)
    assert bleu([["the"] * 7], [references], 1) == pytest.approx([2 / 7])
    # Three words where four were wanted: precision 1, penalty exp(1 - 4/3).
    assert bleu([["a", "b", "c"]], [[["a", "b", "c", "d"]]], 1)[0] == pytest.approx(0.7165313105737893)
    # Corpus level: (1 + 4) / (1 + 6) of the words, not the mean of 1/1 and 4/6.
    corpus = bleu([["a"], words("p q r s x y")], [[["a"]], [words("p q r s t u")]], 1)
    assert corpus == pytest.approx([5 / 7])


def test_of_two_equally_close_reference_lengths_the_shorter_counts():
    assert closest_length(["a"] * 4, [["a"] * 5, ["a"] * 3]) == 3


def test_common_subsequence_keeps_order_and_allows_gaps():
    assert common_subsequence(words("a red carrot on a board"), words("red board on a")) == 3
    assert common_subsequence([], ["a"]) == 0


def test_mistakes_in_the_call_are_named():
    with pytest.raises(TypeError, match="image 0: a caption is a string"):
        bleu(["a bowl"], [[["a", "bowl"]]])
    with pytest.raises(ValueError, match="image 1 has no references"):
        rouge_l([["a"], ["b"]], [[["a"]], []])
    with pytest.raises(ValueError, match="2 candidates"):
        cider_d([["a"], ["b"]], [[["a"]]])


def test_words_are_split_as_the_coco_server_splits_them():
    pytest.importorskip("nltk")
    assert coco_words("A dog's ball, on (wet) grass.") == words("a dog 's ball on -lrb- wet -rrb- grass")
    assert coco_words("Two -- no, three!") == ["two", "no", "three"]
    assert coco_words("") == []


def test_without_the_coco_code_each_that_needs_it_says_so_in_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pycocoevalcap", None)
    assert meteor([["a"]], [[["a"]]]) is None and coco_code_scores([["a"]], [[["a"]]]) == {}
    first, second = capsys.readouterr().out.splitlines()
    assert "pycocoevalcap" in first and "pycocoevalcap" in second


def test_the_scores_are_those_of_the_coco_code():
    pytest.importorskip("pycocoevalcap")
    candidates = [words("a red carrot lies here"), words("two bowls on a table")]
    references = [[words("a red carrot"), words("the red carrot lies there")], [words("two bowls stand on a table")]]
    theirs = coco_code_scores(candidates, references)
    assert theirs == pytest.approx(caption_scores(candidates, references), abs=1e-6)


def test_without_java_meteor_says_so_in_one_line(monkeypatch, capsys):
    pytest.importorskip("pycocoevalcap")
    monkeypatch.setenv("PATH", "")
    assert meteor([["a"]], [[["a"]]]) is None
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("before", ["", "read line; ", "read line; echo 1.0 2.0; "])
def test_a_java_that_dies_is_one_clear_line(before, tmp_path, monkeypatch, capsys):
    """It dies at the start, or after the first question, or after the first answer."""
    pytest.importorskip("pycocoevalcap")
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\n{before}printf 'Picked up an option\\nError: no space\\n\\tat Main\\n' >&2; exit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert meteor([["a"]] * 2, [[["a"]]] * 2) is None
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("(Error: no space).")


def test_meteor_is_its_authors_from_a_path_with_a_space(tmp_path, monkeypatch):
    pycocoevalcap = pytest.importorskip("pycocoevalcap")
    if shutil.which("java") is None:
        pytest.skip("METEOR is a Java program, and there is no java here")
    there, here = Path(next(iter(pycocoevalcap.__path__)), "meteor"), tmp_path / "a b" / "meteor"
    here.mkdir(parents=True)
    shutil.copy(there / "meteor-1.5.jar", here)  # Java follows a link to where there is no space
    (here / "data").symlink_to(there / "data")
    monkeypatch.setattr(pycocoevalcap, "__path__", [str(tmp_path / "a b")])
    candidates = [words("a red carrot"), [], words("two bowls on a ||| table")]
    references = [[words("a carrot"), words("the red carrot lies")], [words("x y")], [words("two bowls")]]
    assert meteor(candidates, references) == pytest.approx(0.2425441, abs=1e-6)  # by pycocoevalcap's Meteor


def instructions(work) -> int:
    """How many of Python's instructions ``work`` takes: the same number on every machine, however busy."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_the_work_is_less_than_the_coco_codes_and_grows_in_proportion():
    bleu_module = pytest.importorskip("pycocoevalcap.bleu.bleu")
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    rng = random.Random(0)
    words = [f"w{i}" for i in range(300)]

    def some():
        return rng.choices(words, range(300, 0, -1), k=rng.randint(7, 14))

    candidates = [some() for _ in range(80)]
    references = [[some() for _ in range(5)] for _ in range(80)]
    scorers = bleu_module.Bleu(4), Cider(), Rouge()
    ours = instructions(lambda: caption_scores(candidates, references))
    theirs = instructions(lambda: [coco(scorer, candidates, references) for scorer in scorers])
    assert ours <= theirs, f"{ours} instructions against {theirs} of the COCO code"
    half = instructions(lambda: caption_scores(candidates[:40], references[:40]))
    assert ours < 2.2 * half
