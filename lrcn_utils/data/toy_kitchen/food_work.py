"""The four object-only activities: two movements, each on one of two foods of one shape."""

import numpy as np

from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen import tools
from lrcn_utils.data.toy_kitchen.poses import Action, Film, facts, held, name_of, poses, surface
from lrcn_utils.data.toy_kitchen.render import Actor


def _stroke(time: np.ndarray, period: float, rng: np.random.Generator) -> np.ndarray:
    return np.sin(2 * np.pi * (time / period + rng.random()))


def helper(cook, x, y, rng) -> list[Actor]:
    """The cook's other hand, which holds the food still."""
    reach = poses(x, y, rng.uniform(0.1, 0.5), -0.9, 0.9)
    return [Actor(sprite, reach, "hand") for sprite in cook]


def cut(film: Film) -> Action:
    cook, time, rng = film.cook, film.time, film.looks
    food = "carrot" if film.name == "CutCarrot" else "cucumber"
    on = str(rng.choice(["board", "plate", "counter"]))
    x, y, size = rng.uniform(64, 78), rng.uniform(76, 88), rng.uniform(1.1, 1.25)
    tilt = rng.uniform(-0.15, 0.15)
    period = rng.uniform(8, 13)
    height = rng.uniform(6, 8) * (1 + _stroke(time, period, rng))
    drift = rng.uniform(1, 3) * _stroke(time, 9 * period, rng)
    edge_x, edge_y = x + 14 * size + drift, y + 4
    lean = rng.uniform(-0.75, -0.45)
    rock = lean - 0.012 * height
    # The point of the blade that cuts is 10 pixels from its tip.
    tip_x, tip_y = edge_x - 10 * np.cos(rock), edge_y - 10 * np.sin(rock) - height
    grip = np.stack([tip_x + 43 * np.cos(rock), tip_y + 43 * np.sin(rock)], axis=1)
    reach = poses(grip[:, 0], grip[:, 1], rng.uniform(-0.35, 0.15))
    actors = [Actor(surface(on, rng), poses(x + 8, y + 6, 0, 1.2), name_of(on))]
    actors.append(Actor(draw.FOOD[food](), poses(x, y, tilt, size), food))
    for _ in range(rng.integers(1, 4)):
        spot = poses(x + rng.uniform(26, 40), y + rng.uniform(-2, 12))
        actors.append(Actor(draw.slice_of(food), spot, food))
    actors += helper(cook, x - 16, y - 6, rng)
    actors += held(cook, tools.knife(), poses(tip_x, tip_y, rock), "knife", reach)
    return Action(actors, facts("knife", food, on, "none", pace="quickly" if period < 10.5 else "slowly"))


def peel(film: Film) -> Action:
    cook, time, rng = film.cook, film.time, film.looks
    food = "apple" if film.name == "PeelApple" else "potato"
    colour = str(rng.choice(["red", "yellow"])) if food == "apple" else "brown"
    on = str(rng.choice(["board", "plate", "counter"]))
    x, y, size = rng.uniform(68, 80), rng.uniform(74, 86), rng.uniform(1.25, 1.45)
    period = rng.uniform(9, 14)
    along = rng.uniform(8, 10.5) * _stroke(time, period, rng)
    direction = rng.uniform(0.2, 0.7)
    tip_x = x + 5 + along * np.cos(direction)
    tip_y = y - 7 + along * np.sin(direction)
    lean = rng.uniform(-0.5, -0.2) + 0.01 * along
    grip = np.stack([tip_x + 25 * np.cos(lean), tip_y + 25 * np.sin(lean)], axis=1)
    reach = poses(grip[:, 0], grip[:, 1], rng.uniform(-0.35, 0.15))
    skin = (176, 130, 84) if food == "potato" else (206, 48, 44) if colour == "red" else (238, 206, 84)
    actors = [Actor(surface(on, rng), poses(x + 4, y + 12, 0, 1.15), name_of(on))]
    for _ in range(rng.integers(1, 4)):
        spot = poses(x + rng.uniform(-26, 30), y + rng.uniform(14, 22), rng.uniform(-1, 1))
        actors.append(Actor(tools.peel(skin), spot))
    actors.append(Actor(draw.FOOD[food](colour=colour), poses(x, y, 0, size), food))
    actors += helper(cook, x - 10, y - 2, rng)
    actors += held(cook, tools.peeler(), poses(tip_x, tip_y, lean), "peeler", reach)
    return Action(
        actors, facts("peeler", food, on, "none", colour=colour, pace="quickly" if period < 11.5 else "slowly")
    )
