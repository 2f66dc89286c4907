"""Python's search for garbage: it need not go through what a process has imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def looked_for_in_new_objects() -> Iterator[None]:
    """Meanwhile, objects that are there already stay: some hundred thousand from imports.

    To look through all of them while new ones are made takes a tenth of the time of cleaning. What
    new ones leave behind is gone in the end: else the memory of a range would grow with each day.
    Where somebody has seen to all that already, nothing is done.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
