"""The dataset's card: what is in it, and what can be told from what."""

from collections import Counter

import numpy as np

from lrcn_utils.data.toy_kitchen import activities, stills


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
        "single_frame_ceiling": activities.single_frame_ceiling(),
        "stills": dict(Counter(picture["split"] for picture in pictures)),
        "stills_held_out": sum(picture["facts"]["held_out"] for picture in pictures),
        "held_out_compositions": stills.HELD_OUT,
    }


def card_text(card: dict) -> str:
    """The card as a page of text."""
    pairs = ", ".join("/".join(pair) for pair in card["reversed_pairs"])
    classes = len(activities.CLASSES)
    lines = [
        f"Toy Kitchen, seed {card['settings']['seed']}: {card['videos']} videos of 120 x 160 at 25 frames/s, {card['frames']} frames,"
        f" and {sum(card['stills'].values())} stills of 128 x 128",
        "",
        "Videos of each class: " + ", ".join(f"{name} {n}" for name, n in card["videos_per_class"].items()),
        "Frames in a video: {shortest} to {longest}, median {median:g}".format(**card["length"]),
        f"Groups (cook, kitchen, light): {len(card['groups'])}; test groups of split 1 are 1-7, of split 2 8-14, of split 3 15-21",
        "",
        "What a single frame cannot tell apart:",
        f"  reversed pairs, each the other played backwards: {pairs}",
        f"  motion-only, same picture and other movement: {', '.join(card['motion_only'])}",
        "What movement cannot tell apart, but a single frame can:",
        f"  object-only: {card['object_only'][0]}/{card['object_only'][1]}, {card['object_only'][2]}/{card['object_only'][3]}",
        f"Single-frame ceiling: (8 x 1/2 + 4 x 1/4 + 4 x 1) / {classes} = {card['single_frame_ceiling']:.2%}; chance {1 / classes:.2%}",
        "",
        "Stills: " + ", ".join(f"{split} {n}" for split, n in card["stills"].items()) + ", five captions each;"
        f" {card['stills_held_out']} of test show a composition never seen in training:",
        "  " + ", ".join(f"{food} {'in' if place in ('bowl', 'pot') else 'on'} {place}" for food, place in card["held_out_compositions"]),
    ]  # fmt: skip
    return "\n".join(lines)
