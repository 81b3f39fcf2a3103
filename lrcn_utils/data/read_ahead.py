"""Files read ahead of whoever uses them, by threads, and handed on in order: FFmpeg decodes without Python's lock."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, TypeVar

T = TypeVar("T")
P = TypeVar("P")


class Part(NamedTuple):
    """A part of what was read of ``item``; ``last``: nothing of it follows. An error ends an item, as its content."""

    item: object
    content: object
    last: bool


def read_ahead(
    items: Iterable[T], read: Callable[[T], Iterator[P]], *, readers: int = 2, parts: int = 8
) -> Iterator[Part]:
    """The parts that ``read(item)`` yields, at least one, item after item, while ``readers`` threads read others.

    Of each item at most ``parts`` parts wait: memory does not grow with what is in an item. An Exception that ``read``
    raises is handed on in its place, and the next item follows.
    """
    items, stopped = iter(items), threading.Event()

    def fill(item: T, waiting: queue.Queue) -> None:
        try:
            before = None
            for content in read(item):
                if before is not None:
                    _put(waiting, Part(item, before, False), stopped)
                before = content
            _put(waiting, Part(item, before, True), stopped)
        except Exception as error:
            _put(waiting, Part(item, error, True), stopped)

    with ThreadPoolExecutor(readers) as pool:
        try:
            ahead: deque[queue.Queue] = deque()
            while True:
                for item in islice(items, readers + 1 - len(ahead)):
                    ahead.append(queue.Queue(parts))
                    pool.submit(fill, item, ahead[-1])
                if not ahead:
                    return
                part, first = None, ahead.popleft()
                while part is None or not part.last:
                    part = first.get()
                    yield part
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _put(waiting: queue.Queue, part: Part, stopped: threading.Event) -> None:
    """Wait for room; once nobody asks for parts any more, do nothing."""
    while not stopped.is_set():
        try:
            return waiting.put(part, timeout=0.1)
        except queue.Full:
            continue
