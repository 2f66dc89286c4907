"""Bytes of an access log to columns, strictly: every line becomes a request or a reject.

Read in this order: `formats` says what a line must look like, `scan` finds the fields of regular
lines by structure, `rows` joins both into coded columns, `frames` makes data frames of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from clickstream.errors import InputError
from clickstream.parse.escaping import escape, unescape
from clickstream.parse.formats import FORMATS, REASONS, LogFormat
from clickstream.parse.frames import Parsed, as_frames, stack
from clickstream.parse.rows import read
from clickstream.parse.stream import blocks

__all__ = [
    "FORMATS",
    "REASONS",
    "LogFormat",
    "Parsed",
    "blocks",
    "concat",
    "detect",
    "escape",
    "event_hours",
    "parse",
    "parse_blocks",
    "unescape",
]

_HOUR = 3600


def parse(data: bytes, log_format: str, first_line: int = 1) -> Parsed:
    """Parse whole lines, numbered from `first_line`; the last one may lack its newline.

    No bytes make it fail: what is not a line of the format is a reject. Raises InputError for a
    format that is not known.
    """
    return as_frames(read(data, _named(log_format)), first_line)


def parse_blocks(blocks: Iterable[bytes], log_format: str) -> Iterator[Parsed]:
    """Parse block after block; line numbers run on from 1."""
    line = 1
    for block in blocks:
        parsed = parse(block, log_format, line)
        line += parsed.lines
        yield parsed


def concat(parts: Iterable[Parsed]) -> Parsed:
    """The parts as one, in the order given; none at all make an empty one."""
    return stack([*parts] or [parse(b"", "common")])


def event_hours(data: bytes, log_format: str) -> npt.NDArray[np.int64]:
    """For each line, the start of its own UTC hour in Unix seconds; -1 for a reject."""
    rows = read(data, _named(log_format))
    hours = np.full(rows.lines, -1, np.int64)
    hours[rows.line] = rows.seconds // _HOUR * _HOUR
    return hours


def detect(sample: bytes) -> str:
    """The name of the format that most lines of a sample have.

    The sample may end inside a line. Raises InputError, naming a line of the sample, when no line
    has a known format.
    """
    fitting = {name: len(read(sample, known).line) for name, known in FORMATS.items()}
    best = max(fitting, key=lambda name: fitting[name])
    if fitting[best]:
        return best
    seen = next((line for line in sample.splitlines() if line.strip()), b"")
    raise InputError(
        f"No line of the log has a known format; the first one reads {escape(seen[:200])!r}. "
        f"Known are: {'; '.join(f'{f.name}, like {f.example}' for f in FORMATS.values())}."
    )


def _named(log_format: str) -> LogFormat:
    if log_format not in FORMATS:
        raise InputError(
            f"There is no log format {log_format!r}; use one of: {', '.join(FORMATS)}."
        )
    return FORMATS[log_format]
