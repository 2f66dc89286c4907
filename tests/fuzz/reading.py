"""What must hold of `parse`, whatever bytes it is given and however they are cut."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import orjson

from clickstream.parse import (
    Format,
    FormatState,
    entries,
    event_hours,
    parse_blocks,
    read_blocks,
    w3c,
)
from clickstream.parse.format_changes import segments
from clickstream.parse.formats import FORMATS
from clickstream.parse.frames import unescape
from clickstream.parse.json import json_lines
from clickstream.parse.layouts import layout_rows
from clickstream.parse.layouts.layout_scan import find
from clickstream.parse.rows import Rows
from clickstream.parse.w3c import Spaced

_HOUR = 3600


def check_reading(data: bytes, known: Format) -> None:
    """Every line is a request or a reject, and the same one in whatever way it is read."""
    read = known.read(data, b"")
    found = as_lines(read)
    _check_balance(data, read, known.has_header)
    hours = [line[1] // _HOUR * _HOUR if isinstance(line[1], int) else -1 for line in found]
    assert event_hours(data, known).tolist() == hours
    with strictly():
        assert as_lines(known.read(data, b"")) == found
    assert _one_by_one(data, known) == [line[1:] for line in found]


def check_cuts(data: bytes, name: str, size: int) -> None:
    """Blocks of a log add up to the whole; of one whose format may change, at least the balance."""
    cut = [*read_blocks(io.BytesIO(data), size)]
    assert b"".join(cut) == data
    whole = as_lines(FORMATS[name].read(data, b""))
    with blocks_of(size):
        assert as_lines(FORMATS[name].read(data, b"")) == whole
    header, alone = b"", []
    for block in cut:
        alone += [line[1:] for line in as_lines(FORMATS[name].read(block, header))]
        header = FORMATS[name].header_after(header, block)
    assert alone == [line[1:] for line in whole]
    for parsed in parse_blocks(cut, name, may_change=True):
        assert len(parsed.requests) + len(parsed.rejects) == parsed.lines
        lengths = [len(unescape(line)) for line in parsed.rejects["line"]]
        assert parsed.rejects["line_bytes"].tolist() == lengths
        assert parsed.lines + parsed.directives == len([*io.BytesIO(data)])
    found, _ = segments(data, FormatState(name))
    assert b"".join(data[part.start : part.end] for part in found) == data


@contextmanager
def strictly() -> Iterator[None]:
    """The fast ways left out: every line is read by the strict pattern, or by itself."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(layout_rows, "find", _nothing_found))
        stack.enter_context(patch.object(w3c, "Spaced", _NothingPlain))
        stack.enter_context(patch.object(json_lines, "_MOST_RARE", 0))
        stack.enter_context(patch.object(orjson, "loads", _nothing_loaded))
        yield


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    """Blocks of so many bytes are looked at at once."""
    with ExitStack() as stack:
        bounds = partial(layout_rows.block_bounds, size=size)
        stack.enter_context(patch.object(layout_rows, "block_bounds", bounds))
        for module in (w3c, json_lines):
            stack.enter_context(patch.object(module, "BLOCK_BYTES", size))
        yield


def as_lines(read: Rows) -> list[tuple[Any, ...]]:
    """Each line, in their order: its index, then what it holds, or why and what was refused."""
    numbers = [column.tolist() for column in (read.line, read.seconds, read.status, read.size)]
    texts = [map([*c.values.to_pylist(), None].__getitem__, c.codes) for c in read.texts.values()]
    used = [(*row[:4], _present(read.texts, row[4:])) for row in zip(*numbers, *texts, strict=True)]
    return sorted([*used, *read.refused], key=lambda line: line[0])


def _present(names: Iterable[str], texts: Iterable[Any]) -> dict[str, Any]:
    return {name: text for name, text in zip(names, texts, strict=True) if text is not None}


def _check_balance(data: bytes, read: Rows, may_have_header: bool) -> None:
    """Counted by other means than `parse` has: `io` splits at newlines alone."""
    lines = [*io.BytesIO(data)]
    refused = [index for index, _, _ in read.refused]
    for indexes in (read.line.tolist(), refused):
        assert indexes == sorted(indexes)
    directives = {*read.directives.tolist()}
    assert len(read.line) + len(refused) == read.lines == len(lines) - len(directives)
    assert directives | {*read.line.tolist(), *refused} == {*range(len(lines))}
    assert all(may_have_header and lines[index].startswith(b"#") for index in directives)
    for index, _, line in read.refused:
        assert line == lines[index].removesuffix(b"\n").removesuffix(b"\r")


def _one_by_one(data: bytes, known: Format) -> list[tuple[Any, ...]]:
    """What each entry is by itself, read with its header where it has one."""
    found = entries(data, known)
    spans = zip(found.start.tolist(), found.end.tolist(), found.header.tolist(), strict=True)
    read = [known.read(data[start:end], found.headers[code]) for start, end, code in spans]
    return [line[1:] for one in read for line in as_lines(one)]


def _nothing_found(block: Any, layout: Any, lines: Any) -> Any:
    return find(block, layout, lines[:0])


class _NothingPlain(Spaced):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.is_regular = np.zeros_like(self.is_regular)


def _nothing_loaded(line: bytes) -> None:
    raise ValueError(line)


def format_of(number: int) -> str:
    """One of FORMATS."""
    return [*FORMATS][number % len(FORMATS)]
