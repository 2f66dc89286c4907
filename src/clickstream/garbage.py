"""Python's search for garbage: it need not go through what a process has imported."""

from __future__ import annotations

import gc
from functools import cache


@cache
def look_for_it_in_new_objects() -> None:
    """Have objects that are there already left alone, some 200,000 from imports, once and for all.

    To look through all of them while new ones are made takes a tenth of the time of cleaning. Where
    somebody has seen to that before, nothing is done: what is new since then stays in sight.
    """
    if not gc.get_freeze_count():
        gc.freeze()
