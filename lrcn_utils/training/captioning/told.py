"""What a caption tells of a still: the main food, how many, where it lies, and on which side another food is.

The rules fit the grammar of Toy Kitchen's captions, in which the main food is named before any other.
"""

from collections.abc import Sequence

import numpy as np

from lrcn_utils.training.cnn.images import still_words

FOODS = ("apple", "bread", "carrot", "cucumber", "egg", "lemon", "pepper", "potato", "tomato")
_NUMBERS = {"a": "1", "an": "1", "two": "2", "three": "3", "four": "4"}
_PLACES = {name: name for name in ("board", "plate", "bowl", "pot", "counter")} | {"table": "counter"}
_SIDES = {name: name for name in ("left", "right", "front")}
FACTS = ("food", "count", "place", "side")


def _told(caption: Sequence[str]) -> dict[str, str]:
    """The food, count, place and side that the words of a caption tell; "none" for what they leave open."""
    foods = [(step, food) for step, word in enumerate(caption) for food in FOODS if word.startswith(food)]
    step, food = foods[0] if foods else (len(caption), "none")
    numbers = [_NUMBERS[word] for word in caption[:step] if word in _NUMBERS]
    count, place, side = (numbers or ["none"])[-1], _first(_PLACES, caption), _first(_SIDES, caption)
    return {"food": food, "count": count, "place": place, "side": side}


def _first(names: dict[str, str], caption: Sequence[str]) -> str:
    return next((names[word] for word in caption if word in names), "none")


def right(captions: Sequence[Sequence[str]], facts: Sequence[dict]) -> dict[str, float]:
    """The share of captions, 0..1, that tell each of the FACTS as it is in the ground truth of its still."""
    said = [_told(caption) for caption in captions]
    true = [_true(one) for one in facts]
    return {fact: float(np.mean([a[fact] == b[fact] for a, b in zip(said, true, strict=True)])) for fact in FACTS}


def _true(facts: dict) -> dict[str, str]:
    words = still_words(facts)
    side = words["where"] if words["where"] in _SIDES else "none"
    return {"food": words["object"], "count": words["count"], "place": words["place"], "side": side}
