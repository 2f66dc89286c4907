"""Process for the café's logs: `python -m clickstream.demo.live_cafe DIR STATE`.

DIR is the directory of the logs, and STATE the file that describes them (`CafeLogs`). A child
process writes the missing days of the weeks before, so that live traffic does not wait for them.
"""

from __future__ import annotations

import signal
import sys
from collections import deque
from multiprocessing import Process
from pathlib import Path
from threading import Event

from clickstream.demo.cafe import live
from clickstream.demo.cafe_logs import CafeLogs


def main(directory: Path, state: Path) -> int:
    """Append the café's lines to its log at their time, until SIGTERM or SIGINT.

    Returns the exit status, which is not 0 if the older days could not be written.
    """
    logs = CafeLogs.load(directory, state)
    if logs is None:
        return 1
    older = Process(target=write_older, args=(logs,), daemon=True)
    older.start()  # before the signals are handled, so that SIGTERM ends the child at once
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    live(directory, logs.rules, lambda: stop.is_set() or bool(older.exitcode))
    return 0 if stop.is_set() else 1


def write_older(logs: CafeLogs) -> None:
    """Write the missing files of older days."""
    deque(logs.write_older(), maxlen=0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
