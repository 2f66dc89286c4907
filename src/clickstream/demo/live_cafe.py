"""Process for the café's live traffic: `python -m clickstream.demo.live_cafe DIR DATE`.

DIR is the directory of the logs, and DATE the first day of the café's story.
"""

from __future__ import annotations

import signal
import sys
from datetime import date
from pathlib import Path
from threading import Event

from clickstream.demo.cafe import CafeRules, live


def main(directory: Path, story_begins: date) -> None:
    """Append the café's lines to its log at their time, until SIGTERM or SIGINT."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    live(directory, CafeRules(story_begins=story_begins), stop.is_set)


if __name__ == "__main__":
    main(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))
