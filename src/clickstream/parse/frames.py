"""Convert encoded rows to tables and DataFrames, and the bytes of a log to text.

The text of a refused line can be stored, read by people, and converted back to the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.core import dictionary_encoding
from clickstream.core.errors import InputError
from clickstream.parse.line_patterns import REASONS, REQUEST_LINE
from clickstream.parse.rows import DURATIONS, OPTIONAL_FIELDS, Coded, Refused, Rows

# Characters that a table or a terminal would change: the backslash itself, control characters (C0,
# DEL, C1, the two Unicode line separators), and the lone surrogates that represent bytes that are
# not UTF-8.
_UNSAFE = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0xDC80, 0xDD00))
_ESCAPED = {
    code: "".join(f"\\x{byte:02x}" for byte in chr(code).encode("utf-8", "surrogateescape"))
    for code in _UNSAFE
} | {ord("\\"): "\\\\"}
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|(\\))?")


def escape(raw: bytes) -> str:
    r"""Convert bytes to printable text: `\` becomes `\\`, and other unsafe bytes become `\xhh`."""
    return raw.decode("utf-8", "surrogateescape").translate(_ESCAPED)


def unescape(text: str) -> bytes:
    """Convert a text of `escape` back to its bytes. Raises InputError for any other text."""
    return _ESCAPE.sub(_unescape_match, text.encode())


def _unescape_match(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes([int(match[1], 16)])
    if match[2] is None:
        raise InputError(
            f"Not an escaped line: the backslash at byte {match.start()} starts neither "
            r"\\ nor \xhh; pass a text that escape() made."
        )
    return b"\\"


_TEXTS = (
    "client",
    "method",
    "target",
    "protocol",
    "referrer",
    "user_agent",
    "host",
    "forwarded",
    "cookie",
)
_OPT_OUTS = ("sec_gpc", "dnt")
_PLAIN = ("GET", "HTTP/1.1")
_NOTHING = pa.array(["-", ""])
NOT_LOGGED = ""
"""The text of a field that the format has no place for. A field that is empty or `-` is NA."""

_REASONS = pa.array(REASONS)


@dataclass(frozen=True)
class Parsed:
    """The result of `parse` for some lines; `lines == len(table) + len(refused)` always holds.

    `table` has one row per usable line, in file order. Its columns are line_number (int64), at
    (naive UTC, timestamp[us]), client, method, target, protocol, referrer, user_agent, host (the
    virtual host or the Host header), forwarded (X-Forwarded-For), cookie (the value of a
    first-party visitor cookie), opt_out (bool: Sec-GPC or DNT was sent as 1), status (int16), bytes
    (int64) and response_ms (int32, the time until the server had answered, in milliseconds; null if
    it is not logged or not a number). If the format has them, the OPTIONAL_FIELDS follow. All texts
    are dictionaries of distinct values. A text is null if the field is empty or `-`, and NOT_LOGGED
    if the format or the line has no place for it.
    If the request line is not HTTP, method and protocol are null and target is the whole request
    line.

    `refused` has one row per refused line: line_number (int64), reason (a dictionary of the
    REASONS), line (string, the escaped bytes of the line; see `unescape`) and line_bytes (int64,
    its length without the line end). Of a line that is too long, `line` has the first bytes.

    `directives` counts the log's own header lines (W3C), which are neither usable nor refused.
    They count in the line numbers.
    """

    table: pa.Table
    refused: pa.Table
    lines: int
    directives: int = 0

    @cached_property
    def requests(self) -> pd.DataFrame:
        """The table as a DataFrame: texts are categories, bytes is Int64, and null is NA."""
        return dictionary_encoding.to_frame(self.table)

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """The refused lines as a DataFrame; reason is a category."""
        return self.refused.to_pandas()


def as_frames(rows: Rows, first_line: int) -> Parsed:
    """Convert rows to `Parsed`, with line numbers from `first_line` on."""
    logged = {name: Coded(text.codes, _decode(text.values)) for name, text in rows.texts.items()}
    if "request" in logged:
        logged |= _split(logged.pop("request"))
    table = pa.table(
        {
            "line_number": rows.line + first_line,
            "at": rows.seconds.astype("M8[s]").astype("M8[us]"),
            **{name: _column(logged.get(name), len(rows.line)) for name in _TEXTS},
            "opt_out": _has_opted_out(rows),
            "status": rows.status,
            "bytes": pa.array(rows.size, mask=rows.size < 0),
            "response_ms": _response_ms(rows),
            **{
                name: _column(logged[name], len(rows.line))
                for name in OPTIONAL_FIELDS
                if name in logged
            },
        }
    )
    return Parsed(table, _refused_table(rows.refused, first_line), rows.lines, len(rows.directives))


def stack(parts: Iterable[Parsed]) -> Parsed:
    """Concatenate parts and unify their dictionaries; a column that a part lacks is null there."""
    parts = list(parts)
    tables = [part.table for part in parts]
    return Parsed(
        pa.concat_tables(tables, promote_options="default").unify_dictionaries(),
        pa.concat_tables([part.refused for part in parts]),
        sum(part.lines for part in parts),
        sum(part.directives for part in parts),
    )


def in_order(parsed: Parsed) -> Parsed:
    """Sort the rows by line number."""
    return replace(
        parsed,
        table=parsed.table.sort_by("line_number"),
        refused=parsed.refused.sort_by("line_number"),
    )


def _refused_table(refused: list[Refused], first_line: int) -> pa.Table:
    numbers, reasons, lines = zip(*refused, strict=True) if refused else ((), (), ())
    codes = pa.array(map(REASONS.index, reasons), pa.int32())
    return pa.table(
        {
            "line_number": np.array(numbers, np.int64) + first_line,
            "reason": pa.DictionaryArray.from_arrays(codes, _REASONS),
            "line": pa.array(map(escape, lines), pa.string()),
            "line_bytes": pa.array(map(len, lines), pa.int64()),
        }
    )


def _decode(values: pa.Array) -> pa.Array:
    r"""Decode bytes as UTF-8; any other byte becomes `\xhh`."""
    text = values.cast(pa.string(), safe=False)  # unchecked, which is right for ASCII only
    is_other = pc.invert(pc.string_is_ascii(text))
    decoded = [
        raw.decode("utf-8", "backslashreplace") for raw in values.filter(is_other).to_pylist()
    ]
    return pc.replace_with_mask(text, is_other, pa.array(decoded, pa.string()))


def _split(request: Coded) -> dict[str, Coded]:
    """Split each request line into method, target and protocol (RFC 9112, 3).

    If a line is not HTTP, the target is the whole line. Most lines begin and end with the texts of
    `_PLAIN` and are split without a pattern.
    """
    method, protocol = _PLAIN
    lines, before, after = request.values, f"{method} ", f" {protocol}"
    is_plain = pc.and_(pc.starts_with(lines, before), pc.ends_with(lines, after))
    has_target = pc.greater(pc.binary_length(lines), len(before) + len(after))
    is_other = pc.invert(pc.and_(is_plain, has_target))
    unusual = lines.filter(is_other)
    parts = pc.extract_regex(unusual, REQUEST_LINE)
    target = pc.coalesce(pc.struct_field(parts, "target"), unusual)
    columns = {
        "method": (pa.repeat(method, len(lines)), pc.struct_field(parts, "method")),
        "target": (pc.utf8_slice_codeunits(lines, len(before), -len(after)), target),
        "protocol": (pa.repeat(protocol, len(lines)), pc.struct_field(parts, "protocol")),
    }
    return {
        name: Coded(request.codes, pc.replace_with_mask(plain, is_other, irregular))
        for name, (plain, irregular) in columns.items()
    }


def _column(column: Coded | None, rows: int) -> pa.DictionaryArray:
    """Build a column of texts. Texts that became equal by decoding get the same code."""
    if column is None:
        return dictionary_encoding.encode_constant(NOT_LOGGED, rows)
    is_nothing = pc.is_in(column.values, _NOTHING)
    distinct = pc.if_else(is_nothing, None, column.values).dictionary_encode()
    values, codes = distinct.dictionary, dictionary_encoding.codes_of(distinct)
    if (column.codes < 0).any():
        codes = np.append(codes, np.int32(len(values)))  # the code -1 selects this last one
        values = pa.concat_arrays([values, pa.array([NOT_LOGGED])])
    return dictionary_encoding.from_codes(codes[column.codes], values)


def _has_opted_out(rows: Rows) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows with a Sec-GPC or DNT header of 1."""
    opted_out = np.zeros(len(rows.line), np.bool_)
    for name in _OPT_OUTS:
        if name in rows.texts:
            text = rows.texts[name]
            is_one = np.append(pc.equal(text.values, b"1").to_numpy(zero_copy_only=False), False)
            opted_out |= is_one[text.codes]
    return opted_out


_DURATION = r"^[0-9]{1,15}(?:\.[0-9]*)?(?:[eE]-?[0-9]{1,2})?$"
_LONGEST_MS = 2**31 - 1


def _response_ms(rows: Rows) -> pa.Array:
    """Return the response times in whole milliseconds, from the finest unit that a line has.

    Any other text than a number, such as the `-1` of a load balancer, means that none was measured.
    """
    durations = pa.nulls(len(rows.line), pa.int32())
    for name, milliseconds in DURATIONS.items():
        if name not in rows.texts:
            continue
        text = rows.texts[name]
        values = text.values.cast(pa.string(), safe=False)
        is_number = pc.match_substring_regex(values, _DURATION)
        number = pc.if_else(is_number, values, None).cast(pa.float64())
        whole = pc.round(pc.multiply(number, milliseconds), round_mode="half_up")
        ms = pc.if_else(pc.less_equal(whole, _LONGEST_MS), whole, None).cast(pa.int32())
        codes = pa.array(text.codes, mask=text.codes < 0)
        durations = pc.coalesce(durations, ms.take(codes))
    return durations
