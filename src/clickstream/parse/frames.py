"""Coded rows as data frames: the one place where the bytes of a log become text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.escaping import escape
from clickstream.parse.formats import REASONS
from clickstream.parse.rows import Coded, Rows

_TEXTS = (
    *("client", "method", "target", "protocol", "referrer", "user_agent"),
    *("host", "forwarded", "cookie"),
)
_OPT_OUTS = ("sec_gpc", "dnt")
_HTTP_REQUEST = (
    r"^(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) "
    r"(?P<target>.+) "
    r"(?P<protocol>HTTP/[0-9](?:\.[0-9])?)$"
)
_NOTHING = pa.array(["-", ""])
NOT_LOGGED = ""
"""The text of a field that the format has no place for; a field that was left out is NA."""

_NO_PLACE = pd.CategoricalDtype(pd.Index([NOT_LOGGED], dtype="str"))
_REASON = pd.CategoricalDtype(pd.Index(REASONS, dtype="str"))


@dataclass(frozen=True)
class Parsed:
    """What `parse` made of some lines: `lines == len(requests) + len(rejects)`, always.

    `requests` has one row for each usable line, in file order: line_number (int64), at (naive UTC,
    datetime64[us]), client, method, target, protocol, referrer, user_agent, host (the virtual host
    or the Host header), forwarded (X-Forwarded-For) and cookie (a first-party visitor cookie's
    value), all nine categories of str, opt_out (bool: Sec-GPC or DNT was sent as 1), status (int16)
    and bytes (Int64). Nothing logged (`-` or an empty field) is NA, a field that the format or the
    line has no place for is NOT_LOGGED. Where the request line is not HTTP, method and protocol are
    NA and target is the whole request line.

    `rejects` has one row for each refused line: line_number (int64), reason (category, one of
    REASONS) and line (str, the line's bytes escaped; `unescape` gives them back).

    `directives` counts the log's own header lines (W3C), which are neither. They keep their place
    in the numbering of lines.
    """

    requests: pd.DataFrame
    rejects: pd.DataFrame
    lines: int
    directives: int = 0


def as_frames(rows: Rows, first_line: int) -> Parsed:
    """The rows as frames, their lines numbered from `first_line`."""
    texts = {name: Coded(text.codes, _decoded(text.values)) for name, text in rows.texts.items()}
    if "request" in texts:
        texts |= _split(texts.pop("request"))
    requests = pd.DataFrame(
        {
            "line_number": rows.line + first_line,
            "at": rows.seconds.astype("M8[s]").astype("M8[us]"),
            **{name: _category(texts.get(name), len(rows.line)) for name in _TEXTS},
            "opt_out": _is_opted_out(rows),
            "status": rows.status,
            "bytes": pd.arrays.IntegerArray(np.maximum(rows.size, 0), rows.size < 0),
        },
        copy=False,
    )
    rejects = _rejects(rows.refused, first_line)
    return Parsed(requests, rejects, rows.lines, len(rows.directives))


def stack(parts: Iterable[Parsed]) -> Parsed:
    """The parts as one, their categories unified."""
    parts = list(parts)
    return Parsed(
        _stacked([part.requests for part in parts]),
        _stacked([part.rejects for part in parts]),
        sum(part.lines for part in parts),
        sum(part.directives for part in parts),
    )


def in_order(parsed: Parsed) -> Parsed:
    """The same, its rows in the order of their lines."""
    requests, rejects = (
        table.sort_values("line_number", ignore_index=True)
        for table in (parsed.requests, parsed.rejects)
    )
    return replace(parsed, requests=requests, rejects=rejects)


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    if len(tables) == 1:
        return tables[0]
    columns = {}
    for name in tables[0].columns:
        column = [table[name] for table in tables]
        if isinstance(column[0].dtype, pd.CategoricalDtype):
            columns[name] = pd.api.types.union_categoricals(column)
        else:
            columns[name] = pd.concat(column, ignore_index=True)
    return pd.DataFrame(columns)


def _rejects(refused: list[tuple[int, str, bytes]], first_line: int) -> pd.DataFrame:
    numbers, reasons, lines = zip(*refused, strict=True) if refused else ((), (), ())
    return pd.DataFrame(
        {
            "line_number": np.array(numbers, np.int64) + first_line,
            "reason": pd.Categorical(reasons, dtype=_REASON),
            "line": pd.array([escape(line) for line in lines], dtype="str"),
        }
    )


def _decoded(values: pa.Array) -> pa.Array:
    r"""The bytes as text: UTF-8, any other byte as `\xhh`."""
    text = values.cast(pa.string(), safe=False)  # as if all were UTF-8; what is ASCII surely is
    other = pc.invert(pc.string_is_ascii(text))
    decoded = [raw.decode("utf-8", "backslashreplace") for raw in values.filter(other).to_pylist()]
    return pc.replace_with_mask(text, other, pa.array(decoded, pa.string()))


def _split(request: Coded) -> dict[str, Coded]:
    """Method, target and protocol of each request line (RFC 9112, 3).

    A line that is not HTTP is all target.
    """
    parts = pc.extract_regex(request.values, _HTTP_REQUEST)
    columns = {name: pc.struct_field(parts, name) for name in ("method", "target", "protocol")}
    columns["target"] = pc.coalesce(columns["target"], request.values)
    return {name: Coded(request.codes, values) for name, values in columns.items()}


def _category(column: Coded | None, rows: int) -> pd.Categorical:
    """The column as a pandas category. Texts that became equal share one code."""
    if column is None:
        return pd.Categorical.from_codes(np.zeros(rows, np.int8), dtype=_NO_PLACE)
    logged = pc.if_else(pc.is_in(column.values, _NOTHING), None, column.values)
    distinct = logged.dictionary_encode()
    codes = np.append(distinct.indices.fill_null(-1).to_numpy(), -1)[column.codes]
    categories = pd.Index(distinct.dictionary.to_pandas(), dtype="str")
    if (unlogged := column.codes < 0).any():
        codes = np.where(unlogged, len(categories), codes)
        categories = categories.append(pd.Index([NOT_LOGGED], dtype="str"))
    return pd.Categorical.from_codes(codes, categories)


def _is_opted_out(rows: Rows) -> npt.NDArray[np.bool_]:
    """Whether a header that asks not to be tracked was logged as 1."""
    opted_out = np.zeros(len(rows.line), np.bool_)
    for name in _OPT_OUTS:
        if name in rows.texts:
            text = rows.texts[name]
            is_one = np.append(pc.equal(text.values, b"1").to_numpy(zero_copy_only=False), False)
            opted_out |= is_one[text.codes]
    return opted_out
