"""The filter and feature-map explorer: what it shows is what the network computes; every control over its range."""

import io

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from lrcn_utils.models.cnn import toy_caffenet, toy_hybrid
from lrcn_utils.widgets.features import FeatureExplorer, FeatureMaps, feature_figure


@pytest.fixture(scope="module")
def images():
    return torch.rand(9, 3, 56, 56, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return toy_hybrid(5)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.fixture
def explorer(model, images):
    return FeatureExplorer(model, images)


def test_maps_are_the_networks_own(model, images):
    maps = FeatureMaps(model, images)
    with torch.no_grad():
        x = torch.relu(model.convolutions.conv1((images - model.mean) / model.std))
    assert maps.layers == ["conv1", "conv2", "conv3", "conv4", "conv5"]
    np.testing.assert_allclose(maps.maps["conv1"], x, atol=1e-5)
    assert maps.maps["conv5"].shape == (9, 48, 7, 7) and maps.weights["conv5"].shape == (48, 32, 3, 3)


def test_top_images_answer_most(model, images):
    maps = FeatureMaps(model, images)
    found = maps.top("conv3", 7, count=4)
    strongest = maps.maps["conv3"][:, 7].max(axis=(1, 2))
    assert [image for image, _, _ in found] == np.argsort(-strongest, kind="stable")[:4].tolist()
    assert [answer for _, answer, _ in found] == sorted(strongest.tolist())[::-1][:4]


def test_the_box_is_what_the_unit_sees(model):
    """A bright dot in a dark image is found inside the box of the channel's best unit, at every layer."""
    dot = torch.full((1, 3, 56, 56), 0.4)
    dot[:, :, 30:33, 12:15] = 1.0
    plain = FeatureMaps(model, torch.full((1, 3, 56, 56), 0.4))
    maps = FeatureMaps(model, dot)
    for layer in ("conv1", "conv2"):
        changed = np.argwhere(np.abs(maps.maps[layer] - plain.maps[layer])[0].max(0) > 1e-6)
        field = maps.fields[layer]
        for row, column in changed:
            assert abs(field.centre + row * field.step - 31) <= field.size / 2 + 1
            assert abs(field.centre + column * field.step - 13) <= field.size / 2 + 1


def test_the_box_is_drawn_round_what_the_unit_sees(model):
    maps = FeatureMaps(model, torch.rand(6, 3, 56, 56))
    (axes,) = feature_figure(maps, 0, "conv2", 0).axes
    below = [picture for picture in axes.images if picture.get_extent()[2] == 0.1]
    found = [middle for _, answer, middle in maps.top("conv2", 0) if answer > 0]
    assert len(axes.patches) == len(found) > 0
    for box, (x, y), picture in zip(axes.patches, found, below, strict=False):
        left, right, _, top = picture.get_extent()
        pixel = (right - left) / 56
        assert (box.get_x() + box.get_width() / 2 - left) / pixel == pytest.approx(x + 0.5)
        assert (top - box.get_y() - box.get_height() / 2) / pixel == pytest.approx(y + 0.5)


def test_the_strongest_unit_is_where_the_light_is():
    model, images = toy_hybrid(5), torch.full((2, 3, 56, 56), 0.4)
    torch.nn.init.constant_(model.convolutions.conv1.weight, 1.0)
    images[1, :, 40, 13] = 1.0
    image, _, (x, y) = FeatureMaps(model, images).top("conv1", 0)[0]
    assert image == 1 and abs(x - 13) <= 1 and abs(y - 40) <= 1


@pytest.mark.parametrize("build", [toy_caffenet, toy_hybrid])
def test_every_control_over_its_range(build, images):
    explorer = FeatureExplorer(build(5), images)
    seen = set()
    for layer in explorer.layer.options:
        explorer.layer.value = layer
        last = explorer.maps.channels(layer) - 1
        assert explorer.channel.max == last
        for channel in (0, last // 2, last):
            explorer.channel.value = channel
            seen.add(explorer.picture.value)
    for image in range(1, explorer.image.max + 1, 2):
        explorer.image.value = image
        seen.add(explorer.picture.value)
    assert len(seen) >= 15 and all(Image.open(io.BytesIO(png)).size[0] > 600 for png in seen)


def test_channel_stays_in_range_when_the_layer_shrinks(explorer):
    explorer.layer.value = "conv3"
    explorer.channel.value = 63
    explorer.layer.value = "conv1"
    assert explorer.channel.value == explorer.channel.max == 15


def test_figure_is_the_static_twin(explorer):
    explorer.layer.value = "conv4"
    explorer.channel.value = 3
    figure = explorer.figure()
    assert isinstance(figure, Figure)
    assert any("conv4, channel 3" in text for text in texts(figure))


def test_controls_are_named_and_none_runs_the_network_again(model, images):
    runs = []
    watch = model.convolutions.conv1.register_forward_hook(lambda *_: runs.append(1))
    explorer = FeatureExplorer(model, images)
    moves = ((explorer.image, 3), (explorer.channel, 5), (explorer.layer, "conv3"), (explorer.channel, 9))
    for control, value in moves:
        before = explorer.picture.value
        control.value = value
        assert control.description and explorer.picture.value != before
    watch.remove()
    assert len(runs) == 1, "the maps of all images are computed once, when the explorer is made"


def test_silent_channels_are_said_to_be_silent(images):
    model = toy_hybrid(5)
    torch.nn.init.constant_(model.convolutions.conv1.bias, -100.0)
    assert texts(FeatureExplorer(model, images).figure()).count("silent") == 6


@pytest.mark.parametrize("shape", [(0, 3, 56, 56), (2, 3, 60, 60), (3, 56, 56)])
def test_wrong_images_are_refused(model, shape):
    with pytest.raises(ValueError, match="images"):
        FeatureMaps(model, torch.zeros(shape))
