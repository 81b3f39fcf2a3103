"""The dataset's card: what is in it, and what can be told from what."""

from collections import Counter

import numpy as np

from lrcn_utils.data.toy_kitchen import activities, stills
from lrcn_utils.data.toy_kitchen.ceilings import ceilings


def build_card(settings: dict, videos: list[dict], pictures: list[dict]) -> dict:
    """The contents of card.json from the records of all videos and stills."""
    lengths = np.array([video["frames"] for video in videos])
    return {
        "name": "Toy Kitchen",
        "settings": settings,
        "videos": len(videos),
        "frames": int(lengths.sum()),
        "videos_per_class": dict(sorted(Counter(video["class"] for video in videos).items())),
        "length": {"shortest": int(lengths.min()), "median": float(np.median(lengths)), "longest": int(lengths.max())},
        "groups": sorted({video["group"] for video in videos}),
        "test_groups": {"1": [1, 7], "2": [8, 14], "3": [15, 21]},
        "reversed_pairs": activities.REVERSED_PAIRS,
        "motion_only": activities.MOTION_ONLY,
        "object_only": activities.OBJECT_ONLY,
        "ceilings": ceilings(),
        "stills": dict(Counter(picture["split"] for picture in pictures)),
        "stills_held_out": sum(picture["facts"]["held_out"] for picture in pictures),
        "held_out_compositions": stills.HELD_OUT,
    }


def card_text(card: dict) -> str:
    """The card as a page of text."""
    pairs = ", ".join("/".join(pair) for pair in card["reversed_pairs"])
    length, food = card["length"], card["object_only"]
    held_out = [
        f"{thing} {'in' if place in ('bowl', 'pot') else 'on'} {place}"
        for thing, place in card["held_out_compositions"]
    ]
    lines = [
        f"Toy Kitchen, seed {card['settings']['seed']}",
        f"{card['videos']} videos of 120 x 160, {card['frames']} frames in all; "
        f"{length['shortest']} to {length['longest']} in a video, median {length['median']:g}",
        f"{len(card['groups'])} groups, each a cook, a kitchen and its light; "
        "test groups: 1-7 in split 1, 8-14 in split 2, 15-21 in split 3",
        "",
        "Videos of each class:",
        *_columns(card["videos_per_class"]),
        "",
        "What a single frame cannot tell apart:",
        f"  reversed pairs, each the other played backwards: {pairs}",
        f"  motion-only, one picture and four movements: {', '.join(card['motion_only'])}",
        "What a single frame can tell apart, and movement cannot:",
        f"  object-only: {food[0]}/{food[1]}, {food[2]}/{food[3]}",
        *_best_possible(card),
        "",
        f"{sum(card['stills'].values())} stills of 128 x 128, five captions each: "
        + ", ".join(f"{split} {n}" for split, n in card["stills"].items()),
        f"{card['stills_held_out']} of the test stills show a composition that training never shows:",
        f"  {', '.join(held_out)}",
    ]
    return "\n".join(lines)


def _best_possible(card: dict) -> list[str]:
    """The best accuracy that a model can have, by what it sees of a clip."""
    classes = len(activities.CLASSES)
    kinds = list(next(iter(card["ceilings"].values())))
    lines = [
        f"The best accuracy by what is seen of a clip (chance among {classes} classes: {1 / classes:.2%}):",
        f"  {'':<30}" + "".join(f"{kind:>16}" for kind in kinds),
    ]
    for seen, best in card["ceilings"].items():
        lines.append(f"  {seen:<30}" + "".join(f"{best[kind]:>16.2%}" for kind in kinds))
    return lines


def _columns(counts: dict[str, int], across: int = 4) -> list[str]:
    cells = [f"{name:<12}{number:>4}" for name, number in counts.items()]
    return ["  " + "   ".join(cells[k : k + across]) for k in range(0, len(cells), across)]
