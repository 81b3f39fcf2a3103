"""The student's progress: which exercises of each lesson have passed, from the file that the checks write."""

from dataclasses import dataclass
from pathlib import Path

import ipywidgets

from lrcn_utils import checks
from lrcn_utils.checks.exercise import exercises_of, progress
from lrcn_utils.paper import Table
from lrcn_utils.widgets.drawing import WRAP

TITLES = {
    "cnn": "01 Convolutional networks",
    "lstm": "02 LSTM",
    "activity": "03 Activity recognition",
    "captioning": "04 Image captioning",
    "retrieval": "05 Retrieval and evaluation",
    "description": "06 Video description",
    "scale": "08 Full scale",
}


@dataclass(frozen=True)
class Standing:
    """How far a student is in one lesson. ``waiting``: (number, name) of the exercises that have not passed."""

    title: str
    exercises: int
    waiting: list[tuple[int, str]]

    @property
    def passed(self) -> int:
        return self.exercises - len(self.waiting)

    @property
    def count(self) -> str:
        return f"{self.passed} of {self.exercises}"

    @property
    def following(self) -> str:
        """The exercise to go on with, in words."""
        if not self.waiting:
            return "all passed"
        number, name = self.waiting[0]
        return f"next: {number}, {name.replace('_', ' ')}"


def standings(folder: Path | None = None) -> list[Standing]:
    """One standing a lesson, from the file in ``folder`` (default: the working folder, which is the notebook's)."""
    passed, found = progress(folder), []
    for lesson in checks.__all__:
        names = exercises_of(getattr(checks, lesson))
        waiting = [(n, name) for n, name in enumerate(names, start=1) if name not in passed.get(lesson, [])]
        found.append(Standing(TITLES[lesson], len(names), waiting))
    return found


class Progress(ipywidgets.VBox):
    """A bar for each lesson. It shows what had passed when it was made; run the cell again for what has since."""

    def __init__(self, folder: Path | None = None):
        self.standings = standings(folder)
        super().__init__([_bar(standing) for standing in self.standings])

    def table(self) -> Table:
        """The static twin."""
        rows = [(standing.title, [standing.count, standing.following]) for standing in self.standings]
        return Table(["passed", ""], [("Exercises", rows)])


def _bar(standing: Standing) -> ipywidgets.HBox:
    title = ipywidgets.Label(standing.title, layout=ipywidgets.Layout(width="14em"))
    bar = ipywidgets.IntProgress(standing.passed, 0, standing.exercises)
    bar.bar_style = "" if standing.waiting else "success"
    return ipywidgets.HBox([title, bar, ipywidgets.Label(f"{standing.count}; {standing.following}")], layout=WRAP)
