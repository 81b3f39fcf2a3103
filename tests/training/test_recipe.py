"""The recipe: what the preset sets and what beats it, the rates of the released code, steps that are counted."""

from dataclasses import fields

import pytest
import torch
from torch import nn

from lrcn_utils.models.activity import LRCN
from lrcn_utils.training import presets
from lrcn_utils.training.activity.models import start_as_caffe
from lrcn_utils.training.activity.settings import ActivitySettings, TableSettings
from lrcn_utils.training.caffe import parameter_groups
from lrcn_utils.training.captioning.settings import CaptioningSettings
from lrcn_utils.training.description.settings import DescriptionSettings
from lrcn_utils.training.recipe import Recipe, told
from lrcn_utils.training.settings import command, parse, that_change_results

KINDS = [ActivitySettings, CaptioningSettings, DescriptionSettings]
STREAMS = [(model, stream) for model in ("single-frame", "lrcn") for stream in ("rgb", "flow")]


def parsed(kind, *words):
    return parse(kind, list(words), prog="task", about="")


def preset(kind, *words):
    return parsed(kind, "--preset", "paper", *words)


@pytest.mark.parametrize(("model", "stream"), STREAMS)
def test_the_preset_of_activity_is_the_table_of_the_reference(model, stream):
    settings = preset(ActivitySettings, "--model", model, "--input", stream)
    recipe = settings.recipe
    assert (recipe.optimizer, recipe.rate, recipe.weight_decay) == ("sgd", 1e-3, 5e-3)
    found = (recipe.batch_size, recipe.clip_length, recipe.iterations, recipe.drop_every, recipe.clip_norm)
    expected = {
        ("single-frame", "rgb"): (128, 1, 5_000, 3_000, None),
        ("single-frame", "flow"): (128, 1, 50_000, 20_000, None),
        ("lrcn", "rgb"): (24, 16, 30_000, 10_000, 5),
        ("lrcn", "flow"): (24, 16, 70_000, 20_000, 15),
    }
    assert found == expected[model, stream] and recipe.drop_to == 0.1 and not recipe.freeze_conv1
    config = settings.config(["a"])
    assert not settings.frozen and not config["normalise"] and config["views"] == "centre"
    if model == "lrcn":
        assert (config["hidden"], config["feature"], config["feature_dropout"]) == (256, "fc6", 0.9)
        assert (
            settings.single_frame().recipe
            == preset(ActivitySettings, "--model", "single-frame", "--input", stream).recipe
        )


def test_the_preset_of_captioning_has_the_two_stages_of_the_reference():
    settings = preset(CaptioningSettings)
    first, second = settings.recipe, settings.fine_tuning
    weight = 20  # of the loss: a rate that much larger and a bound that much smaller are the same steps
    assert (first.rate / weight, first.clip_norm * weight) == (pytest.approx(0.01), pytest.approx(10))
    assert (second.rate / weight, second.clip_norm * weight) == (pytest.approx(0.001), pytest.approx(25))
    assert (first.iterations, second.iterations, first.batch_size) == (110_000, 50_000, 100)
    assert (first.drop_every, first.drop_to, second.drop_every) == (20_000, 0.5, 20_000)
    assert settings.sizes(1000)["hidden"] == 1000 and settings.epochs is None and settings.fine_tune is None
    assert preset(CaptioningSettings, "--fine-tune", "0").fine_tuning is None
    assert preset(CaptioningSettings, "--no-image").fine_tuning is None
    assert preset(CaptioningSettings, "--fine-tune", "3").fine_tuning.epochs_of(10**6) == 3


def test_the_weight_of_the_loss_is_the_same_as_another_rate_and_bound():
    def steps(rate, clip, weight):
        line = nn.Linear(3, 1)
        nn.init.ones_(line.weight)
        optimizer = torch.optim.SGD(line.parameters(), rate, momentum=0.9)
        for x in torch.linspace(-2, 2, 15).view(5, 1, 3):
            optimizer.zero_grad()
            (weight * (line(x) - 1).square().mean()).backward()
            nn.utils.clip_grad_norm_(line.parameters(), clip)
            optimizer.step()
        return line.weight

    torch.manual_seed(0)
    theirs = steps(0.01, 10, 20)
    torch.manual_seed(0)
    torch.testing.assert_close(steps(0.2, 0.5, 1), theirs)


@pytest.mark.parametrize("kind", [*KINDS, TableSettings])
def test_what_is_given_beats_the_preset(kind):
    settings = preset(kind, "--rate", "0.5", "--epochs", "3", "--clip-norm", "7", "--batch-size", "9")
    assert (settings.rate, settings.epochs, settings.clip_norm, settings.batch_size) == (0.5, 3, 7, 9)
    assert settings.iterations is None
    streams = settings.streams() if kind is TableSettings else [settings]
    assert {(one.recipe.rate, one.recipe.epochs_of(10**9), one.recipe.batch_size) for one in streams} == {(0.5, 3, 9)}
    assert parsed(kind).rate != 0.5 and parsed(kind).iterations is None


def test_the_preset_leaves_out_what_a_cnn_has_not():
    assert preset(ActivitySettings, "--cnn", "squeezenet1_1").layer == "pool"


def test_a_rate_that_falls_at_no_time_is_refused(capsys):
    with pytest.raises(SystemExit):
        parsed(CaptioningSettings, "--drop-to", "0.5")
    assert "give --drop-every too" in capsys.readouterr().err
    assert parsed(CaptioningSettings, "--drop-every", "7").recipe.drop_to == 0.1


@pytest.mark.parametrize("kind", [*KINDS, TableSettings])
def test_every_row_is_told_with_its_source_and_recorded(kind):
    settings = preset(kind, "--rate", "0.5")
    text = "\n".join(told(settings))
    for stage in settings.stages().values():
        for row in stage.preset_rows():
            shown = f"--{row.option.replace('_', '-')} " if hasattr(stage, row.option) else f"{row.option}: {row.value}"
            assert shown in text and row.source in text and row.ours in text
    assert "--rate 0.5                         given, in place of 0." in text
    assert told(parsed(kind)) == []
    words = command(settings, "task").split()[4:]
    assert parse(kind, words, prog="task", about="") == settings
    facts = that_change_results(settings)
    for row in settings.preset_rows():
        if hasattr(settings, row.option) and row.option != "rate":
            assert facts[row.option] == row.value


def test_every_option_of_the_tables_exists():
    """A misspelt option would be told and never set: words for what has no option hold a space."""
    tables = {
        ActivitySettings: [*presets.ACTIVITY_SHARED, *(row for rows in presets.ACTIVITY_ROWS.values() for row in rows)],
        CaptioningSettings: presets.CAPTIONING_ROWS + presets.FINE_TUNING_ROWS,
        DescriptionSettings: presets.DESCRIPTION_ROWS,
    }
    for kind, rows in tables.items():
        names = {one.name for one in fields(kind) if one.default is None}
        for row in rows:
            assert row.source and (row.option in names or " " in row.option or row.option == "layers"), row.option


def test_the_batch_of_the_preset_is_that_of_a_whole_step(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    settings = preset(ActivitySettings, "--accumulate", "3")
    assert settings.batch_size == 4 and settings.recipe.accumulate == 3
    assert "--batch-size 4, of 24 a step" in "\n".join(told(settings))
    with pytest.raises(SystemExit):
        preset(ActivitySettings, "--accumulate", "5")
    assert "24 items a step, which 10 batches of it cannot share" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("--epochs", "2", "--iterations", "3"), ("--fine-tune", "1", "--fine-tune-iterations", "1")]
)
def test_two_ways_to_say_how_long_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        parsed(CaptioningSettings, *words)
    assert "say the same in two ways" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("items", "processes", "epochs"), [(24, 1, 7), (25, 1, 4), (48, 1, 4), (48, 2, 7), (10**6, 4, 1), (1, 1, 7)]
)
def test_iterations_are_whole_epochs(items, processes, epochs):
    recipe = Recipe(epochs=99, iterations=7, batch_size=8, accumulate=3)
    assert recipe.epochs_of(items, processes) == epochs
    assert Recipe(epochs=99).epochs_of(items, processes) == 99


class Frames(nn.Module):
    """A CNN of one layer."""

    feature_size = {"fc6": 4}

    def __init__(self):
        super().__init__()
        self.fc6 = nn.Linear(3, 4)


def test_the_rates_of_the_released_code():
    model = LRCN(Frames(), 2, hidden=5)
    recipe = Recipe(1, rate=0.1, weight_decay=0.01, caffe=True)
    of = {
        id(p): (group["lr"], group["weight_decay"])
        for group in parameter_groups(model, recipe, {"classifier.": 10})
        for p in group["params"]
    }
    found = {name: of[id(p)] for name, p in model.named_parameters()}
    assert found == {
        "cnn.fc6.weight": (0.1, 0.01),
        "cnn.fc6.bias": (0.2, 0),
        "lstm.weight_ih_l0": (0.1, 0.01),
        "lstm.weight_hh_l0": (0.1, 0.01),
        "lstm.bias_ih_l0": (0.05, 0.02),
        "lstm.bias_hh_l0": (0.05, 0.02),
        "classifier.weight": (1.0, 0.01),
        "classifier.bias": (2.0, 0),
    }
    model.cnn.requires_grad_(False)
    learned = {id(p) for group in parameter_groups(model, recipe) for p in group["params"]}
    assert learned == {id(p) for p in model.parameters() if p.requires_grad}


def test_two_biases_of_an_lstm_move_as_the_one_of_caffe():
    """Their sum is what counts: it takes the step that one bias would, decay included."""
    two = nn.ParameterDict(
        {"bias_ih_l0": nn.Parameter(torch.tensor([1.0])), "bias_hh_l0": nn.Parameter(torch.tensor([0.5]))}
    )
    one = nn.ParameterDict({"weight": nn.Parameter(torch.tensor([1.5]))})  # in Caffe it learns as the weights do
    for model, value in ((two, lambda: two["bias_ih_l0"] + two["bias_hh_l0"]), (one, lambda: one["weight"])):
        recipe = Recipe(1, rate=0.1, weight_decay=0.3, caffe=True)
        optimizer = torch.optim.SGD(parameter_groups(model, recipe), momentum=0.9)
        for _ in range(4):
            optimizer.zero_grad()
            (value() - 3).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(two["bias_ih_l0"] + two["bias_hh_l0"], one["weight"])


def test_the_first_weights_of_the_released_code():
    torch.manual_seed(0)
    model = LRCN(Frames(), 200, hidden=50)
    before = model.cnn.fc6.weight.clone()
    start_as_caffe(model)
    assert (
        0.009 < model.lstm.weight_hh_l0.abs().max() <= 0.01
        and model.classifier.weight.std().item() == pytest.approx(0.01, rel=0.1)
    )
    assert (
        not model.lstm.bias_ih_l0.any()
        and not model.classifier.bias.any()
        and torch.equal(model.cnn.fc6.weight, before)
    )
