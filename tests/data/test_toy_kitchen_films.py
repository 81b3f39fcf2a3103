"""The films of Toy Kitchen: no frame tells reversed pairs and motions apart, wherever it is; their order does."""

import json

import numpy as np
import pytest

from lrcn_utils import environment
from lrcn_utils.data import toy_kitchen
from lrcn_utils.data.toy_kitchen import (
    activities,
    ceilings,
    films,
    language,
    render,
    scenery,
    stirring,
    tools,
    writing,
)
from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen.poses import Action, Film
from lrcn_utils.data.toy_kitchen.writing import WORLD
from lrcn_utils.data.video import read_video

FILMS = 10_000


@pytest.fixture
def _undrawn(monkeypatch):
    """Shapes are not drawn where only places are asked for: it takes most of a film's time."""
    for module in (draw, tools):
        monkeypatch.setattr(module, "ellipse", lambda *where, **how: np.zeros((2, 2)))


def state(action: Action, t: int) -> np.ndarray:
    """Where everything is at frame ``t``: all that any network could at best read off the picture.

    Of the things that may stand in a row, the three nearest to the middle of the picture.
    """
    pan = np.broadcast_to(action.pan, max(len(actor.poses) for actor in action.actors))
    place = lambda actor: actor.poses[min(t, len(actor.poses) - 1), :2] - [pan[t] + 80, 60]  # noqa: E731
    hand = next(actor for actor in action.actors if actor.name == "hand")
    told = [place(hand), hand.poses[min(t, len(hand.poses) - 1), 2:3]]
    # The counter is left out: it looks the same all along, and so does not show where the camera is.
    for names in ({action.facts["object"]}, {action.facts["tool"]}, {"bowl", "pot", "pan"}, {"board", "plate"}):
        seen = [place(actor) for actor in action.actors if actor.name in names and actor.shown(t)]
        told += [*sorted(seen, key=lambda at: abs(at[0])), *[np.full(2, 200.0)] * 3][:3]
    return np.concatenate(told)


def states(name: str, seeds: range, positions: list[float], beside: int = 0) -> np.ndarray:
    """States of independent films of ``name`` at ``positions`` (0 the first frame, 1 the last): (positions, films, d).

    With ``beside`` each is followed by the state so many frames later.
    """
    found = []
    for seed in seeds:
        film = films.film(seed, name, 1 + seed % 25, 1)
        action, last = films.play(film), len(film.time) - 1 - beside
        found.append(
            [np.concatenate([state(action, round(p * last) + k) for k in sorted({0, beside})]) for p in positions]
        )
    return np.swapaxes(found, 0, 1)


def best_guess(known: list[np.ndarray], asked: list[np.ndarray]) -> float:
    """Accuracy, in 0..1, of the best of four nearest-neighbour classifiers: states (films, d) of each class."""
    labels, truth = (np.repeat(np.arange(len(parts)), [len(part) for part in parts]) for parts in (known, asked))
    known, asked = np.concatenate(known), np.concatenate(asked)
    mean, spread = known.mean(0), known.std(0) + 1e-6
    known, asked = ((part - mean) / spread for part in (known, asked))
    distances = (asked**2).sum(1)[:, None] + (known**2).sum(1) - 2 * asked @ known.T
    near = np.argpartition(distances, range(50), axis=1)[:, :50]
    right = []
    for neighbours in (1, 5, 15, 50):
        votes = (labels[near[:, :neighbours]][:, :, None] == np.arange(labels.max() + 1)).sum(1)
        right.append((votes.argmax(1) == truth).mean())
    return float(max(right))


def test_the_ceilings_are_what_the_classes_imply():
    found = ceilings.ceilings()
    assert found["one frame, position known"]["all"] == 0.5625
    without_order = found["frames without order"]
    assert without_order["reversed pairs"] == 0.5 and 0.25 < without_order["motion only"] <= 1


@pytest.mark.slow
@pytest.mark.usefixtures("_undrawn")
@pytest.mark.parametrize("family", [*activities.REVERSED_PAIRS, tuple(activities.MOTION_ONLY)])
def test_no_frame_of_known_position_tells_the_classes_of_a_family_apart(family):
    """By classifiers that know where everything is, and that have seen ``FILMS`` frames at that position."""
    number, positions = FILMS // len(family), [0, 0.5, 1]
    known = [states(name, range(number), positions) for name in family]
    asked = [states(name, range(number, number + number // 4), positions) for name in family]
    bound = 0.6 if len(family) == 2 else 0.32
    for k in range(len(positions)):
        assert best_guess([part[k] for part in known], [part[k] for part in asked]) <= bound


@pytest.mark.usefixtures("_undrawn")
@pytest.mark.parametrize("pair", activities.REVERSED_PAIRS)
def test_two_frames_in_order_tell_a_pair_apart(pair):
    """The other half of the promise, by the same classifier."""
    known = [states(name, range(400), [0.4], beside=4)[0] for name in pair]
    asked = [states(name, range(400, 500), [0.4], beside=4)[0] for name in pair]
    assert best_guess(known, asked) > 0.8


def test_a_reversed_pair_is_one_script_played_both_ways():
    for forwards, backwards in (pair if pair[0] in films.SCRIPTS else pair[::-1] for pair in activities.REVERSED_PAIRS):
        looks = lambda: np.random.default_rng(5)  # noqa: E731
        film = Film(forwards, scenery.kitchen(4, 9), ([], []), looks(), looks(), np.arange(30.0))
        turned = Film(forwards, scenery.kitchen(4, 9), ([], []), looks(), looks(), np.arange(30.0)[::-1])
        one, other = (films.SCRIPTS[forwards](f) for f in (film, turned))
        for actor, played in zip(one.actors, other.actors, strict=True):
            np.testing.assert_allclose(actor.poses, played.poses[::-1], atol=1e-9)
        assert films.BACKWARDS[backwards] == forwards


@pytest.mark.parametrize("pair", activities.REVERSED_PAIRS[1:])
def test_playing_backwards_swaps_source_and_target(pair):
    ends = [(s.facts["source"], s.facts["target"]) for s in (films.scene(0, name, 1, 1) for name in pair)]
    assert (ends[0][1] == "none") == (ends[1][0] == "none")
    assert ends[0][0] in ("board", "plate", "counter") and ends[1][1] in ("board", "plate", "counter")


def test_in_every_third_group_the_clips_of_a_class_show_the_same_things():
    for name in activities.CLASSES:
        first, second = (films.scene(0, name, films.KEPT, clip) for clip in (1, 2))
        assert first.facts == second.facts and first.mirrored == second.mirrored and first.zoom == second.zoom
    others = [films.scene(0, "PickUp", films.KEPT + 1, clip) for clip in (1, 2, 3, 4, 5)]
    assert len({(one.facts["object"], one.zoom) for one in others}) == 5


def test_the_clips_of_a_group_are_of_one_session():
    for name in activities.CLASSES:
        first, second = (films.scene(0, name, 4, clip) for clip in (1, 2))
        np.testing.assert_array_equal(first.light, second.light)
        assert [len(actor.sprite) for actor in first.backdrop] == [len(actor.sprite) for actor in second.backdrop]
    # All films of a group are of one session: the same light and the same things along the wall.
    stirred, cut = films.scene(0, "Stir", 4, 1), films.scene(0, "CutCarrot", 4, 1)
    np.testing.assert_array_equal(stirred.light, cut.light)
    assert [a.name for a in stirred.backdrop] == [a.name for a in cut.backdrop]


def test_the_second_clip_begins_after_the_first_ends():
    rng = lambda: np.random.default_rng(3)  # noqa: E731
    pieces = [films._cut(rng(), clip) for clip in range(1, 20)]
    for (start, frames), (following, _) in zip(pieces, pieces[1:], strict=False):
        assert following > start + frames


def test_motion_tells_the_motion_only_classes_apart():
    """Scrape moves to the front in most steps and Beat to the back; Whisk mostly goes to and fro faster than Stir."""
    steps = {}
    for name in activities.MOTION_ONLY:
        rng = np.random.default_rng(3)
        steps[name] = np.concatenate([np.diff(stirring.ring(name, np.arange(44), rng)[:, 1]) for _ in range(40)])
    forwards = {name: (step > 0).mean() for name, step in steps.items()}
    assert forwards["Scrape"] > 0.75 and forwards["Beat"] < 0.25
    assert all(0.45 < forwards[name] < 0.55 for name in ("Stir", "Whisk"))
    assert np.abs(steps["Whisk"]).mean() > 1.3 * np.abs(steps["Stir"]).mean()


def test_beat_is_scrape_played_backwards():
    places = {}
    for name in ("Beat", "Scrape"):
        rng = np.random.default_rng(1)
        places[name] = np.concatenate([stirring.ring(name, np.arange(44), rng)[:, 1] for _ in range(300)])
    scipy_stats = pytest.importorskip("scipy.stats", reason="needs the extra 'metrics'")
    assert scipy_stats.ks_2samp(*places.values()).pvalue > 0.01
    backwards = -np.diff(places["Beat"])
    assert scipy_stats.ks_2samp(np.diff(places["Scrape"]), backwards).pvalue > 0.001


def _strokes(name: str, seed: int) -> Action:
    film = Film(
        name,
        scenery.kitchen(0, 3),
        ([], []),
        np.random.default_rng(seed),
        np.random.default_rng(seed),
        np.arange(20),
    )
    return films.SCRIPTS[name](film)


def test_carrot_and_cucumber_are_cut_by_the_same_movement():
    carrot, cucumber = _strokes("CutCarrot", 8).actors, _strokes("CutCucumber", 8).actors
    assert [len(actor.sprite) for actor in carrot] == [len(actor.sprite) for actor in cucumber]
    for one, other in zip(carrot, cucumber, strict=True):
        np.testing.assert_array_equal(one.poses, other.poses)


def test_apple_and_potato_are_peeled_by_movements_of_one_distribution():
    scipy_stats = pytest.importorskip("scipy.stats", reason="needs the extra 'metrics'")
    speeds = {"PeelApple": [], "PeelPotato": []}
    for name in speeds:
        for clip in range(150):
            tool = next(actor for actor in _strokes(name, 2 * clip + len(name)).actors if actor.name == "peeler")
            speeds[name].append(np.abs(np.diff(tool.poses[:, 0])).mean())
    assert scipy_stats.ks_2samp(*speeds.values()).pvalue > 0.01


@pytest.mark.parametrize("name", activities.CLASSES)
def test_sentences_tell_what_is_filmed(name):
    for group in range(1, 12):
        facts = films.scene(0, name, group, 1).facts
        for line in sum(language.describe(activities.VERBS[name], facts, np.random.default_rng(group)).values(), []):
            assert "none" not in line.split() and not set("{}[]<>|") & set(line), line


def test_a_set_of_an_older_world_is_refused_in_one_line(tmp_path, monkeypatch):
    root = tmp_path / "toy_kitchen"
    root.mkdir()
    (root / "card.json").write_text('{"settings": {"world": 2}}')
    monkeypatch.setenv("LRCN_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="world 2, and this course is about world 4; remove .* and run make toy$"):
        environment.toy_kitchen()


def test_a_set_on_disk_knows_its_world(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "TINY_GROUPS", [1])
    card = toy_kitchen.make(tmp_path / "kitchen", size="tiny", images=9, workers=1, progress=False)
    assert card["settings"]["world"] == WORLD and "position known" in toy_kitchen.card_text(card)
    assert card["ceilings"] == json.loads((tmp_path / "kitchen" / "card.json").read_text())["ceilings"]
    frames = read_video(tmp_path / "kitchen" / "UCF-101" / "PutIn" / "v_PutIn_g01_c01.avi")
    filmed = np.stack(list(render.render(films.scene(0, "PutIn", 1, 1))))
    assert np.abs(filmed.astype(float) - frames).mean() < 4  # what the video codec loses
    assert toy_kitchen.true_flow(tmp_path / "kitchen", "v_PutIn_g01_c01").shape[0] == len(frames) - 1


@pytest.mark.parametrize("name", ["PutIn", "CloseDrawer", "Stir"])
def test_the_longest_shot_has_no_cut(tiny_kitchen, name):
    """Within it the backdrop moves by the camera's sway at most; at a cut it jumps."""
    video = f"v_{name}_g08_c01"
    shot, flow = toy_kitchen.longest_shot(tiny_kitchen, video), toy_kitchen.true_flow(tiny_kitchen, video)
    across = np.abs(np.median(flow[..., 0], axis=(1, 2)))
    assert (across[shot.start : shot.stop - 1] < 2).all()
    assert (shot.stop - shot.start == len(flow) + 1) == (name == "Stir")
