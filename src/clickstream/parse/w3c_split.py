"""Entries of a W3C log split into their values: plain ones all at once, the others one by one.

A plain entry has no quotes, and one space or tab between its values: where its values are is known
from where white space is, which numpy finds for a whole block. Everything else is split with care:
values in quotes may hold spaces, and where tabs stand between the values, any may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream.parse.blocks import cut_out
from clickstream.parse.formats import CUT, EMPTY, MISFIT
from clickstream.parse.rows import Refused

Integers = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

_TOKEN = re.compile(rb'"(?:[^"]|"")*+"(?!\S)|\S+')
_TAB, _NEWLINE, _RETURN, _SPACE, _QUOTE, _DIRECTIVE = b'\t\n\r "#'


class Spaced:
    """A block of whole lines and the white space in them; indexes and positions are the block's.

    `start` and `end` span each line without its line end. `is_regular` tells entries that have no
    quotes, and nothing but single spaces or nothing but single tabs, `spaces` of them. The block
    begins with line `first_line` of the log, at the log's byte `offset`.
    """

    def __init__(self, block: bytes, first_line: int, offset: int) -> None:
        self.block, self.first_line, self.offset = block, first_line, offset
        data = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
        self._low = low = np.flatnonzero(data <= _SPACE)
        kind = data[low]
        last = np.flatnonzero(kind == _NEWLINE)
        newline = low[last]
        self.start = np.concatenate([[0], newline[:-1] + 1])
        has_return = (newline > self.start) & (data[newline - 1] == _RETURN)
        self.end = newline - has_return
        self._first = np.concatenate([[0], last[:-1] + 1])
        self.spaces = last - has_return - self._first
        self.is_directive = data[self.start] == _DIRECTIVE
        self.is_regular = ~self.is_directive
        quotes = np.flatnonzero(data == _QUOTE)
        odd = low[_is_odd(low, kind, last, has_return)]
        for found in (quotes, odd):
            self.is_regular[np.searchsorted(newline, found)] = False
        tabs = np.searchsorted(newline, low[kind == _TAB])
        if len(tabs):
            count = np.bincount(tabs, minlength=len(newline))
            self.is_regular &= (count == 0) | (count == self.spaces)

    def value_bounds(self, lines: Integers, place: int) -> tuple[Integers, Integers]:
        """Where regular lines have their value number `place`, from 0."""
        space = self._first[lines] + place
        start = self._low[space - 1] + 1 if place else self.start[lines]
        return start, np.minimum(self._low[space], self.end[lines])

    def texts(self, lines: Integers) -> Iterator[tuple[int, bytes]]:
        """Lines with their index in the log."""
        spans = zip(self.start[lines].tolist(), self.end[lines].tolist(), strict=True)
        for line, (start, end) in zip(lines.tolist(), spans, strict=True):
            yield line + self.first_line, self.block[start:end]

    def table(self, lines: Integers, values: Mapping[str, Any]) -> pa.Table:
        """Lines as a table: `line` in the log, its `start` and `end` there, and texts, encoded."""
        where = {
            "line": pa.array(lines + self.first_line, pa.int64()),
            "start": pa.array(self.start[lines] + self.offset, pa.int64()),
            "end": pa.array(self.end[lines] + self.offset, pa.int64()),
        }
        encoded = {
            name: pa.array(column, pa.binary()).dictionary_encode()
            for name, column in values.items()
        }
        return pa.table(where | encoded)


def _is_odd(low: Integers, kind: Integers, last: Integers, has_return: Bools) -> Bools:
    """Which bytes up to the space are not what separates two values, or ends a line.

    `low` is where they are, `kind` what they are, `last` which of them end lines.
    """
    is_odd: Bools = np.diff(low, prepend=-1) == 1  # nothing stands between it and the one before
    is_odd[last[has_return]] = False
    is_known = (kind == _SPACE) | (kind == _TAB) | (kind == _NEWLINE)
    is_known[last[has_return] - 1] = True
    is_odd |= ~is_known
    return is_odd


def regular_columns(spaced: Spaced, lines: Integers, places: Mapping[str, int]) -> pa.Table:
    """The values of regular lines with the right number of spaces, cut out by Arrow."""
    bounds = {name: spaced.value_bounds(lines, place) for name, place in places.items()}
    cut = {name: cut_out(spaced.block, *bound) for name, bound in bounds.items()}
    return spaced.table(lines, cut)


def careful_columns(
    spaced: Spaced, lines: Integers, places: Mapping[str, int], width: int
) -> tuple[pa.Table, list[Refused]]:
    """The values of any lines, and the lines that don't have `width` of them."""
    fitting: list[int] = []
    split: list[list[bytes]] = []
    refused: list[Refused] = []
    for line, (index, text) in zip(lines.tolist(), spaced.texts(lines), strict=True):
        values = split_entry(text, width)
        if len(values) == width:
            fitting.append(line)
            split.append(values)
        else:
            refused.append((index, _misfit(values, width), text))
    columns = {name: [values[place] for values in split] for name, place in places.items()}
    return spaced.table(np.array(fitting, np.int64), columns), refused


def split_entry(line: bytes, width: int) -> list[bytes]:
    """An entry's values: between tabs where their number is right, else between white space."""
    if line.count(b"\t") == width - 1:
        return line.split(b"\t")
    return _TOKEN.findall(line) if b'"' in line else line.split()


def _misfit(values: list[bytes], width: int) -> str:
    if not values:
        return EMPTY
    return CUT if len(values) < width else MISFIT
