import numpy as np

from lrcn_utils.plots.gates import GATES, STATES, gate_heatmaps, unit_curves


def made_up(time=4, hidden=6):
    return {name: np.random.default_rng(0).random((time, hidden)) for name in (*GATES, *STATES)}


def words_below(axis):
    return [text.get_text() for text in axis.texts if text.get_rotation() == 60]


def test_units_are_sorted_by_memory_and_one_is_marked():
    trace = made_up()
    trace["forget"][:, 2] = 0.999  # the longest memory
    figure = gate_heatmaps(trace, list("abcd"), unit=2)
    gates, states = figure.axes
    shown = np.asarray(gates.images[0].get_array())
    np.testing.assert_array_equal(shown[0], trace["input"][:, 2])
    assert len(gates.patches) == len(states.patches) == 3
    assert gates.patches[0].get_y() == -0.5
    assert words_below(gates) == words_below(states) == list("abcd")


def test_of_many_units_twelve_are_shown_and_the_marked_one_is_among_them():
    trace = made_up(hidden=64)
    order = trace["forget"].mean(axis=0).argsort()[::-1]
    for unit in (None, *order):
        axis = gate_heatmaps(trace, list("abcd"), unit).axes[0]
        shown = np.asarray(axis.images[0].get_array())
        assert shown.shape == (12, 4)
        if unit is None:
            np.testing.assert_array_equal(shown[[0, -1]], trace["input"][:, order[[0, -1]]].T)
        else:
            row = int(axis.patches[0].get_y() + 0.5)
            np.testing.assert_array_equal(shown[row], trace["input"][:, unit])
            assert str(unit) in [text.get_text() for text in axis.texts]


def test_a_cell_beyond_one_has_a_scale_of_its_own():
    trace = made_up()
    trace["cell"] = 4 * trace["cell"]
    candidate, _, cell, bar, *_ = gate_heatmaps(trace, list("abcd")).axes[1].images
    assert candidate.get_clim() == (-1, 1)
    assert cell.get_clim()[1] == trace["cell"].max() == -cell.get_clim()[0]
    assert bar.get_clim() == cell.get_clim()


def test_one_unit_shows_three_gates_and_three_values():
    trace = made_up()
    above, below = unit_curves(trace, list("abcd"), unit=5).axes
    for axis, names in ((above, GATES), (below, STATES)):
        for name in names:
            [line] = [line for line in axis.lines if line.get_label() == name]
            np.testing.assert_array_equal(line.get_ydata(), trace[name][:, 5])


def test_a_single_step_is_drawn():
    gate_heatmaps(made_up(time=1, hidden=1), ["a"]).canvas.draw()
    unit_curves(made_up(time=1, hidden=1), ["a"], 0).canvas.draw()
