"""The four motion-only activities: one picture, and four ways to move a tool in it."""

import numpy as np

from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen import tools
from lrcn_utils.data.toy_kitchen.poses import Action, Film, facts, held, poses
from lrcn_utils.data.toy_kitchen.render import Actor

ARC = 1.2  # radians from the middle of the arc to its ends
# The shortest and the longest to and fro, in frames. Where Stir and Whisk overlap, no one can tell them apart.
PERIODS = {"Stir": (7.5, 16.0), "Whisk": (5.0, 10.5), "Scrape": (13.0, 15.0), "Beat": (13.0, 15.0)}
STROKE = 0.88  # the part of a period that the stroke of Scrape and Beat takes; in the rest the tool comes back
CONTENT, COLOUR = "batter", "white"  # one picture: what differs from film to film hides how the tool moves
NEAR = 1.35  # how much larger tool and hand are than elsewhere: the camera is nearer
STEEP = 1.6  # how much rounder a dish looks than elsewhere: it is seen from higher up


def ring(name: str, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where the tool is in the dish at ``time``, (frames,) in frames: (frames, 2) in units of the dish's radius.

    It moves between the back of the dish and its front, along an arc on the left or the right: Stir to and fro, and
    Whisk more quickly; Scrape in strokes to the front from which it quickly comes back, and Beat the other way, which
    is Scrape played backwards. In all four the place on the arc is uniform at any one time, so a frame tells nothing,
    wherever in the film it is.
    """
    cycle = time / np.exp(rng.uniform(*np.log(PERIODS[name]))) + rng.random()
    turn = cycle - np.floor(cycle)
    side, tilt, radius = rng.choice([-1, 1]), rng.uniform(-0.2, 0.2), rng.uniform(0.64, 0.72)
    if name in ("Scrape", "Beat"):
        along = np.interp(turn, [0, STROKE, 1], [-1, 1, -1]) * (1 if name == "Scrape" else -1)
    else:
        along = np.interp(turn, [0, 0.5, 1], [-1, 1, -1])
    angle = tilt + ARC * along
    return radius * np.stack([side * np.cos(angle), np.sin(angle)], axis=1)


def stir(film: Film) -> Action:
    rng = film.looks
    tool, r = str(rng.choice(list(tools.STIRRERS))), rng.uniform(54, 58)
    back, front = draw.bowl(COLOUR, r, CONTENT)
    x, y = rng.uniform(74, 86), rng.uniform(78, 82)
    at = ring(film.name, film.time, film.moves) * [r, 0.4 * STEEP * r]
    # The tool leans with its place in the dish, never with its speed.
    lean = rng.uniform(0.1, 0.35) - 0.012 * at[:, 0]
    tip = at + [x, y + 3]
    grip = tip + NEAR * tools.GRIP * np.stack([np.sin(lean), -np.cos(lean)], axis=1)
    reach = poses(grip[:, 0], grip[:, 1], rng.uniform(-0.45, 0.1), NEAR)
    place = poses(x, y, 0, 1, STEEP)
    actors = [
        Actor(back, place, "bowl"),
        *held(film.cook, tools.STIRRERS[tool](), poses(tip[:, 0], tip[:, 1], lean, NEAR), tool, reach),
        Actor(front, place, "bowl"),
    ]
    return Action(actors, facts(tool, CONTENT, "bowl", "none", dish_colour=COLOUR))
