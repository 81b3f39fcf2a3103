"""Two raters fill the rating panel in a real browser, with a reload in the middle: nothing lost, nothing revealed."""

import csv
import re

import nbformat
import pytest
from lab import Notebook

CRITERIA = ("correctness", "grammar", "relevance")
PICTURES, METHODS = 10, 6
# The methods' names stand in a module, not in the notebook, so that whatever the page holds of them was revealed.
MODULE = f"""
import numpy as np
from lrcn_utils.widgets.rating import Item, RatingPanel

noise = np.random.default_rng(0)
items = [
    Item(
        f"hidden-picture-{{i}}",
        noise.integers(0, 255, (48, 48, 3), dtype=np.uint8),
        {{f"hidden-method-{{m}}": f"sentence {{m}} on picture {{i}}" for m in range({METHODS})}},
    )
    for i in range({PICTURES})
]
"""
CELLS = ["from rating_items import RatingPanel, items", "RatingPanel(items, 'ratings_of_the_test')"]


class Rater:
    """One person at the panel. ``given``: {(picture, method, criterion): rank} as read off the screen."""

    def __init__(self, notebook: Notebook, name: str):
        self.notebook, self.page, self.name, self.given = notebook, notebook.page, name, {}

    def sit_down(self, notebook: Notebook) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.page.locator(".widget-text input").fill(self.name)
        self.page.get_by_role("button", name="Start or go on").click()
        self.page.get_by_text(f"saved in {self.name}.csv").wait_for()
        self.notebook.wait()  # the lists are emptied after the text is there

    def rate(self, most: int = METHODS * len(CRITERIA)) -> None:
        """Give the first ``most`` ranks of the picture on the screen."""
        captions = self.page.locator(".widget-html:visible", has_text="on picture").all_inner_texts()
        assert len(captions) == METHODS
        lists = self.page.locator(".widget-dropdown select:visible")
        for number in range(most):
            place, criterion = divmod(number, len(CRITERIA))
            # "A sentence 4 on picture 7"
            method, picture = re.search(r"sentence (\d+) on picture (\d+)", captions[place]).groups()
            rank = 1 + (len(self.given) * 5 + len(self.name)) % METHODS
            lists.nth(number).select_option(label=str(rank))
            self.notebook.wait()
            key = (f"hidden-picture-{picture}", f"hidden-method-{method}", CRITERIA[criterion])
            self.given[key] = rank
        left = METHODS * len(CRITERIA) - most
        self.page.get_by_text(f"{left} answers to give here" if left else "this picture is finished").wait_for()

    def next_picture(self) -> None:
        number = len(self.given) // (METHODS * len(CRITERIA)) + 1
        self.page.get_by_role("button", name="Next picture").click()
        self.page.get_by_text(f"Picture {number} of {PICTURES}").wait_for()
        self.notebook.wait()


def assert_nothing_revealed(page) -> None:
    assert "hidden-" not in page.content()


@pytest.fixture
def panel_notebook(course):
    (course / "rating_items.py").write_text(MODULE, encoding="utf-8")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, course / "rating_panel.ipynb")
    return "rating_panel.ipynb"


def opened(page, lab, name) -> Notebook:
    notebook = Notebook(page, lab, name)
    notebook.run(list(range(len(CELLS))))
    assert notebook.failed_cells() == []
    return notebook


def test_the_kernel_hears_a_name_before_the_press_after_it(lab, page, panel_notebook):
    notebook = opened(page, lab, panel_notebook)
    for number in range(20):
        Rater(notebook, f"rater{number}").sit_down(notebook)
    notebook.close()


def test_two_raters_ten_pictures_and_a_reload(lab, page, course, panel_notebook):
    notebook = opened(page, lab, panel_notebook)
    ann, bob = Rater(notebook, "ann"), Rater(notebook, "bob")

    ann.sit_down(notebook)
    for _ in range(4):
        ann.rate()
        assert_nothing_revealed(page)
        ann.next_picture()
    ann.rate(most=7)  # in the middle of the fifth picture the page goes away

    notebook = opened(page, lab, panel_notebook)
    ann.sit_down(notebook)
    chosen = page.locator(".widget-dropdown select:visible").evaluate_all("all => all.map(one => one.selectedIndex)")
    assert chosen[:7] == list(ann.given.values())[-7:] and chosen[7:] == [0] * 11
    for left in range(PICTURES - 4, 0, -1):
        ann.rate()
        assert_nothing_revealed(page)
        if left > 1:
            ann.next_picture()
    assert page.get_by_text("10 of 10 finished").is_visible()

    bob.sit_down(notebook)
    for left in range(PICTURES, 0, -1):
        bob.rate()
        if left > 1:
            bob.next_picture()
    assert_nothing_revealed(page)

    for rater in (ann, bob):
        with open(course / "ratings_of_the_test" / f"{rater.name}.csv", newline="", encoding="utf-8") as file:
            saved = {(row["image"], row["method"], row["criterion"]): int(row["rank"]) for row in csv.DictReader(file)}
        assert len(saved) == PICTURES * METHODS * len(CRITERIA)
        assert saved == rater.given
    assert notebook.errors == [] and notebook.failed_cells() == []
    notebook.close()
