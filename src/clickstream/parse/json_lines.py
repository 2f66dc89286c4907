r"""JSON lines: one object a request, by the names that web servers and their recipes give.

nginx and Apache write what their administrator spelled out, Caddy and Traefik have names of their
own. Names are compared in lower case and with `-` as `_`; keys that mean nothing here are passed
over. Apache puts bytes that are not printable into JSON as `\xhh`, which JSON does not know: such
lines are read too, and keep that spelling, as in the other formats.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from clickstream.parse.formats import CUT, EMPTY, FOREIGN, IMPOSSIBLE_TIME, MISFIT
from clickstream.parse.lines import MAX_BYTES_DIGITS, Record, lines_of, rows_of
from clickstream.parse.rows import Refused, Rows
from clickstream.parse.times import FIRST_YEAR, LAST_YEAR, WIDTH, unix_seconds

NAMES: dict[str, tuple[str, ...]] = {
    "client": (
        *("client_ip", "clientip", "remoteip", "remote_ip", "remote_addr", "remoteaddr"),
        *("clienthost", "remote_host", "remotehost", "client", "ip"),
    ),
    "time": (
        *("startutc", "time_iso8601", "time_local", "ts", "msec", "@timestamp", "timestamp"),
        *("datetime", "time", "date"),
    ),
    "request": ("request",),
    "method": ("requestmethod", "request_method", "method"),
    "target": ("requestpath", "request_uri", "requesturi", "uri", "url", "path"),
    "query": ("query_string", "query", "args"),
    "protocol": ("server_protocol", "requestprotocol", "protocol", "proto"),
    "status": ("status", "downstreamstatus", "status_code", "response"),
    "size": (
        *("body_bytes_sent", "bytes_sent", "downstreamcontentsize", "response_size"),
        *("bytes", "size", "length"),
    ),
    "referrer": ("http_referer", "http_referrer", "request_referer", "referer", "referrer"),
    "user_agent": ("http_user_agent", "request_user_agent", "user_agent", "useragent", "agent"),
}
"""For each field, the keys that hold it; of several in one object the first one named here.

Traefik logs a client's header `Uri` as `request_Uri`: its own names stand before such ones.
"""

_HEADERS = ("user-agent", "referer")
_REQUEST = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (.+) (HTTP/[0-9](?:\.[0-9])?)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]*)?")
_UNKNOWN_ESCAPE = re.compile(r"\\(x|.)", re.DOTALL)
_MILLISECONDS_FROM = 10**11  # as seconds, this would be the year 5138


class _Refusal(Exception):
    """Why an object is no request; its text is one of the reasons."""


def read(data: bytes) -> Rows:
    """Read every line of the data."""
    lines = lines_of(data)
    records: list[Record] = []
    refused: list[Refused] = []
    for index, line in enumerate(lines):
        try:
            records.append(_record(index, _loaded(line)))
        except _Refusal as refusal:
            refused.append((index, str(refusal), line))
    return rows_of(records, refused, len(lines))


def _loaded(line: bytes) -> dict[str, Any]:
    """The line's object, with what Caddy nests in it brought to the top."""
    if not line.startswith(b"{"):
        raise _Refusal(FOREIGN if line.strip() else EMPTY)
    text = line.decode("utf-8", "backslashreplace")
    try:
        found = _object(text)
    except (ValueError, RecursionError):
        raise _Refusal(MISFIT if text.rstrip().endswith("}") else CUT) from None
    request = found.get("request")
    return found if not isinstance(request, dict) else _flat(found, request)


def _object(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        if "\\x" not in text:
            raise
        repaired = _UNKNOWN_ESCAPE.sub(lambda m: r"\\x" if m[1] == "x" else m[0], text)
        found = json.loads(repaired)
    return found


def _flat(found: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """What Caddy nests, at the top. Of the headers only what is read: clients choose them."""
    headers = request.get("headers")
    chosen = {
        name: value[0] if isinstance(value, list) and value else value
        for name, value in (headers if isinstance(headers, dict) else {}).items()
        if name.lower() in _HEADERS
    }
    outer = {key: value for key, value in found.items() if key != "request"}
    return {**chosen, **request, **outer}


def _record(index: int, found: dict[str, Any]) -> Record:
    keys = _keys(tuple(found))
    get = {field: found.get(key) for field, key in keys.items()}
    method, target, protocol = _request(get)
    status = _integer(get.get("status"), 3)
    client = _text(get.get("client"))
    if status < 0 or not client or not target:
        raise _Refusal(MISFIT)
    return Record(
        index,
        _seconds(get.get("time")),
        status,
        _integer(get.get("size"), MAX_BYTES_DIGITS),
        _bytes(client),
        None if method is None else _bytes(method),
        _bytes(target),
        None if protocol is None else _bytes(protocol),
        _logged(get, "referrer"),
        _logged(get, "user_agent"),
    )


@lru_cache(maxsize=256)
def _keys(present: tuple[str, ...]) -> dict[str, str]:
    """Which of an object's keys holds each field; fields that it lacks are absent."""
    known = {key.lower().replace("-", "_"): key for key in present}
    found = {field: _present(names, known) for field, names in NAMES.items()}
    return {field: known[name] for field, name in found.items() if name is not None}


def _present(names: Iterable[str], known: dict[str, str]) -> str | None:
    return next((name for name in names if name in known), None)


def _request(get: dict[str, Any]) -> tuple[str | None, str, str | None]:
    """Method, target and protocol: of the request line, else of their own keys.

    Some recipes call the path alone `request`. Without a method, a target that is no path is a
    request line that is not HTTP: it has none.
    """
    request = _text(get.get("request"))
    if whole := _REQUEST.fullmatch(request):
        return whole[1], whole[2], whole[3]
    target, query = _text(get.get("target")) or request, _text(get.get("query"))
    query = query.removeprefix("?")
    if query not in ("", "-") and target and "?" not in target:
        target = f"{target}?{query}"
    method = _text(get["method"]) if "method" in get else None if target[:1] == "/" else ""
    return method, target, _text(get["protocol"]) if "protocol" in get else None


def _logged(get: dict[str, Any], field: str) -> bytes | None:
    return _bytes(_text(get[field])) if field in get else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Refusal(MISFIT)
    return value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")  # JSON can spell half a surrogate pair


def _integer(value: Any, digits: int) -> int:
    """A number of up to so many digits, written as one or as text; -1 where nothing is logged."""
    if value in (None, "", "-"):
        return -1
    text = str(value) if isinstance(value, str | int) else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= digits):
        raise _Refusal(MISFIT)
    return int(text)


def _seconds(value: Any) -> int:
    """A time as Unix seconds: ISO 8601 (UTC without an offset), Unix time, or Apache's own."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Refusal(MISFIT)
    seconds = _unix_time(value)
    if seconds is None:
        raise _Refusal(IMPOSSIBLE_TIME)
    return seconds


@lru_cache(maxsize=4096, typed=True)
def _unix_time(value: str | float) -> int | None:
    try:
        seconds = _epoch(value) if isinstance(value, int | float) else _spelled(value)
    except (ValueError, OverflowError):
        return None
    first = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()
    past_last = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()
    return seconds if first <= seconds < past_last else None


def _epoch(value: float) -> int:
    """Unix time in seconds, milliseconds, microseconds or nanoseconds: its size tells which."""
    while value >= _MILLISECONDS_FROM and not math.isinf(value):
        value = value / 1000 if isinstance(value, float) else value // 1000
    return math.floor(value)


def _spelled(text: str) -> int:
    if _NUMBER.fullmatch(text):
        return _epoch(float(text) if "." in text else int(text))
    if "/" in text:
        return _apache_time(text)
    if ":" not in text:
        raise ValueError(f"{text!r} is at most a date")
    moment = datetime.fromisoformat(text)
    return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _apache_time(text: str) -> int:
    """Unix seconds of a time as Apache and nginx log it outside of JSON."""
    if not text.isascii() or len(text) != WIDTH:
        raise ValueError(f"{text!r} is no time")
    seconds, possible = unix_seconds([text.encode()])
    if not possible[0]:
        raise ValueError(f"{text!r} is impossible")
    return int(seconds[0])
