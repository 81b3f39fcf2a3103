"""Drawers and what they are in, as polygons."""

from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen import tools
from lrcn_utils.data.toy_kitchen.poses import poses
from lrcn_utils.data.toy_kitchen.render import Actor, Shape, Sprite


def drawer(wood, half: float, content: str) -> Sprite:
    """A drawer seen from above, three things of one kind in it; its front begins at y = 0, its middle is x = 0."""
    return _inside(wood, half, content) + front(wood, half)


def _inside(wood, half: float, content: str) -> Sprite:
    box = [
        Shape(draw.polygon((-half + 4, -40), (half - 4, -40), (half - 2, 2), (-half + 2, 2)), draw.shade(wood, 0.36))
    ]
    box += [
        Shape(
            draw.polygon((s * (half - 4), -40), (s * (half - 7), -40), (s * (half - 6), 2), (s * (half - 2), 2)),
            draw.shade(wood, 0.6),
        )
        for s in (-1, 1)
    ]
    for k in (-1, 0, 1):
        lying = Actor([], poses(0.5 * k * half, -9, 0.2 * k, 0.75, 0.55)).matrix(0)
        box += [Shape(s.points @ lying[:, :2].T + lying[:, 2], s.colour) for s in tools.STIRRERS[content]()]
    return box


def front(wood, half: float) -> Sprite:
    """The front of a drawer, its handle in the middle; its upper edge is y = 0."""
    return [
        Shape(draw.rounded(-half, 0, half, 27, 2), draw.shade(wood, 0.78)),
        Shape(draw.rounded(-half + 1, 0.8, half - 1, 25.6, 2), draw.shade(wood, 1.05)),
        Shape(draw.rounded(-half + 5, 4.5, half - 5, 22, 1.5), draw.shade(wood, 0.9)),
        Shape(draw.rounded(-half + 6, 5.5, half - 5.6, 21.6, 1.5), draw.shade(wood, 0.98)),
        Shape(draw.capsule(-8, 13.6, 8, 13.6, 2.6), (70, 66, 66)),
        Shape(draw.capsule(-8, 12.8, 8, 12.8, 1.5), (176, 176, 176)),
    ]


def cabinet(wood, counter: float, places: list[float], half: float) -> Sprite:
    """The front below the height ``counter``, with room for drawers at ``places`` and doors beneath."""
    left, right, front_y = places[0] - 2 * half, places[-1] + 2 * half, counter + 6
    gaps = [
        Shape(draw.rounded(x - half - 1.5, front_y - 1.5, x + half + 1.5, front_y + 28, 2), draw.shade(wood, 0.5))
        for x in places
    ]
    doors = [
        Shape(draw.rounded(x - half - 1, front_y + 36, x + half + 1, 170, 2), draw.shade(wood, 0.98)) for x in places
    ]
    plank = draw.polygon((left, counter), (right, counter), (right, 170), (left, 170))
    return [Shape(plank, draw.shade(wood, 0.88)), *gaps, *doors]


def table_edge(table, counter: float, left: float, right: float) -> Sprite:
    """The table top before the wall, its edge and the shadow below."""
    strip = lambda top, bottom: draw.polygon((left, top), (right, top), (right, bottom), (left, bottom))  # noqa: E731
    return [
        Shape(strip(counter - 38, counter), table),
        Shape(strip(counter, counter + 5), draw.shade(table, 0.72)),
        Shape(strip(counter + 5, counter + 8), (0, 0, 0, 50)),
    ]
