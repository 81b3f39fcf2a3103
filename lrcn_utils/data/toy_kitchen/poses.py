"""Poses and paths of actors, and what several scripts paint alike.

A *script* turns a film's looks and times into actors. Its functions here take times in frames or in cycles of a
repeated action, never frame numbers: played backwards, an action is the same script at times that run backwards.
"""

from dataclasses import dataclass

import numpy as np

from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen.render import Actor, Sprite
from lrcn_utils.data.toy_kitchen.scenery import Kitchen

HANDLED = ["carrot", "apple", "egg", "potato", "bread", "lemon", "tomato", "cucumber", "pepper"]


@dataclass(frozen=True)
class Film:
    """What a script is told. The clips of one group and class are pieces of one film.

    ``looks``: random numbers that decide which things are on the table and how they look. ``moves``: random numbers of
    the clip, which decide how the hand moves. ``time``: (frames,), in frames since the film began; it runs backwards in
    a class that is another one played backwards.
    """

    name: str
    kitchen: Kitchen
    cook: tuple[Sprite, Sprite]
    looks: np.random.Generator
    moves: np.random.Generator
    time: np.ndarray


@dataclass(frozen=True)
class Action:
    """What a script answers: actors, facts, and where along the counter the camera looks, in pixels: (frames,) or 0."""

    actors: list[Actor]
    facts: dict
    pan: np.ndarray | float = 0.0


def poses(x, y, angle=0.0, scale_x=1.0, scale_y=None) -> np.ndarray:
    """Poses (frames, 5) from numbers or (frames,) arrays."""
    scale_y = scale_x if scale_y is None else scale_y
    columns = np.broadcast_arrays(*[np.atleast_1d(np.asarray(v, float)) for v in (x, y, angle, scale_x, scale_y)])
    return np.stack(columns, axis=1)


def path(at: np.ndarray, times: list[float], points: list) -> np.ndarray:
    """Positions (frames, d) at ``at`` (frames,) on the way that passes ``points`` at ``times``, resting at each."""
    points, times = np.asarray(points, float), np.asarray(times, float)
    at = np.clip(at, times[0], times[-1])
    part = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    done = (at - times[part]) / (times[part + 1] - times[part])
    done = done * done * (3 - 2 * done)
    return points[part] + done[:, None] * (points[part + 1] - points[part])


def facts(tool, object, source, target, **more) -> dict:
    return {"tool": tool, "object": object, "source": source, "target": target, **more}


def held(cook, sprite: Sprite, where: np.ndarray, name: str, reach: np.ndarray) -> list[Actor]:
    """A hand around a thing: palm, thing, fingers."""
    back, fingers = cook
    return [Actor(back, reach, "hand"), Actor(sprite, where, name), Actor(fingers, reach, "hand")]


def surface(kind: str, rng: np.random.Generator) -> Sprite:
    """What an object lies on: a board, a plate, or the bare counter."""
    if kind == "board":
        return draw.board(((196, 146, 92), (222, 190, 140), (140, 96, 62))[rng.integers(3)], rng.uniform(25, 30))
    if kind == "plate":
        return draw.plate(rng.choice(["white", "blue", "yellow", "grey"]), rng.uniform(24, 28))
    return []


def name_of(surface: str) -> str | None:
    """The surface in the ground truth; the counter is scenery."""
    return None if surface == "counter" else surface


def food(rng: np.random.Generator) -> tuple[str, str, Sprite, Sprite]:
    """Something to handle: name, colour, shadow and sprite. The shadow is gone while the thing is in the air."""
    name = str(rng.choice(HANDLED))
    colour = str(rng.choice(draw.FOOD_COLOURS[name]))
    shadow, *sprite = draw.FOOD[name](colour=colour)
    return name, colour, [shadow], sprite


def dish(rng: np.random.Generator, kinds: list[str], r: float, holding=None) -> tuple[str, str, tuple]:
    """A dish: kind, colour, and its sprites behind and before what is in it."""
    kind = str(rng.choice(kinds))
    colour = str(rng.choice(["white", "blue", "red", "yellow"] if kind == "bowl" else ["grey", "red", "blue", "black"]))
    return kind, colour, getattr(draw, kind)(colour, r, holding)
