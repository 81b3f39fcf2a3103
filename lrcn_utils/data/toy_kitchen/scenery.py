"""The 25 groups: a cook, a kitchen and its light each, and the backdrop they give a scene."""

from dataclasses import dataclass

import numpy as np

from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen import tools
from lrcn_utils.data.toy_kitchen.render import Actor, Shape, Sprite

GROUPS = 25
WIDTH = 160  # of a video, pixels
ALONG = 480  # pixels by which the counter of a kitchen goes on beyond one picture
MOST_SWAY = 5  # pixels by which a hand-held camera may stray
SKINS = [(246, 206, 172), (232, 184, 144), (206, 150, 108), (168, 116, 80), (122, 82, 58), (92, 62, 46)]
SLEEVES = ["red", "blue", "green", "yellow", "white", "black", "purple", "pink", "grey"]
WALLS = [
    (222, 226, 218),
    (188, 210, 216),
    (226, 206, 170),
    (206, 188, 206),
    (176, 196, 168),
    (224, 180, 160),
    (158, 170, 188),
    (238, 232, 214),
]
TABLES = [
    (172, 122, 78),
    (206, 168, 122),
    (120, 84, 60),
    (214, 212, 206),
    (150, 156, 158),
    (188, 198, 184),
    (96, 98, 108),
    (226, 206, 176),
]
FRONTS = [(232, 228, 216), (120, 150, 164), (150, 104, 70), (190, 196, 172), (84, 104, 126), (196, 150, 110)]
STILL = np.array([[0.0, 0.0, 0.0, 1.0, 1.0]])


@dataclass(frozen=True)
class Kitchen:
    """What the clips of one group share."""

    skin: tuple[int, int, int]
    sleeve: str
    striped: bool
    wall: tuple[int, int, int]
    wall_style: str
    table: tuple[int, int, int]
    table_style: str
    front: tuple[int, int, int]
    brightness: float
    warmth: float
    vignette: float
    lamp: float


def kitchen(seed: int, group: int) -> Kitchen:
    """The kitchen of ``group`` (1..25)."""
    rng = np.random.default_rng([seed, 77, group])
    pick = lambda options: options[rng.integers(len(options))]  # noqa: E731
    return Kitchen(
        skin=pick(SKINS),
        sleeve=pick(SLEEVES),
        striped=bool(rng.random() < 0.35),
        wall=pick(WALLS),
        wall_style=pick(["tiles", "bricks", "plain", "panels"]),
        table=pick(TABLES),
        table_style=pick(["wood", "stone", "plain", "cloth"]),
        front=pick(FRONTS),
        brightness=rng.uniform(0.9, 1.06),
        warmth=rng.uniform(-1, 1),
        vignette=rng.uniform(0.04, 0.22),
        lamp=rng.uniform(0, 2 * np.pi),
    )


def light(place: Kitchen, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The image that multiplies every frame: brightness, warmth, a lamp on one side, darker corners."""
    width, height = size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    level = place.brightness * rng.uniform(0.92, 1.0)
    level = level * (1 - place.vignette * (x**2 + y**2) / 2)
    level = level * (1 - 0.07 * (1 - x * np.cos(place.lamp) - y * np.sin(place.lamp)) / 2)
    warmth = np.clip(place.warmth + rng.normal(0, 0.15), -1, 1)
    tint = 1 - 0.12 * np.array([max(-warmth, 0), 0.35 * abs(warmth), max(warmth, 0)])
    return np.clip(255 * level[..., None] * tint, 0, 255).astype(np.uint8)


def _pattern(style: str, colour, x0, y0, x1, y1, rng) -> Sprite:
    """A rectangle of wall or table in one of the styles."""
    box = lambda a, b, c, d, shade: Shape(draw.polygon((a, b), (c, b), (c, d), (a, d)), shade)  # noqa: E731
    views = max(1, round((x1 - x0) / 200))
    shapes = [box(x0, y0, x1, y1, colour)]
    dark, bright = draw.shade(colour, 0.88), draw.shade(colour, 1.25)
    if style in ("tiles", "bricks"):
        step, rise = (15, 15) if style == "tiles" else (20, 9)
        for row, y in enumerate(np.arange(y1, y0 - rise, -rise)):
            for x in np.arange(x0 - step * (0.5 if style == "bricks" and row % 2 else 0), x1, step):
                tone = draw.shade(colour, 1 + 0.12 * rng.uniform(-1, 1))
                shapes.append(box(x + 0.5, y - rise + 0.5, x + step - 0.5, y - 0.5, tone))
        shapes[0] = box(x0, y0, x1, y1, bright if style == "tiles" else draw.shade(colour, 0.8))
    elif style == "panels":
        shapes += [box(x, y0, x + 1.2, y1, dark) for x in np.arange(x0 + rng.uniform(0, 18), x1, 18)]
    elif style == "wood":
        for y in np.arange(y0, y1, 13):
            shapes.append(box(x0, y, x1, y + 12.4, draw.shade(colour, 1 + 0.1 * rng.uniform(-1, 1))))
            for _ in range(5 * views):
                x, length, down = rng.uniform(x0, x1), rng.uniform(14, 50), rng.uniform(1.5, 11)
                shapes.append(
                    Shape(draw.capsule(x, y + down, x + length, y + down + rng.uniform(-0.6, 0.6), 0.35), dark)
                )
    elif style == "stone":
        for _ in range(70 * views):
            x, y, r = rng.uniform(x0, x1), rng.uniform(y0, y1), rng.uniform(0.5, 1.7)
            shapes.append(Shape(draw.ellipse(x, y, r, 0.6 * r, n=7), (dark, bright)[rng.integers(2)]))
    elif style == "cloth":
        tone = draw.shade(colour, 0.82)
        shapes += [box(x, y0, x + 9, y1, (*tone, 70)) for x in np.arange(x0, x1, 18)]
        shapes += [box(x0, y, x1, y + 6, (*tone, 70)) for y in np.arange(y0, y1, 12)]
    return shapes


def backdrop(
    place: Kitchen, size: tuple[int, int], horizon: float, rng: np.random.Generator, along: int = 0
) -> list[Actor]:
    """Wall above ``horizon``, table below it, with some of the things that stand about.

    ``along``: how many pixels further to the right it goes on, for a camera that pans.
    """
    width, height = size
    left, right, top, bottom = -24, width + 24 + along, -24, height + 24
    wall = _pattern(place.wall_style, place.wall, left, top, right, horizon, rng)
    edge = draw.shade(place.wall, 0.7)
    wall.append(
        Shape(draw.polygon((left, horizon - 2.5), (right, horizon - 2.5), (right, horizon), (left, horizon)), edge)
    )
    wall.append(
        Shape(
            draw.polygon((left, horizon - 16), (right, horizon - 16), (right, horizon), (left, horizon)), (0, 0, 0, 16)
        )
    )
    table = _pattern(place.table_style, place.table, left, horizon, right, bottom, rng)
    table.append(
        Shape(
            draw.polygon((left, horizon), (right, horizon), (right, horizon + 1.5), (left, horizon + 1.5)),
            (255, 255, 255, 60),
        )
    )
    things = [bystanders(size, horizon, rng, start) for start in range(0, along + 1, width)]
    return [Actor(wall, STILL), Actor(table, STILL), *sum(things, [])]


def bystanders(size: tuple[int, int], horizon: float, rng: np.random.Generator, start: float = 0) -> list[Actor]:
    """Up to three things along the wall from ``start`` on, named by colour and kind, and perhaps a towel in front."""
    width, height = size
    actors = []
    for spot in rng.permutation(4)[: rng.integers(0, 4)]:
        x = start + width * (0.08 + 0.28 * spot) + rng.uniform(-8, 8)
        thing, colour = rng.choice(["cup", "plant", "jar", "shaker"]), rng.choice(list(draw.COLOURS))
        scale = rng.uniform(0.75, 1.05) * height / 120
        pose = np.array([[x, horizon + rng.uniform(4, 9), 0, scale, scale]])
        actors.append(Actor(tools.BYSTANDERS[thing](colour), pose, f"{colour} {thing}"))
    if rng.random() < 0.3:
        x = start + rng.choice([rng.uniform(4, 18), width - rng.uniform(4, 18)])
        pose = np.array([[x, height - rng.uniform(6, 18), rng.uniform(-0.5, 0.5), 1, 1]])
        actors.append(Actor(tools.towel(rng.choice(list(draw.COLOURS))), pose))
    return actors


def camera(frames: int, rng: np.random.Generator, scale: int, sway: float = 0.8) -> np.ndarray:
    """A hand-held camera: (frames, 2) pixels of smooth Gaussian noise, alike forwards and backwards, in 1 / scale."""
    kernel = np.hanning(13)
    noise = rng.normal(size=(frames + 12, 2))
    path = np.stack([np.convolve(noise[:, k], kernel / np.linalg.norm(kernel), "valid") for k in (0, 1)], axis=1)
    return np.clip(np.round(path * sway * scale) / scale, -MOST_SWAY, MOST_SWAY)
