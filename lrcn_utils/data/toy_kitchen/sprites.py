"""Food and dishes, as polygons.

Each function returns a sprite (a list of shapes, painted in order) in its own pixels, at the size of a
120 x 160 picture, standing on (0, 0) or centred there.
"""

import numpy as np

from lrcn_utils.data.toy_kitchen.render import Shape, Sprite

SHADOW = (20, 12, 8, 70)
GLOSS = (255, 255, 255, 90)

COLOURS = {
    "red": (206, 48, 44),
    "green": (98, 168, 62),
    "yellow": (240, 205, 62),
    "blue": (66, 112, 190),
    "white": (240, 238, 230),
    "orange": (238, 132, 40),
    "brown": (160, 108, 66),
    "grey": (150, 154, 160),
    "black": (58, 58, 64),
    "purple": (128, 78, 150),
    "pink": (232, 150, 166),
}


def shade(colour, factor: float) -> tuple[int, int, int]:
    """``colour`` darkened (factor below 1) or mixed with white (above 1)."""
    colour = np.asarray(colour[:3], float)
    mixed = colour * factor if factor <= 1 else 255 - (255 - colour) * (2 - factor)
    return tuple(int(v) for v in np.clip(mixed, 0, 255))


def ellipse(x, y, rx, ry, start=0.0, stop=2 * np.pi, n=28) -> np.ndarray:
    """Points of an ellipse, or of its arc from angle ``start`` to ``stop`` (clockwise on the screen from the right)."""
    angle = np.linspace(start, stop, n, endpoint=stop - start < 6.28)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def polygon(*points) -> np.ndarray:
    return np.array(points, float)


def rounded(x0, y0, x1, y1, radius) -> np.ndarray:
    """A rectangle with round corners."""
    r = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
    corners = [(x1 - r, y1 - r, 0), (x0 + r, y1 - r, 1), (x0 + r, y0 + r, 2), (x1 - r, y0 + r, 3)]
    return np.concatenate([ellipse(x, y, r, r, k * np.pi / 2, (k + 1) * np.pi / 2, 6) for x, y, k in corners])


def capsule(x0, y0, x1, y1, r0, r1=None) -> np.ndarray:
    """A finger: two round ends of radius ``r0`` and ``r1`` joined by straight sides."""
    r1 = r0 if r1 is None else r1
    turn = np.arctan2(y1 - y0, x1 - x0)
    ends = [ellipse(x0, y0, r0, r0, turn + np.pi / 2, turn + 3 * np.pi / 2, 8)]
    ends.append(ellipse(x1, y1, r1, r1, turn - np.pi / 2, turn + np.pi / 2, 8))
    return np.concatenate(ends)


def shadow(rx: float, ry: float) -> Sprite:
    """A soft shadow on the table."""
    return [Shape(ellipse(2, 1, rx * k, ry * k), (20, 12, 8, 34)) for k in (1.18, 1.0, 0.8)]


# Food


def long_food(colour, stub) -> Sprite:
    """A carrot or a cucumber: only the colours differ. Lies along x, centred."""
    body = np.concatenate(
        [ellipse(16, 0, 7, 7.5, -np.pi / 2, np.pi / 2, 10), ellipse(-20, 1, 4, 4, np.pi / 2, 3 * np.pi / 2, 8)]
    )
    marks = [Shape(polygon((x, -5), (x + 1.6, -5.2), (x + 1.2, 0.5)), shade(colour, 0.8)) for x in (-10, -1, 8)]
    return [
        Shape(ellipse(0, 6.5, 24, 4), SHADOW),
        Shape(capsule(-23, 0, -28, -2, 2.6, 2.0), stub),
        Shape(capsule(-23, 1, -27, 3, 2.2, 1.6), shade(stub, 0.8)),
        Shape(body, shade(colour, 0.82)),
        Shape(body * [0.97, 0.8] - [0, 1.2], colour),
        Shape(ellipse(4, -4.2, 14, 1.5), (*shade(colour, 1.5), 150)),
        *marks,
    ]


def carrot(colour="orange") -> Sprite:
    return long_food(COLOURS[colour], (70, 140, 50))


def cucumber(colour="green") -> Sprite:
    return long_food((62, 140, 58), (44, 92, 40))


def slice_of(kind: str) -> Sprite:
    """A round slice of carrot or cucumber."""
    rim, flesh = ((214, 108, 24), (250, 164, 72)) if kind == "carrot" else ((50, 116, 48), (190, 222, 140))
    return [
        Shape(ellipse(0.8, 1.6, 6.2, 5), SHADOW),
        Shape(ellipse(0, 0, 6, 4.8), rim),
        Shape(ellipse(0, -0.4, 5, 3.8), flesh),
        Shape(ellipse(0, -0.4, 2, 1.5), shade(flesh, 0.88)),
    ]


def round_food(colour, top) -> Sprite:
    """An apple or a potato: only the colours differ. Centred."""
    body = ellipse(0, 0, 12.5, 11.5)
    return [
        Shape(ellipse(1.5, 10, 12.5, 3.8), SHADOW),
        Shape(body, shade(colour, 0.74)),
        Shape(ellipse(-0.8, -0.8, 11.4, 10.4), shade(colour, 0.9)),
        Shape(ellipse(-1.8, -1.8, 9.6, 8.6), colour),
        Shape(ellipse(-4.5, -5, 3.2, 2.4), (*shade(colour, 1.6), 170)),
        Shape(capsule(0, -9.5, 1.8, -14, 1.1, 0.9), top),
        Shape(ellipse(0, -9.4, 3.2, 1.3), shade(colour, 0.62)),
    ]


def apple(colour="red") -> Sprite:
    skin = {"green": (150, 196, 70), "yellow": (238, 206, 84)}.get(colour, COLOURS["red"])
    leaf = Shape(polygon((1.5, -13), (6, -16.5), (9, -14.5), (5, -12.2)), (70, 130, 50))
    return [*round_food(skin, (96, 62, 36)), leaf]


def potato(colour="brown") -> Sprite:
    skin = (176, 130, 84)
    eyes = [Shape(ellipse(x, y, 1.2, 0.8), shade(skin, 0.66)) for x, y in ((-5, 3), (4, -2), (2, 6), (6, 3), (-2, -4))]
    return [*round_food(skin, shade(skin, 0.8)), *eyes]


def tomato(colour="red") -> Sprite:
    skin = (214, 52, 36)
    star = np.stack([ellipse(0, -6, 6, 2.8, n=10), ellipse(0, -6, 2, 1, 0.31, 0.31 + 2 * np.pi, n=10)], 1).reshape(
        -1, 2
    )
    return [
        Shape(ellipse(1.5, 9, 13, 3.6), SHADOW),
        Shape(ellipse(0, 0, 13.5, 10.5), shade(skin, 0.76)),
        Shape(ellipse(-1, -0.8, 12, 9.2), skin),
        Shape(ellipse(-6, -3, 2.6, 2), GLOSS),
        Shape(star, (66, 132, 48)),
        Shape(capsule(0, -6, 1, -9.5, 1), (66, 132, 48)),
    ]


def lemon(colour="yellow") -> Sprite:
    skin = (246, 216, 50)
    body = np.concatenate(
        [
            ellipse(0, 0, 12, 8.6, -2.8, -0.34, 12),
            [[14.5, -1.5], [14.5, 1.5]],
            ellipse(0, 0, 12, 8.6, 0.34, 2.8, 12),
            [[-14, 1], [-14, -1]],
        ]
    )
    return [
        Shape(ellipse(1, 7.5, 13, 3.4), SHADOW),
        Shape(body, shade(skin, 0.8)),
        Shape(body * [0.95, 0.84] - [0.3, 1], skin),
        Shape(ellipse(-3, -4, 4.5, 1.6), (255, 255, 255, 120)),
    ]


def egg(colour="white") -> Sprite:
    shell = (226, 182, 140) if colour == "brown" else (246, 240, 228)
    body = np.concatenate(
        [ellipse(1, 0, 10.5, 8.4, -np.pi / 2, np.pi / 2, 14), ellipse(1, 0, 13, 8.4, np.pi / 2, 3 * np.pi / 2, 14)]
    )
    return [
        Shape(ellipse(1, 7.5, 12, 3.4), SHADOW),
        Shape(body, shade(shell, 0.82)),
        Shape(body * 0.9 - [0.6, 0.9], shell),
        Shape(ellipse(-2, -3.6, 3.4, 1.7), (255, 255, 255, 150)),
    ]


def bread(colour="brown") -> Sprite:
    crust, crumb = (172, 108, 48), (240, 208, 150)
    outline = np.concatenate(
        [
            rounded(-12, -2, 12, 11, 3)[:12],
            ellipse(-7, -5, 7.5, 6.5, 2.6, 4.9, 8),
            ellipse(7, -5, 7.5, 6.5, 4.5, 6.8, 8),
        ]
    )
    return [
        Shape(ellipse(1.5, 10.5, 14, 3.6), SHADOW),
        Shape(outline + [1.8, 1.0], shade(crust, 0.72)),
        Shape(outline, crust),
        Shape(outline * 0.82, crumb),
        *[Shape(ellipse(x, y, 1.1, 0.8), shade(crumb, 0.86)) for x, y in ((-4, -3), (4, 2), (-2, 4), (5, -4), (0, 0))],
    ]


def pepper(colour="red") -> Sprite:
    skin = COLOURS[colour]
    lobes = [Shape(ellipse(x, 1, 5.6, 10), shade(skin, f)) for x, f in ((-5.5, 0.95), (5.8, 0.78), (0, 1.0))]
    return [
        Shape(ellipse(1.5, 10, 12.5, 3.4), SHADOW),
        *lobes,
        Shape(ellipse(-1.6, -2, 1.4, 5), (255, 255, 255, 110)),
        Shape(ellipse(0, -8, 5, 2), (70, 128, 48)),
        Shape(capsule(0, -8, 2.5, -14, 1.8, 1.4), (70, 128, 48)),
    ]


FOOD = {f.__name__: f for f in (carrot, cucumber, apple, potato, tomato, lemon, egg, bread, pepper)}
FOOD_COLOURS = {
    "apple": ["red", "green", "yellow"],
    "pepper": ["red", "green", "yellow"],
    "egg": ["white", "brown"],
    "carrot": ["orange"],
    "cucumber": ["green"],
    "potato": ["brown"],
    "tomato": ["red"],
    "lemon": ["yellow"],
    "bread": ["brown"],
}
CONTENTS = {"soup": (206, 98, 40), "batter": (244, 222, 160), "salad": (112, 166, 70)}
DISH_COLOURS = ["white", "blue", "red", "grey", "black"]


# Dishes: those with an inside come as (back, front), for things to lie between


def filling(kind: str | None, rx, ry) -> Sprite:
    """What a bowl or pot holds: soup, batter or salad, an ellipse of the given radii about (0, 0)."""
    if kind is None:
        return []
    colour = CONTENTS[kind]
    shapes = [Shape(ellipse(0, 0, rx, ry), shade(colour, 0.85)), Shape(ellipse(0, 0.6, rx * 0.93, ry * 0.9), colour)]
    spots = np.random.default_rng(5).uniform(-0.72, 0.72, (16, 2)) * [rx, ry]
    if kind == "salad":
        greens = [(70, 128, 44), (150, 196, 84), (206, 60, 44), (90, 150, 60)]
        shapes += [Shape(ellipse(x, y, 3.6, 2.2, n=9), greens[k % 4]) for k, (x, y) in enumerate(spots)]
    elif kind == "soup":
        shapes += [Shape(ellipse(x, y, 1.8, 1.2, n=9), shade(colour, 1.35)) for x, y in spots[:9]]
    else:
        shapes += [Shape(ellipse(-rx * 0.25, -ry * 0.2, rx * 0.4, ry * 0.25), shade(colour, 1.5))]
    return shapes


def bowl(colour="white", r=28.0, holding=None) -> tuple[Sprite, Sprite]:
    c, ry = COLOURS[colour], 0.42 * r
    back = [
        *shadow_at(0, 0.74 * r, 0.95 * r, 0.3 * r),
        Shape(ellipse(0, 0, r, ry), shade(c, 1.25)),
        Shape(ellipse(0, 0.4, 0.93 * r, ry * 0.9), shade(c, 0.66)),
        Shape(ellipse(0, 0.16 * ry, 0.88 * r, ry * 0.74), shade(c, 0.78)),
        *moved(filling(holding, 0.88 * r, ry * 0.76), 0, 0.14 * ry),
    ]
    rim = ellipse(0, 0, r, ry, np.pi, 0, 24)  # the front half, left to right
    side = np.concatenate([ellipse(0, 0, r, 0.9 * r, 0, np.pi, 24)])
    side[:, 1] = np.minimum(side[:, 1], 0.74 * r)
    front = [
        Shape(np.concatenate([rim, side]), shade(c, 0.86)),
        Shape(np.concatenate([rim[2:13], side[12:20] * [0.8, 0.92]]), shade(c, 1.0)),
        Shape(np.concatenate([rim, rim[::-1] * [0.96, 0.9]]), shade(c, 1.25)),
        Shape(ellipse(-0.5 * r, 0.42 * r, 0.05 * r, 0.13 * r), GLOSS),
    ]
    return back, front


def pot(colour="grey", r=27.0, holding=None) -> tuple[Sprite, Sprite]:
    c, ry, deep = COLOURS[colour], 0.4 * r, 0.66 * r
    knobs = [Shape(rounded(s * r - 5, 0.1 * r, s * r + 5, 0.1 * r + 5, 2.5), shade(c, 0.5)) for s in (-1.04, 1.04)]
    back = [
        *shadow_at(0, deep + 0.06 * r, 1.06 * r, 0.42 * r),
        *knobs,
        Shape(ellipse(0, 0, r, ry), shade(c, 1.4)),
        Shape(ellipse(0, 0.3, 0.93 * r, ry * 0.9), shade(c, 0.45)),
        *moved(filling(holding, 0.86 * r, ry * 0.76), 0, 0.16 * ry),
    ]
    rim = ellipse(0, 0, r, ry, np.pi, 0, 24)
    wall = np.concatenate([rim, ellipse(0, deep, 0.97 * r, ry, 0, np.pi, 24)])
    gleam = np.array(
        [[-0.7 * r, 0.34 * r], [-0.5 * r, 0.4 * r], [-0.5 * r, deep + 0.24 * r], [-0.68 * r, deep + 0.18 * r]]
    )
    dark = np.array([[0.5 * r, 0.36 * r], [r, 0.02 * r], [0.97 * r, deep], [0.5 * r, deep + 0.34 * r]])
    front = [
        Shape(wall, shade(c, 0.8)),
        Shape(dark, shade(c, 0.66)),
        Shape(gleam, shade(c, 1.15)),
        Shape(np.concatenate([rim, rim[::-1] * [0.96, 0.9]]), shade(c, 1.4)),
    ]
    return back, front


def pan(colour="black", r=28.0, holding=None) -> tuple[Sprite, Sprite]:
    c, ry, deep = COLOURS[colour], 0.4 * r, 0.22 * r
    back = [
        *shadow_at(0, deep + 0.08 * r, 1.05 * r, 0.42 * r),
        Shape(capsule(-0.9 * r, 0.1 * r, -1.75 * r, 0.3 * r, 3.2, 3.8), shade(c, 0.62)),
        Shape(ellipse(0, 0, r, ry), shade(c, 1.5)),
        Shape(ellipse(0, 0.3, 0.93 * r, ry * 0.9), shade(c, 0.6)),
        Shape(ellipse(0, 0.2 * ry, 0.84 * r, ry * 0.74), shade(c, 0.85)),
        *moved(filling(holding, 0.86 * r, ry * 0.76), 0, 0.16 * ry),
    ]
    rim = ellipse(0, 0, r, ry, np.pi, 0, 24)
    wall = np.concatenate([rim, ellipse(0, deep, 0.9 * r, ry, 0, np.pi, 24)])
    front = [Shape(wall, shade(c, 0.74)), Shape(np.concatenate([rim, rim[::-1] * [0.96, 0.9]]), shade(c, 1.5))]
    return back, front


def lid(colour="grey", r=27.0) -> Sprite:
    """A lid, its knob at (0, -0.62 r), its rim about (0, 0)."""
    c, ry = COLOURS[colour], 0.4 * r
    dome = np.concatenate(
        [ellipse(0, 0, r * 1.03, 0.55 * r, np.pi, 2 * np.pi, 20), ellipse(0, 0, r * 1.03, ry, 0, np.pi, 20)]
    )
    return [
        Shape(dome, shade(c, 0.75)),
        Shape(dome * [0.93, 0.9] - [0, 0.5], shade(c, 0.95)),
        Shape(ellipse(-0.36 * r, -0.2 * r, 0.22 * r, 0.1 * r), (255, 255, 255, 110)),
        Shape(ellipse(0, -0.5 * r, 3.4, 1.8), shade(c, 0.5)),
        Shape(ellipse(0, -0.64 * r, 5, 3.6), (50, 44, 44)),
        Shape(ellipse(-1, -0.68 * r, 2.2, 1.4), (110, 104, 104)),
    ]


def plate(colour="white", r=27.0) -> Sprite:
    c = COLOURS[colour]
    return [
        *shadow_at(0, 2, 1.06 * r, 0.46 * r),
        Shape(ellipse(0, 1.6, r, 0.44 * r), shade(c, 0.7)),
        Shape(ellipse(0, 0, r, 0.44 * r), c),
        Shape(ellipse(0, 0.3, 0.74 * r, 0.31 * r), shade(c, 0.84)),
        Shape(ellipse(0, 0.9, 0.71 * r, 0.285 * r), shade(c, 0.95)),
    ]


def board(colour=(196, 146, 92), half=30.0) -> Sprite:
    """A chopping board, about (0, 0), wider in front."""
    d = 0.36 * half
    top = polygon((-half * 0.9, -d), (half * 0.9, -d), (half, d), (-half, d))
    edge = polygon((-half, d), (half, d), (half, d + 3.4), (-half, d + 3.4))
    grain = [
        Shape(
            polygon((-half * 0.88, y), (half * 0.9, y + 0.5), (half * 0.9, y + 1.2), (-half * 0.88, y + 0.9)),
            shade(colour, 0.88),
        )
        for y in (-0.55 * d, 0.05 * d, 0.6 * d)
    ]
    hole = Shape(ellipse(half * 0.78, -0.55 * d, 2.2, 1.2), shade(colour, 0.45))
    return [*shadow_at(0, d + 2, 1.1 * half, 5), Shape(edge, shade(colour, 0.68)), Shape(top, colour), *grain, hole]


def moved(sprite: Sprite, x, y) -> Sprite:
    return [Shape(shape.points + [x, y], shape.colour) for shape in sprite]


def shadow_at(x, y, rx, ry) -> Sprite:
    return moved(shadow(rx, ry), x, y)
