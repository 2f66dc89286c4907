"""Where the fields of regular lines are: a cursor that walks through all lines of a block at once.

Lines of one layout differ in where their fields end, not in what comes next. So one step of the
cursor is an array operation: check a literal in every line, or go to the next quote or space after
where it stands, which a sorted array of all quotes or spaces tells. What the literals of a line use
up are all the quotes it has, so none is inside a field. Every line that is odd in any way, be it a
backslash before a byte that ends fields, is left to the strict pattern.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from clickstream.parse.blocks import (
    NEWLINE,
    Bytes,
    Flags,
    Positions,
    line_bounds,
    parse_fixed_number,
    parse_number,
)
from clickstream.parse.layout import PORT_DIGITS, Layout, Slot
from clickstream.parse.times import TimeFormat

QUOTE, BACKSLASH, DASH, _COMMA = b'"\\-,'
_LINE_ENDS = b"\r\n"


@dataclass(frozen=True)
class Block:
    """Whole lines. `starts` and `ends` span each of them, without its line end.

    The bytes go on behind the last line for as long as a step of the cursor may look ahead.
    """

    data: Bytes
    size: int
    starts: Positions
    newlines: Positions
    ends: Positions
    _places: dict[int, Positions] = field(default_factory=dict)

    @classmethod
    def of(cls, data: bytes, room: int) -> Block:
        """The lines of the data, with so many bytes of room behind them."""
        padded = np.frombuffer(data + bytes(room), np.uint8)
        starts, stops = line_bounds(data)
        newlines = stops - (padded[stops - 1] == NEWLINE)
        ends = newlines - ((newlines > starts) & (padded[newlines - 1] == ord("\r")))
        return cls(padded, len(data), starts, newlines, ends)

    def places(self, byte: int) -> Positions:
        """Where the byte is; as often as a cursor may ask beyond the last one, behind the lines."""
        if byte not in self._places:
            found = np.flatnonzero(self.data[: self.size] == byte)
            beyond = np.full(len(self.data) - self.size, self.size)
            self._places[byte] = np.concatenate([found, beyond])
        return self._places[byte]

    def line(self, index: int) -> bytes:
        """A line, without its end."""
        return self.data[self.starts[index] : self.ends[index]].tobytes()

    def has_backslash_before(self, bytes_after: bytes) -> Flags:
        """Which lines have a backslash right before one of the bytes, or at the end of the data."""
        slashes = self.places(BACKSLASH)
        slashes = slashes[slashes < self.size]
        meets = np.isin(self.data[slashes + 1], np.frombuffer(bytes_after, np.uint8))
        meets |= slashes + 1 == self.size
        has = np.zeros(len(self.starts), np.bool_)
        has[np.searchsorted(self.newlines, slashes[meets])] = True
        return has


@dataclass(frozen=True)
class Found:
    """The regular lines: their indexes in the block, their numbers, and where their texts are.

    `bounds` has a row for each line: a start and an end for each of the layout's texts in turn.
    """

    lines: Positions
    seconds: npt.NDArray[np.int64]
    status: npt.NDArray[np.int16]
    size: npt.NDArray[np.int64]
    bounds: Positions


def room_for(layout: Layout) -> int:
    """The bytes that a cursor may look ahead, and the steps that it may take, behind the lines."""
    times = sum(len(slot.time.pieces) * 20 for slot in layout.slots if slot.time)
    return 64 + times + sum(map(len, _with_quotes(layout))) + len(layout.slots)


def find(block: Block, layout: Layout, lines: Positions) -> Found:
    """Find the fields of those lines of the block that are regular."""
    stops = bytes({ord(slot.stop) for slot in layout.slots})
    cursor = _Cursor(block, lines)
    cursor.fits &= ~block.has_backslash_before(stops + _LINE_ENDS)[lines]
    numbers = {"size": np.full(len(lines), -1)}
    bounds: list[Positions] = []
    literals = _with_quotes(layout)
    cursor.expect(literals[0])
    for slot, literal in zip(layout.slots, literals[1:], strict=True):
        start, end = cursor.to_the_end_of(slot, literal)
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


def _with_quotes(layout: Layout) -> list[bytes]:
    """The literals with the quotes around fields, which all have to be there on a regular line."""
    quotes = [b'"' * slot.quoted for slot in layout.slots]
    return [
        before + literal + after
        for before, literal, after in zip(
            [b"", *quotes], layout.literals, [*quotes, b""], strict=True
        )
    ]


def _number(data: Bytes, slot: Slot, start: Positions, end: Positions) -> tuple[Positions, Flags]:
    """The time, status or size between the positions, and whether it is one."""
    if slot.time:
        return slot.time.unix_seconds(data, start, end)
    if slot.holds == "status":
        status, ok = parse_fixed_number(data, start, 3)
        return status, ok & (end - start == 3)
    number, ok = parse_number(data, start, end)
    is_dash = (end - start == 1) & (data[start] == DASH)
    return np.where(is_dash, -1, number), ok | is_dash


def _without_port(data: Bytes, start: Positions, end: Positions) -> tuple[Positions, Positions]:
    """Where the client is between the positions, without a port behind it and its brackets."""
    digits_only = np.ones(len(start), np.bool_)
    stop = end
    for digits in range(1, PORT_DIGITS + 1):
        digits_only &= data[end - digits] - np.uint8(ord("0")) <= 9
        colon = end - digits - 1
        stop = np.where(digits_only & (colon > start) & (data[colon] == ord(":")), colon, stop)
    bracketed = (stop - start > 2) & (data[start] == ord("[")) & (data[stop - 1] == ord("]"))
    return start + bracketed, stop - bracketed


class _Cursor:
    """Where each line's reading stands, and whether the line has fitted so far.

    A line that does not fit may lead its reading into the next one; as positions only grow, it then
    never comes to its own end.
    """

    def __init__(self, block: Block, lines: Positions) -> None:
        self.block, self.lines = block, lines
        self.at = block.starts[lines]
        self.fits = np.ones(len(lines), np.bool_)
        self._found: tuple[int, Positions] | None = None
        """The byte that ended the last field, and which of all of them ended it."""

    def expect(self, literal: bytes) -> None:
        """Pass a literal."""
        for place, byte in enumerate(literal):
            self.fits &= self.block.data[self.at + place] == byte
        self.at = self.at + len(literal)
        if self._found:
            byte, index = self._found
            self._found = byte, index + literal.count(byte)

    def to_the_end_of(self, slot: Slot, literal: bytes) -> tuple[Positions, Positions]:
        """Pass a field; the literal is what follows it. Returns where it begins and ends."""
        start = self.at
        if slot.time:
            self.at = self._end_of_time(slot.time, slot.stop)
        elif not literal:
            self.at = np.minimum(self._seek(ord(slot.stop)), self.block.ends[self.lines])
        elif slot.is_spaced and b'"' in literal:
            self.at = self._seek(QUOTE) - literal.index(b'"')
        elif literal[:1] != slot.stop:  # a word before a quote, which holds no space, either
            stop, self.at = self._seek(ord(slot.stop)), self._seek(literal[0])
            self.fits &= stop >= self.at
        else:
            self.at = self._seek(ord(slot.stop))
        self.fits &= self.at >= start
        self.fits &= _fills(slot, self.block.data, start, self.at)
        return start, self.at

    def _end_of_time(self, time: TimeFormat, stop: bytes) -> Positions:
        before, after = time.widths
        self.at = self.at + before
        end = self.at if after is None else self._seek(ord(time.after_varying[:1] or stop)) + after
        self._found = None
        return end

    def _seek(self, byte: int) -> Positions:
        """The next such byte, from where the reading stands on."""
        places = self.block.places(byte)
        if self._found and self._found[0] == byte:
            index = self._found[1]
        else:
            index = np.searchsorted(places, self.at)
        index = np.minimum(index, len(places) - 1)
        self._found = byte, index
        return places[index]

    def finish(self, open_ended: bool, quotes: int) -> None:
        """See which readings have come to their line's end, with all of the line's quotes used."""
        ends = self.block.ends[self.lines]
        goes_on = (self.at < ends) & (self.block.data[self.at] == ord(" "))
        self.fits &= (self.at == ends) | (open_ended & goes_on)
        places = self.block.places(QUOTE)
        first = np.searchsorted(places, self.block.starts[self.lines])
        self.fits &= np.searchsorted(places, self.at) - first == quotes


def _fills(slot: Slot, data: Bytes, start: Positions, end: Positions) -> Flags:
    """Whether what lies between the positions is enough for the slot."""
    enough = np.ones(len(start), np.bool_)
    if slot.holds in ("name", "user") or (slot.holds == "word" and slot.meaning == "client"):
        enough &= end > start
    if slot.holds == "name":
        enough &= (end - start > 1) | (data[start] != DASH)
    if slot.holds == "list":  # with a comma or ` : ` at its end it would go on
        enough &= data[end - 1] != _COMMA
        enough &= (data[end + 1] != ord(":")) | (data[end + 2] != ord(" "))
    return enough
