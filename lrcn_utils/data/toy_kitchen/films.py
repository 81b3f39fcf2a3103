"""From an activity to a scene: films in which only the order of the frames tells reversed pairs and motions apart."""

import numpy as np

from lrcn_utils.data.toy_kitchen import food_work, repeated, scenery, stirring, tools
from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen.activities import CLASSES, MOTION_ONLY, REVERSED_PAIRS, SIZE
from lrcn_utils.data.toy_kitchen.poses import Action, Film
from lrcn_utils.data.toy_kitchen.render import SCALE, Scene

SCRIPTS = {
    "OpenDrawer": repeated.open_drawers, "PutIn": repeated.put_in,
    "CoverPot": repeated.cover, "PutDown": repeated.put_down,
    **dict.fromkeys(MOTION_ONLY, stirring.stir),
    "CutCarrot": food_work.cut, "CutCucumber": food_work.cut,
    "PeelApple": food_work.peel, "PeelPotato": food_work.peel,
}  # fmt: skip
BACKWARDS = {name: other for pair in REVERSED_PAIRS for name, other in (pair, pair[::-1]) if name not in SCRIPTS}
# In each KEPT-th group the things on the table stay for all clips of a film, which can be known again by them. In the
# others the table is laid anew for every clip, so that many looks are seen, as many as there are clips.
KEPT = 3
FRAME_RATE = 12  # frames in a second
SHORTEST, LONGEST = 18, 44  # frames of a video


def scene(seed: int, name: str, group: int, clip: int) -> Scene:
    """The scene of clip ``clip`` (from 1) of class ``name`` in ``group`` (1..25); a function of these four alone.

    The clips of a class and group follow one another in one film. All films of a group are of one session: the same
    cook and kitchen, the same light, and the same things along the wall.
    """
    piece = film(seed, name, group, clip)
    action, kitchen, frames = play(piece), piece.kitchen, len(piece.time)
    session = lambda part: np.random.default_rng([seed, 78, group, part])  # noqa: E731
    horizon = session(0).uniform(26, 38) - (14 if action.facts["object"] == "drawer" else 0)
    zoom, mirrored = piece.looks.uniform(0.94, 1.1), bool(piece.looks.random() < 0.5)
    # The pan is rounded like the hand's sway: the camera moves in steps of 1 / SCALE.
    panned = np.round((zoom if mirrored else -zoom) * action.pan * np.ones(frames) * SCALE) / SCALE
    sway = scenery.camera(frames, np.random.default_rng([seed, 80, CLASSES.index(name), group, clip]), SCALE)
    return Scene(
        size=SIZE,
        backdrop=scenery.backdrop(kitchen, SIZE, horizon, session(1), scenery.ALONG),
        actors=action.actors,
        camera=sway + np.stack([panned, 0 * panned], axis=1),
        light=scenery.light(kitchen, SIZE, session(2)),
        zoom=zoom,
        mirrored=mirrored,
        facts=action.facts | {"sleeve": kitchen.sleeve},
    )


def film(seed: int, name: str, group: int, clip: int) -> Film:
    """The piece of the film of class ``name`` in ``group`` that is clip ``clip``: what its script is told."""
    if name not in CLASSES:
        raise ValueError(f"{name}: no such class; the classes are {', '.join(CLASSES)}")
    kitchen = scenery.kitchen(seed, group)
    number = CLASSES.index(name)
    table = [number, group] if group % KEPT == 0 else [number, group, clip]
    start, frames = _cut(np.random.default_rng([seed, 81, number, group]), clip)
    time = start + np.arange(frames)
    return Film(
        name,
        kitchen,
        cook=tools.hand(kitchen.skin, draw.COLOURS[kitchen.sleeve], kitchen.striped),
        looks=np.random.default_rng([seed, 79, *table]),
        moves=np.random.default_rng([seed, 82, number, group, clip]),
        time=time[::-1] if name in BACKWARDS else time,
    )


def play(film: Film) -> Action:
    """What the film shows. Played backwards, the source is the target; but a drawer is always the counter's."""
    action = SCRIPTS[BACKWARDS.get(film.name, film.name)](film)
    if film.name in BACKWARDS and action.facts["object"] != "drawer":
        told = action.facts
        action.facts.update(source=told["target"], target=told["source"])
    return action


def _cut(rng: np.random.Generator, clip: int) -> tuple[int, int]:
    """First frame and number of frames of clip ``clip`` of a film: pieces of it, with a few frames between them."""
    frames = rng.integers(SHORTEST, LONGEST + 1, 99)
    gaps = rng.integers(2, 30, 99)
    return int((frames[: clip - 1] + gaps[: clip - 1]).sum()), int(frames[clip - 1])
