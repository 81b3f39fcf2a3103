"""What the browser tests run of a notebook: every cell that binds what a widget needs, and no other."""

import pytest
from needed import needed

CELLS = {
    1: "import numpy as np, os.path",
    2: "def draw(n):\n    return np.zeros(n) + shift",
    4: "shift = 3",
    5: "model = slow()\nscore = model.test()",
    6: "settings = {}\n%matplotlib inline",
    8: "settings['n'] = 4",
    9: "print(score)",
    11: "view = draw(settings['n'])\nview",
    12: "shift = 9",
}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [([11], [1, 2, 4, 6, 8, 11]), ([9], [5, 9]), ([9, 12], [5, 9, 12]), ([1], [1]), ([], [])],
)
def test_a_cell_is_needed_for_the_names_that_it_binds(wanted, found):
    assert needed(CELLS, wanted) == found


def test_a_name_inside_of_a_loop_a_with_or_a_part_is_bound():
    cells = {0: "with open(a) as file:\n    for b in file: pass", 1: "c.d.e = 1", 2: "(f, *g), h = i", 3: "b, c, g"}
    assert needed(cells, [3]) == [0, 1, 2, 3]


def test_who_adds_to_a_name_reads_it():
    assert needed({0: "n = 1", 1: "n += 1"}, [1]) == [0, 1]
