"""Every notebook in JupyterLab in Chromium: the cells that its widgets need are run, then every control is moved.

The others, which train for minutes, are left to nbval, which runs every cell.
"""

import json
import statistics
from pathlib import Path

import av
import nbformat
import numpy as np
import pytest
from controls import Hand
from execute import WIDGET
from lab import Notebook
from needed import needed
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
# The large ones take longest, and come first: else one worker waits at the end while the other still has two to do.
LARGE_FIRST = sorted((REPOSITORY / "notebooks").glob("*.ipynb"), key=lambda path: -path.stat().st_size)
NAMES = [path.name for path in LARGE_FIRST]
ANSWERS = REPOSITORY / "build" / "answers"


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> dict[str, Path]:
    """What a reader uploads, by the button's label: a film of a square that crosses the picture, and a still."""
    folder = tmp_path_factory.mktemp("own")
    frames = np.full((24, 120, 160, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        frame[40:80, 4 * number : 4 * number + 40] = 200, 80, 20
    with av.open(str(folder / "own.mp4"), "w") as film:
        stream = film.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        film.mux(stream.encode())
    Image.fromarray(frames[12]).save(folder / "own.png")
    return {"your own video": folder / "own.mp4", "your own image": folder / "own.png"}


@pytest.mark.parametrize("name", NAMES)
def test_runs_and_answers(lab, page, files, name):
    notebook = Notebook(page, lab, name)
    code, widgets = cells(name)
    chosen = needed(code, [min(code), *widgets])  # a lesson without widgets is opened, and finds the course
    notebook.run(chosen)
    assert notebook.failed_cells() == []
    assert notebook.ran() == chosen
    assert notebook.with_widgets() == widgets
    hand = Hand(notebook, files)
    hand.move_everything()
    assert notebook.failed_cells() == []
    assert notebook.errors == []
    keep(name, hand)
    notebook.close()


def cells(name: str) -> tuple[dict[int, str], list[int]]:
    """The notebook's cells of code, by their numbers, and the numbers of those that show a widget."""
    stored = nbformat.read(REPOSITORY / "notebooks" / name, as_version=4).cells
    code = {number: cell for number, cell in enumerate(stored) if cell.cell_type == "code" and cell.source.strip()}
    widgets = [number for number, cell in code.items() if WIDGET in cell.metadata.get("tags", [])]
    return {number: cell.source for number, cell in code.items()}, widgets


def keep(name: str, hand: Hand) -> None:
    """Write how fast the views answered into build/answers: figures to look at, not bounds to fail on."""
    ANSWERS.mkdir(parents=True, exist_ok=True)
    every = sorted(answer for answers in hand.answers.values() for answer in answers)
    found = {"controls": len(hand.moved), "answers": len(every)}
    if every:
        found |= {"median ms": round(statistics.median(every)), "95th ms": round(every[int(0.95 * (len(every) - 1))])}
    found["each"] = {
        f"{control.view} {control.label}": [round(answer) for answer in answers]
        for control, answers in hand.answers.items()
    }
    (ANSWERS / f"{Path(name).stem}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
