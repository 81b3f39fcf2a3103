"""Tools, the cook's hand, and the things that only stand about, as polygons.

A tool has its working end at (0, 0). It is upright with its handle towards -y and held at (0, -GRIP), unless told.
"""

import numpy as np

from lrcn_utils.data.toy_kitchen.render import Shape, Sprite
from lrcn_utils.data.toy_kitchen.sprites import COLOURS, SHADOW, capsule, ellipse, polygon, rounded, shade, shadow_at

GRIP = 34.0
STEEL, STEEL_DARK = (206, 210, 216), (150, 156, 164)
WOOD = (188, 134, 80)


def spoon() -> Sprite:
    return [
        Shape(capsule(0, -8, 0, -50, 1.7, 2.2), shade(WOOD, 0.8)),
        Shape(capsule(-0.4, -8, -0.4, -50, 1.0, 1.5), WOOD),
        Shape(ellipse(0, -2, 5.6, 7), shade(WOOD, 0.84)),
        Shape(ellipse(-0.4, -2.4, 4.2, 5.4), shade(WOOD, 1.15)),
    ]


def fork() -> Sprite:
    tines = [Shape(capsule(x, 2, x, -8, 0.9), STEEL) for x in (-4, -1.35, 1.35, 4)]
    return [
        Shape(capsule(0, -12, 0, -50, 1.6, 2.4), STEEL_DARK),
        Shape(rounded(-4.9, -12, 4.9, -6.5, 2.4), STEEL),
        *tines,
    ]


def whisk() -> Sprite:
    wires = []
    for width in (7.2, 4.4, 1.6):
        outer = ellipse(0, -8, width, 12, n=26)
        wires.append(Shape(np.concatenate([outer, outer[:1], (ellipse(0, -8, width - 0.9, 11.1, n=26))[::-1]]), STEEL))
    return [Shape(capsule(0, -20, 0, -50, 2.2, 2.8), (70, 74, 84)), *wires]


def spatula() -> Sprite:
    return [
        Shape(capsule(0, -12, 0, -50, 1.7, 2.3), (90, 60, 48)),
        Shape(rounded(-6, -14, 6, 3, 2.6), (200, 62, 58)),
        Shape(rounded(-4.2, -12.4, 1, 1.4, 1.6), (226, 110, 104)),
    ]


STIRRERS = {f.__name__: f for f in (spoon, fork, whisk, spatula)}


def knife() -> Sprite:
    """A knife along +x, its edge down, its tip at (0, 0), held at (42, -2)."""
    blade = polygon((0, 0), (3, -3.4), (12, -6.4), (33, -6.4), (33, 2.2), (10, 2.2))
    return [
        Shape(blade, STEEL_DARK),
        Shape(polygon((2, -1.6), (12, -5.6), (33, -5.6), (33, -1.4), (9, -1.0)), STEEL),
        Shape(capsule(34, -3.2, 54, -3.2, 3.4, 3.8), (62, 44, 40)),
        Shape(ellipse(40, -4, 0.9, 0.9), STEEL),
    ]


def peeler() -> Sprite:
    """A peeler along +x, its blade at (0, 0), held at (24, 0)."""
    return [
        Shape(capsule(10, -4, 14, 0, 1.5), STEEL_DARK),
        Shape(capsule(10, 4, 14, 0, 1.5), STEEL_DARK),
        Shape(rounded(-1, -7.5, 4.4, 7.5, 2), STEEL),
        Shape(rounded(0.8, -5.2, 2.2, 5.2, 0.6), (70, 72, 78)),
        Shape(capsule(4, -6.6, 10, -4, 1.4), STEEL_DARK),
        Shape(capsule(4, 6.6, 10, 4, 1.4), STEEL_DARK),
        Shape(capsule(14, 0, 36, 0, 3, 3.6), (40, 120, 96)),
    ]


def peel(colour) -> Sprite:
    """A curl of peel on the table."""
    return [Shape(capsule(-4, 1, 1, -1, 1.6), shade(colour, 0.9)), Shape(capsule(1, -1, 5, 1.2, 1.6, 1.0), colour)]


# The cook's hand: the pinch at (0, 0), the arm towards +x. (back, fingers), for a held thing to lie between


def hand(skin, sleeve, striped: bool) -> tuple[Sprite, Sprite]:
    line = shade(skin, 0.74)
    stripes = [
        Shape(
            polygon((x, -10 - x / 40), (x + 5, -10 - (x + 5) / 40), (x + 5, 10 + (x + 5) / 40), (x, 10 + x / 40)),
            shade(sleeve, 1.55),
        )
        for x in range(46, 210, 14)
    ]
    back = [
        Shape(polygon((34, -9.5), (230, -16), (230, 16), (34, 9.5)), sleeve),
        Shape(polygon((34, 4), (230, 7), (230, 16), (34, 9.5)), shade(sleeve, 0.82)),
        *(stripes if striped else []),
        Shape(rounded(31, -11, 39, 11, 3), shade(sleeve, 0.72)),
        Shape(polygon((16, -8), (32, -7.5), (32, 7.5), (16, 8)), shade(skin, 0.92)),
        Shape(ellipse(17, 0, 10.5, 9.8), skin),
        Shape(capsule(15, 7, 3, 5.4, 3.4, 2.6), line),
        Shape(capsule(15, 6.4, 3, 4.8, 3.0, 2.3), shade(skin, 0.94)),
    ]
    fingers = []
    for x, y, tip_x, tip_y in ((15, -6.6, 2.5, -6.2), (15, -3, -1, -2.6), (15, 0.8, -0.6, 0.8), (14, 4, 2, 3.4)):
        fingers.append(Shape(capsule(x, y, tip_x, tip_y, 2.9, 2.5), line))
        fingers.append(Shape(capsule(x + 1, y - 0.4, tip_x + 0.3, tip_y - 0.4, 2.4, 2.0), skin))
    return back, fingers


# Things that only stand about


def cup(colour="blue") -> Sprite:
    c = COLOURS[colour]
    return [
        *shadow_at(0, 0, 9, 3),
        Shape(ellipse(9, -8, 4.4, 4.4), shade(c, 0.8)),
        Shape(ellipse(9, -8, 2.4, 2.4), (90, 80, 70)),
        Shape(rounded(-8, -15, 8, 1.5, 3), shade(c, 0.9)),
        Shape(rounded(-8, -15, -2, 1, 3), c),
        Shape(ellipse(0, -15, 8, 2.6), shade(c, 1.3)),
        Shape(ellipse(0, -14.8, 6.6, 1.9), (84, 56, 40)),
    ]


def plant(pot_colour="brown") -> Sprite:
    c = COLOURS[pot_colour]
    leaves = []
    for k, angle in enumerate(np.linspace(-2.7, -0.45, 7)):
        tip = 19 * np.array([np.cos(angle), np.sin(angle)]) + [0, -12]
        normal = 3.4 * np.array([-np.sin(angle), np.cos(angle)])
        middle = tip * 0.55 + np.array([0, -5.4])
        leaves.append(
            Shape(
                np.array([[0, -11], middle + normal, tip, middle - normal]),
                shade((82, 150, 70), (0.8, 1.0, 1.2)[k % 3]),
            )
        )
    return [
        *shadow_at(0, 0, 9, 3),
        *leaves,
        Shape(polygon((-8, -13), (8, -13), (6, 1.5), (-6, 1.5)), shade(c, 0.9)),
        Shape(rounded(-9, -15, 9, -11, 1.5), c),
    ]


def jar(colour="yellow") -> Sprite:
    c = COLOURS[colour]
    return [
        *shadow_at(0, 0, 8, 3),
        Shape(rounded(-7, -20, 7, 1.5, 3), (214, 226, 228)),
        Shape(rounded(-6, -13, 6, 0.5, 2.4), c),
        Shape(rounded(-7.4, -24, 7.4, -19, 1.5), (120, 84, 60)),
        Shape(rounded(-5, -18, -3, -2, 1), (255, 255, 255, 120)),
    ]


def towel(colour="red") -> Sprite:
    c = COLOURS[colour]
    cloth = polygon((-14, -5), (11, -7), (16, 5), (-10, 8))
    bands = [
        Shape(polygon((x, -5.6), (x + 3, -5.8), (x + 6.6, 6.2), (x + 3.4, 6.6)), shade(c, 1.5)) for x in (-9, -1, 6)
    ]
    return [Shape(cloth + [1.5, 2], SHADOW), Shape(cloth, c), *bands]


def shaker(colour="white") -> Sprite:
    c = COLOURS[colour]
    return [
        *shadow_at(0, 0, 5, 2),
        Shape(polygon((-4, -12), (4, -12), (5.4, 1.4), (-5.4, 1.4)), shade(c, 0.86)),
        Shape(polygon((-4, -12), (0, -12), (-1, 1.4), (-5.4, 1.4)), c),
        Shape(ellipse(0, -12.5, 4.2, 2.8), STEEL_DARK),
    ]


BYSTANDERS = {f.__name__: f for f in (cup, plant, jar, towel, shaker)}
