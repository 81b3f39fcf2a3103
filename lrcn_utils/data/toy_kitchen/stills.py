"""Stills: food in and on things, with counts, colours and places, for the captioning lessons."""

import numpy as np

from lrcn_utils.data.toy_kitchen import scenery, tools
from lrcn_utils.data.toy_kitchen import sprites as draw
from lrcn_utils.data.toy_kitchen.render import SCALE, Actor, Scene

SIZE = (128, 128)
PLACES = ["board", "plate", "bowl", "pot", "counter"]
DISH_COLOURS = {
    "plate": ["white", "blue", "yellow"],
    "bowl": ["white", "blue", "red", "yellow"],
    "pot": ["grey", "red", "blue"],
}
# These pairs occur in test stills only; each food and each place occurs in training with others.
HELD_OUT = [
    ("egg", "board"),
    ("lemon", "plate"),
    ("carrot", "bowl"),
    ("tomato", "pot"),
    ("pepper", "counter"),
    ("bread", "bowl"),
]
SPLIT_GROUPS = {"train": range(8, 23), "val": range(23, 26), "test": range(1, 8)}
HELD_OUT_SHARE = 1 / 3  # of the test stills
ROOM = {"board": 4, "plate": 4, "bowl": 3, "pot": 3, "counter": 4}
SPREAD = {
    1: [(0, 0)],
    2: [(-15, -2), (15, 3)],
    3: [(-21, 4), (0, -6), (21, 4)],
    4: [(-17, -8), (15, -9), (-15, 10), (18, 9)],
}
# Carrots and cucumbers lie one before the other, or some would be hidden.
LONG = ("carrot", "cucumber")
SPREAD_LONG = {
    1: [(0, 0)],
    2: [(-5, -6), (5, 6)],
    3: [(-4, -11), (5, 0), (-4, 11)],
    4: [(-5, -15), (5, -5), (-5, 5), (5, 15)],
}


def _item(name: str, count: int, rng, sized: bool) -> dict:
    size = str(rng.choice(["large", "small"])) if sized and count == 1 and rng.random() < 0.4 else None
    colours = draw.FOOD_COLOURS[name]
    colour = str(rng.choice(colours)) if len(colours) > 1 else None
    return {"name": name, "count": count, "colour": colour, "size": size}


def draw_facts(rng: np.random.Generator, held_out: bool) -> dict:
    """What one still shows; a held-out composition if asked, else never one."""
    food = list(draw.FOOD)
    while True:
        name, place = str(rng.choice(food)), str(rng.choice(PLACES))
        if held_out:
            name, place = HELD_OUT[rng.integers(len(HELD_OUT))]
        if held_out or (name, place) not in HELD_OUT:
            break
    main = _item(name, int(rng.integers(1, ROOM[place] + 1)), rng, sized=place != "pot")
    if name in LONG and place in ("bowl", "pot"):
        main["count"] = min(main["count"], 2)
    facts = {"place": place, "dish_colour": None, "main": main, "held_out": held_out}
    if place in DISH_COLOURS:
        facts["dish_colour"] = str(rng.choice(DISH_COLOURS[place]))
    if rng.random() < 0.7:
        where = (
            str(rng.choice(["with", "left", "right", "front"]))
            if place != "counter"
            else str(rng.choice(["left", "right", "front"]))
        )
        there = place if where == "with" else "counter"
        others = [f for f in food if f != name and (f, there) not in HELD_OUT]
        if where == "with":
            main["count"] = min(main["count"], 2)
        count = 1 if where != "front" else int(rng.integers(1, 3))
        facts["second"] = {**_item(str(rng.choice(others)), count, rng, False), "where": where}
    if rng.random() < 0.2 and place != "counter":
        facts["tool"] = str(rng.choice(["knife", "spoon", "fork", "whisk", "spatula"]))
    return facts


def _foods(item: dict, spots, x, y, scale, rng, start=0) -> list[Actor]:
    size = scale * {"large": 1.45, "small": 0.72, None: 1.0}[item["size"]]
    options = {} if item["colour"] is None else {"colour": item["colour"]}
    actors = []
    for k, (right, down) in sorted(enumerate(spots), key=lambda spot: spot[1][1]):
        turn, at = rng.uniform(-0.3, 0.3), np.array([right, down]) * scale + rng.uniform(-1.5, 1.5, 2)
        pose = np.array([[x + at[0], y + at[1], turn, size, size]])
        actors.append(Actor(draw.FOOD[item["name"]](**options), pose, f"{item['name']}#{start + k}"))
    return actors


def scene(seed: int, split: str, number: int) -> Scene:
    """Still ``number`` (from 0) of ``split``; a function of these three alone."""
    rng = np.random.default_rng([seed, 501, list(SPLIT_GROUPS).index(split), number])
    groups = SPLIT_GROUPS[split]
    group = groups[rng.integers(len(groups))]
    place = scenery.kitchen(seed, group)
    facts = draw_facts(rng, held_out=split == "test" and rng.random() < HELD_OUT_SHARE)
    facts["group"] = int(group)
    horizon = rng.uniform(28, 42)
    backdrop = scenery.backdrop(place, SIZE, horizon, rng)
    facts["table"] = place.table_style
    standing = [actor for actor in backdrop if actor.name]
    return Scene(
        size=SIZE,
        backdrop=[actor for actor in backdrop if not actor.name],
        actors=_bystanders(standing) + _arrange(facts, place, rng),
        camera=scenery.camera(1, rng, SCALE),
        light=scenery.light(place, SIZE, rng),
        zoom=rng.uniform(0.95, 1.08),
        facts=facts,
    )


def _bystanders(standing: list[Actor]) -> list[Actor]:
    return [Actor(actor.sprite, actor.poses, f"{actor.name.split(' ')[1]}#{k}") for k, actor in enumerate(standing)]


def _arrange(facts: dict, place: scenery.Kitchen, rng: np.random.Generator) -> list[Actor]:
    main, second, kind = facts["main"], facts.get("second"), facts["place"]
    apart = {"left": 17, "right": -17}.get(second and second["where"], 0)
    x, y = 64 + apart + rng.uniform(-4, 4), rng.uniform(72, 80)
    together = second is not None and second["where"] == "with"
    long = main["name"] in LONG and not (together and second["name"] not in LONG)
    spots = (SPREAD_LONG if long else SPREAD)[main["count"] + together]
    inside = kind in ("bowl", "pot")
    r = rng.uniform(33, 36) if not apart else rng.uniform(28, 31)
    if inside:
        scale = 0.82 * r / 34
        spots = [(right * 0.82, -6 + (0.45 if long else 0.25) * down) for right, down in spots]
    elif kind == "counter":
        scale = 0.95 if not apart else 0.75
    else:
        scale = 0.9 * r / 36
        spots = [(right, down * (0.6 if kind == "plate" and not long else 0.8) - 3) for right, down in spots]
    if inside:
        back, front = getattr(draw, kind)(facts["dish_colour"], r)
    elif kind == "plate":
        back, front = draw.plate(facts["dish_colour"], r * 1.12), []
    elif kind == "board":
        back, front = draw.board(((196, 146, 92), (222, 190, 140), (140, 96, 62))[rng.integers(3)], r * 1.08), []
    else:
        back, front = [], []
    pose = np.array([[x, y, 0, 1.0, 1.0]])
    actors = [Actor(back, pose, f"{kind}#0")] if back else []
    actors += _foods(main, spots[: main["count"]], x, y, scale, rng)
    if together:
        actors += _foods(second, spots[main["count"] :], x, y, scale, rng)
    if front:
        actors.append(Actor(front, pose, f"{kind}#0"))
    if facts.get("tool"):
        actors += _tool(facts["tool"], place, x, y, rng)
    if second is not None and not together:
        side = {"left": -1, "right": 1, "front": 0}[second["where"]]
        spot = (SPREAD_LONG if second["name"] in LONG else SPREAD)[second["count"]]
        # What stands in front stands below the dish's front edge.
        below = 16 if side else 34
        actors += _foods(second, spot, x + side * (r + 17), min(y + below, 112), 0.85, rng)
    return actors


def _tool(tool: str, place: scenery.Kitchen, x, y, rng) -> list[Actor]:
    """A hand with a tool above what is shown."""
    back, fingers = tools.hand(place.skin, draw.COLOURS[place.sleeve], place.striped)
    if tool == "knife":
        sprite, grip, lean = tools.knife(), np.array([43.0, -3.0]), rng.uniform(-0.6, -0.3)
        tip = np.array([x + rng.uniform(-6, 4), y - rng.uniform(20, 28)])
    else:
        sprite, grip, lean = tools.STIRRERS[tool](), np.array([0.0, -tools.GRIP]), rng.uniform(0.5, 0.9)
        tip = np.array([x + rng.uniform(-2, 8), y - rng.uniform(16, 22)])
    cos, sin = np.cos(lean), np.sin(lean)
    held = tip + np.array([[cos, -sin], [sin, cos]]) @ grip
    reach = np.array([[*held, rng.uniform(-0.5, -0.1), 0.9, 0.9]])
    return [
        Actor(back, reach, "hand#0"),
        Actor(sprite, np.array([[*tip, lean, 1.0, 1.0]]), f"{tool}#0"),
        Actor(fingers, reach, "hand#0"),
    ]
