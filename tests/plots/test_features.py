"""Pictures of a CNN's inside: every array is shown once, on one scale."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from lrcn_utils.plots import features
from lrcn_utils.plots.style import GREEN, VERMILION

RNG = np.random.default_rng(0)


def shown(figure):
    """Axes of ``figure`` that hold an image."""
    return [axes for axes in figure.axes if axes.images]


@pytest.mark.parametrize("n", [1, 7, 8, 9])
def test_grid_shows_every_image_once(n):
    images = RNG.random((n, 6, 5, 3))
    axes = shown(features.image_grid(images, [f"t{k}" for k in range(n)], title="all"))
    assert len(axes) == n
    assert [a.get_title() for a in axes] == [f"t{k}" for k in range(n)]
    np.testing.assert_allclose(axes[-1].images[0].get_array(), images[-1])


def test_right_and_wrong_are_framed_in_their_colours():
    figure = features.image_grid(RNG.random((2, 4, 4, 3)), marks=[True, False])
    colours = [to_hex(axes.spines["left"].get_edgecolor()).upper() for axes in shown(figure)]
    assert colours == [GREEN, VERMILION]


def test_filters_on_colours_are_colours_with_grey_for_zero():
    weight = np.zeros((4, 3, 5, 5))
    weight[0, 0, 0, 0] = 2
    axes = shown(features.filters(weight))
    assert len(axes) == 4
    tile = axes[0].images[0].get_array()
    assert tile.shape == (5, 5, 3) and tile[0, 0, 0] == pytest.approx(1) and tile[1, 1, 1] == pytest.approx(0.5)


def test_deep_filters_and_maps_share_one_scale():
    for figure in (features.filters(RNG.normal(size=(6, 8, 3, 3))), features.maps(RNG.random((6, 4, 4)), chosen=2)):
        limits = {axes.images[0].get_clim() for axes in shown(figure)}
        assert len(shown(figure)) == 6 and len(limits) == 1


def test_occlusion_has_image_and_drop_side_by_side():
    figure = features.occlusion(RNG.random((2, 8, 8, 3)), RNG.normal(size=(2, 3, 3)), ["a", "b"])
    drops = [axes.images[0] for axes in shown(figure) if axes.images[0].get_array().shape == (3, 3)]
    assert len(drops) == 2 and drops[0].get_clim() == drops[1].get_clim()
    low, high = drops[0].get_clim()
    assert low == -high


def test_neighbours_put_the_query_first():
    figure = features.neighbours(RNG.random((2, 4, 4, 3)), RNG.random((2, 5, 4, 4, 3)), title="fc6")
    assert len(shown(figure)) == 12


def test_receptive_fields_are_squares_of_their_size():
    figure = features.receptive_fields(RNG.random((56, 56, 3)), [("conv1", 3, 28.0), ("conv5", 91, 28.0)])
    (axes,) = shown(figure)
    assert [patch.get_width() for patch in axes.patches] == [3, 91]
    assert [patch.get_x() + patch.get_width() / 2 for patch in axes.patches] == [28.0, 28.0]
    assert axes.get_xlim()[0] <= 28 - 45.5 and axes.get_xlim()[1] >= 28 + 45.5
