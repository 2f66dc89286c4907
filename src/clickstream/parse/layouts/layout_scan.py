"""Find the fields of regular lines of a layout, with a cursor that moves through all lines at once.

Lines of one layout have the same sequence of fields and literals; only the positions differ. One
step of the cursor is therefore an array operation on all lines: compare a literal, or move to the
next quote or space, found in a sorted array of all quotes or spaces. A regular line has no quotes
but those of its literals, so no field contains a quote. All other lines, such as those with a
backslash before a byte that ends fields, are left to the strict pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from clickstream.parse.blocks import (
    BACKSLASH,
    DASH,
    NEWLINE,
    QUOTE,
    RETURN,
    SPACE,
    Bytes,
    Flags,
    Positions,
    line_bounds,
    parse_fixed_number,
    parse_number,
)
from clickstream.parse.layouts.layout import PORT_DIGITS, LineLayout, Slot

_LINE_ENDS = b"\r\n"
_STATUS_WIDTH = 3


@dataclass(frozen=True)
class LineBlock:
    """Whole lines. `starts` and `ends` are the bounds of each line, without its line end.

    After the last line, `data` has as many zero bytes as a step of the cursor may look ahead.
    """

    data: Bytes
    size: int
    starts: Positions
    newlines: Positions
    ends: Positions
    _positions: dict[int, Positions] = field(default_factory=dict)

    @classmethod
    def of(cls, data: bytes, padding: int) -> LineBlock:
        """Build a block from data, with `padding` zero bytes after it."""
        padded = np.frombuffer(data + bytes(padding), np.uint8)
        starts, stops = line_bounds(data)
        newlines = stops - (padded[stops - 1] == NEWLINE)
        ends = newlines - ((newlines > starts) & (padded[newlines - 1] == RETURN))
        return cls(padded, len(data), starts, newlines, ends)

    def positions_of(self, byte: int) -> Positions:
        """Return the positions of a byte, sorted.

        Entries with the end of the lines follow, for steps of a cursor after the last position.
        """
        if byte not in self._positions:
            positions = np.flatnonzero(self.data[: self.size] == byte)
            beyond = np.full(len(self.data) - self.size, self.size)
            self._positions[byte] = np.concatenate([positions, beyond])
        return self._positions[byte]

    def line(self, index: int) -> bytes:
        """Return a line without its line end."""
        return self.data[self.starts[index] : self.ends[index]].tobytes()

    def has_backslash_before(self, bytes_after: bytes) -> Flags:
        """Return a mask of the lines with a backslash before one of the bytes or the data's end."""
        slashes = self.positions_of(BACKSLASH)
        slashes = slashes[slashes < self.size]
        meets = np.isin(self.data[slashes + 1], np.frombuffer(bytes_after, np.uint8))
        meets |= slashes + 1 == self.size
        has = np.zeros(len(self.starts), np.bool_)
        has[np.searchsorted(self.newlines, slashes[meets])] = True
        return has


@dataclass(frozen=True)
class Found:
    """The regular lines: their indexes in the block, their numbers, and the bounds of their texts.

    `bounds` has one row per line, with start and end of each text of the layout, in its order.
    """

    lines: Positions
    seconds: npt.NDArray[np.int64]
    status: npt.NDArray[np.int16]
    size: npt.NDArray[np.int64]
    bounds: Positions


def padding_for(layout: LineLayout) -> int:
    """Return the padding for a layout: bytes and steps that a cursor may take after the lines."""
    times = sum(len(slot.time.pieces) * 20 for slot in layout.slots if slot.time)
    return 64 + times + sum(map(len, _with_quotes(layout))) + len(layout.slots)


def find(block: LineBlock, layout: LineLayout, lines: Positions) -> Found:
    """Find the regular lines among some lines of a block, and their fields."""
    stops = bytes({ord(slot.stop) for slot in layout.slots})
    cursor = _Cursor(block, lines)
    cursor.fits &= ~block.has_backslash_before(stops + _LINE_ENDS)[lines]
    numbers = {"size": np.full(len(lines), -1)}
    bounds: list[Positions] = []
    literals = _with_quotes(layout)
    cursor.expect(literals[0])
    for index, slot in enumerate(layout.slots):
        literal = literals[index + 1]
        start, end = cursor.to_the_end_of(
            slot, literal, _bytes_before_quote(literals[index + 1 :], layout.slots[index + 1 :])
        )
        if slot.meaning in layout.texts:
            bounds += _without_port(block.data, start, end) if slot.has_port else (start, end)
        elif slot.holds in ("time", "status", "size"):
            numbers[slot.meaning], ok = _number(block.data, slot, start, end)
            cursor.fits &= ok
        cursor.expect(literal)
    cursor.finish(layout.open_ended, b"".join(literals).count(QUOTE))
    good = np.flatnonzero(cursor.fits)
    return Found(
        lines[good],
        numbers["time"][good],
        numbers["status"][good].astype(np.int16),
        numbers["size"][good],
        np.stack([bound[good] for bound in bounds], axis=1),
    )


def _with_quotes(layout: LineLayout) -> list[bytes]:
    """Return the literals with the quotes of the fields; a regular line has all these quotes."""
    quotes = [b'"' * slot.quoted for slot in layout.slots]
    return [
        before + literal + after
        for before, literal, after in zip(
            [b"", *quotes], layout.literals, [*quotes, b""], strict=True
        )
    ]


def _bytes_before_quote(literals: Sequence[bytes], slots: Sequence[Slot]) -> int | None:
    """Return the width of the literals and slots before the next quote; None if it is not fixed."""
    distance = 0
    for literal, slot in zip(literals, (*slots, None), strict=True):
        if b'"' in literal:
            return distance + literal.index(b'"')
        if slot is None or slot.time is None or slot.time.widths[1] is not None:
            return None
        distance += len(literal) + slot.time.widths[0]
    return None


def _number(data: Bytes, slot: Slot, start: Positions, end: Positions) -> tuple[Positions, Flags]:
    """Parse the time, status or size between positions; also return a mask of the valid ones."""
    if slot.time:
        return slot.time.unix_seconds(data, start, end)
    if slot.holds == "status":
        return parse_fixed_number(data, start, _STATUS_WIDTH)
    number, ok = parse_number(data, start, end)
    is_dash = (end - start == 1) & (data[start] == DASH)
    return np.where(is_dash, -1, number), ok | is_dash


def _without_port(data: Bytes, start: Positions, end: Positions) -> tuple[Positions, Positions]:
    """Return the bounds of clients without a port and without brackets."""
    digits_only = np.ones(len(start), np.bool_)
    stop = end
    for digits in range(1, PORT_DIGITS + 1):
        digits_only &= data[end - digits] - np.uint8(ord("0")) <= 9
        colon = end - digits - 1
        stop = np.where(digits_only & (colon > start) & (data[colon] == ord(":")), colon, stop)
    bracketed = (stop - start > 2) & (data[start] == ord("[")) & (data[stop - 1] == ord("]"))
    return start + bracketed, stop - bracketed


class _Cursor:
    """The current position in each line, and whether the line has fitted so far.

    In a line that does not fit, the position may move into the next line. Positions only grow, so
    the end of the line is then never reached, and the line is not regular.
    """

    def __init__(self, block: LineBlock, lines: Positions) -> None:
        self.block, self.lines = block, lines
        self.at = block.starts[lines]
        self.fits = np.ones(len(lines), np.bool_)
        self._last_stop: tuple[int, Positions] | None = None
        """The byte that ended the last field, and its index among the positions of that byte."""

    def expect(self, literal: bytes) -> None:
        """Compare a literal and move after it."""
        for offset, byte in enumerate(literal):
            self.fits &= self.block.data[self.at + offset] == byte
        self.at = self.at + len(literal)
        if self._last_stop:
            byte, index = self._last_stop
            self._last_stop = byte, index + literal.count(byte)

    def to_the_end_of(
        self, slot: Slot, literal: bytes, before_quote: int | None
    ) -> tuple[Positions, Positions]:
        """Move to the end of a field, before `literal`. Returns the bounds of the field.

        `before_quote` is the distance of the next quote from the end, if it is fixed. The ends of
        status and size need no search for spaces, which takes 10 % of the time of combined lines.
        """
        start = self.at
        if slot.time:
            before, after = slot.time.widths
            self.at = self.at + before
            if after is not None:
                self.at = self._seek(ord(slot.time.after_varying[:1] or slot.stop)) + after
            self._last_stop = None
        elif slot.holds == "status":
            self.at = self.at + _STATUS_WIDTH
        elif not literal:
            self.at = np.minimum(self._seek(ord(slot.stop)), self.block.ends[self.lines])
        elif (slot.is_spaced or slot.holds == "size") and before_quote is not None:
            self.at = self._seek(QUOTE) - before_quote
        elif literal[:1] != slot.stop:  # a word that ends at a quote, and contains no space
            stop, self.at = self._seek(ord(slot.stop)), self._seek(literal[0])
            self.fits &= stop >= self.at
        else:
            self.at = self._seek(ord(slot.stop))
        self.fits &= self.at >= start
        self.fits &= _fills(slot, self.block.data, start, self.at)
        return start, self.at

    def _seek(self, byte: int) -> Positions:
        """Return the position of the next such byte, from the current position on."""
        positions = self.block.positions_of(byte)
        if self._last_stop and self._last_stop[0] == byte:
            index = self._last_stop[1]
        else:
            index = np.searchsorted(positions, self.at)
        index = np.minimum(index, len(positions) - 1)
        self._last_stop = byte, index
        return positions[index]

    def finish(self, open_ended: bool, quotes: int) -> None:
        """Check that each position is at the end of its line, after all quotes of the line."""
        ends = self.block.ends[self.lines]
        goes_on = (self.at < ends) & (self.block.data[self.at] == SPACE)
        self.fits &= (self.at == ends) | (open_ended & goes_on)
        positions = self.block.positions_of(QUOTE)
        first = np.searchsorted(positions, self.block.starts[self.lines])
        self.fits &= np.searchsorted(positions, self.at) - first == quotes


def _fills(slot: Slot, data: Bytes, start: Positions, end: Positions) -> Flags:
    """Return a mask of the lines whose text between the positions is valid for the slot."""
    enough = np.ones(len(start), np.bool_)
    if slot.holds in ("name", "user") or (slot.holds == "word" and slot.meaning == "client"):
        enough &= end > start
    if slot.holds == "name":
        enough &= (end - start > 1) | (data[start] != DASH)
    if slot.holds == "list":  # a comma or ` : ` at its end means that the list continues
        enough &= data[end - 1] != ord(",")
        enough &= (data[end + 1] != ord(":")) | (data[end + 2] != SPACE)
    return enough
