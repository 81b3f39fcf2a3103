import numpy as np

from lrcn_utils.plots.gates import GATES, STATES, gate_heatmaps, unit_curves


def made_up(time=4, hidden=6):
    return {name: np.random.default_rng(0).random((time, hidden)) for name in (*GATES, *STATES)}


def test_units_are_sorted_by_memory_and_one_is_marked():
    trace = made_up()
    trace["forget"][:, 2] = 0.999  # the longest memory
    figure = gate_heatmaps(trace, list("abcd"), unit=2)
    gates, states = figure.axes
    shown = np.asarray(gates.images[0].get_array())
    np.testing.assert_array_equal(shown[0], trace["input"][:, 2])
    assert len(gates.patches) == len(states.patches) == 3
    assert gates.patches[0].get_y() == -0.5
    assert [text.get_text() for text in gates.texts] == list("abcd")


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
