"""What is read ahead comes in order, whole, and never more than is wanted."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_utils.data.read_ahead import read_ahead


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 4), st.integers(1, 3))
def test_parts_come_item_after_item_whatever_the_threads_do(lengths, readers, parts):
    items = list(enumerate(lengths))
    found = list(read_ahead(items, lambda item: iter(range(item[1])), readers=readers, parts=parts))
    assert [(part.item, part.content) for part in found] == [(item, k) for item in items for k in range(item[1])]
    assert [part.last for part in found] == [k == item[1] - 1 for item in items for k in range(item[1])]


def test_an_error_ends_its_item_and_no_other():
    def read(item):
        yield item
        if item == 1:
            raise ValueError("broken")
        yield item

    found = list(read_ahead(range(3), read))
    assert [part.content for part in found if part.item != 1] == [0, 0, 2, 2]
    of_one = [part for part in found if part.item == 1]
    assert str(of_one[-1].content) == "broken" and of_one[-1].last and not any(part.last for part in of_one[:-1])


def test_only_so_many_parts_are_read_ahead():
    """So memory grows neither with the length of an item nor with their number."""
    read_so_far = []

    def read(item):
        for number in range(100):
            read_so_far.append(item)
            yield number

    parts = read_ahead(range(50), read, readers=2, parts=3)
    next(parts)
    time.sleep(0.3)
    assert set(read_so_far) <= {0, 1, 2} and len(read_so_far) <= 3 * (3 + 3)
    before = threading.active_count()
    parts.close()
    assert threading.active_count() < before, "the readers end with whom they read for"


def test_items_are_read_while_others_are_used():
    started = threading.Event()

    def read(item):
        if item == 1:
            started.set()
        yield item

    parts = read_ahead(range(2), read)
    next(parts)
    assert started.wait(timeout=10)


def test_an_interrupt_of_the_reader_is_not_swallowed():
    def items():
        yield 0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(read_ahead(items(), lambda item: iter([item])))
