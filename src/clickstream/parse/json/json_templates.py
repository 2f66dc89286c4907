r"""Read many JSON lines of one shape at once: lines that differ only in their texts and numbers.

A server writes the same keys in the same order into every line. One line, parsed as JSON, is
therefore a model for many. Lines of its shape have the same bytes outside of the texts and numbers,
and the positions of their quotes show where these bytes must be. numpy compares them and Arrow cuts
out the values, so these lines need no JSON parser. A line with any other difference does not have
the shape. `json_lines` calls this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import (
    BACKSLASH,
    NEWLINE,
    QUOTE,
    RETURN,
    Flags,
    Numbers,
    cut_texts,
    load_words,
)
from clickstream.parse.json.json_names import flat
from clickstream.parse.json.json_values import JsonColumn

_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_NUMBERS = re.compile(_NUMBER.encode())
_ESCAPED = np.frombuffer(b'"/bfnrt', np.uint8)
_AT_END = -1
_AT_ONCE = 32  # bytes loaded from one position: loading costs more than comparing


class Quoted:
    """A block of whole lines and the quotes in them; indexes and positions are those of the block.

    `start` and `end` are the bounds of each line without its line end. `at` has the positions of
    all quotes; `first` is the index in `at` of each line's first quote, and `quotes` their number.
    `is_regular` marks the lines whose texts are valid for certain: UTF-8, without control
    characters, and with simple escapes only.
    """

    def __init__(self, block: bytes) -> None:
        self.block = block
        data = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
        control = np.flatnonzero(data < 0x20)
        newline = control[data[control] == NEWLINE]
        self.start = np.concatenate([[0], newline[:-1] + 1])
        has_return = (newline > self.start) & (data[newline - 1] == RETURN)
        self.end = newline - has_return
        quotes = np.flatnonzero(data == QUOTE)
        control = control[data[control] != NEWLINE]
        odd = [np.setdiff1d(control, self.end[has_return], assume_unique=True)]
        if b"\\" in block:
            backslash = np.flatnonzero(data == BACKSLASH)
            quotes = quotes[data[quotes - 1] != BACKSLASH]
            odd.append(backslash[~np.isin(data[backslash + 1], _ESCAPED)])
        if not _is_utf8(block):
            odd.append(np.flatnonzero(data >= 0x80))
        past = np.searchsorted(quotes, newline)
        self.at, self.first = quotes, np.concatenate([[0], past[:-1]])
        self.quotes = past - self.first
        self._padded = np.concatenate([data, np.zeros(_AT_ONCE, np.uint8)])
        self.is_regular = np.ones(len(newline), np.bool_)
        for found in odd:
            self.is_regular[np.searchsorted(newline, found)] = False

    def quotes_in(self, line: int) -> list[int]:
        """Return the positions of a line's quotes, relative to its start."""
        first = self.first[line]
        found = self.at[first : first + self.quotes[line]] - self.start[line]
        return list(map(int, found))

    def has(self, begin: Numbers, text: bytes) -> Flags:
        """Return a mask of the positions with this text; compares words of eight bytes."""
        has = np.ones(len(begin), np.bool_)
        for place in range(0, len(text), _AT_ONCE):
            piece = text[place : place + _AT_ONCE]
            words = [piece[start : start + 8] for start in range(0, len(piece), 8)]
            for found, word in zip(
                load_words(self._padded, begin + place, len(words)).T, words, strict=True
            ):
                known = found & np.uint64(256 ** len(word) - 1) if len(word) < 8 else found
                has &= known == np.uint64(int.from_bytes(word, "little"))
        return has

    def text(self, line: int) -> bytes:
        """Return a line without its line end."""
        return self.block[self.start[line] : self.end[line]]


def _is_utf8(block: bytes) -> bool:
    try:
        return block.isascii() or bool(block.decode())
    except UnicodeDecodeError:
        return False


@dataclass
class _Chain:
    """Bytes that all lines of a shape have.

    Quote number `anchor` of the line is `offset` bytes after the start of the chain. If `anchor` is
    _AT_END, this is the offset of the line's end.
    """

    text: bytes = b""
    anchor: int = _AT_END
    offset: int = 0

    def add_quoted(self, text: bytes, quote: int) -> None:
        """Append a text that begins with quote number `quote`."""
        if self.anchor == _AT_END:
            self.anchor, self.offset = quote, len(self.text)
        self.text += text


class Model:
    """The shape of a line: chains of bytes, with slots for a text or a number between them.

    `keys` are the keys of the flattened object. `slots` has the number of the slot of each key's
    value, and `constants` the values that are the same in all lines of the shape. Lists and objects
    are in neither. Raises ValueError for a line that can't be a model.
    """

    def __init__(self, line: bytes, quotes: list[int]) -> None:
        if not line.startswith(b"{"):
            raise ValueError("no object")
        orjson.loads(line)  # invalid JSON such as {5: 1} may become valid by numbering the slots
        self.quotes = len(quotes)
        self.chains = [_Chain()]
        self.is_number: list[bool] = []
        for between, text, after, quote in _pieces(line, quotes):
            self._add_between(between)
            if after.startswith(b":"):
                self.chains[-1].add_quoted(text, quote)
            elif text:
                self._add_slot(quote)
        if self.chains[-1].anchor == _AT_END:
            self.chains[-1].offset = len(self.chains[-1].text)
        values = flat(orjson.loads(self._with_slots_numbered()))
        self.keys = tuple(values)
        self.slots = {key: int(value) for key, value in values.items() if isinstance(value, str)}
        kinds = (str, list, dict)
        self.constants = {k: value for k, value in values.items() if not isinstance(value, kinds)}

    def _with_slots_numbered(self) -> bytes:
        """Return a line of the shape in which each slot has its own number, as a text."""
        line = self.chains[0].text
        for slot, chain in enumerate(self.chains[1:]):
            line += (b'"%d"' if self.is_number[slot] else b"%d") % slot + chain.text
        return line

    def knows(self, keys: Iterable[str]) -> bool:
        """Return whether the model has the values of all these keys."""
        return all(key in self.slots or key in self.constants for key in keys)

    def _add_between(self, between: bytes) -> None:
        """Add the bytes between two texts, which may contain one number."""
        numbers = [*_NUMBERS.finditer(between)]
        if len(numbers) != 1:
            self.chains[-1].text += between
            return
        self.chains[-1].text += between[: numbers[0].start()]
        self.is_number.append(True)
        self.chains.append(_Chain(between[numbers[0].end() :]))

    def _add_slot(self, quote: int) -> None:
        self.chains[-1].add_quoted(b'"', quote)
        self.is_number.append(False)
        self.chains.append(_Chain(b'"', quote + 1))

    def lines_of_its_shape(self, quoted: Quoted, lines: Numbers) -> tuple[Numbers, list[Numbers]]:
        """Return the lines that have the shape, and the positions at which their chains begin."""
        lines = lines[quoted.quotes[lines] == self.quotes]
        begins: list[Numbers] = []
        past, first, end = quoted.start[lines], quoted.first[lines], quoted.end[lines]
        for number, chain in enumerate(self.chains):
            anchor = end if chain.anchor == _AT_END else quoted.at[first + chain.anchor]
            begin = anchor - chain.offset
            fits = begin == past if number == 0 else begin >= past
            past = begin + len(chain.text)
            fits &= past == end if number == len(self.chains) - 1 else past <= end
            fits &= quoted.has(np.where(fits, begin, 0), chain.text)
            begins.append(begin)
            if not fits.all():
                lines, past, first, end, *begins = (
                    one[fits] for one in (lines, past, first, end, *begins)
                )
        return self._with_right_numbers(quoted, lines, begins)

    def _with_right_numbers(
        self, quoted: Quoted, lines: Numbers, begins: list[Numbers]
    ) -> tuple[Numbers, list[Numbers]]:
        fits = np.ones(len(lines), np.bool_)
        for slot in np.flatnonzero(self.is_number).tolist():
            tokens = self.cut(quoted, begins, slot)
            fits &= pc.match_substring_regex(tokens, f"^{_NUMBER}$").to_numpy(False)
        if fits.all():
            return lines, begins
        return lines[fits], [begin[fits] for begin in begins]

    def cut(self, quoted: Quoted, begins: list[Numbers], slot: int) -> pa.Array:
        """Cut out the contents of a slot."""
        return cut_texts(quoted.block, begins[slot] + len(self.chains[slot].text), begins[slot + 1])

    def column(self, quoted: Quoted, begins: list[Numbers], key: str) -> JsonColumn:
        """Return the values of a key; they must not be lists or objects."""
        if key in self.constants:
            return JsonColumn(np.zeros(len(begins[0]), np.int64), [self.constants[key]])
        slot = self.slots[key]
        encoded = self.cut(quoted, begins, slot).dictionary_encode()
        codes, values = encoded.indices.to_numpy(), encoded.dictionary
        if self.is_number[slot]:
            return JsonColumn(codes, [orjson.loads(token) for token in values.to_pylist()])
        return JsonColumn(codes, _unescaped(values.cast(pa.string())))


def _pieces(line: bytes, quotes: list[int]) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    """Split a line at its texts.

    Yields for each text the bytes before it, the text with its quotes, the bytes after it, and the
    number of its first quote. The last item has the bytes after the last text, and an empty text.
    """
    bounds = [-1, *quotes, len(line)]
    for quote in range(0, len(quotes), 2):
        before, begin, end, behind = bounds[quote : quote + 4]
        yield (
            line[before + 1 : begin],
            line[begin : end + 1],
            line[end + 1 : behind].lstrip(),
            quote,
        )
    yield line[bounds[-2] + 1 :], b"", b"", len(quotes)


def _unescaped(texts: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring(texts, "\\")).as_py():
        return texts
    return pa.array([orjson.loads(f'"{text}"') for text in texts.to_pylist()], pa.string())
