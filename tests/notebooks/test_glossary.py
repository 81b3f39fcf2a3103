"""The glossary: in order, one sentence a term, and each in the lesson to which it points."""

import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRIES = re.findall(
    r"^\*\*(.+?)\*\*: (.+\.) \(\[lesson \d\d\]\(\.\./notebooks/(.+?)\)\)$",
    (REPOSITORY / "docs" / "glossary.md").read_text(),
    re.MULTILINE,
)


def words(lesson: str) -> str:
    cells = json.loads((REPOSITORY / "notebooks" / lesson).read_text())["cells"]
    return " ".join("".join(cell["source"]) for cell in cells).lower()


def test_every_entry_is_read_and_the_terms_are_in_order():
    text = (REPOSITORY / "docs" / "glossary.md").read_text()
    assert len(ENTRIES) == text.count("\n\n") - 1 and len(ENTRIES) > 60
    terms = [term.lower() for term, _, _ in ENTRIES]
    assert terms == sorted(terms) and len(terms) == len(set(terms))


@pytest.mark.parametrize(("term", "lesson"), [(term, lesson) for term, _, lesson in ENTRIES])
def test_the_lesson_uses_the_term(term, lesson):
    assert term.lower() in words(lesson)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_lesson_links_it(path):
    assert "](../docs/glossary.md)" in words(path.name)
