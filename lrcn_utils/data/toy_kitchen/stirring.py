"""The four motion-only activities: one picture, and four ways to move a tool in it."""

import numpy as np

from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen import tools
from lrcn_utils.data.toy_kitchen.poses import Action, Film, dish, facts, held, poses
from lrcn_utils.data.toy_kitchen.render import Actor

SLOW_TURN, FAST_TURN = 20.0, 6.0  # frames a turn of Stir and Scrape, of Beat and Whisk
ARC = 0.65  # radians from the middle of an arc to its end
NEAR = 1.3  # how much larger tool and hand are than elsewhere: the camera is nearer
STEEP = 1.55  # how much rounder a dish looks than elsewhere: it is seen from higher up


def ring(name: str, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where the tool is in the dish at ``time``, (frames, 2) in units of the dish's radius.

    Stir and Beat go round a ring; Scrape and Whisk go back and forth along an arc of it, about a random middle. In
    all four the angle at any one time is uniform and the radius has one distribution, so a frame tells nothing,
    wherever in the film it is.
    """
    pace, first, way = rng.uniform(0.92, 1.08), rng.random(), rng.choice([-1, 1])
    middle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.58, 0.7)
    turn = pace * (SLOW_TURN if name in ("Stir", "Scrape") else FAST_TURN)
    angle = 2 * np.pi * (first + way * time / turn)
    if name in ("Scrape", "Whisk"):
        angle = middle + ARC * np.sin(angle)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def stir(film: Film) -> Action:
    rng = film.looks
    tool, content = str(rng.choice(list(tools.STIRRERS))), str(rng.choice(list(draw.CONTENTS)))
    r = rng.uniform(40, 44)
    kind, colour, (back, front) = dish(rng, ["bowl", "pot"], r, content)
    x, y = rng.uniform(74, 86), rng.uniform(66, 72)
    at = ring(film.name, film.time, film.moves) * [r, 0.4 * STEEP * r]
    # The tool leans with its place in the dish, never with its speed.
    lean = rng.uniform(0.1, 0.35) - 0.012 * at[:, 0]
    tip = at + [x, y + 3]
    grip = tip + NEAR * tools.GRIP * np.stack([np.sin(lean), -np.cos(lean)], axis=1)
    reach = poses(grip[:, 0], grip[:, 1], rng.uniform(-0.45, 0.1), NEAR)
    place = poses(x, y, 0, 1, STEEP)
    actors = [
        Actor(back, place, kind),
        *held(film.cook, tools.STIRRERS[tool](), poses(tip[:, 0], tip[:, 1], lean, NEAR), tool, reach),
        Actor(front, place, kind),
    ]
    return Action(actors, facts(tool, content, kind, "none", dish_colour=colour))
