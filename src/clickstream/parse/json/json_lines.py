r"""Read JSON lines: one object per request, with the keys of servers and example configurations.

Lines of one shape are read together. All others are parsed one by one: by
orjson, or, if it refuses a line, by the standard library, which accepts more. The values are then
processed as columns, each distinct value once. Apache writes bytes that are not printable as
`\xhh`, which JSON does not allow; such lines are read too, and keep that spelling, as in the other
formats. Method, target and protocol come from the request line, or from separate keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import (
    BACKSLASH,
    BLOCK_BYTES,
    NEWLINE,
    QUOTE,
    RETURN,
    Flags,
    Numbers,
    Positions,
    cut_texts,
    load_words,
    read_blocks,
)
from clickstream.parse.json.json_names import OwnKeys, flat, picker
from clickstream.parse.json.json_values import (
    NOT_USABLE,
    JsonColumn,
    loose_texts,
    seconds,
    sizes,
    statuses,
    texts,
)
from clickstream.parse.line_patterns import (
    CUT,
    EMPTY,
    FOREIGN,
    IMPOSSIBLE_TIME,
    MISFIT,
    REQUEST_LINE,
    first_addresses,
)
from clickstream.parse.rows import (
    DURATIONS,
    NO_ROWS,
    OPTIONAL_FIELDS,
    Coded,
    Refused,
    Rows,
    join_targets,
    joined,
)
from clickstream.parse.wrappers import Wrapped, add_wrapped, find_wrapped

# Read many JSON lines of one shape at once: lines that differ only in their texts and numbers.
#
# A server writes the same keys in the same order into every line. One line, parsed as JSON, is
# therefore a model for many. Lines of its shape have the same bytes outside of the texts and
# numbers, and the positions of their quotes show where these bytes must be. numpy compares them and
# Arrow cuts out the values, so these lines need no JSON parser. A line with any other difference
# does not have the shape.

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
        self.padded = np.concatenate([data, np.zeros(_AT_ONCE, np.uint8)])
        self.is_regular = np.ones(len(newline), np.bool_)
        for positions in odd:
            self.is_regular[np.searchsorted(newline, positions)] = False

    def quotes_in(self, line: int) -> list[int]:
        """Return the positions of a line's quotes, relative to its start."""
        first = self.first[line]
        positions = self.at[first : first + self.quotes[line]] - self.start[line]
        return list(map(int, positions))

    def has(self, begin: Numbers, text: bytes) -> Flags:
        """Return a mask of the positions with this text; compares words of eight bytes."""
        has = np.ones(len(begin), np.bool_)
        for offset in range(0, len(text), _AT_ONCE):
            piece = text[offset : offset + _AT_ONCE]
            words = [piece[start : start + 8] for start in range(0, len(piece), 8)]
            for words_read, word in zip(
                load_words(self.padded, begin + offset, len(words)).T, words, strict=True
            ):
                bytes_read = (
                    words_read & np.uint64(256 ** len(word) - 1) if len(word) < 8 else words_read
                )
                has &= bytes_read == np.uint64(int.from_bytes(word, "little"))
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

    def __init__(self, line: bytes, quotes: list[int], own: OwnKeys = ()) -> None:
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
                self.chains[-1].add_quoted(b'"', quote)
                self.is_number.append(False)
                self.chains.append(_Chain(b'"', quote + 1))
        if self.chains[-1].anchor == _AT_END:
            self.chains[-1].offset = len(self.chains[-1].text)
        values = flat(orjson.loads(self._with_slots_numbered()), own)
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
                    array[fits] for array in (lines, past, first, end, *begins)
                )
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


FIELDS = ("request", "target", "query", "method", "protocol")


def request_of(columns: Mapping[str, Coded], rows: int) -> dict[str, Coded]:
    """Return method, target and protocol; the code is -1 if an object has no place for a text.

    `columns` has the existing columns of FIELDS, as texts. In some configurations, `request` is the
    path alone. If there is no method and the target is not a path, the target is a request line
    that is not HTTP, and the method is empty.
    """
    request = columns.get("request", _all(rows, ""))
    parts = pc.extract_regex(request.values, REQUEST_LINE)
    is_http: Flags = parts.is_valid().to_numpy(zero_copy_only=False)[request.codes]
    line = {
        name: Coded(request.codes, pc.fill_null(pc.struct_field(parts, name), ""))
        for name in ("method", "target", "protocol")
    }
    own = columns.get("target", request)
    own = _join_query(_either(_is(own, pc.not_equal, ""), own, request), columns.get("query"))
    unnamed = Coded(np.where(_is(own, pc.starts_with, "/"), -1, 0), pa.array([""]))
    return {
        "method": _either(is_http, line["method"], columns.get("method", unnamed)),
        "target": _either(is_http, line["target"], own),
        "protocol": _either(is_http, line["protocol"], columns.get("protocol", _all(rows, None))),
    }


def _all(rows: int, text: str | None) -> Coded:
    code, values = (-1, []) if text is None else (0, [text])
    return Coded(np.full(rows, code), pa.array(values, pa.string()))


def _is(column: Coded, holds: Any, text: str) -> Flags:
    """Return a mask of the rows for which a comparison of the text is true."""
    distinct = holds(column.values, text).to_numpy(zero_copy_only=False)
    matches: Flags = distinct[column.codes].astype(np.bool_)
    return matches


def _either(condition: Flags, chosen: Coded, fallback: Coded) -> Coded:
    """Return the texts of `chosen` where the condition is true, else those of `fallback`."""
    if condition.all():
        return chosen
    codes = np.where(fallback.codes < 0, -1, fallback.codes + len(chosen.values))
    values = pa.concat_arrays([chosen.values, fallback.values])
    return Coded(np.where(condition, chosen.codes, codes), values)


def _join_query(target: Coded, query: Coded | None) -> Coded:
    """Join target and query by `?`, unless the target is empty or has a query itself."""
    if query is None:
        return target
    is_whole = _is(target, pc.match_substring, "?") | _is(target, pc.equal, "")
    query = replace(query, values=pc.replace_substring_regex(query.values, r"^\?", ""))
    return _either(is_whole, target, join_targets(target, query))


_RARE = 1 / 64  # minimum share of the lines with the same number of quotes that a shape must have
_MOST_RARE = 3  # after this number of rarer shapes, all other lines are read one by one
_UNKNOWN_ESCAPE = re.compile(r"\\(x|.)", re.DOTALL)
_STRICT_TEXTS = ("client", "address", "referrer", "user_agent")
_LOOSE_TEXTS = ("host", "forwarded", "sec_gpc", "dnt", *DURATIONS, *OPTIONAL_FIELDS)


class _Refusal(Exception):
    """A line is not a usable object; the text is one of the reject reasons."""


def read(data: bytes, own: OwnKeys = (), unwraps: bool = True) -> Rows:
    """Read all lines of the data; with `unwraps`, also those inside of others, see `wrappers`.

    `own` are the keys of the fields, if they are not those of `json_names`.
    """
    parts = [NO_ROWS]
    wrapped: dict[int, Wrapped] = {}
    first_line = 0
    for block in read_blocks(BytesIO(data), BLOCK_BYTES):
        quoted = Quoted(block)
        bounds = quoted.start, quoted.end
        found = find_wrapped(block, quoted.padded, *bounds) if unwraps else {}
        wrapped |= {first_line + index: line for index, line in found.items()}
        own_lines = np.delete(np.arange(len(quoted.start)), [*found])
        parts += _read_block(quoted, own_lines, first_line, own)
        first_line += len(quoted.start)
    return add_wrapped(joined(parts), wrapped, partial(read, own=own, unwraps=False))


def _read_block(quoted: Quoted, lines: Positions, first_line: int, own: OwnKeys) -> list[Rows]:
    """Read some lines of a block, those of common shapes together."""
    is_regular = quoted.is_regular[lines] & (quoted.quotes[lines] > 0)
    left = lines[is_regular]
    irregular = [lines[~is_regular]]
    parts = []
    rare = 0
    while len(left) and rare < _MOST_RARE:
        alike, columns = _of_one_shape(quoted, left, own)
        if columns is None:
            rare += 1
            irregular.append(alike)
        else:
            parts.append(_check_rows(quoted, first_line, alike, columns))
        left = left[~np.isin(left, alike, assume_unique=True)]
    rest = np.sort(np.concatenate([*irregular, left]))
    return parts + _read_one_by_one(quoted, rest, first_line, own)


def _of_one_shape(
    quoted: Quoted, lines: Positions, own: OwnKeys
) -> tuple[Positions, dict[str, JsonColumn] | None]:
    """Return the lines of the likeliest shape, and their fields.

    Lines of one shape have the same number of quotes. The shape is that of the first line with the
    most frequent number. If this line can't be a model, or its shape is rare, the result is this
    line and None.
    """
    quotes = quoted.quotes[lines]
    lines = lines[quotes == np.bincount(quotes).argmax()]
    first = int(lines[0])
    try:
        model = Model(quoted.text(first), quoted.quotes_in(first), own)
    except ValueError:
        return lines[:1], None
    fields = picker(model.keys, own)
    if fields is None or not model.knows(fields.keys.values()):
        return lines[:1], None
    fitting, begins = model.lines_of_its_shape(quoted, lines)
    if len(fitting) < len(lines) * _RARE:
        return lines[:1], None
    columns = {field: model.column(quoted, begins, key) for field, key in fields.keys.items()}
    return fitting, columns


def _read_one_by_one(quoted: Quoted, left: Positions, first_line: int, own: OwnKeys) -> list[Rows]:
    """Read lines of any shape; objects with the same fields become columns together."""
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    indexes: dict[tuple[str, ...], list[int]] = {}
    refused: list[Refused] = []
    for index in left.tolist():
        line = quoted.text(index)
        try:
            fields, values = _pick_values(line, own)
        except _Refusal as refusal:
            refused.append((first_line + index, str(refusal), line))
            continue
        groups.setdefault(fields, []).append(values)
        indexes.setdefault(fields, []).append(index)
    parts = []
    for fields, rows in groups.items():
        columns = map(JsonColumn.of, zip(*rows, strict=True))
        named = dict(zip(fields, columns, strict=True))
        parts.append(_check_rows(quoted, first_line, np.array(indexes[fields]), named))
    return [*parts, replace(NO_ROWS, refused=refused, lines=len(refused))]


def _pick_values(line: bytes, own: OwnKeys) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Return the fields of a line, and their values."""
    if not line.startswith(b"{"):
        raise _Refusal(FOREIGN if line.strip() else EMPTY)
    try:
        value = orjson.loads(line)
    except ValueError:
        value = _parse_leniently(line)
    value = flat(value, own)
    fields = picker(tuple(value), own)
    if fields is None:
        raise _Refusal(MISFIT)
    return tuple(fields.keys), fields.pick(value)


def _parse_leniently(line: bytes) -> dict[str, Any]:
    r"""Parse a line that is almost JSON: with bytes that are not UTF-8, `\xhh`, or NaN."""
    text = line.decode("utf-8", "backslashreplace")
    try:
        return _object(text)
    except (ValueError, RecursionError):
        raise _Refusal(MISFIT if text.rstrip().endswith("}") else CUT) from None


def _object(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(text)
    except ValueError:
        if "\\x" not in text:
            raise
        repaired = _UNKNOWN_ESCAPE.sub(lambda m: r"\\x" if m[1] == "x" else m[0], text)
        value = json.loads(repaired)
    return value


def _check_rows(
    quoted: Quoted, first_line: int, line: Positions, columns: dict[str, JsonColumn]
) -> Rows:
    """Build the rows of objects with valid values; refuse the others."""
    at, status = seconds(columns["time"]), statuses(columns["status"])
    size = sizes(columns["size"]) if "size" in columns else np.full(len(line), -1, np.int64)
    texts_of_rows, fits = _strict_texts(columns)
    fits &= (status >= 0) & (size >= -1) & (at != NOT_USABLE)
    good = fits & (at >= 0)
    refused = [
        (first_line + at, IMPOSSIBLE_TIME if fits[row] else MISFIT, quoted.text(at))
        for row, at in zip(np.flatnonzero(~good).tolist(), line[~good].tolist(), strict=True)
    ]
    texts_of_rows |= {name: loose_texts(columns[name]) for name in _LOOSE_TEXTS if name in columns}
    return Rows(
        line[good] + first_line,
        at[good],
        status[good].astype(np.int16),
        size[good],
        {
            name: Coded(c.codes[good], c.values.cast(pa.binary()))
            for name, c in texts_of_rows.items()
        },
        refused,
        len(line),
    )


def _strict_texts(columns: dict[str, JsonColumn]) -> tuple[dict[str, Coded], npt.NDArray[np.bool_]]:
    """Return the texts that must be texts if they exist, and a mask of the lines with valid ones.

    Client and target must also not be empty.
    """
    read = {name: texts(columns[name]) for name in _STRICT_TEXTS + FIELDS if name in columns}
    texts_by_name = {name: column for name, (column, _) in read.items()}
    if "address" in texts_by_name:
        addresses = texts_by_name.pop("address")
        clients = first_addresses(addresses.values.cast(pa.binary()))
        texts_by_name["client"] = Coded(addresses.codes, clients.cast(pa.string()))
    rows = len(texts_by_name["client"].codes)
    request = request_of(texts_by_name, rows)
    texts_by_name = {
        name: texts_by_name[name] for name in _STRICT_TEXTS if name in texts_by_name
    } | request
    fits = ~np.logical_or.reduce([bad for _, bad in read.values()])
    for name in ("client", "target"):
        fits &= pc.not_equal(texts_by_name[name].values, "").to_numpy(False)[
            texts_by_name[name].codes
        ]
    return texts_by_name, fits
