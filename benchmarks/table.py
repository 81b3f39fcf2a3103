"""The table in Markdown, and beneath it the profiles of what misses its bar."""

from benchmarks.row import FLOOR, GROWTH, SECONDS

HEAD = ("work", "wall ms", "CPU ms", "MB", "figure", "quartiles", "bar", "holds", "other ways (their time / ours)")
ON_GPU = ("share of peak",)


def table(results: list[dict], gpu: bool = False) -> str:
    """One line a row; what could not be measured says why beneath."""
    head = HEAD + ON_GPU * gpu
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cells(result, gpu)) + " |" for result in results]
    below = [f"{result['row']}: not measured: {result['fault'].strip()}" for result in results if result["fault"]]
    for result in results:
        if result["profile"]:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in result["profile"])
            floor = f"at {1 / result['share_of_peak']:.2f} x floor; " if result["share_of_peak"] else ""
            below.append(f"{result['row']} misses its bar; {floor}where its time goes: {shares}")
    return "\n".join([*lines, "", *(f"* {line}" for line in below)]).rstrip() + "\n"


def _cells(result: dict, gpu: bool) -> list[str]:
    if result["fault"]:
        return [result["row"], *["-"] * (len(HEAD) - 1 + gpu)]
    (_, own), *others = result["ways"].items()
    cells = [
        result["row"],
        f"{1e3 * own['wall'][1]:.3g}",
        f"{1e3 * own['cpu'][1]:.3g}",
        "" if own["memory"] is None else f"{own['memory']:.0f}",
        _figure(result),
        "-".join(f"{bound:.2f}" for bound in result["spread"]) if result["spread"] else "",
        _bar(result),
        {True: "yes", False: "**no**", None: ""}[result["holds"]],
        ", ".join(f"{name} {_ratio(result, own, other)}" for name, other in others),
    ]
    return cells + [f"{result['share_of_peak']:.0%}" if result["share_of_peak"] else ""] * gpu


def _ratio(result: dict, own: dict, other: dict) -> str:
    return f"{other[result['clock']][1] / own[result['clock']][1]:.2f}"


def _figure(result: dict) -> str:
    words = {FLOOR: "x floor", SECONDS: "s", GROWTH: "exponent"}
    text = f"{result['figure']:.2f} {words.get(result['over'], 'of ' + result['over'])}"
    return text + (f", memory x{result['memory_figure']:.2f}" if result["memory_figure"] else "")


def _bar(result: dict) -> str:
    bars = {"": result["bar"], "memory x": result["memory_bar"]}
    return ", ".join(f"{word}{bar:g}" for word, bar in bars.items() if bar is not None)
