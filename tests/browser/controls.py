"""Move every control that a notebook shows, as a hand on mouse and keyboard would, and time the answers."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

WATCH = (Path(__file__).parent / "watch.js").read_text(encoding="utf-8")
# Of a control that is read only when another is used, no view changes by itself.
SILENT = {"Your name"}
TYPED = {"Your name": "ann", "or type": "two zebras on a cutting board"}
# What must stand in the view after the last move of a control.
SHOWN = {
    "or type": "read as <unk>: zebras",
    "your own video": "own.mp4: 24 frames, yours, truth unknown",
    "Start or go on": "answers to give here",
    "Next picture": "Picture 2 of",
    "Previous picture": "Picture 1 of",
}


@dataclass(frozen=True)
class Control:
    """One control as the page shows it. ``view``: the output it is in, of those with widgets, from the top.

    ``mark``: how the page finds it, until it is drawn anew.
    """

    view: int
    kind: str
    label: str
    mark: str = field(compare=False)


class Hand:
    """Moves the controls of one open notebook. ``answers``: the milliseconds of every answer, by control."""

    def __init__(self, notebook, files: dict[str, Path]):
        """``files``: what to upload, by the button's label."""
        self.notebook, self.page, self.files = notebook, notebook.page, files
        self.moved: set[Control] = set()
        self.answers: dict[Control, list[float]] = defaultdict(list)
        self.page.evaluate(WATCH)

    def move_everything(self) -> None:
        """Move each control until none is left; a move may bring new ones into sight."""
        while control := next((one for one in self.in_sight() if one not in self.moved), None):
            self.move(control)

    def in_sight(self) -> list[Control]:
        """The controls that can be used now, in the order of the page."""
        return [Control(**found) for found in self.page.evaluate("() => window.watch.controls()")]

    def move(self, control: Control) -> None:
        """Move one control over its range: each move is waited for, one at least must change a view."""
        self.moved.add(control)
        changed = False
        for do in self.moves(control, self.page.locator(f'[data-hand="{control.mark}"]')):
            changed |= self.act(control, do)
            if control.kind == "toggles":
                self.move_everything()  # what this choice brings into sight, while it is there
        assert changed or control.label in SILENT, f"{control} moves and no view changes"
        wanted, text = SHOWN.get(control.label, ""), self.page.evaluate("view => window.watch.text(view)", control.view)
        assert wanted in text, f"{control}: the view does not say '{wanted}'"

    def moves(self, control: Control, where) -> list[Callable]:
        """What a hand does to such a control, one step after the other."""
        page = self.page
        if control.kind == "slider":
            handle = where.locator(".noUi-handle")
            keys = ("Home", "ArrowRight", "ArrowLeft", "End")
            return [lambda key=key: (handle.focus(), page.keyboard.press(key)) for key in keys]
        if control.kind == "list":
            count = where.locator("option").count()
            places = range(count) if count <= 4 else (1, 2, count - 1)
            return [lambda place=place: where.locator("select").select_option(index=place) for place in places]
        if control.kind == "toggles":
            buttons = where.locator("button")
            return [buttons.nth(number).click for number in range(buttons.count())]
        if control.kind == "box":
            return [where.locator("input").click] * 2
        if control.kind == "text":
            field = where.locator("input")
            return [lambda: (field.fill(TYPED[control.label]), field.press("Enter"))]
        if control.kind == "upload":
            return [lambda: self.upload(where, self.files[control.label])]
        if control.kind == "play":
            return [lambda: self.play(where)]
        return [where.click]

    def act(self, control: Control, move: Callable) -> bool:
        """Do ``move`` and wait for the whole answer; whether a view changed. Only an upload or a film is not timed."""
        self.page.evaluate("() => window.watch.start()")
        move()
        self.page.evaluate("() => window.watch.answered()")
        self.page.wait_for_function("() => window.watch.quiet()")
        answer = self.page.evaluate("() => window.watch.answer()")
        if answer is not None and control.kind not in ("upload", "play"):
            self.answers[control].append(answer)
        return answer is not None

    def upload(self, button, file: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(file)

    def play(self, film) -> None:
        """Start the film, see three changes of the view, and stop it."""
        button = film.locator("button").first
        button.click()
        self.page.wait_for_function("() => window.watch.changes() > 3")
        button.click()
