"""Method, target and protocol of JSON lines: of the request line, else of keys of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.rows import Coded

FIELDS = ("request", "target", "query", "method", "protocol")
_REQUEST_LINE = (
    r"(?s)^(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) "
    r"(?P<target>.+) "
    r"(?P<protocol>HTTP/[0-9](?:\.[0-9])?)$"
)

_Bools = npt.NDArray[np.bool_]


def request_of(columns: Mapping[str, Coded], rows: int) -> dict[str, Coded]:
    """Method, target and protocol; a text is coded as -1 where there is no place for it.

    `columns` has those of FIELDS that there are, as texts. Some recipes call the path alone
    `request`. Without a method, a target that is no path is a request line that is not HTTP: it
    has none.
    """
    request = columns.get("request", _all(rows, ""))
    parts = pc.extract_regex(request.values, _REQUEST_LINE)
    is_http: _Bools = parts.is_valid().to_numpy(zero_copy_only=False)[request.codes]
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


def _is(column: Coded, holds: Any, other: str) -> _Bools:
    """Where a comparison of the column's texts holds."""
    distinct = holds(column.values, other).to_numpy(zero_copy_only=False)
    found: _Bools = distinct[column.codes].astype(np.bool_)
    return found


def _either(condition: _Bools, one: Coded, other: Coded) -> Coded:
    """The one's texts where the condition holds, else the other's."""
    if condition.all():
        return one
    codes = np.where(other.codes < 0, -1, other.codes + len(one.values))
    values = pa.concat_arrays([one.values, other.values])
    return Coded(np.where(condition, one.codes, codes), values)


def _with_query(target: Coded, query: Coded | None) -> Coded:
    """Target and query joined by `?`, where the target has none; each pair is joined once."""
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
