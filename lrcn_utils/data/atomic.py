"""Writing files whole or not at all: into a temporary file beside the target, which is renamed at the end."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield the path of a temporary file beside ``path``; when the block ends well, it takes the place of ``path``.

    When the block raises, or the process is killed, ``path`` stays as it was. Missing folders are made. Processes
    and threads may write the same ``path`` at once: the last one to finish wins, and each file is whole.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` to ``path`` in UTF-8 with Unix line ends, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
