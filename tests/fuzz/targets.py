"""The targets of the fuzzer: how its bytes become the input of a check."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps

from tests.fuzz.labelling import RULES, check_cleaning, check_values
from tests.fuzz.reading import check_cuts, check_reading, format_of

from clickstream.core.errors import InputError
from clickstream.parse import detect, parse, parse_blocks
from clickstream.parse.formats import FORMATS, compile_format

SLOW = 2.0
"""CPU seconds that no input may take; none is larger than 64 kB."""


def formats(data: bytes) -> None:
    """One byte for the format, then a log."""
    check_reading(data[1:], FORMATS[format_of(data[0] if data else 0)])


def cuts(data: bytes) -> None:
    """Bytes for the format and for the size of blocks, then a log."""
    name, size = format_of(data[0] if data else 0), 1 + (data[1] if len(data) > 1 else 0)
    check_cuts(data[2:], name, size)
    try:
        found = detect(data[2:])
    except InputError:
        return
    assert 0 < found.read <= found.seen
    for _ in parse_blocks([data[2:]], found.name, may_change=True):
        pass


def strings(data: bytes) -> None:
    """A format string, NUL, then a log in that format."""
    text, _, log = data.partition(b"\0")
    try:
        known = compile_format("mine", text.decode("utf-8", "replace"))
    except InputError:
        return
    check_reading(log, known)


def cleaning(data: bytes) -> None:
    """Bytes for the format and for the rules, then a log."""
    name, rules = format_of(data[0] if data else 0), data[1] if len(data) > 1 else 0
    check_cleaning(parse(data[2:], name), RULES[rules % len(RULES)])


def values(data: bytes) -> None:
    """One or two texts of a log, a line each."""
    check_values(data)


def in_time(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The target, failing when it is slow."""

    @wraps(target)
    def timed(data: bytes) -> None:
        start = time.process_time()
        target(data)
        took = time.process_time() - start
        assert took < SLOW, f"{took:.1f} s for {len(data)} bytes"

    return timed


TARGETS = {target.__name__: target for target in (formats, cuts, strings, cleaning, values)}
