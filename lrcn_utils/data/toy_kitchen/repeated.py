"""The four actions that are repeated without end, each of which is another activity when it is played backwards.

A clip is a window at a random moment of the repetition. So at *every* position of a clip a frame shows any moment of
the action with the same probability, forwards and backwards: only the order of the frames differs. Two kinds:
things carried between two heaps that look the same before and after, and a row of things, treated one after
another while the camera pans along: those behind are done, those ahead are not, in both directions of time.
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
    held,
    name_of,
    path,
    poses,
    surface,
)
from lrcn_utils.data.toy_kitchen.render import Actor
from lrcn_utils.data.toy_kitchen.scenery import WIDTH

PERIOD = (13.0, 17.0)  # frames in which one thing is put in, put down, covered or opened: about those of a clip
HEAP = [(-10.0, 2.0), (10.0, 3.0), (0.0, -4.0)]  # the last one lies on top


def _cycles(film: Film) -> np.ndarray:
    """Time in repetitions, (frames,), from a random moment."""
    return film.time / film.moves.uniform(*PERIOD) + film.moves.random()


class Row:
    """Things in a row at equal distances, treated one after another while the camera passes by at a steady pace.

    ``numbers`` and ``places`` (pixels along the counter) are of the things that the camera sees. Thing k has its
    turn from cycle k to k + 1, and is in the middle of the picture half way.
    """

    def __init__(self, film: Film, pitch: float):
        self.pitch, self.cycles = pitch, _cycles(film)
        first, last = self.cycles.min(), self.cycles.max()
        self.pan = film.spot + pitch * (self.cycles - (first + last) / 2)
        self.numbers = np.arange(np.floor(first) - 3, np.ceil(last) + 3)
        self.places = film.spot + pitch * (self.numbers + 0.5 - (first + last) / 2) + WIDTH / 2

    def progress(self, number: float, start: float, end: float) -> np.ndarray:
        """How much of thing ``number`` is done, (frames,) 0..1, when it is done from ``start`` to ``end`` of its turn."""
        return path(self.cycles - number, [start, end], [[0], [1]])[:, 0]

    def along(self, times: list[float], points: list) -> np.ndarray:
        """The hand's way, (frames, 2): ``points`` about each thing's place at ``times`` of its turn, from 0 to 1.

        The last point is about the next thing's place, and must be the first one again.
        """
        turn = np.floor(self.cycles)
        offset = path(self.cycles - turn, times, points)
        step = path(self.cycles - turn, [times[-2], 1], [[0], [self.pitch]])[:, 0]
        offset[:, 0] += self.places[0] + self.pitch * (turn - self.numbers[0]) + step
        return offset


def _arched(progress: np.ndarray, start, end, lift: float) -> np.ndarray:
    """From ``start`` to ``end`` as ``progress`` goes from 0 to 1, by an arch of height ``lift``: (frames, 2)."""
    straight = np.asarray(start) + progress[:, None] * (np.asarray(end, float) - start)
    return straight - np.stack([0 * progress, lift * np.sin(np.pi * progress)], axis=1)


def open_drawers(film: Film) -> Action:
    rng, kitchen = film.looks, film.kitchen
    counter, half, out = rng.uniform(48, 54), rng.uniform(20, 23), rng.uniform(22, 27)
    row, content = Row(film, 2 * half + rng.uniform(4, 8)), str(rng.choice(list(tools.STIRRERS)))
    front = counter + 6
    grip = np.array([rng.uniform(-3, 3), front + 13])
    away = grip + [-0.3 * row.pitch, out + rng.uniform(10, 16)]
    way = row.along([0, 0.12, 0.5, 0.68, 1], [grip, grip, grip + [0, out], away + [row.pitch * 0.5, 0], grip])
    sprite = furniture.drawer(kitchen.front, half, content)
    drawers = []
    for number, x in zip(row.numbers, row.places, strict=True):
        pulled = row.progress(number, 0.12, 0.5)
        drawers.append(Actor(sprite, poses(x, front + out * pulled, 0, 1 + 0.05 * pulled, 1), "drawer"))
    left, right = row.places[0] - 60, row.places[-1] + 60
    reach = poses(way[:, 0], way[:, 1], rng.uniform(0.5, 0.9), 1.05)
    actors = [
        Actor(furniture.cabinet(kitchen.front, counter, list(row.places), half), poses(0, 0), "counter"),
        *drawers,
        Actor(furniture.table_edge(kitchen.table, counter, left, right), poses(0, 0), "counter"),
        *[Actor(sprite, reach, "hand") for sprite in film.cook],
    ]
    return Action(actors, facts("hand", "drawer", "counter", "none", contents=content), row.pan)


def cover(film: Film) -> Action:
    rng = film.looks
    content, r = str(rng.choice(list(draw.CONTENTS))), rng.uniform(19, 21)
    kind, colour, (back, front) = dish(rng, ["pot"], r, content)
    row, on = Row(film, rng.uniform(50, 54)), str(rng.choice(["board", "counter"]))
    y, low = rng.uniform(54, 60), rng.uniform(94, 100)
    start, end = np.array([rng.uniform(-4, 4), low]), np.array([0, y - 1])
    grip = np.array([1.0, -0.66 * r])
    middle = (start + end) / 2 + [0, -10]
    way = row.along(
        [0, 0.1, 0.3, 0.5, 0.6, 1], [start + grip, start + grip, middle + grip, end + grip, end + grip, start + grip]
    )
    reach = poses(way[:, 0], way[:, 1], rng.uniform(-0.5, 0.05))
    sprite, board = draw.lid(colour, r), surface(on, rng)
    boards = [Actor(board, poses(x + start[0], low + 3, 0, 0.8), name_of(on)) for x in row.places]
    pots = [Actor(part, poses(x, y), kind) for x in row.places for part in (back, front)]
    lids = []
    for number, x in zip(row.numbers, row.places, strict=True):
        progress = row.progress(number, 0.1, 0.5)
        where = _arched(progress, start + [x, 0], end + [x, 0], 10)
        lids.append(Actor(sprite, poses(where[:, 0], where[:, 1]), "lid"))
    palm, fingers = film.cook
    actors = [*pots, *boards, Actor(palm, reach, "hand"), *lids, Actor(fingers, reach, "hand")]
    return Action(actors, facts("hand", "lid", on, kind, dish_colour=colour, contents=content), row.pan)


def put_down(film: Film) -> Action:
    rng = film.looks
    name, colour, shadow, sprite = food(rng)
    row, on = Row(film, rng.uniform(44, 50)), str(rng.choice(["board", "plate", "counter"]))
    y, size, tilt = rng.uniform(74, 86), rng.uniform(0.95, 1.1), rng.uniform(-0.25, 0.25)
    grip, away = np.array([2.0, -7.0]), np.array([rng.uniform(8, 22), -24.0])
    way = row.along([0, 0.42, 0.56, 1], [away, [grip[0], y + grip[1]], [grip[0], y + grip[1]], away])
    reach = poses(way[:, 0], way[:, 1], rng.uniform(-0.45, 0.05))
    laid = surface(on, rng)
    surfaces = [Actor(laid, poses(x, y + 8, 0, 0.82), name_of(on)) for x in row.places]
    shadows, foods = [], []
    for number, x in zip(row.numbers, row.places, strict=True):
        turn = row.cycles - number
        lies = turn >= 0.42
        carried = way - grip
        place = np.where(lies[:, None], [x, y], carried)
        # Before its turn a thing is not there; it comes in from above, where the camera does not see it.
        foods.append(Actor(sprite, poses(place[:, 0], place[:, 1], tilt, size), name, visible=turn >= 0))
        shadows.append(Actor(shadow, poses(x, y, tilt, size), visible=lies))
    palm, fingers = film.cook
    actors = [*surfaces, *shadows, Actor(palm, reach, "hand"), *foods, Actor(fingers, reach, "hand")]
    return Action(actors, facts("hand", name, "none", on, colour=colour), row.pan)


def put_in(film: Film) -> Action:
    rng = film.looks
    name, colour, shadow, sprite = food(rng)
    on = str(rng.choice(["board", "plate", "counter"]))
    kind, dish_colour, (back, front) = dish(rng, ["bowl", "pot", "pan"], rng.uniform(25, 28))
    heap_x, heap_y = rng.uniform(46, 52), rng.uniform(76, 86)
    dish_x, dish_y = rng.uniform(106, 112), rng.uniform(68, 76)
    size, lift = rng.uniform(0.9, 1.05), rng.uniform(28, 36)
    cycles = _cycles(film)
    turn = cycles - np.floor(cycles)
    start, end = np.array(HEAP[-1]) + [heap_x, heap_y], np.array([dish_x, dish_y - 4])
    done = path(turn, [0.04, 0.46], [[0], [1]])[:, 0]
    back_again = path(turn, [0.56, 0.98], [[0], [1]])[:, 0]
    carried, hand = _arched(done, start, end, lift), _arched(done - back_again, start, end, lift)
    grip = np.array([2.0, -7.0])
    reach = poses(hand[:, 0] + grip[0], hand[:, 1] + grip[1], rng.uniform(-0.5, 0.0))
    tilt = rng.uniform(-0.25, 0.25)
    lying = [Actor(part, poses(heap_x + x, heap_y + y, tilt, size), name) for x, y in HEAP for part in (shadow, sprite)]
    inside = [Actor(sprite, poses(end[0] + x, end[1], tilt, size), name) for x in (-9, 8, 0)]
    # The dish's front hides what is inside it, but not the arm that reaches over it.
    reaches_in = (turn > 0.38) & (turn < 0.64)
    stands = poses(dish_x, dish_y, 0, -1, 1)  # a pan's handle points away from the heap
    palm, fingers = film.cook
    actors = [
        Actor(surface(on, rng), poses(heap_x, heap_y + 8), name_of(on)),
        Actor(back, stands, kind),
        *lying,
        *inside,
        Actor(front, stands, kind, visible=~reaches_in),
        Actor(palm, reach, "hand"),
        Actor(sprite, poses(carried[:, 0], carried[:, 1], tilt, size), name, visible=turn <= 0.5),
        Actor(fingers, reach, "hand"),
        Actor(front, stands, kind, visible=reaches_in),
    ]
    return Action(actors, facts("hand", name, on, kind, colour=colour, dish_colour=dish_colour))
