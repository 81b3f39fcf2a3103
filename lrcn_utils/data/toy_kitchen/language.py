"""What describers say: a small grammar for clips at three levels of detail, and one for stills.

A template is text with choices: ``[a|b|]`` picks one, ``<did/does>`` follows the describer's tense,
``{slot}`` is filled.
"""

import re

import numpy as np

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_TENSE = re.compile(r"<([^/<>]*)/([^<>]*)>")


def expand(template: str, rng: np.random.Generator, slots: dict[str, str], past: bool = True) -> str:
    """One sentence of ``template``: choices drawn from ``rng``, slots filled, which may hold choices too."""
    text, before = template, None
    while text != before:
        before = text
        while match := _CHOICE.search(text):
            options = match.group(1).split("|")
            text = text[: match.start()] + options[rng.integers(len(options))] + text[match.end() :]
        text = _SLOT.sub(lambda slot: slots[slot.group(1)], text)
    text = _TENSE.sub(lambda pair: pair.group(1 if past else 2), text)
    if left := re.search(r"[][{}<>|]", text):
        raise ValueError(f"{template!r}: {left.group()!r} has no partner")
    return re.sub(r"\s+", " ", text).replace(" ,", ",").strip()


# Clips

PLURAL = {"spoon": "spoons", "fork": "forks", "whisk": "whisks", "spatula": "spatulas"}
PLACES = {
    "board": "the [cutting board|cutting board|chopping board|board]",
    "plate": "the [plate|plate|dish]",
    "counter": "the [counter|counter|table]",
    "bowl": "the {dish} bowl",
    "pot": "the {dish} pot",
    "pan": "the {dish} pan",
    "none": "",
}
PLACES_IN_A_ROW = {
    **PLACES,
    "board": "the [cutting boards|cutting boards|chopping boards|boards]",
    "plate": "the [plates|plates|dishes]",
    "pot": "the {dish} pots",
}
TURNS = "[one by one|one after another||]"  # how the repeated actions go on
MANNER = {
    "stir": "[slowly|gently|slowly to and fro|in slow motion]",
    "beat": "[towards the back|in strokes to the back]",
    "scrape": "[towards the front|in strokes to the front|towards the edge]",
    "whisk": "[quickly|fast|quickly to and fro|rapidly]",
    "cut": "[{pace}|{pace}|]",
    "peel": "[{pace}|{pace}|]",
}
DETAILED = {
    "open": [
        "{who} [<opened/opens>|<pulled/pulls> open] the drawers [of|in] the counter with the {contents} {turns}",
        "{who} <reached/reaches> for the handles and [<opened/opens>|<pulled/pulls> open] the drawers of {contents}",
        "{who} <pulled/pulls> [the drawers open|out the drawers] {turns}, there <were/are> {contents} in them",
    ],
    "close": [
        "{who} [<closed/closes>|<shut/shuts>] the drawers [of|in] the counter with the {contents} {turns}",
        "{who} <reached/reaches> for the handles and [<closed/closes>|<shut/shuts>] the drawers of {contents}",
        "{who} <pushed/pushes> the drawers [shut|back in] {turns}, there <were/are> {contents} in them",
    ],
    "put in": [
        "{who} <took/takes> {things} from {source} and [<put/puts>|<placed/places>] them [in|into] {target} {turns}",
        "{who} [<put/puts>|<put/puts>|<placed/places>] {things} from {source} [in|into] {target} {turns}",
        "{things} <were/are> [moved|put] from {source} into {target}",
    ],
    "take out": [
        "{who} <took/takes> {things} out of {source} and [<put/puts>|<placed/places>] them on {target} {turns}",
        "{who} <took/takes> {things} out of {source} [and <laid/lays> them on|onto] {target} {turns}",
        "{who} <removed/removes> {things} from {source} [and <laid/lays> them on|onto] {target}",
        "{things} <were/are> [moved|taken] from {source} to {target}",
    ],
    "cover": [
        "{who} <took/takes> the lids from {sources} and <put/puts> them on {targets} of {contents} {turns}",
        "{who} [<covered/covers>|<closed/closes>] {targets} of {contents} with the lids from {sources}",
        "{who} <put/puts> the lids on {targets} with the {contents} {turns}",
    ],
    "uncover": [
        "{who} <took/takes> the lids off {sources} of {contents} and <put/puts> them on {targets} {turns}",
        "{who} <uncovered/uncovers> {sources} of {contents} and <laid/lays> the lids on {targets}",
        "{who} <removed/removes> the lids from {sources} with the {contents} {turns}",
    ],
    "pick up": [
        "{who} [<picked/picks> up {things}|<picked/picks> {things} up] from {sources} {turns}",
        "{who} [<took/takes> {things} from|<lifted/lifts> {things} off] {sources} [with one hand|{turns}]",
        "{who} <took/takes> {things} from {sources} and <carried/carries> them away",
        "{things} <were/are> [picked up|taken away] from {sources}",
    ],
    "put down": [
        "{who} [<put/puts> down {things}|<put/puts> {things} down] on {targets} {turns}",
        "{who} [<placed/places>|<laid/lays>|<set/sets>] {things} on {targets} [with one hand|{turns}|]",
        "{things} <were/are> [put down|placed] on {targets}",
    ],
    "stir": [
        "{who} [<stirred/stirs>|<stirred/stirs>|<mixed/mixes>] the {object} in {source} {manner} with the {tool}",
        "{who} {manner} <stirred/stirs> the {object} with the {tool} in {source}",
        "{who} <used/uses> the {tool} to stir the {object} in {source} {manner}",
    ],
    "beat": [
        "{who} <beat/beats> the {object} in {source} {manner} with the {tool}",
        "{who} {manner} <beat/beats> the {object} with the {tool} in {source}",
        "{who} <used/uses> the {tool} to beat the {object} in {source} {manner}",
    ],
    "scrape": [
        "{who} <scraped/scrapes> the {object} in {source} {manner} with the {tool}",
        "{who} {manner} <scraped/scrapes> {source} of {object} with the {tool}",
        "{who} <used/uses> the {tool} to scrape the {object} in {source} {manner}",
    ],
    "whisk": [
        "{who} <whisked/whisks> the {object} in {source} {manner} with the {tool}",
        "{who} {manner} <whisked/whisks> the {object} with the {tool} in {source}",
        "{who} <used/uses> the {tool} to whisk the {object} in {source} {manner}",
    ],
    "cut": [
        "{who} {manner} [<cut/cuts>|<sliced/slices>|<chopped/chops>] the {object} on {source} with [the|a] knife",
        "{who} <took/takes> the knife and [<cut/cuts>|<sliced/slices>] the {object} on {source}",
        "{who} [<cut/cuts>|<sliced/slices>|<chopped/chops>] the {object} into slices on {source} {manner}",
    ],
    "peel": [
        "{who} {manner} <peeled/peels> {thing} on {source} with [the|a] peeler",
        "{who} <took/takes> the peeler and <peeled/peels> {thing} over {source}",
        "{who} <used/uses> [the|a] peeler to [peel {thing}|take the skin off {thing}] on {source}",
    ],
}  # fmt: skip
SHORT = {
    "open": ["{who} <opened/opens> the drawers"],
    "close": ["{who} [<closed/closes>|<shut/shuts>] the drawers"],
    "put in": ["{who} <put/puts> the {objects} in the {target_word}"],
    "take out": ["{who} <took/takes> the {objects} out of the {source_word}"],
    "cover": ["{who} [<covered/covers> the {target_word}s|<put/puts> the lids on the {target_word}s]"],
    "uncover": ["{who} [<uncovered/uncovers> the {source_word}s|<took/takes> the lids off the {source_word}s]"],
    "pick up": ["{who} <picked/picks> up the {objects}"],
    "put down": ["{who} <put/puts> down the {objects}"],
    "cut": ["{who} [<cut/cuts>|<sliced/slices>] the {object}"],
    "peel": ["{who} <peeled/peels> the {object}"],
    "stir": ["{who} <stirred/stirs> the {object}"],
    "beat": ["{who} <beat/beats> the {object}"],
    "scrape": ["{who} <scraped/scrapes> the {object}"],
    "whisk": ["{who} <whisked/whisks> the {object}"],
}
SINGLE = {
    "open": "{who} <used/uses> the drawers", "close": "{who} <used/uses> the drawers",
    "put in": "{who} <moved/moves> [the|some] {objects}", "take out": "{who} <moved/moves> [the|some] {objects}",
    "cover": "{who} <cooked/cooks> {contents}", "uncover": "{who} <cooked/cooks> {contents}",
    "pick up": "{who} <fetched/fetches> [some|the] {objects}",
    "put down": "{who} <fetched/fetches> [some|the] {objects}",
    "cut": "{who} <prepared/prepares> [a|the] {object}", "peel": "{who} <prepared/prepares> [a|the] {object}",
    "stir": "{who} <made/makes> {object}", "beat": "{who} <made/makes> {object}",
    "scrape": "{who} <made/makes> {object}", "whisk": "{who} <made/makes> {object}",
}  # fmt: skip
WHO = "[the person|the person|the person|the cook|she|he]"
DESCRIBERS = {"detailed": 5, "short": 2, "singlesentence": 2}


def describe(verb: str, facts: dict, rng: np.random.Generator) -> dict[str, list[str]]:
    """The sentences of one clip: {"detailed": five, "short": two, "singlesentence": two}, one a describer."""
    told = facts.get("colour") if facts["object"] in ("apple", "pepper", "egg") else None
    slots = {
        "who": WHO,
        "tool": facts["tool"],
        "object": facts["object"],
        "thing": f"the [{told}|{told}|] {facts['object']}" if told else f"the {facts['object']}",
        "objects": (objects := PLURALS.get(facts["object"], facts["object"] + "s")),
        "things": f"the [{told}|{told}|] {objects}" if told else f"the {objects}",
        "source": PLACES[facts["source"]],
        "target": PLACES[facts["target"]],
        "sources": PLACES_IN_A_ROW[facts["source"]],
        "targets": PLACES_IN_A_ROW[facts["target"]],
        "turns": TURNS,
        "source_word": facts["source"],
        "target_word": facts["target"],
        "dish": f"[{facts.get('dish_colour', '')}|]",
        "manner": MANNER.get(verb, ""),
        "pace": facts.get("pace", ""),
        "contents": PLURAL.get(facts.get("contents", ""), facts.get("contents", "")),
    }
    templates = {"detailed": DETAILED[verb], "short": SHORT[verb], "singlesentence": [SINGLE[verb]]}
    return {
        level: [
            # The first describers write in the past tense, the others in the present, as real ones differ.
            expand(templates[level][rng.integers(len(templates[level]))], rng, slots, past=n < count - count // 2) + "."
            for n in range(count)
        ]
        for level, count in DESCRIBERS.items()
    }


# Stills

NUMBERS = {1: "a", 2: "two", 3: "three", 4: "four"}
PLURALS = {"potato": "potatoes", "tomato": "tomatoes", "bread": "slices of bread"}
ONE = {"bread": "slice of bread"}
STILL_PLACES = {
    "board": "a [cutting|chopping] board",
    "plate": "a {dish} plate",
    "bowl": "a {dish} bowl",
    "pot": "a {dish} pot",
    "counter": "the [counter|table]",
}
SIDES = {"left": "left of", "right": "right of", "front": "in front of"}
STILL_TEMPLATES = [
    "{things} {on} {place} {with} {extra}",
    "there {is} {things} {on} {place} {with} {extra}",
    "{place} with {things} {also} {extra}",
    "{things} [{lie}|{sit}] {on} {place} {with} {extra}",
    "{on} {place} {is} {things} {also} {extra}",
]


def noun(name: str, count: int, colour: str | None, size: str | None) -> str:
    """A counted noun: "two [large|big] red apples"."""
    sizes = {"large": "[large|big]", "small": "[small|little]", None: ""}
    word = ONE.get(name, name) if count == 1 else PLURALS.get(name, name + "s")
    number = NUMBERS[count]
    first = size or colour or word
    if count == 1 and first[0] in "aeiou":
        number = "an"
    return " ".join(w for w in (number, sizes[size], colour, word) if w)


def caption(facts: dict, rng: np.random.Generator) -> list[str]:
    """Five captions of a still, each in other words: lower case, without a full stop."""
    main, second = facts["main"], facts.get("second")
    slots = {
        "things": noun(main["name"], main["count"], main["colour"], main["size"]),
        "on": "in" if facts["place"] in ("bowl", "pot") else "on",
        "place": STILL_PLACES[facts["place"]],
        "dish": facts["dish_colour"] or "",
        "is": "is" if main["count"] == 1 else "are",
        "lie": "lies" if main["count"] == 1 else "lie",
        "sit": "[sits|rests]" if main["count"] == 1 else "[sit|rest]",
        "also": "",
        "with": "",
        "extra": "",
    }
    if second:
        beside = noun(second["name"], second["count"], second["colour"], None)
        if second["where"] != "with":
            it = "them" if facts["place"] == "counter" and main["count"] > 1 else "it"
            beside += f" {SIDES[second['where']]} {it}"
        slots |= {"also": f"and {beside}", "with": f"with {beside}"}
    if tool := facts.get("tool"):
        slots["extra"] = f"and a hand [with|holding] a {tool}"
    return [expand(template, rng, slots) for template in STILL_TEMPLATES]
