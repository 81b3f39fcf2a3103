"""Every check accepts the right answers in answers/*.toml, and says of each wrong one what is wrong with it.

A teacher adds an answer there; nothing is to be changed here.
"""

import ast
import importlib
import tomllib
from pathlib import Path

import pytest

from lrcn_utils.checks.exercise import exercises_of

FILES = sorted((Path(__file__).parent / "answers").glob("*.toml"))
READ = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in FILES}
EXERCISES = [(lesson, entry) for lesson, read in READ.items() for entry in read["exercise"]]
RIGHT = [(lesson, entry, code) for lesson, entry in EXERCISES for code in entry["right"]]
WRONG = [(lesson, entry, wrong) for lesson, entry in EXERCISES for wrong in entry["wrong"]]


def name_of(value):
    """What pytest calls a case: the lesson, the exercise, and the sentence that is expected."""
    if isinstance(value, dict):
        return value.get("name") or value["says"]
    return value if value in READ else "right"


def last_function(code: str, preamble: str):
    names = {}
    exec(preamble, names)
    exec(code, names)
    return names[[node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)][-1]]


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """What the check of an exercise prints about an answer, which is given as code."""
    monkeypatch.chdir(tmp_path)

    def ask(lesson: str, name: str, code: str) -> str:
        check = getattr(importlib.import_module(f"lrcn_utils.checks.{lesson}"), name)
        check(last_function(code, READ[lesson].get("preamble", "")))
        return capsys.readouterr().out.removesuffix("\n")

    return ask


@pytest.mark.parametrize(("lesson", "entry", "code"), RIGHT, ids=name_of)
def test_a_right_answer_passes_in_whatever_style(said, lesson, entry, code):
    assert said(lesson, entry["name"], code) == "Passed."


@pytest.mark.parametrize(("lesson", "entry", "wrong"), WRONG, ids=name_of)
def test_of_a_wrong_answer_is_said_what_is_wrong(said, lesson, entry, wrong):
    sentence = said(lesson, entry["name"], wrong["code"])
    assert sentence.startswith("Not yet: ") and wrong["says"] in sentence


@pytest.mark.parametrize(("lesson", "entry"), EXERCISES, ids=name_of)
def test_three_wrong_answers_or_more_each_with_its_own_sentence(said, lesson, entry):
    sentences = {said(lesson, entry["name"], wrong["code"]) for wrong in entry["wrong"]}
    assert len(sentences) == len(entry["wrong"]) >= 3 and entry["right"]


@pytest.mark.parametrize("lesson", READ)
def test_every_exercise_of_a_lesson_has_answers(lesson):
    names = exercises_of(importlib.import_module(f"lrcn_utils.checks.{lesson}"))
    assert sorted(names) == sorted(entry["name"] for entry in READ[lesson]["exercise"])
