"""The paper's table of activity recognition from saved scores: two streams, two averages, spread over seeds."""

from collections.abc import Sequence

import numpy as np

from lrcn_utils.metrics import activity as metrics
from lrcn_utils.paper import Table
from lrcn_utils.training.activity.scores import Scores, fuse

# The heads of the paper's table and the weight of RGB in each average.
FUSIONS = {"RGB+flow weighted 1/2,1/2": 1 / 2, "RGB+flow weighted 1/3,2/3": 1 / 3}

Runs = dict[tuple[str, str], list[Scores]]  # (model, "rgb" or "flow"): scores of each seed


def accuracies(runs: Runs) -> dict[str, dict[str, np.ndarray]]:
    """{model: {column: accuracy in % for each seed}}; the averages fuse the two streams of the same seed."""
    columns: dict[str, dict[str, np.ndarray]] = {}
    for (model, stream), seeds in runs.items():
        name = "RGB" if stream == "rgb" else "flow"
        columns.setdefault(model, {})[name] = np.array([100 * s.accuracy for s in seeds])
    for model in columns:
        pairs = list(zip(runs.get((model, "rgb"), []), runs.get((model, "flow"), []), strict=False))
        for name, weight in FUSIONS.items() if pairs else ():
            columns[model][name] = np.array([100 * fuse(rgb, flow, weight).accuracy for rgb, flow in pairs])
    return columns


def table(runs: Runs, train_labels: Sequence[int]) -> Table:
    """Video accuracy in %, mean and standard deviation over the seeds, with the majority class as control."""
    measured = accuracies(runs)
    first = next(iter(runs.values()))
    heads = [head for head in ("RGB", "flow", *FUSIONS) if any(head in row for row in measured.values())]
    rows = [
        (model + _fewer(row, len(first)), [spread(row.get(head)) for head in heads]) for model, row in measured.items()
    ]
    control = f"{100 * metrics.majority(train_labels, first[0].labels):.1f}"
    rows.append(("always the class most frequent in training", [control] * len(heads)))
    heading = f"video accuracy, {len(first[0].labels)} test videos, {len(first)} seed{'s' * (len(first) > 1)}"
    return Table([f"{head} (%)" for head in heads], [(heading, rows)])


def _fewer(row: dict[str, np.ndarray], seeds: int) -> str:
    """A remark on a model of fewer seeds than the heading says."""
    own = max(len(values) for values in row.values())
    return f" ({own} seed{'s' * (own > 1)})" if own < seeds else ""


def fused(rgb: Scores, flow: Scores) -> Table:
    """The two streams and their averages, from two saved scores."""
    cells = {"RGB": rgb, "flow": flow} | {name: fuse(rgb, flow, weight) for name, weight in FUSIONS.items()}
    row = ("scores", [f"{100 * scores.accuracy:.1f}" for scores in cells.values()])
    return Table([f"{head} (%)" for head in cells], [(f"video accuracy, {len(rgb.names)} videos", [row])])


def spread(values: np.ndarray | None) -> str:
    """ "91.2 ± 0.8" for several seeds, "91.2" for one, "" for none."""
    if values is None:
        return ""
    return f"{values.mean():.1f}" + (f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else "")
