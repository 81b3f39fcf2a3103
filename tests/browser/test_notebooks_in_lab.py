"""Every notebook in JupyterLab in Chromium: run from the first cell to the last, then every control moved."""

import json
import statistics
from pathlib import Path

import pytest
from controls import Hand
from lab import Notebook

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
ANSWERS = REPOSITORY / "build" / "answers.json"


@pytest.mark.parametrize("name", NAMES)
def test_runs_and_answers(lab, page, name):
    notebook = Notebook(page, lab, name)
    notebook.run_all()
    assert notebook.all_ran()
    assert notebook.failed_cells() == []
    hand = Hand(notebook)
    hand.move_everything()
    assert hand.answers or not hand.moved, "no view changed although controls moved"
    assert notebook.failed_cells() == []
    assert notebook.errors == []
    keep(name, hand)
    notebook.close()


def keep(name: str, hand: Hand) -> None:
    """Write how fast the views answered to build/answers.json; a figure to look at, not a bound to fail on."""
    ANSWERS.parent.mkdir(exist_ok=True)
    known = json.loads(ANSWERS.read_text(encoding="utf-8")) if ANSWERS.exists() else {}
    if hand.answers:
        ordered = sorted(hand.answers)
        known[name] = {
            "controls": hand.moved,
            "answers": len(ordered),
            "median ms": round(statistics.median(ordered)),
            "95th percentile ms": round(ordered[int(0.95 * (len(ordered) - 1))]),
        }
    ANSWERS.write_text(json.dumps(known, indent=1), encoding="utf-8")
