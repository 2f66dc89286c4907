r"""Read JSON lines: one object per request, with the keys of servers and example configurations.

Lines of one shape are read together (`json_templates`). All others are parsed one by one: by
orjson, or, if it refuses a line, by the standard library, which accepts more. The values are then
processed as columns, each distinct value once. Apache writes bytes that are not printable as
`\xhh`, which JSON does not allow; such lines are read too, and keep that spelling, as in the other
formats. Method, target and protocol come from the request line, or from separate keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import BLOCK_BYTES, Flags, Positions, read_blocks
from clickstream.parse.formats import (
    CUT,
    EMPTY,
    FOREIGN,
    IMPOSSIBLE_TIME,
    MISFIT,
    REQUEST_LINE,
    first_addresses,
)
from clickstream.parse.json.json_names import flat, picker
from clickstream.parse.json.json_templates import Model, Quoted
from clickstream.parse.json.json_values import (
    NOT_USABLE,
    JsonColumn,
    loose_texts,
    seconds,
    sizes,
    statuses,
    texts,
)
from clickstream.parse.rows import DURATIONS, NO_ROWS, OPTIONAL_FIELDS, Coded, Refused, Rows, joined

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
    own = _with_query(_either(_is(own, pc.not_equal, ""), own, request), columns.get("query"))
    unnamed = Coded(np.where(_is(own, pc.starts_with, "/"), -1, 0), pa.array([""]))
    return {
        "method": _either(is_http, line["method"], columns.get("method", unnamed)),
        "target": _either(is_http, line["target"], own),
        "protocol": _either(is_http, line["protocol"], columns.get("protocol", _all(rows, None))),
    }


def _all(rows: int, text: str | None) -> Coded:
    code, values = (-1, []) if text is None else (0, [text])
    return Coded(np.full(rows, code), pa.array(values, pa.string()))


def _is(column: Coded, holds: Any, other: str) -> Flags:
    """Return a mask of the rows for which a comparison of the text is true."""
    distinct = holds(column.values, other).to_numpy(zero_copy_only=False)
    found: Flags = distinct[column.codes].astype(np.bool_)
    return found


def _either(condition: Flags, one: Coded, other: Coded) -> Coded:
    """Return the texts of `one` where the condition is true, else those of `other`."""
    if condition.all():
        return one
    codes = np.where(other.codes < 0, -1, other.codes + len(one.values))
    values = pa.concat_arrays([one.values, other.values])
    return Coded(np.where(condition, one.codes, codes), values)


def _with_query(target: Coded, query: Coded | None) -> Coded:
    """Join target and query by `?` if the target has none; each distinct pair is joined once."""
    if query is None:
        return target
    count = len(query.values)
    pairs = pa.array(target.codes.astype(np.int64) * count + query.codes).dictionary_encode()
    distinct = pairs.dictionary.to_numpy()
    path = target.values.take(pa.array(distinct // count))
    rest = pc.replace_substring_regex(query.values, r"^\?", "").take(pa.array(distinct % count))
    is_whole = pc.or_(pc.match_substring(path, "?"), pc.equal(path, ""))
    is_whole = pc.or_(is_whole, pc.is_in(rest, pa.array(["", "-"])))
    joined = pc.binary_join_element_wise(path, rest, "?")
    return Coded(pairs.indices.to_numpy(), pc.if_else(is_whole, path, joined))


_RARE = 1 / 64  # minimum share of the lines with the same number of quotes that a shape must have
_MOST_RARE = 3  # after this number of rarer shapes, all other lines are read one by one
_UNKNOWN_ESCAPE = re.compile(r"\\(x|.)", re.DOTALL)
_STRICT_TEXTS = ("client", "address", "referrer", "user_agent")
_LOOSE_TEXTS = ("host", "forwarded", "sec_gpc", "dnt", *DURATIONS, *OPTIONAL_FIELDS)


class _Refusal(Exception):
    """A line is not a usable object; the text is one of the reject reasons."""


def read(data: bytes) -> Rows:
    """Read all lines of the data."""
    parts = [NO_ROWS]
    first_line = 0
    for block in read_blocks(BytesIO(data), BLOCK_BYTES):
        found, lines = _read_block(block, first_line)
        parts += found
        first_line += lines
    return joined(parts)


def _read_block(block: bytes, first_line: int) -> tuple[list[Rows], int]:
    """Read the lines of a block, those of common shapes together; also return their number."""
    quoted = Quoted(block)
    left = np.flatnonzero(quoted.is_regular & (quoted.quotes > 0))
    others = [np.flatnonzero(~quoted.is_regular | (quoted.quotes == 0))]
    parts = []
    rare = 0
    while len(left) and rare < _MOST_RARE:
        lines, columns = _of_one_shape(quoted, left)
        if columns is None:
            rare += 1
            others.append(lines)
        else:
            parts.append(_check_rows(quoted, first_line, lines, columns))
        left = left[~np.isin(left, lines, assume_unique=True)]
    parts += _read_one_by_one(quoted, np.sort(np.concatenate([*others, left])), first_line)
    return parts, len(quoted.start)


def _of_one_shape(
    quoted: Quoted, lines: Positions
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
        model = Model(quoted.text(first), quoted.quotes_in(first))
    except ValueError:
        return lines[:1], None
    known = picker(model.keys)
    if known is None or not model.knows(known.keys.values()):
        return lines[:1], None
    found, begins = model.lines_of_its_shape(quoted, lines)
    if len(found) < len(lines) * _RARE:
        return lines[:1], None
    columns = {field: model.column(quoted, begins, key) for field, key in known.keys.items()}
    return found, columns


def _read_one_by_one(quoted: Quoted, left: Positions, first_line: int) -> list[Rows]:
    """Read lines of any shape; objects with the same fields become columns together."""
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    indexes: dict[tuple[str, ...], list[int]] = {}
    refused: list[Refused] = []
    for index in left.tolist():
        line = quoted.text(index)
        try:
            fields, values = _pick_values(line)
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


def _pick_values(line: bytes) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Return the fields of a line, and their values."""
    if not line.startswith(b"{"):
        raise _Refusal(FOREIGN if line.strip() else EMPTY)
    try:
        found = orjson.loads(line)
    except ValueError:
        found = _parse_leniently(line)
    found = flat(found)
    known = picker(tuple(found))
    if known is None:
        raise _Refusal(MISFIT)
    return tuple(known.keys), known.pick(found)


def _parse_leniently(line: bytes) -> dict[str, Any]:
    r"""Parse a line that is almost JSON: with bytes that are not UTF-8, `\xhh`, or NaN."""
    text = line.decode("utf-8", "backslashreplace")
    try:
        return _object(text)
    except (ValueError, RecursionError):
        raise _Refusal(MISFIT if text.rstrip().endswith("}") else CUT) from None


def _object(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        if "\\x" not in text:
            raise
        repaired = _UNKNOWN_ESCAPE.sub(lambda m: r"\\x" if m[1] == "x" else m[0], text)
        found = json.loads(repaired)
    return found


def _check_rows(
    quoted: Quoted, first_line: int, line: Positions, columns: dict[str, JsonColumn]
) -> Rows:
    """Build the rows of objects with valid values; refuse the others."""
    at, status = seconds(columns["time"]), statuses(columns["status"])
    size = sizes(columns["size"]) if "size" in columns else np.full(len(line), -1, np.int64)
    found, fits = _strict_texts(columns)
    fits &= (status >= 0) & (size >= -1) & (at != NOT_USABLE)
    good = fits & (at >= 0)
    refused = [
        (first_line + at, IMPOSSIBLE_TIME if fits[row] else MISFIT, quoted.text(at))
        for row, at in zip(np.flatnonzero(~good).tolist(), line[~good].tolist(), strict=True)
    ]
    found |= {name: loose_texts(columns[name]) for name in _LOOSE_TEXTS if name in columns}
    return Rows(
        line[good] + first_line,
        at[good],
        status[good].astype(np.int16),
        size[good],
        {name: Coded(c.codes[good], c.values.cast(pa.binary())) for name, c in found.items()},
        refused,
        len(line),
    )


def _strict_texts(columns: dict[str, JsonColumn]) -> tuple[dict[str, Coded], npt.NDArray[np.bool_]]:
    """Return the texts that must be texts if they exist, and a mask of the lines with valid ones.

    Client and target must also not be empty.
    """
    read = {name: texts(columns[name]) for name in _STRICT_TEXTS + FIELDS if name in columns}
    found = {name: column for name, (column, _) in read.items()}
    if "address" in found:
        found["client"] = _without_ports(found.pop("address"))
    rows = len(found["client"].codes)
    request = request_of(found, rows)
    found = {name: found[name] for name in _STRICT_TEXTS if name in found} | request
    fits = ~np.logical_or.reduce([bad for _, bad in read.values()])
    for name in ("client", "target"):
        fits &= pc.not_equal(found[name].values, "").to_numpy(False)[found[name].codes]
    return found, fits


def _without_ports(addresses: Coded) -> Coded:
    clients = first_addresses(addresses.values.cast(pa.binary()))
    return Coded(addresses.codes, clients.cast(pa.string()))
