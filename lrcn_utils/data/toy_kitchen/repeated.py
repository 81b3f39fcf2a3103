"""The four actions that are repeated without end, each of which is another activity when it is played backwards.

Such a film is a chain of shots. Each shot shows the action once, from beginning to end, at another place of the
counter, and then the film cuts to the next. A clip is a window at a random moment of the film. So at *every* position
of a clip a frame shows any moment of the action with the same probability, forwards and backwards: only the order of
the frames differs.
"""

import numpy as np

from lrcn_utils.data.toy_kitchen import furniture, tools
from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen.poses import (
    Action,
    Film,
    dish,
    facts,
    food,
    name_of,
    path,
    poses,
    surface,
)
from lrcn_utils.data.toy_kitchen.render import Actor
from lrcn_utils.data.toy_kitchen.scenery import ALONG

SHOT = (12.0, 16.0)  # frames of a shot: about those of a clip
ASIDE = (7.0, 3.0)  # pixels, right and down, by which a shot's things stand elsewhere in the picture at most
HEAP = [(-10.0, 2.0), (10.0, 3.0), (0.0, -4.0)]  # the last one lies on top


class Shots:
    """The shots of which a clip shows a part.

    ``turn`` (frames,): how far the shot has come, 0..1. ``pan`` (frames,): the place on the counter that it shows, in
    pixels. ``aside`` (frames, 2): where its things stand in the picture, in pixels from their usual place.
    """

    def __init__(self, film: Film):
        cycles = film.time / film.moves.uniform(*SHOT) + film.moves.random()
        shot = np.floor(cycles).astype(int) - int(np.floor(cycles.min()))
        self.turn = cycles - np.floor(cycles)
        self.pan = film.moves.uniform(0, ALONG, shot.max() + 1)[shot]
        self.aside = film.moves.uniform(-1, 1, (shot.max() + 1, 2))[shot] * ASIDE

    def poses(self, x, y, *pose) -> np.ndarray:
        """Poses (frames, 5) of what stands or moves at ``x, y`` of the picture, as ``poses`` takes them."""
        return poses(x + self.pan + self.aside[:, 0], y + self.aside[:, 1], *pose)

    def done(self, start: float, end: float) -> np.ndarray:
        """How much of what is done from ``start`` to ``end`` of a shot is done, (frames,) 0..1, nearly steadily."""
        eased = path(self.turn, [start, end], [[0], [1]])[:, 0]
        return (eased + np.clip((self.turn - start) / (end - start), 0, 1)) / 2


def _arched(progress: np.ndarray, start, end, lift: float) -> np.ndarray:
    """From ``start`` to ``end`` as ``progress`` goes from 0 to 1, by an arch of height ``lift``: (frames, 2)."""
    straight = np.asarray(start) + progress[:, None] * (np.asarray(end, float) - start)
    return straight - np.stack([0 * progress, lift * np.sin(np.pi * progress)], axis=1)


def open_drawers(film: Film) -> Action:
    rng, kitchen, shots = film.looks, film.kitchen, Shots(film)
    counter, half, out = rng.uniform(44, 50), rng.uniform(23, 27), rng.uniform(29, 33)
    content = str(rng.choice(list(tools.STIRRERS)))
    middle, front, pitch = rng.uniform(72, 88), counter + 6, 2 * half + rng.uniform(4, 8)
    pulled = shots.done(0.04, 0.96)
    hand = [middle + rng.uniform(-3, 3), front + 13 + out * pulled]
    places = list(middle + pitch * np.arange(-3, 4))
    closed = [shots.poses(x, front, 0, 1, 1) for x in places if x != middle]
    opened = shots.poses(middle, front + out * pulled, 0, 1 + 0.05 * pulled, 1)
    sprite = furniture.drawer(kitchen.front, half, content)
    reach = shots.poses(*hand, rng.uniform(0.5, 0.9), 1.05)
    actors = [
        Actor(furniture.cabinet(kitchen.front, counter, places, half), shots.poses(0, 0), "counter"),
        *[Actor(furniture.front(kitchen.front, half), where) for where in closed],
        Actor(sprite, opened, "drawer"),
        Actor(
            furniture.table_edge(kitchen.table, counter, places[0] - 60, places[-1] + 60), shots.poses(0, 0), "counter"
        ),
        *[Actor(part, reach, "hand") for part in film.cook],
    ]
    return Action(actors, facts("hand", "drawer", "counter", "none", contents=content), shots.pan)


def cover(film: Film) -> Action:
    rng, shots = film.looks, Shots(film)
    content, r = str(rng.choice(list(draw.CONTENTS))), rng.uniform(21, 24)
    kind, colour, (back, front) = dish(rng, ["pot"], r, content)
    on = str(rng.choice(["board", "counter"]))
    x, y, low = rng.uniform(72, 88), rng.uniform(52, 58), rng.uniform(96, 102)
    start, end = np.array([x + rng.uniform(-8, 8), low]), np.array([x, y - 1])
    where = _arched(shots.done(0.04, 0.96), start, end, 4)
    reach = shots.poses(where[:, 0] + 1, where[:, 1] - 0.66 * r, rng.uniform(-0.5, 0.05))
    palm, fingers = film.cook
    actors = [
        Actor(surface(on, rng), shots.poses(start[0], low + 3, 0, 0.8), name_of(on)),
        *[Actor(part, shots.poses(x, y), kind) for part in (back, front)],
        Actor(palm, reach, "hand"),
        Actor(draw.lid(colour, r), shots.poses(where[:, 0], where[:, 1]), "lid"),
        Actor(fingers, reach, "hand"),
    ]
    return Action(actors, facts("hand", "lid", on, kind, dish_colour=colour, contents=content), shots.pan)


def put_down(film: Film) -> Action:
    rng, shots = film.looks, Shots(film)
    name, colour, shadow, sprite = food(rng)
    on = str(rng.choice(["board", "plate", "counter"]))
    x, y, size, tilt = rng.uniform(72, 88), rng.uniform(82, 92), rng.uniform(1.15, 1.35), rng.uniform(-0.25, 0.25)
    way = [x + rng.uniform(6, 16), y - rng.uniform(44, 50)]
    carried = _arched(shots.done(0, 0.82), way, [x, y], 0)
    let_go = shots.done(0.82, 1)
    reach = shots.poses(
        carried[:, 0] + 2 + 8 * let_go, carried[:, 1] - 7 * size - 12 * let_go, rng.uniform(-0.45, 0.05)
    )
    palm, fingers = film.cook
    actors = [
        Actor(surface(on, rng), shots.poses(x, y + 8, 0, 0.95), name_of(on)),
        Actor(shadow, shots.poses(x, y, tilt, size), visible=shots.turn >= 0.82),
        Actor(palm, reach, "hand"),
        Actor(sprite, shots.poses(carried[:, 0], carried[:, 1], tilt, size), name),
        Actor(fingers, reach, "hand"),
    ]
    return Action(actors, facts("hand", name, "none", on, colour=colour), shots.pan)


def put_in(film: Film) -> Action:
    rng, shots = film.looks, Shots(film)
    name, colour, shadow, sprite = food(rng)
    on = str(rng.choice(["board", "plate", "counter"]))
    kind, dish_colour, (back, front) = dish(rng, ["bowl", "pot", "pan"], rng.uniform(25, 28))
    heap_x, heap_y = rng.uniform(46, 54), rng.uniform(46, 52)
    dish_x, dish_y = rng.uniform(98, 106), rng.uniform(90, 96)
    size, tilt = rng.uniform(1.05, 1.2), rng.uniform(-0.25, 0.25)
    start, end = np.array(HEAP[-1]) + [heap_x, heap_y], np.array([dish_x, dish_y - 4])
    carried = _arched(shots.done(0.04, 0.96), start, end, rng.uniform(6, 10))
    reach = shots.poses(carried[:, 0] + 2, carried[:, 1] - 7, rng.uniform(-0.5, 0.0))
    lying = [
        Actor(part, shots.poses(heap_x + x, heap_y + y, tilt, size), name) for x, y in HEAP for part in (shadow, sprite)
    ]
    inside = [Actor(sprite, shots.poses(end[0] + x, end[1], tilt, size), name) for x in (-9, 8, 0)]
    # The dish's front hides what is inside it, but not the arm that reaches over it.
    reaches_in = shots.turn > 0.85
    stands = shots.poses(dish_x, dish_y, 0, 1)  # a pan's handle points away from the heap
    palm, fingers = film.cook
    actors = [
        Actor(surface(on, rng), shots.poses(heap_x, heap_y + 8), name_of(on)),
        Actor(back, stands, kind),
        *lying,
        *inside,
        Actor(front, stands, kind, visible=~reaches_in),
        Actor(palm, reach, "hand"),
        Actor(sprite, shots.poses(carried[:, 0], carried[:, 1], tilt, size), name),
        Actor(fingers, reach, "hand"),
        Actor(front, stands, kind, visible=reaches_in),
    ]
    return Action(actors, facts("hand", name, on, kind, colour=colour, dish_colour=dish_colour), shots.pan)
