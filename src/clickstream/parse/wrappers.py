"""Find the line of a server inside the line that another program has written around it.

Docker's json-file driver, Kubernetes (CRI), Docker Compose and syslog write a prefix before each
line or put the line into JSON; exports put it in quotes. The readers of layouts and of JSON call
`find_wrapped` and `add_wrapped`, so that every format is read inside every wrapper.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import orjson

from clickstream.parse.blocks import DASH, QUOTE, SPACE, Bytes, Positions, load_words
from clickstream.parse.rows import Rows, joined

_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_PREFIX = re.compile(
    rb"%b std(?:out|err) [FP] "  # CRI
    rb"|(?=[\d._-]*[A-Za-z])[\w.-]+ {2,}\| (?:%b )?"  # Docker Compose; -t adds the time
    rb"|<\d{1,3}>\d{1,2} (?:-|%b)(?: [!-~]+){4} (?:-|(?:\[(?:[^]\\]|\\.)*\])+) (?:\xef\xbb\xbf)?"
    rb"|(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|%b) "
    rb'(?:[^\s"\[]+ )?[\w./-]+(?:\[\d+\])?: ' % ((_TIME,) * 4)
)
"""The prefixes of CRI, Compose and syslog (RFC 5424, then RFC 3164, whose time may be ISO 8601)."""

_DOCKER = b'{"log":"'
_DOUBLED = re.compile(rb'"(?:[^"]|"")*"')
_ESCAPED = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BARE = re.compile(rb'"[^"]* ".*"', re.DOTALL)
"""Whole lines in quotes, with quotes inside as `""`, as a backslash and a quote, or unchanged.

In the last, the second quote follows a space, so it doesn't close the first one.
"""

_DEPTH = 3
"""Number of wrappers around each other that are removed, as of syslog inside Docker."""

_PIPE, _LESS = b"|<"
_BITS = (0, 24, 32, 56)


class Wrapped(NamedTuple):
    """A whole line, and the line inside of it."""

    line: bytes
    inner: bytes


def unwrap(line: bytes) -> bytes:
    """Return the line inside of a line without its line end; the line itself if there is none."""
    for _ in range(_DEPTH):
        if (inner := _unwrap_once(line)) is None:
            break
        line = inner
    return line


def _unwrap_once(line: bytes) -> bytes | None:
    if line.startswith(_DOCKER):
        return _inside_docker(line)
    if line.startswith(b'"'):
        return _inside_quotes(line)
    prefix = _PREFIX.match(line)
    return line[prefix.end() :] if prefix else None


def _inside_docker(line: bytes) -> bytes | None:
    try:
        entry = orjson.loads(line)
    except ValueError:
        return None
    if entry.get("stream") not in ("stdout", "stderr") or not isinstance(entry["log"], str):
        return None
    inner = entry["log"].removesuffix("\n").removesuffix("\r")
    return None if "\n" in inner else inner.encode()


def _inside_quotes(line: bytes) -> bytes | None:
    if _DOUBLED.fullmatch(line):
        return line[1:-1].replace(b'""', b'"')
    if _ESCAPED.fullmatch(line):
        try:
            text: str = orjson.loads(line)
        except ValueError:
            return None
        return None if "\n" in text else text.encode()
    return line[1:-1] if _BARE.fullmatch(line) else None


def unwrap_all(text: bytes) -> bytes:
    """Return lines with each unwrapped; only a small text, since each line is looked at."""
    lines = text.split(b"\n")
    return b"\n".join([unwrap(line.removesuffix(b"\r")) for line in lines])


def find_wrapped(
    text: bytes, data: Bytes, starts: Positions, ends: Positions
) -> dict[int, Wrapped]:
    """Return the lines of a text that have another one inside, by their index.

    `data` is the text with eight or more bytes after it. The first eight bytes of each line and the
    pipes of the text show which lines can have a wrapper; this takes 1 to 2 % of the time of
    reading combined lines.
    """
    words = load_words(data, starts)[:, 0]
    first, fourth, fifth, eighth = (words >> np.uint64(bits) & np.uint64(0xFF) for bits in _BITS)
    likely = (words == np.uint64(int.from_bytes(_DOCKER, "little"))) | (first == _LESS)
    likely |= first == QUOTE
    likely |= (fourth == SPACE) & (first >= ord("A")) & (first <= ord("Z"))  # `Nov 20`
    likely |= (fifth == DASH) & (eighth == DASH)  # `2026-11-`
    if _PIPE in text:
        pipes = np.flatnonzero(data == _PIPE)
        pipes = pipes[(data[pipes - 1] == SPACE) & (data[pipes - 2] == SPACE)]
        likely[np.searchsorted(starts, pipes, "right") - 1] = True
    wrapped = {}
    for index in np.flatnonzero(likely).tolist():
        line = data[starts[index] : ends[index]].tobytes()
        if (inner := unwrap(line)) is not line:
            wrapped[index] = Wrapped(line, inner)
    return wrapped


def add_wrapped(rows: Rows, wrapped: Mapping[int, Wrapped], read: Callable[[bytes], Rows]) -> Rows:
    """Add the rows of the lines inside of others; a refused one keeps the bytes of the whole line.

    `rows` are those of all other lines. `wrapped` has the lines by their index in the data.
    """
    if not wrapped:
        return rows
    index, lines = np.array([*wrapped]), [*wrapped.values()]
    inside = read(b"".join(line.inner + b"\n" for line in lines))
    refused = [(int(index[at]), reason, lines[at].line) for at, reason, _ in inside.refused]
    inside = replace(inside, line=index[inside.line], refused=refused)
    return joined([rows, inside]) if rows.lines else inside
