"""Garbage is looked for among new objects, and what those leave behind is gone in the end."""

from __future__ import annotations

import gc
import weakref

from clickstream import garbage


class Node:
    """What is only found by looking for it: it refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_new_objects_leave_behind_is_gone() -> None:
    with garbage.looked_for_in_new_objects():
        left = weakref.ref(Node())
        assert gc.get_freeze_count() > 0
        with garbage.looked_for_in_new_objects():
            inner = weakref.ref(Node())
        assert gc.get_freeze_count() > 0
    assert left() is None
    assert inner() is None
    assert gc.get_freeze_count() == 0
