"""What was trained, told to somebody who must judge it: a model card in Markdown, made from a run's results.json.

    python -m lrcn_utils.training.model_card runs/mine > MODEL_CARD.md

Nothing in it is typed by hand but what no program can know; that stands at its end, as questions.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lrcn_utils.data.command import one_line
from lrcn_utils.data.text import read_json

DIGEST = re.compile(r"[0-9a-f]{16}")
ASKED = [
    "What is it for, and what must it not be used for?",
    "Who or what is to be seen in the data, who agreed to that, and under which licence may it be used?",
    "Where will it meet things that the data does not show: other places, light, people, cameras?",
]


def model_card(folder: Path | str) -> str:
    """The card of the finished run in ``folder``: its data, scores with their spread, controls, settings and limits.

    Raises FileNotFoundError where the run is not finished, ValueError where its results hold no scores.
    """
    file = Path(folder) / "results.json"
    if not file.exists():
        raise FileNotFoundError(f"{file}: there is no such file; a run writes it at its end (go on with --resume)")
    results = read_json(file)
    if not results.get("scores"):
        raise ValueError(f"{file}: holds no scores of a trained model; give the folder of a training")
    facts, scores = results["facts"], dict(_rows(_by_seed(results["scores"])))
    versions = results["versions"]
    sections = {
        "How it was made": f"```\n{results['command']}\n```",
        "Data": _table(["", "number"], results["data"].items()),
        "Scores": _table(["", "mean ± spread", "seeds"], [(n, _spread(v), len(v)) for n, v in scores.items()]),
        "Controls": _table(["", "score"], [(name, _spread([v])) for name, v in results.get("controls", {}).items()]),
        "What is not known": "\n".join(f"* {line}" for line in _limits(results, scores)),
        "Settings": _table(["", "value"], _settings(facts)),
        "What it was made from, by contents": _table(["", "digest"], _digests(facts)),
        "What it was made with": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "To be answered by whoever publishes it": "\n".join(f"* {question}" for question in ASKED),
    }
    title = f"# Model card: {facts['task']}"
    return "\n\n".join([title, *(f"## {head}\n\n{text}" for head, text in sections.items() if text)]) + "\n"


def _spread(values: list[float | None]) -> str:
    """ "0.778 ± 0.021" (mean and standard deviation) for several seeds, "0.778" for one, "" where nothing was found."""
    if None in values:
        return ""
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "")


def _by_seed(scores):
    """Scores of each seed, as a run writes them in a list, turned round: one list of numbers a score."""
    if isinstance(scores, list) and scores and isinstance(scores[0], dict):
        return {name: _by_seed([one[name] for one in scores]) for name in scores[0]}
    return {name: _by_seed(one) for name, one in scores.items()} if isinstance(scores, dict) else scores


def _rows(scores: dict, above: str = "") -> Iterator[tuple[str, list]]:
    """(name, one number a seed); a score within a group has the names of both."""
    for name, value in scores.items():
        if isinstance(value, dict):
            yield from _rows(value, f"{above}{name} ")
        else:
            yield f"{above}{name}", value


def _limits(results: dict, scores: dict[str, list]) -> Iterator[str]:
    """What the numbers of the run do not say."""
    facts, tested = results["facts"], results["data"].get("test", results["data"].get("val"))
    classes = next((model["classes"] for model in facts.get("models", {}).values()), None)
    if tested:
        yield f"Anything beyond the {tested} items that it was tested on, and beyond data of their kind."
    if classes and tested:
        right = tested * float(np.mean([np.mean(values) for values in scores.values()]))
        p = (right + 2) / (tested + 4)  # Agresti and Coull: all right among ten is not yet an error of 0
        error = (p * (1 - p) / (tested + 4)) ** 0.5
        yield (
            f"An accuracy on {tested} videos has a standard error of {100 * error:.0f} points from the choice of"
            " videos alone, and more where several are pieces of one film."
        )
        yield f"Something of none of its {len(classes)} classes: it names one of them all the same, as sure as ever."
    if "words" in results["data"]:
        yield f"Any word but the {results['data']['words']} of its vocabulary."
    if len(results["seeds"]) == 1:
        yield "How far the scores move with the seed: there was one."
    if facts.get("random_split"):
        yield "How it does in a new place: clips of one film were on both sides of the split."


def _settings(facts: dict) -> list[tuple[str, object]]:
    return [(name, value) for name, value in _plain(facts) if not DIGEST.fullmatch(str(value))]


def _digests(facts: dict) -> list[tuple[str, object]]:
    return [(name, value) for name, value in _plain(facts) if DIGEST.fullmatch(str(value))]


def _plain(facts: dict, above: str = "") -> Iterator[tuple[str, object]]:
    """(name, value) of all facts that were set; lists as words."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _plain(value, f"{above}{name}: ")
        elif value is not None:
            yield f"{above}{name}", ", ".join(map(str, value)) if isinstance(value, list) else value


def _table(heads: list[str], rows) -> str:
    """A table in Markdown; "" without rows."""
    lines = [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *lines])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="RUN", help="the folder of a finished training")
    print(one_line(lambda: model_card(parser.parse_args().folder)), end="")
