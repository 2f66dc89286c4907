"""Turns: on one machine, ranges of hours are published one after the other.

Two publications at once end right, too. But for each table the one that is second to commit has to
read what the first one did, which took a fifth of all CPU time where two days were built at once.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

LONGEST_WAIT_SECONDS = 60
"""Who had to wait for so long goes on without a turn: Iceberg sees to it that all ends right."""

_PAUSE_SECONDS = 0.05


@contextmanager
def turn(directory: Path) -> Iterator[None]:
    """Wait until nobody else has the turn of a local directory; a process that dies has none.

    Where a directory can't be written, all go on at once.
    """
    with ExitStack() as held:
        with suppress(OSError):
            directory.mkdir(parents=True, exist_ok=True)
            _wait_for(held.enter_context((directory / "publishing.lock").open("w")))
        yield


def _wait_for(file: IO[str]) -> None:
    """The turn is ours from now on until the file is closed."""
    end = time.monotonic() + LONGEST_WAIT_SECONDS
    while not _is_taken(file) and time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)


def _is_taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
