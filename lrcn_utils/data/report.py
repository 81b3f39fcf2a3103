"""What was wrong with a dataset, a line each: everything else is used."""

SHOWN = 5  # lines of one kind of problem before the rest is only counted


class Report:
    """Problems, a line each; with ``strict`` the first is raised instead, as an ``error`` (a kind of ValueError).

    ``len`` counts the problems; ``lines`` may be fewer.
    """

    def __init__(self, strict: bool = False, error: type[ValueError] = ValueError):
        self.strict, self.error = strict, error
        self._shown: list[str] = []
        self._counts: dict[str, int] = {}
        self._number = 0

    def add(self, problem: str | ValueError, kind: str = "") -> None:
        """One problem. Of one ``kind`` the first few give a line each, the others are counted in one more line."""
        if self.strict:
            raise problem if isinstance(problem, ValueError) else self.error(problem)
        self._number += 1
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if not kind or self._counts[kind] <= SHOWN:
            self._shown.append(str(problem))

    @property
    def lines(self) -> list[str]:
        """The lines to print."""
        more = {kind: count - SHOWN for kind, count in self._counts.items() if kind and count > SHOWN}
        return [*self._shown, *(f"... and {count} more of this kind: {kind}" for kind, count in more.items())]

    def __len__(self) -> int:
        return self._number

    def __str__(self) -> str:
        return "\n".join(self.lines)
