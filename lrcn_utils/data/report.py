"""What was wrong with a dataset, a line each: everything else is used."""

SHOWN = 5  # lines of one kind of problem before the rest is only counted


class Report:
    """Problems, a line each; with ``strict`` the first is raised instead, as an ``error`` (a kind of ValueError).

    ``problems`` are all of them, as they were added; ``lines`` may be fewer, and has the notes too.
    """

    def __init__(self, strict: bool = False, error: type[ValueError] = ValueError):
        self.strict, self.error = strict, error
        self.problems: list[str | ValueError] = []
        self._notes: list[str] = []
        self._shown: list[str] = []
        self._counts: dict[str, int] = {}

    def add(self, problem: str | ValueError, kind: str = "", then: str = "") -> None:
        """One problem, and what was done ``then``: an error that is raised does not say it.

        Of one ``kind`` the first few give a line each, the others are counted in one more line.
        """
        if self.strict:
            raise problem if isinstance(problem, ValueError) else self.error(_one_line(problem))
        self.problems.append(problem)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if not kind or self._counts[kind] <= SHOWN:
            self._shown.append(_one_line(f"{problem}; {then}" if then else str(problem)))

    def note(self, line: str) -> None:
        """Something that the reader should know and that is no problem: it is never raised."""
        if line not in self._notes:
            self._notes.append(line)

    @property
    def lines(self) -> list[str]:
        """The lines to print."""
        more = {kind: count - SHOWN for kind, count in self._counts.items() if kind and count > SHOWN}
        counted = [f"... and {count} more of this kind: {kind}" for kind, count in more.items()]
        return [*self._notes, *self._shown, *counted]

    def __len__(self) -> int:
        return len(self.problems)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _one_line(text: str) -> str:
    # A name from a broken file may hold line ends, or half a character, which cannot be printed.
    return " ".join(text.split()).encode("utf-8", "replace").decode()
