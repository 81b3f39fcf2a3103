"""The human-rating panel: blind ranks of all methods' captions, by correctness, grammar and relevance.

The paper's protocol (CVPR Table 4): for one image at a time a rater ranks the captions of all methods, 1 is best,
ties allowed. The captions stand in random order without their methods' names; every answer is on disk at once.
The ranks are kept as given: whether a tie is written 1, 1, 3 or 1, 1, 2 is settled by ``metrics.human.averaged_ties``.
"""

import csv
import hashlib
import io
import random
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import ipywidgets as w
import numpy as np
from matplotlib.figure import Figure

from lrcn_utils.data import atomic
from lrcn_utils.data.text import read_csv
from lrcn_utils.metrics.human import CRITERIA, Rating
from lrcn_utils.plots.style import GREY, plain
from lrcn_utils.widgets.drawing import WRAP, png

FIELDS = ("rater", "image", "method", "criterion", "rank")
QUESTIONS = {
    "correctness": "Is what the caption says true of the picture?",
    "grammar": "Is it well-formed English?",
    "relevance": "Does it tell what matters in the picture?",
}


@dataclass(frozen=True)
class Item:
    """One picture, uint8 (height, width, 3), and what each method says of it: {method: caption}."""

    name: str
    picture: np.ndarray
    captions: Mapping[str, str]


def read_ratings(folder: Path | str) -> list[Rating]:
    """All answers in the CSV files of ``folder``, raters in alphabetical order; an empty list where there are none.

    Raises ValueError, naming file and line, for a row that is no rating.
    """
    return [rating for path in sorted(Path(folder).glob("*.csv")) for rating in _read(path)]


def _read(path: Path) -> Iterator[Rating]:
    for number, row in read_csv(path, FIELDS):
        try:
            yield Rating(*(_unquoted(row[field]) for field in FIELDS[:-1]), rank=int(row["rank"]))
        except ValueError:
            raise ValueError(f"{path.name}, line {number}: want the fields {', '.join(FIELDS)}") from None


def _quoted(name: str) -> str:
    # A spreadsheet runs a cell that begins like this as a formula; after an apostrophe it shows the cell as text.
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "'")) else name


def _unquoted(name: str) -> str:
    return name.removeprefix("'")


class RatingSession:
    """One rater's answers: which picture comes next, in which order its captions stand, what is on disk.

    Order of pictures and captions is random, but follows from (seed, rater), so that a session goes on as it was.
    """

    def __init__(self, items: Sequence[Item], folder: Path | str, rater: str, seed: int = 0):
        """``folder``: gets one file a rater, ``<rater>.csv``; answers already there are taken up again.

        Upper case in the rater's name becomes lower case: on some systems "Ann" and "ann" are one file.
        Raises ValueError for a name that cannot name a file, and for items that differ in their methods.
        """
        rater = rater.lower()
        if not re.fullmatch(r"[a-z0-9_-]{1,40}", rater):
            raise ValueError("A rater's name has letters, digits, - and _ only, and at most 40 of them.")
        if re.fullmatch(r"con|prn|aux|nul|(com|lpt)\d", rater):
            raise ValueError(f"On Windows no file can be called {rater}; add letters or digits to the name.")
        if odd := [item.name for item in items if set(item.captions) != set(items[0].captions)]:
            raise ValueError(f"Picture {odd[0]} has captions of other methods than {items[0].name}.")
        self.rater, self.seed = rater, seed
        self.items = _shuffled(items, seed, rater)
        self.file = Path(folder) / f"{rater}.csv"
        self.answers = self._saved()
        self._unsaved: dict[tuple[str, str, str], int | None] = {}

    def _saved(self) -> dict[tuple[str, str, str], int]:
        if not self.file.exists():
            return {}
        mine = (rating for rating in _read(self.file) if rating.rater == self.rater)
        return {(rating.image, rating.method, rating.criterion): rating.rank for rating in mine}

    def order(self, item: Item) -> list[str]:
        """The item's methods in the order in which this rater sees their captions."""
        return _shuffled(sorted(item.captions), self.seed, self.rater, item.name)

    def answer(self, item: Item, place: int, criterion: str, rank: int | None) -> None:
        """Give the caption at ``place`` (0 is the first) this rank, or take it back (None), and save."""
        method = self.order(item)[place]
        if criterion not in CRITERIA or not (rank is None or 1 <= rank <= len(item.captions)):
            raise ValueError(f"{criterion}: rank {rank}; want {CRITERIA} and 1 to {len(item.captions)}, or None")
        self._unsaved[item.name, method, criterion] = rank
        self._save()

    def rank(self, item: Item, place: int, criterion: str) -> int | None:
        """The rank already given to the caption at ``place``, or None."""
        return self.answers.get((item.name, self.order(item)[place], criterion))

    def missing(self, item: Item) -> int:
        """How many of the item's answers are still to be given."""
        return sum(self.answers.get((item.name, m, c)) is None for m in item.captions for c in CRITERIA)

    def first_open(self) -> int:
        """The place of the first item that is not finished; of the last item when all are."""
        unfinished = (number for number, item in enumerate(self.items) if self.missing(item))
        return next(unfinished, len(self.items) - 1)

    def _save(self) -> None:
        self.answers |= self._unsaved
        # What the same rater has answered in another tab since is in the file only.
        merged = {key: rank for key, rank in (self._saved() | self._unsaved).items() if rank is not None}
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(FIELDS)
        rows.writerows([*map(_quoted, (self.rater, *key)), rank] for key, rank in merged.items())
        atomic.write_text(self.file, text.getvalue())
        self.answers, self._unsaved = merged, {}


class RatingPanel(w.VBox):
    """The panel: type a name, press Start, choose ranks; every choice is saved at once.

    ``items``: the pictures to rate, each with the captions of all methods. ``folder``: where the CSV files go.
    """

    def __init__(self, items: Sequence[Item], folder: Path | str, seed: int = 0):
        self.items, self.folder, self.seed = list(items), Path(folder), seed
        self.session: RatingSession | None = None
        self.number, self._showing = 0, False
        size = len(self.items[0].captions)

        self.rater = w.Text(description="Your name", placeholder="letters and digits", continuous_update=False)
        self.start = w.Button(description="Start or go on", button_style="primary")
        self.message = w.HTML()
        self.picture = w.Image(format="png", layout=w.Layout(width="256px", height="256px", object_fit="contain"))
        self.captions = [w.HTML() for _ in range(size)]
        self.ranks = [{criterion: _dropdown(criterion, place, size) for criterion in CRITERIA} for place in range(size)]
        self.before = w.Button(description="Previous picture", icon="arrow-left")
        self.after = w.Button(description="Next picture", icon="arrow-right")
        questions = "<br>".join(f"<b>{name.capitalize()}</b>: {text}" for name, text in QUESTIONS.items())
        guide = w.HTML(
            f"Rank the captions, 1 is best; equal ranks are allowed, and only the order counts.<br>{questions}"
        )
        rows = [
            w.VBox([caption, w.HBox(list(row.values()), layout=WRAP)])
            for caption, row in zip(self.captions, self.ranks, strict=True)
        ]
        self.form = w.VBox(
            [
                w.HBox([self.picture, guide], layout=WRAP),
                *rows,
                w.HBox([self.before, self.after]),
            ]
        )
        super().__init__([w.HBox([self.rater, self.start], layout=WRAP), self.message, self.form])
        self._connect()
        self.form.layout.display = "none"
        self._say("Enter your name, then press the button. Your answers are kept in a file of that name.")

    def _connect(self) -> None:
        self.start.on_click(lambda _: self.begin(self.rater.value))
        self.before.on_click(lambda _: self.show(self.number - 1))
        self.after.on_click(lambda _: self.show(self.number + 1))
        for place, row in enumerate(self.ranks):
            for criterion, dropdown in row.items():
                dropdown.observe(
                    lambda change, place=place, criterion=criterion: self._answered(
                        place, criterion, change["new"] or None
                    ),
                    names="value",
                )

    def begin(self, rater: str) -> None:
        """Take up the session of ``rater`` at its first unfinished picture."""
        try:
            self.session = RatingSession(self.items, self.folder, rater.strip(), self.seed)
        except ValueError as error:
            self.session = None
            self.form.layout.display = "none"
            self._say(f"<b>{escape(str(error))}</b>")
            return
        self.form.layout.display = ""
        self.show(self.session.first_open())

    def show(self, number: int) -> None:
        """Show picture ``number`` (0 is the first of this rater's order), with the answers it already has."""
        self.number = min(max(number, 0), len(self.items) - 1)
        item = self.session.items[self.number]
        self._showing = True  # setting the lists below is no answer
        try:
            self.picture.value = png(item.picture)
            for place, method in enumerate(self.session.order(item)):
                self.captions[place].value = _caption(place, item.captions[method])
                for criterion, dropdown in self.ranks[place].items():
                    dropdown.value = self.session.rank(item, place, criterion) or 0
        finally:
            self._showing = False
        self.before.disabled = self.number == 0
        self.after.disabled = self.number == len(self.items) - 1
        self._progress()

    def _answered(self, place: int, criterion: str, rank: int | None) -> None:
        if self._showing:
            return
        try:
            self.session.answer(self.session.items[self.number], place, criterion, rank)
        except (OSError, ValueError) as error:  # a full disk; a file that somebody has changed
            self._say(f"<b>This answer is not saved: {escape(str(error))}</b>")
        else:
            self._progress()

    def _progress(self) -> None:
        missing = self.session.missing(self.session.items[self.number])
        finished = sum(not self.session.missing(item) for item in self.session.items)
        here = f"{missing} answers to give here" if missing else "this picture is finished"
        self._say(
            f"Picture {self.number + 1} of {len(self.items)}: {here}. {finished} of {len(self.items)} finished; "
            f"all answers saved in {escape(self.session.file.name)}."
            + (" <b>Thank you, that was all.</b>" if finished == len(self.items) else "")
        )

    def _say(self, html: str) -> None:
        self.message.value = html

    def figure(self, number: int = 0, rater: str = "demo") -> Figure:
        """What a rater sees of one picture, on paper: the captions in blind order, room for three ranks each."""
        session = RatingSession(self.items, self.folder, rater, self.seed)
        item = session.items[number]
        figure = Figure(figsize=(11, 3.8), dpi=80, layout="none")
        left, right = figure.add_axes((0.01, 0.05, 0.28, 0.88)), figure.add_axes((0.31, 0.05, 0.68, 0.88))
        left.imshow(item.picture)
        columns = (0.68, 0.82, 0.95)
        for x, criterion in zip(columns, CRITERIA, strict=True):
            right.text(x, 1.0, criterion, ha="center", va="center", fontsize=10)
        for place, method in enumerate(session.order(item)):
            y = 1 - (place + 1) / (len(item.captions) + 0.5)
            caption = textwrap.fill(plain(item.captions[method]), 55)
            right.text(0, y, _letter(place), va="center", fontsize=11, weight="bold")
            right.text(0.04, y, caption, va="center", fontsize=11)
            for x in columns:
                right.text(x, y, "    ", va="center", ha="center", bbox={"fc": "white", "ec": GREY}, fontsize=9)
        for axes in (left, right):
            axes.axis("off")
        return figure


def _shuffled(values: Sequence, seed: int, *names: str) -> list:
    # A string seeds Python's generator the same way on every machine; hash() would not.
    key = hashlib.sha256(repr((seed, *names)).encode()).hexdigest()
    return random.Random(key).sample(list(values), len(values))


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _caption(place: int, caption: str) -> str:
    return f'<div style="font-size:16px"><b>{_letter(place)}</b>&ensp;{escape(caption)}</div>'


def _dropdown(criterion: str, place: int, size: int) -> w.Dropdown:
    return w.Dropdown(
        options=[("not ranked", 0), *((str(rank), rank) for rank in range(1, size + 1))],
        description=f"{_letter(place)} {criterion}",
        style={"description_width": "105px"},
        layout=w.Layout(width="235px"),
    )
