"""How a check speaks, and what it writes down."""

import pytest
import torch

from lrcn_utils.checks.exercise import PROGRESS, Wrong, exercise, expect, progress


@exercise
def double(answer):
    expect(answer(3) == 6, "twice 3 is 6.")


@pytest.fixture(autouse=True)
def notebook_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unwritten(number):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda number: 2 * number, "Passed."),
        (lambda number: number + 1, "Not yet: twice 3 is 6."),
        (unwritten, "Not yet: the function is still to be written."),
        (lambda number: number / 0, "Not yet: your function stops with ZeroDivisionError: division by zero"),
        (lambda: 6, "Not yet: your function stops with TypeError:"),
    ],
    ids=["right", "wrong", "stub", "raises", "takes no argument"],
)
def test_a_check_says_one_sentence(answer, said, capsys):
    double(answer)
    out = capsys.readouterr().out
    assert out.startswith(said) and out.count("\n") == 1
    assert progress() == ({"test_exercise": ["double"]} if said == "Passed." else {})


def test_what_passed_is_kept_once_and_a_broken_file_is_nothing(notebook_folder):
    double(lambda number: 2 * number)
    double(lambda number: number + number)
    assert progress() == {"test_exercise": ["double"]}
    (notebook_folder / PROGRESS).write_text("{", encoding="utf-8")
    assert progress() == {}


def test_a_check_leaves_the_random_numbers_of_the_notebook_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    double(lambda number: 2 * number + 0 * torch.rand(1).item())
    assert torch.equal(torch.rand(3), expected)


def test_a_grader_gets_an_error_and_nothing_printed(capsys, notebook_folder):
    double.or_raise(lambda number: 2 * number)
    with pytest.raises(Wrong, match="twice 3 is 6"):
        double.or_raise(lambda number: number + 1)
    assert capsys.readouterr().out == "" and progress() == {}
