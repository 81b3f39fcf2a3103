"""The retrieval gallery: the same ranks as the metric, truth always in sight, every control over its range."""

import numpy as np
import pytest

from lrcn_utils.metrics.retrieval import normalise, ranks
from lrcn_utils.widgets import retrieval
from lrcn_utils.widgets.retrieval import TO_CAPTIONS, TO_IMAGES, Gallery, RetrievalGallery

IMAGES, PER = 12, 5


def gallery():
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(IMAGES), PER)
    log_probs = rng.normal(size=(IMAGES, IMAGES * PER)).round(1) - 10  # rounded: some ties
    pictures = rng.integers(0, 255, (IMAGES, 20, 30, 3), dtype=np.uint8)
    return Gallery(log_probs, owners, [f"caption <{n}>" for n in range(IMAGES * PER)], pictures)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("way", [TO_IMAGES, TO_CAPTIONS])
def test_the_place_of_the_truth_is_the_metrics_rank(way, normalised):
    view = gallery()
    scores = normalise(view.scores[False]) if normalised else view.scores[False]
    expected = ranks(scores.T, view.truth.T) if way == TO_IMAGES else ranks(scores, view.truth)
    for query, rank in enumerate(expected):
        found = view.ranked(way, query, normalised, most=4)
        assert view.rank(way, query, normalised) == rank == next(one.place for one in found if one.true)
        assert len(found) == (4 if rank <= 4 else 5)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def shown(panel):
    tiles = tuple((tile.children[0].value, tile.children[1].value, tile.layout.border) for tile in panel.tiles)
    return (panel.asked.value, tiles) if panel.images.layout.display == "" else (panel.picture.value, panel.lines.value)


def test_every_control_moves_over_its_range():
    panel = RetrievalGallery(gallery(), most=4)
    for way in (TO_IMAGES, TO_CAPTIONS, TO_IMAGES):
        panel.way.value = way
        seen = set()
        for query in range(panel.query.max + 1):
            panel.query.value = query
            for normalised in (False, True):
                panel.normalised.value = normalised
                seen.add(shown(panel))
        assert panel.query.max == (IMAGES * PER if way == TO_IMAGES else IMAGES) - 1
        assert len(seen) > panel.query.max
        assert all(control.description for control in (panel.way, panel.query, panel.normalised))


def test_captions_are_shown_as_text_not_as_html():
    panel = RetrievalGallery(gallery())
    assert "caption &lt;0&gt;" in panel.asked.value
    panel.way.value = TO_CAPTIONS
    assert "caption &lt;" in panel.lines.value and "caption <" not in panel.lines.value


def test_the_true_image_is_framed_and_the_last_tile_shows_a_late_truth():
    panel = RetrievalGallery(gallery(), most=4)
    for query in range(IMAGES * PER):
        panel.query.value = query
        framed = [tile for tile in panel.tiles if "transparent" not in (tile.layout.border or "transparent")]
        visible = [tile for tile in panel.tiles if tile.layout.display != "none"]
        late = panel.gallery.rank(TO_IMAGES, query) > 4
        assert len([tile for tile in framed if tile in visible]) == 1 and len(visible) == 4 + late


def test_scores_are_normalised_once_and_a_tile_is_drawn_once_a_query(monkeypatch):
    counted = {"normalise": 0, "_jpeg": 0}

    def counting(name):
        whole = getattr(retrieval, name)

        def count(*arguments):
            counted[name] += 1
            return whole(*arguments)

        monkeypatch.setattr(retrieval, name, count)

    for name in counted:
        counting(name)
    panel = RetrievalGallery(gallery(), most=4)
    before = counted["_jpeg"]
    for query in range(1, 11):
        panel.query.value = query
    assert counted["normalise"] == 1
    assert counted["_jpeg"] - before <= 10 * 5


@pytest.mark.parametrize("way", [TO_IMAGES, TO_CAPTIONS])
def test_the_twin_draws(way):
    panel = RetrievalGallery(gallery())
    panel.way.value = way
    assert panel.figure().axes


def test_counts_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="3 captions"):
        Gallery(np.zeros((2, 4)), [0, 1, 1], ["a", "b", "c"], [np.zeros((2, 2, 3), np.uint8)] * 2)
