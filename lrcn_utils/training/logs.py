"""What a training writes down while it runs: a table of its epochs and, where asked for, TensorBoard's event files.

Both are made from the whole history, so a training that was killed and resumed has each epoch in them once.
"""

import csv
import io
import shutil
from pathlib import Path

from lrcn_utils.data import atomic


class Log:
    """The log of one training: ``file`` (.csv), one row an epoch, and event files in the folder ``events``, if given.

    Columns: epoch (from 1), loss (the mean of the epoch), those of the evaluation, seconds.
    """

    def __init__(self, file: Path, events: Path | None = None):
        self.file, self.events, self._writer, self._shown = file, events, None, 0

    def write(self, history) -> None:
        """Write down a ``loop.History``: the table anew, and of the events those that are new."""
        rows = _rows(history)
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, _columns(rows), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        atomic.write_text(self.file, text.getvalue())
        if self.events is not None:
            self._show(rows)

    def _show(self, rows: list[dict]) -> None:
        if self._writer is None:
            shutil.rmtree(self.events, ignore_errors=True)  # of the training before it was killed
            self._writer = event_writer()(str(self.events))
        for row in rows[self._shown :]:
            for name, value in row.items():
                if name != "epoch" and isinstance(value, int | float):
                    self._writer.add_scalar(name, value, row["epoch"])
        self._shown = len(rows)
        self._writer.flush()


def _rows(history) -> list[dict]:
    evaluations = history.evaluation or [{}] * len(history.loss)
    found = zip(history.loss, evaluations, history.seconds, strict=True)
    return [
        {"epoch": number, "loss": loss, **evaluation, "seconds": round(seconds, 3)}
        for number, (loss, evaluation, seconds) in enumerate(found, 1)
    ]


def _columns(rows: list[dict]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row)
    return [*(name for name in names if name != "seconds"), "seconds"]


def event_writer():
    """TensorBoard's writer of event files. Raises ImportError where the package tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ImportError("--tensorboard needs the package tensorboard: install the extra 'logs'") from error
    return SummaryWriter
