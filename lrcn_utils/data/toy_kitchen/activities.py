"""The sixteen activities: what is in the picture, and how it moves.

A script turns (cook's hand, random numbers, frames) into actors and facts. Four scripts are also played
backwards, which gives the reversed pairs their exact symmetry.
"""

import numpy as np

from lrcn_utils.data.toy_kitchen import furniture, scenery, tools
from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen.food_work import helper
from lrcn_utils.data.toy_kitchen.poses import dish, held, path, poses
from lrcn_utils.data.toy_kitchen.poses import facts as facts_of
from lrcn_utils.data.toy_kitchen.poses import food as food_of
from lrcn_utils.data.toy_kitchen.poses import surface as surface_of
from lrcn_utils.data.toy_kitchen.render import SCALE, Actor, Scene, Shape, Sprite

SIZE = (160, 120)
REVERSED_PAIRS = [
    ("OpenDrawer", "CloseDrawer"),
    ("PutIn", "TakeOut"),
    ("CoverPot", "UncoverPot"),
    ("PickUp", "PutDown"),
]
MOTION_ONLY = ["Stir", "Beat", "Scrape", "Whisk"]
OBJECT_ONLY = ["CutCarrot", "CutCucumber", "PeelApple", "PeelPotato"]
CLASSES = [name for pair in REVERSED_PAIRS for name in pair] + MOTION_ONLY + OBJECT_ONLY
VERBS = {
    "OpenDrawer": "open", "CloseDrawer": "close", "PutIn": "put in", "TakeOut": "take out",
    "CoverPot": "cover", "UncoverPot": "uncover", "PickUp": "pick up", "PutDown": "put down",
    "Stir": "stir", "Beat": "beat", "Scrape": "scrape", "Whisk": "whisk",
    "CutCarrot": "cut", "CutCucumber": "cut", "PeelApple": "peel", "PeelPotato": "peel",
}  # fmt: skip
SLOW_TURN, FAST_TURN = 22.0, 8.5  # frames a turn of Stir and Scrape, of Beat and Whisk


def single_frame_ceiling() -> float:
    """The best accuracy a single frame allows: a half in reversed pairs, a quarter among the motion-only, else one."""
    in_pairs, by_motion, by_object = 2 * len(REVERSED_PAIRS), len(MOTION_ONLY), len(OBJECT_ONLY)
    return (in_pairs / 2 + by_motion / by_motion + by_object) / len(CLASSES)


def number_of_frames(rng: np.random.Generator) -> int:
    return int(rng.integers(18, 45))


def scene(seed: int, name: str, group: int, clip: int) -> Scene:
    """The scene of clip ``clip`` (from 1) of class ``name`` in ``group`` (1..25); a function of these four alone."""
    if name not in CLASSES:
        raise ValueError(f"{name}: no such class; the classes are {', '.join(CLASSES)}")
    rng = np.random.default_rng([seed, CLASSES.index(name), group, clip])
    forward = next((pair[0] for pair in REVERSED_PAIRS if name in pair), name)
    result = forward_scene(forward, scenery.kitchen(seed, group), rng)
    if name != forward:
        result.reversed()
        facts = result.facts
        facts["source"], facts["target"] = facts["target"], facts["source"]
        if name == "CloseDrawer":
            facts["source"], facts["target"] = facts["target"], facts["source"]
    return result


def forward_scene(name: str, place: scenery.Kitchen, rng: np.random.Generator) -> Scene:
    frames = number_of_frames(rng)
    horizon = rng.uniform(26, 40) if name != "OpenDrawer" else rng.uniform(12, 20)
    backdrop = scenery.backdrop(place, SIZE, horizon, rng)
    cook = tools.hand(place.skin, draw.COLOURS[place.sleeve], place.striped)
    script = SCRIPTS.get(name, _motion_only)
    actors, facts = script(name, place, cook, frames, rng)
    facts["sleeve"] = place.sleeve
    return Scene(
        size=SIZE,
        backdrop=backdrop,
        actors=actors,
        camera=scenery.camera(frames, rng, SCALE),
        light=scenery.light(place, SIZE, rng),
        zoom=rng.uniform(0.94, 1.1),
        mirrored=bool(rng.random() < 0.5),
        facts=facts,
    )


def _drawer(name, place, cook, frames, rng):
    counter, x, out = rng.uniform(50, 56), rng.uniform(72, 88), rng.uniform(26, 33)
    half, content = rng.uniform(32, 38), rng.choice(["spoon", "fork", "whisk", "spatula"])
    front_y = counter + 6
    times = [0, rng.uniform(0.22, 0.3), rng.uniform(0.68, 0.76), 1]
    pull = path(np.linspace(0, 1, frames), [0, times[1], times[2], 1], [[0], [0], [out], [out]])[:, 0]
    away = [x + rng.uniform(26, 44), front_y + rng.uniform(40, 56)]
    grip = np.array([x + rng.uniform(-3, 3), front_y + 13])
    hand_xy = path(np.linspace(0, 1, frames), times, [away, grip, grip + [0, out], np.array(away) + [0, 8]])
    inside = _drawer_inside(place.front, half, content, rng)
    grow = 1 + 0.05 * pull / out
    moving = poses(x, front_y + pull, 0, grow, 1)
    reach = poses(hand_xy[:, 0], hand_xy[:, 1], rng.uniform(0.5, 0.9), 1.05)
    actors = [
        Actor(_cabinet(place.front, counter, x, half), poses(0, 0), "counter"),
        Actor(inside + furniture.front(place.front, half), moving, "drawer"),
        Actor(furniture.table_edge(place.table, counter, -30, 190), poses(0, 0), "counter"),
        *[Actor(a.sprite, a.poses) for a in scenery.bystanders(SIZE, counter - 30, rng) if a.poses[0, 1] < counter - 8],
        Actor(cook[0], reach, "hand"),
        Actor(cook[1], reach, "hand"),
    ]
    return actors, facts_of("hand", "drawer", "counter", "none", contents=str(content))


def _drawer_inside(wood, half, content, rng) -> Sprite:
    """The open drawer from above, two or three things of one kind in it."""
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
    for k, shift in enumerate((-0.45, 0.0, 0.45)[: rng.integers(2, 4)]):
        lying = Actor(tools.STIRRERS[content](), poses(shift * half * 1.1, -9, 0.2 * (k - 1), 0.9, 0.62)).matrix(0)
        box += [Shape(s.points @ lying[:, :2].T + lying[:, 2], s.colour) for s in tools.STIRRERS[content]()]
    return box


def _cabinet(wood, counter, x, half) -> Sprite:
    """What the drawer at ``x`` is in, below the height ``counter``, with a drawer on each side and doors beneath."""
    front_y = counter + 6
    return [
        Shape(draw.polygon((-30, counter), (190, counter), (190, 150), (-30, 150)), draw.shade(wood, 0.88)),
        Shape(draw.rounded(x - half - 1.5, front_y - 1.5, x + half + 1.5, front_y + 28, 2), draw.shade(wood, 0.5)),
        *[
            Shape(
                draw.rounded(x + s * (2 * half + 8) - half, front_y, x + s * (2 * half + 8) + half, front_y + 27, 2),
                draw.shade(wood, 0.98),
            )
            for s in (-1, 1)
        ],
        Shape(draw.rounded(x - 2.2 * half, front_y + 36, x - 2, 160, 2), draw.shade(wood, 0.98)),
        Shape(draw.rounded(x + 2, front_y + 36, x + 2.2 * half, 160, 2), draw.shade(wood, 0.98)),
    ]


def _put_in(name, place, cook, frames, rng):
    food, colour, shadow, sprite = food_of(rng)
    surface = str(rng.choice(["board", "plate", "counter"]))
    kind, dish_colour, (back, front) = dish(rng, ["bowl", "pot", "pan"], rng.uniform(25, 28))
    from_x, from_y = rng.uniform(44, 54), rng.uniform(76, 88)
    to_x, to_y = rng.uniform(104, 114), rng.uniform(70, 80)
    size = rng.uniform(0.9, 1.08)
    start, end = np.array([from_x, from_y]), np.array([to_x + rng.uniform(-4, 4), to_y - 3])
    lift = rng.uniform(40, 50)
    a, b = rng.uniform(0.2, 0.28), rng.uniform(0.72, 0.8)
    times = [0, a, a + 0.35 * (b - a), a + 0.72 * (b - a), b, 1]
    over = [[from_x + 0.3 * (to_x - from_x), lift], [to_x, lift]]
    food_xy = path(np.linspace(0, 1, frames), times, [start, start, *over, end, end])
    grip = np.array([2.0, -7.0])
    aside, gone = [rng.uniform(110, 140), rng.uniform(15, 35)], [rng.uniform(130, 160), rng.uniform(10, 35)]
    hand_xy = path(np.linspace(0, 1, frames), times, [aside, start + grip, *(np.array(over) + grip), end + grip, gone])
    # The dish's front hides what is inside it, but not the arm that reaches over it.
    time = np.linspace(0, 1, frames)
    inside, lies = time >= times[3], time <= times[1]
    arm = path(np.linspace(0, 1, frames), times, [[rng.uniform(-0.5, 0.1)], *[[v] for v in rng.uniform(-0.55, -0.05, 5)]])[:, 0]
    reach = poses(hand_xy[:, 0], hand_xy[:, 1], arm)
    lying = poses(food_xy[:, 0], food_xy[:, 1], rng.uniform(-0.25, 0.25), size)
    actors = [
        Actor(surface_of(surface, rng), poses(from_x, from_y + 8), surface if surface != "counter" else None),
        Actor(back, poses(to_x, to_y), kind),
        Actor(shadow, lying[:1], visible=lies),
        Actor(front, poses(to_x, to_y), kind, visible=~inside),
        *held(cook, sprite, lying, food, reach),
        Actor(front, poses(to_x, to_y), kind, visible=inside),
    ]
    return actors, facts_of("hand", food, surface, kind, colour=colour, dish_colour=dish_colour)


def _cover(name, place, cook, frames, rng):
    content = str(rng.choice(list(draw.CONTENTS)))
    r = rng.uniform(25, 28)
    kind, dish_colour, (back, front) = dish(rng, ["pot", "pan"], r, content)
    surface = str(rng.choice(["board", "counter"]))
    pot_x, pot_y = rng.uniform(100, 110), rng.uniform(70, 80)
    from_x, from_y = rng.uniform(42, 52), rng.uniform(82, 92)
    lift = rng.uniform(38, 46)
    a, b = rng.uniform(0.2, 0.28), rng.uniform(0.72, 0.8)
    times = [0, a, a + 0.35 * (b - a), a + 0.72 * (b - a), b, 1]
    start, end = np.array([from_x, from_y]), np.array([pot_x, pot_y - 1])
    over = np.array([[from_x + 0.35 * (pot_x - from_x), lift + 8], [pot_x, lift + 4]])
    lid_xy = path(np.linspace(0, 1, frames), times, [start, start, *over, end, end])
    grip = np.array([1.0, -0.66 * r])
    aside, gone = [rng.uniform(100, 135), rng.uniform(10, 28)], [rng.uniform(130, 160), rng.uniform(8, 30)]
    hand_xy = path(np.linspace(0, 1, frames), times, [aside, start + grip, *(over + grip), end + grip, gone])
    arm = path(np.linspace(0, 1, frames), times, [[v] for v in rng.uniform(-0.5, 0.05, 6)])[:, 0]
    reach = poses(hand_xy[:, 0], hand_xy[:, 1], arm)
    lid = draw.lid(dish_colour, r)
    actors = [
        Actor(surface_of(surface, rng), poses(from_x, from_y + 4), surface if surface != "counter" else None),
        Actor(back, poses(pot_x, pot_y), kind),
        Actor(front, poses(pot_x, pot_y), kind),
        *held(cook, lid, poses(lid_xy[:, 0], lid_xy[:, 1]), "lid", reach),
    ]
    return actors, facts_of("hand", "lid", surface, kind, dish_colour=dish_colour, contents=content)


def _pick_up(name, place, cook, frames, rng):
    food, colour, shadow, sprite = food_of(rng)
    surface = str(rng.choice(["board", "plate", "counter"]))
    x, y, size = rng.uniform(66, 92), rng.uniform(76, 90), rng.uniform(1.0, 1.2)
    a, b = rng.uniform(0.3, 0.4), rng.uniform(0.5, 0.6)
    start, grip = np.array([x, y]), np.array([2.0, -7.0])
    up = np.array([x + rng.uniform(4, 14), y - rng.uniform(24, 34)])
    off = np.array([rng.uniform(126, 150), rng.uniform(18, 40)])
    food_xy = path(np.linspace(0, 1, frames), [0, a, b + 0.1, 1], [start, start, up, off])
    hand_xy = path(np.linspace(0, 1, frames), [0, a, b + 0.1, 1], [[rng.uniform(115, 145), rng.uniform(12, 40)], start + grip, up + grip, off + grip]
    )
    reach = poses(hand_xy[:, 0], hand_xy[:, 1], rng.uniform(-0.45, 0.05))
    lying = poses(food_xy[:, 0], food_xy[:, 1], rng.uniform(-0.25, 0.25), size)
    actors = [
        Actor(surface_of(surface, rng), poses(x + rng.uniform(-3, 3), y + 8), surface if surface != "counter" else None),
        Actor(shadow, lying[:1], visible=np.linspace(0, 1, frames) <= a),
        *held(cook, sprite, lying, food, reach),
    ]
    return actors, facts_of("hand", food, surface, "none", colour=colour)


def ring(name: str, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Where the tool is in the bowl, (frames, 2) in units of the bowl's radius: the four motion-only classes.

    Stir and Beat go round a ring; Scrape and Whisk go back and forth along an arc of it, about a random middle. In
    all four the angle at any one frame is uniform and the radius has one distribution, so a frame tells nothing.
    """
    turn = (SLOW_TURN if name in ("Stir", "Scrape") else FAST_TURN) * rng.uniform(0.92, 1.08)
    phase = 2 * np.pi * (rng.random() + rng.choice([-1, 1]) * np.arange(frames) / turn)
    angle = phase
    if name in ("Scrape", "Whisk"):
        angle = rng.uniform(0, 2 * np.pi) + 1.25 * np.sin(phase)
    radius = rng.uniform(0.48, 0.62)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _motion_only(name, place, cook, frames, rng):
    tool, content = str(rng.choice(list(tools.STIRRERS))), str(rng.choice(list(draw.CONTENTS)))
    r = rng.uniform(30, 34)
    kind, dish_colour, (back, front) = dish(rng, ["bowl", "pot"], r, content)
    x, y = rng.uniform(72, 86), rng.uniform(72, 80)
    at = ring(name, frames, rng) * [r, 0.4 * r]
    # The tool leans with its place in the bowl, never with its speed.
    lean = rng.uniform(0.1, 0.35) - 0.012 * at[:, 0]
    arm = rng.uniform(-0.45, 0.1)
    tip = at + [x, y + 3]
    grip = tip + tools.GRIP * np.stack([np.sin(lean), -np.cos(lean)], axis=1)
    reach = poses(grip[:, 0], grip[:, 1], arm)
    sprite = tools.STIRRERS[tool]()
    actors = [
        Actor(back, poses(x, y), kind),
        *held(cook, sprite, poses(tip[:, 0], tip[:, 1], lean), tool, reach),
        Actor(front, poses(x, y), kind),
    ]
    return actors, facts_of(tool, content, kind, "none", dish_colour=dish_colour)


def _stroke(frames, period, rng) -> np.ndarray:
    return np.sin(2 * np.pi * (np.arange(frames) / period + rng.random()))


def _cut(name, place, cook, frames, rng):
    food = "carrot" if name == "CutCarrot" else "cucumber"
    surface = str(rng.choice(["board", "plate", "counter"]))
    x, y, size = rng.uniform(64, 78), rng.uniform(76, 88), rng.uniform(1.1, 1.25)
    tilt = rng.uniform(-0.15, 0.15)
    period = rng.uniform(8, 13)
    height = rng.uniform(6, 8) * (1 + _stroke(frames, period, rng))
    drift = np.linspace(0, -rng.uniform(2, 6), frames)
    edge_x, edge_y = x + 14 * size + drift, y + 4
    lean = rng.uniform(-0.75, -0.45)
    rock = lean - 0.012 * height
    # The point of the blade that cuts is 10 pixels from its tip.
    tip_x, tip_y = edge_x - 10 * np.cos(rock), edge_y - 10 * np.sin(rock) - height
    grip = np.stack([tip_x + 43 * np.cos(rock), tip_y + 43 * np.sin(rock)], axis=1)
    reach = poses(grip[:, 0], grip[:, 1], rng.uniform(-0.35, 0.15))
    kind = surface if surface != "counter" else None
    actors = [Actor(surface_of(surface, rng), poses(x + 8, y + 6, 0, 1.2), kind)]
    actors.append(Actor(draw.FOOD[food](), poses(x, y, tilt, size), food))
    for _ in range(rng.integers(1, 4)):
        spot = poses(x + rng.uniform(26, 40), y + rng.uniform(-2, 12))
        actors.append(Actor(draw.slice_of(food), spot, food))
    actors += helper(cook, x - 16, y - 6, rng)
    actors += held(cook, tools.knife(), poses(tip_x, tip_y, rock), "knife", reach)
    return actors, facts_of("knife", food, surface, "none", pace="quickly" if period < 10.5 else "slowly")


def _peel(name, place, cook, frames, rng):
    food = "apple" if name == "PeelApple" else "potato"
    colour = str(rng.choice(["red", "yellow"])) if food == "apple" else "brown"
    surface = str(rng.choice(["board", "plate", "counter"]))
    x, y, size = rng.uniform(68, 80), rng.uniform(74, 86), rng.uniform(1.25, 1.45)
    period = rng.uniform(9, 14)
    along = rng.uniform(8, 10.5) * _stroke(frames, period, rng)
    direction = rng.uniform(0.2, 0.7)
    tip_x = x + 5 + along * np.cos(direction)
    tip_y = y - 7 + along * np.sin(direction)
    lean = rng.uniform(-0.5, -0.2) + 0.01 * along
    grip = np.stack([tip_x + 25 * np.cos(lean), tip_y + 25 * np.sin(lean)], axis=1)
    reach = poses(grip[:, 0], grip[:, 1], rng.uniform(-0.35, 0.15))
    skin = (176, 130, 84) if food == "potato" else (206, 48, 44) if colour == "red" else (238, 206, 84)
    kind = surface if surface != "counter" else None
    actors = [Actor(surface_of(surface, rng), poses(x + 4, y + 12, 0, 1.15), kind)]
    for _ in range(rng.integers(1, 4)):
        spot = poses(x + rng.uniform(-26, 30), y + rng.uniform(14, 22), rng.uniform(-1, 1))
        actors.append(Actor(tools.peel(skin), spot))
    actors.append(Actor(draw.FOOD[food](colour=colour), poses(x, y, 0, size), food))
    actors += helper(cook, x - 10, y - 2, rng)
    actors += held(cook, tools.peeler(), poses(tip_x, tip_y, lean), "peeler", reach)
    return actors, facts_of("peeler", food, surface, "none", colour=colour, pace="quickly" if period < 11.5 else "slowly")


SCRIPTS = {
    "OpenDrawer": _drawer, "PutIn": _put_in, "CoverPot": _cover, "PickUp": _pick_up,
    "CutCarrot": _cut, "CutCucumber": _cut, "PeelApple": _peel, "PeelPotato": _peel,
}  # fmt: skip
