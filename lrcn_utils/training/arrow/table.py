"""The tables of the arrow of time: what is left of it in each encoding, and what the flawed models call the control.

A film counts twice, once forwards and once backwards, each time right or wrong. The films of a group are pieces of one
film, so the group is what counts as one piece of evidence: if all answers were guessed, and those of a group were all
alike, accuracy would spread as widely as that many coins do.
"""

import json
from collections.abc import Sequence
from importlib import resources

import numpy as np

from lrcn_utils.paper import Table
from lrcn_utils.training.arrow.films import Film
from lrcn_utils.training.arrow.shown import AGAIN, BACKWARDS, FORWARDS, KEYS, POSITION, STORED, WINDOWS

ALL = "all"
Rows = list[dict[str, float] | None]  # of each film {direction shown: probability of "forwards"}; None: too short
Calls = dict[tuple[str, str], dict[str, list[Rows]]]  # {(trained on, shown): {model: rows of each seed}}

HEADINGS = {
    STORED: "as stored, {n} frames in a row: the flawed test",
    AGAIN: "each direction encoded again in its own direction, {n} frames in a row",
    POSITION: "one position in the group of pictures, {n} frames that are {gop} apart",
    KEYS: "key frames only, {n} in a row",
}


def about(films: Sequence[Film], gop: int) -> list[str]:
    """What the films are, in a line for each class."""
    lines = []
    for name, members in _members(films).items():
        some = [films[number] for number in members]
        regular = sum(film.has_key_frames_every(gop) for film in some)
        groups = len({(film.class_name, film.group) for film in some})
        keys = np.median([len(film.keys) for film in some])
        lines.append(
            f"{name}: {len(some)} films in {groups} groups, {np.median([film.frames for film in some]):.0f} frames and "
            f"{keys:.0f} key frames in the median; a key frame every {gop} frames in {regular} of them"
        )
    return lines


def accuracy(rows: Rows) -> float:
    """Share of films called right, each shown in both directions. A tie is called backwards: right once in two."""
    return float(np.mean([_right(row) for row in rows if row is not None]))


def summary(films: Sequence[Film], found: Calls, gop: int) -> dict:
    """The results as they are written: shares in 0..1, a list has one entry a seed.

    ``accuracy``: {encoding: {model: {class: shares}}}, also of all classes together, as "all".
    ``standard error over groups``: the same without seeds: of the mean over groups, whose seeds are averaged first.
    ``called forwards``: {model: {class: {"as stored" or "encoded again": {direction shown: shares}}}}, by models
    trained on films as they are stored. ``films`` and ``groups``: how many were tested, {encoding: {class: number}}.
    """
    results = {"gop": gop, "accuracy": {}, "standard error over groups": {}, "films": {}, "groups": {}}
    results |= {"key frames every gop": {}, "called forwards": {}}
    for (trained, seen), models in found.items():
        if trained == seen:
            results["accuracy"][seen] = {model: _by_class(films, seeds, accuracy) for model, seeds in models.items()}
            errors = {model: _errors(films, seeds) for model, seeds in models.items()}
            results["standard error over groups"][seen] = errors
            tested = _tested(films, next(iter(models.values()))[0])
            results["films"][seen] = {name: len(numbers) for name, numbers in tested.items()}
            results["groups"][seen] = {name: len(_units(films, numbers)) for name, numbers in tested.items()}
        for model, seeds in models.items() if trained == STORED else ():
            for way in (FORWARDS, BACKWARDS):
                shares = _by_class(films, seeds, lambda rows, way=way: _called_forwards(rows, way))
                for name, values in shares.items():
                    by_film = results["called forwards"].setdefault(model, {}).setdefault(name, {})
                    by_film.setdefault(seen, {})[way] = values
    for name, members in _members(films).items():
        results["key frames every gop"][name] = sum(films[n].has_key_frames_every(gop) for n in members)
    return results


def accuracies(results: dict) -> Table:
    """Accuracy in %, mean and standard deviation over the seeds: a block for each encoding, a column for each class."""
    names = list(next(iter(results["films"].values())))
    blocks = []
    for encoding, models in results["accuracy"].items():
        rows = []
        for model, shares in models.items():
            error = results["standard error over groups"][encoding][model].get(ALL)
            cells = [_spread(shares.get(name)) for name in names]
            rows.append((model, [*cells, "" if error is None else f"{100 * error:.1f}"]))
        groups = results["groups"][encoding]
        luck = [f"50 ± {50 / np.sqrt(groups[name]):.1f}" if groups.get(name) else "" for name in names]
        rows.append(("by luck alone (a coin for each group)", [*luck, ""]))
        heading = HEADINGS[encoding].format(n=WINDOWS[encoding], gop=results["gop"])
        blocks.append((f"{heading}; {results['films'][encoding][ALL]} films", rows))
    return Table([*(f"{name} (%)" for name in names), "standard error over groups"], blocks)


def control(results: dict) -> Table:
    """How often models trained on films as they are stored call a film forwards, in %, however it was made."""
    found = results["called forwards"]
    names = list(next(iter(found.values()))) if found else []
    kinds = {
        "as stored, shown forwards": (STORED, FORWARDS),
        "as stored, shown backwards": (STORED, BACKWARDS),
        "encoded again forwards": (AGAIN, FORWARDS),
        "reversed and then encoded again": (AGAIN, BACKWARDS),
    }
    blocks = []
    for model, classes in found.items():
        rows = [
            (text, [_spread(classes[name].get(seen, {}).get(way)) for name in names])
            for text, (seen, way) in kinds.items()
        ]
        blocks.append((f"called forwards by the {model}, trained on films as stored", rows))
    return Table([f"{name} (%)" for name in names], blocks)


def recorded(input: str = "rgb") -> dict:
    """The results on 162 real UCF-101 clips that the course ships, with the command and versions that made them.

    ``input``: "rgb" or "flow".
    """
    file = resources.files("lrcn_utils").joinpath(f"results/arrow_ucf101_{input}.json")
    return json.loads(file.read_text(encoding="utf-8"))


def _right(row: dict[str, float]) -> float:
    return ((row[FORWARDS] > 0.5) + (row[BACKWARDS] <= 0.5)) / 2


def _called_forwards(rows: Rows, way: str) -> float:
    return float(np.mean([row[way] > 0.5 for row in rows if row is not None]))


def _members(films: Sequence[Film]) -> dict[str, list[int]]:
    """{class: numbers of its films}"""
    names = sorted({film.class_name for film in films})
    return {name: [number for number, film in enumerate(films) if film.class_name == name] for name in names}


def _tested(films: Sequence[Film], rows: Rows) -> dict[str, list[int]]:
    """{class: numbers of the films that were long enough}, and of all together."""
    found = {name: [n for n in numbers if rows[n] is not None] for name, numbers in _members(films).items()}
    return found | {ALL: [number for numbers in found.values() for number in numbers]}


def _units(films: Sequence[Film], numbers: Sequence[int]) -> dict[tuple[str, str], list[int]]:
    """{(class, group): numbers of its films}"""
    found: dict[tuple[str, str], list[int]] = {}
    for number in numbers:
        found.setdefault((films[number].class_name, films[number].group), []).append(number)
    return found


def _by_class(films: Sequence[Film], seeds: list[Rows], measure) -> dict[str, list[float]]:
    tested = {name: numbers for name, numbers in _tested(films, seeds[0]).items() if numbers}
    return {name: [round(measure([rows[n] for n in numbers]), 4) for rows in seeds] for name, numbers in tested.items()}


def _errors(films: Sequence[Film], seeds: list[Rows]) -> dict[str, float]:
    found = {}
    for name, numbers in _tested(films, seeds[0]).items():
        units = _units(films, numbers).values()
        means = [np.mean([_right(rows[n]) for rows in seeds for n in members]) for members in units]
        if len(means) > 1:
            found[name] = round(float(np.std(means, ddof=1) / np.sqrt(len(means))), 4)
    return found


def _spread(shares: Sequence[float] | None) -> str:
    if not shares:
        return ""
    values = 100 * np.array(shares)
    return f"{values.mean():.1f}" + (f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else "")
