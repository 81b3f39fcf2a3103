"""A file of one's own in an explorer: the button, what the models know of such files, and what was wrong with one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape

import ipywidgets

from lrcn_utils.plots.style import VERMILION

MOST = 10_000_000  # bytes of a file: Jupyter's servers cut the connection at a message of some more


class Upload(ipywidgets.VBox):
    """A button for one file, given to ``use(name, content)``, above a line of text.

    The line is ``note``, or what was wrong with the last file; that stays until something else is opened (``clear``).
    A file of more than ``MOST`` bytes is refused.
    """

    def __init__(self, description: str, accept: str, note: str, use: Callable[[str, bytes], None]):
        limit = f"At most {MOST // 10**6} MB; python -m lrcn_utils.predict takes files of any size."
        self.note, self._use = f'<span style="font-size:13px">{escape(note)} {limit}</span>', use
        self.button = ipywidgets.FileUpload(
            accept=accept, multiple=False, description=description, layout=ipywidgets.Layout(width="max-content")
        )
        self.message = ipywidgets.HTML(self.note, layout=ipywidgets.Layout(width="330px"))
        super().__init__([self.button, self.message])
        self.button.observe(self._uploaded, "value")

    def clear(self) -> None:
        """Something else was opened: the last file's fault is of no more interest."""
        self.message.value = self.note

    def _uploaded(self, _) -> None:
        if not self.button.value:
            return
        name, content = uploaded_file(self.button.value)
        # Emptied, so that the same file may be uploaded again; ipywidgets 7 lets nobody assign to it.
        self.button.set_trait("value", type(self.button.value)())
        with told(self.message):
            if len(content) > MOST:
                raise ValueError(f"{name}: {len(content) / 1e6:.1f} MB, and {MOST // 10**6} MB may be uploaded")
            self._use(name, content)
            self.clear()


def uploaded_file(value) -> tuple[str, bytes]:
    """Name and content of the last file of a FileUpload: ipywidgets 7 gives a dictionary, 8 a tuple."""
    if isinstance(value, Mapping):
        name, file = list(value.items())[-1]
    else:
        file = value[-1]
        name = file["name"]
    return name, bytes(file["content"])


@contextmanager
def told(message: ipywidgets.HTML) -> Iterator[None]:
    """What goes wrong with a file in the block is told in one line of ``message``."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        message.value = f'<b style="color:{VERMILION}">{escape(" ".join(str(error).split()))}</b>'
