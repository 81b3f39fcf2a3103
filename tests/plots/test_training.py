from lrcn_utils.plots.training import training_curves


def test_epochs_are_counted_from_one_and_the_axis_waits_for_the_last():
    loss, scores = training_curves([2.0, 1.0], {"accuracy": [30.0, 50.0]}, epochs=5).axes
    for axis, values in ((loss, [2.0, 1.0]), (scores, [30.0, 50.0])):
        assert list(axis.lines[0].get_xdata()) == [1, 2]
        assert list(axis.lines[0].get_ydata()) == values
        assert axis.get_xlim() == (0.5, 5.5)
    assert scores.get_title() == "accuracy"


def test_without_scores_there_is_one_picture():
    assert len(training_curves([2.0], {}).axes) == 1
