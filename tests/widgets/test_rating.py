"""The rating panel: blind, saved after every answer, resumed after any end, several raters side by side."""

import csv
import random
import tempfile

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lrcn_utils.data import atomic
from lrcn_utils.metrics.human import CRITERIA, Rating
from lrcn_utils.widgets import rating
from lrcn_utils.widgets.drawing import png
from lrcn_utils.widgets.rating import Item, RatingPanel, RatingSession, read_ratings

METHODS = ("people", "LRCN", "LRCN fine-tuned", "nearest neighbour", "m-RNN", "another picture's")


def items(n=3):
    rng = np.random.default_rng(0)
    return [
        Item(
            f"picture-{i}",
            rng.integers(0, 255, (32, 32, 3), dtype=np.uint8),
            {method: rf"caption {i}{m} <b>& $\frac$" for m, method in enumerate(METHODS)},
        )
        for i in range(n)
    ]


def fill(panel, seed=0):
    """Answer everything on the picture that the panel shows, at random."""
    rng = random.Random(seed)
    for row in panel.ranks:
        for dropdown in row.values():
            dropdown.value = rng.randint(1, 6)


def everything_shown(widget):
    """All strings that the panel sends to the browser."""
    found = []
    for state in (widget.get_state(), *(child.get_state() for child in walk(widget))):
        found += [str(value) for key, value in state.items() if key not in ("layout", "style", "children")]
    return " ".join(found)


def walk(widget):
    for child in getattr(widget, "children", ()):
        yield child
        yield from walk(child)


def test_every_answer_is_on_disk_before_the_next(tmp_path):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    for count, (place, criterion) in enumerate([(p, c) for p in range(6) for c in CRITERIA], start=1):
        panel.ranks[place][criterion].value = count % 6 + 1
        assert len(read_ratings(tmp_path)) == count
    saved = {(r.method, r.criterion): r.rank for r in read_ratings(tmp_path)}
    item = panel.session.items[0]
    assert saved[panel.session.order(item)[0], "grammar"] == panel.ranks[0]["grammar"].value
    assert not list(tmp_path.glob("*.part"))


def test_a_new_panel_goes_on_where_the_old_one_ended(tmp_path):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    fill(panel)
    panel.after.click()
    panel.ranks[2]["grammar"].value = 4
    again = RatingPanel(items(), tmp_path)
    again.rater.value = "Ann"
    again.start.click()
    assert again.number == 1 and again.ranks[2]["grammar"].value == 4 and again.ranks[1]["grammar"].index == 0
    assert [c.value for c in again.captions] == [c.value for c in panel.captions]
    again.before.click()
    assert all(dropdown.value for row in again.ranks for dropdown in row.values())
    assert len(read_ratings(tmp_path)) == 19


def test_looking_around_answers_nothing(tmp_path):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    panel.ranks[0]["grammar"].value = 2
    written = panel.session.file.stat().st_mtime_ns
    for button in (panel.after, panel.after, panel.after, panel.before, panel.before, panel.before):
        button.click()
    assert len(read_ratings(tmp_path)) == 1 and panel.number == 0
    assert panel.session.file.stat().st_mtime_ns == written


def test_an_answer_can_be_changed_and_taken_back(tmp_path):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    for value in (2, 5, 0, 6):
        panel.ranks[1]["relevance"].value = value
    assert [r.rank for r in read_ratings(tmp_path)] == [6]


def test_two_raters_do_not_disturb_each_other(tmp_path):
    first, second = RatingPanel(items(), tmp_path), RatingPanel(items(), tmp_path)
    first.begin("ann")
    for place in range(3):
        first.ranks[place]["grammar"].value = 1
    second.begin("bob")
    assert not second.session.answers
    for place in range(6):
        first.ranks[place]["grammar"].value = 1
        second.ranks[place]["grammar"].value = 6
    ranks = {(r.rater, r.rank) for r in read_ratings(tmp_path)}
    assert ranks == {("ann", 1), ("bob", 6)} and len(read_ratings(tmp_path)) == 12


def test_nothing_is_revealed(tmp_path):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    for _ in range(3):
        fill(panel)
        shown = everything_shown(panel)
        assert not [method for method in METHODS if method in shown]
        assert "picture-" not in shown
        panel.after.click()


def test_orders_are_random_but_repeatable(tmp_path):
    sessions = {name: RatingSession(items(40), tmp_path, name) for name in ("ann", "bob")}
    again = RatingSession(items(40), tmp_path, "ann")
    orders = {name: [s.order(item) for item in items(40)] for name, s in sessions.items()}
    assert orders["ann"] == [again.order(item) for item in items(40)] and orders["ann"] != orders["bob"]
    assert [i.name for i in sessions["ann"].items] != [i.name for i in sessions["bob"].items]
    # Every method stands in every place now and then: the place tells nothing.
    for place in range(6):
        assert {order[place] for order in orders["ann"] + orders["bob"]} == set(METHODS)


def test_captions_are_shown_as_text_not_as_html(tmp_path):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    assert all("&lt;b&gt;&amp;" in caption.value for caption in panel.captions)


@pytest.mark.parametrize("name", ["", "../ann", "a b", "ann/", "x" * 41])
def test_a_name_that_is_no_file_name_is_refused_in_words(tmp_path, name):
    panel = RatingPanel(items(), tmp_path)
    panel.begin(name)
    assert panel.session is None and "letters, digits" in panel.message.value
    assert panel.form.layout.display == "none"


def test_the_last_answer_says_thank_you(tmp_path):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    for _ in range(3):
        assert "Thank you" not in panel.message.value
        fill(panel)
        panel.after.click()
    assert "Thank you" in panel.message.value and "3 of 3 finished" in panel.message.value


def test_a_kernel_that_dies_while_writing_leaves_the_answers_before(tmp_path, monkeypatch):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    panel.ranks[0]["grammar"].value = 2

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            panel.session.answer(panel.session.items[0], 1, "grammar", 3)
    assert [r.rank for r in read_ratings(tmp_path)] == [2]


def test_two_tabs_of_one_rater_lose_no_answer(tmp_path):
    first, second = RatingPanel(items(), tmp_path), RatingPanel(items(), tmp_path)
    for panel in (first, second):
        panel.begin("ann")
    for place in range(3):
        first.ranks[place]["grammar"].value = 1
    second.ranks[5]["relevance"].value = 6
    first.ranks[0]["grammar"].value = 0  # taken back here, and not brought back by the other
    second.ranks[4]["relevance"].value = 5
    assert sorted(r.rank for r in read_ratings(tmp_path)) == [1, 1, 5, 6]
    second.show(second.number)
    assert second.ranks[1]["grammar"].value == 1
    second.ranks[1]["grammar"].value = 4  # changed here, and not changed back by the other
    first.ranks[3]["grammar"].value = 3
    assert sorted(r.rank for r in read_ratings(tmp_path)) == [1, 3, 4, 5, 6]


def test_an_answer_that_could_not_be_saved_is_saved_with_the_next(tmp_path, monkeypatch):
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    panel.ranks[0]["grammar"].value = 2

    def full(*_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", full)
        panel.ranks[1]["grammar"].value = 3
    assert "not saved: No space left" in panel.message.value
    good = panel.session.file.read_text()
    panel.session.file.write_text("somebody wrote here")
    panel.ranks[2]["grammar"].value = 4
    assert "not saved: ann.csv, line 1: no column rater" in panel.message.value
    assert panel.session.rank(panel.session.items[0], 2, "grammar") == 4
    panel.session.file.write_text(good)
    panel.ranks[3]["grammar"].value = 5
    assert sorted(r.rank for r in read_ratings(tmp_path)) == [2, 3, 4, 5]


@given(st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])), min_size=2, max_size=2))
@example(["'=1+1", "'"])
@example(["=1+1", "@"])
def test_any_name_comes_back_and_none_is_a_formula(names):
    with tempfile.TemporaryDirectory() as folder:
        item = Item(names[0], np.zeros((2, 2, 3), np.uint8), {names[1]: "a bowl"})
        RatingSession([item], folder, "-ann").answer(item, 0, "grammar", 1)
        assert read_ratings(folder) == [Rating("-ann", *names, "grammar", 1)]
        with open(f"{folder}/-ann.csv", newline="", encoding="utf-8") as file:
            assert not any(cell.startswith(("=", "+", "-", "@")) for row in csv.reader(file) for cell in row)
        assert RatingSession([item], folder, "-ann").rank(item, 0, "grammar") == 1


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "lpt9"])
def test_a_name_that_windows_keeps_for_itself_is_refused_in_words(tmp_path, name):
    panel = RatingPanel(items(), tmp_path)
    panel.begin(name)
    assert panel.session is None and "On Windows no file can be called" in panel.message.value


def test_an_answer_that_cannot_be_saved_is_not_silent(tmp_path):
    (tmp_path / "file").write_text("in the way of the folder")
    panel = RatingPanel(items(), tmp_path / "file" / "ratings")
    panel.begin("ann")
    panel.ranks[0]["grammar"].value = 2
    assert "not saved" in panel.message.value


def test_a_damaged_file_is_named_with_its_line(tmp_path):
    with open(tmp_path / "ann.csv", "w", newline="") as file:
        csv.writer(file).writerows([rating.FIELDS, ["ann", "i", "m", "grammar", "two"]])
    with pytest.raises(ValueError, match=r"ann.csv, line 2"):
        read_ratings(tmp_path)
    panel = RatingPanel(items(), tmp_path)
    panel.begin("ann")
    assert "ann.csv, line 2" in panel.message.value


def test_items_with_other_methods_are_refused(tmp_path):
    odd = Item("odd", items()[0].picture, {"LRCN": "a bowl"})
    with pytest.raises(ValueError, match="odd"):
        RatingSession([*items(), odd], tmp_path, "ann")


def test_ratings_are_read_back_as_they_were(tmp_path):
    session = RatingSession(items(), tmp_path, "ann")
    session.answer(session.items[0], 0, "grammar", 1)
    item = session.items[0]
    assert read_ratings(tmp_path) == [Rating("ann", item.name, session.order(item)[0], "grammar", 1)]
    with pytest.raises(ValueError, match="rank 7"):
        session.answer(item, 0, "grammar", 7)


def test_every_control_has_a_label_and_the_twin_draws(tmp_path):
    panel = RatingPanel(items(), tmp_path)
    controls = [child for child in walk(panel) if hasattr(child, "value") and hasattr(child, "options")]
    assert len(controls) == 18 and all(control.description for control in controls)
    assert panel.rater.description and len(panel.figure().axes) == 2
    assert png(panel.figure()).startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == []
