"""Find the fields of JSON objects by the key names of servers and common example configurations.

Names are compared in lower case and with `-` as `_`; unknown keys are ignored. Caddy nests most
values inside `request`, and the client's headers inside that. A format of the settings may have
other keys, which are written as in the log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from clickstream.core.errors import UnusableFormat
from clickstream.parse.rows import OPTIONAL_FIELDS

NAMES: dict[str, tuple[str, ...]] = {
    "client": (
        "client_ip",
        "clientip",
        "remoteip",
        "remote_ip",
        "remote_addr",
        "remoteaddr",
        "clienthost",
        "remote_host",
        "remotehost",
        "client",
        "ip",
    ),
    "address": ("clientaddr",),
    "time": (
        "startutc",
        "time_iso8601",
        "time_local",
        "ts",
        "msec",
        "@timestamp",
        "timestamp",
        "datetime",
        "time",
        "date",
    ),
    "request": ("request",),
    "method": ("requestmethod", "request_method", "method"),
    "target": ("requestpath", "request_uri", "requesturi", "uri", "url", "path"),
    "query": ("query_string", "query", "args"),
    "protocol": ("server_protocol", "requestprotocol", "protocol", "proto"),
    "status": ("status", "downstreamstatus", "status_code", "response"),
    "size": (
        "body_bytes_sent",
        "bytes_sent",
        "downstreamcontentsize",
        "response_size",
        "bytes",
        "size",
        "length",
    ),
    "referrer": ("http_referer", "http_referrer", "request_referer", "referer", "referrer"),
    "user_agent": ("http_user_agent", "request_user_agent", "user_agent", "useragent", "agent"),
    "host": ("http_host", "requesthost", "request_host", "vhost", "host", "server_name"),
    "forwarded": (
        "http_x_forwarded_for",
        "request_x_forwarded_for",
        "x_forwarded_for",
        "forwarded_for",
        "xff",
    ),
    "sec_gpc": ("http_sec_gpc", "request_sec_gpc", "sec_gpc"),
    "dnt": ("http_dnt", "request_dnt", "dnt"),
    **{name: (f"http_{name}", f"request_{name}", name) for name in OPTIONAL_FIELDS},
    "duration_s": ("request_time", "duration_s", "duration_seconds"),
    "duration_ms": ("request_time_ms", "response_time_ms", "duration_ms"),
    "duration_us": ("request_time_us", "response_time_us", "duration_us"),
}
"""The keys of each field; if an object has several, the first one in this list is used.

`address` is a client with its port; it is used if there is no client. Traefik logs a client's
header `Uri` as `request_Uri`, so Traefik's own names come before names of this form.
"""

NEEDED = ("time", "status")
_ONE_OF_EACH = (("client", "address"), ("target", "request"))
_DURATIONS = {"downstreamstatus": "duration_ns", "resp_headers": "duration_s"}
"""The unit of the key `duration`, by a key that only Traefik or only Caddy writes."""

_HEADERS = frozenset(
    {"user_agent", "referer", "x_forwarded_for", "sec_gpc", "dnt", *OPTIONAL_FIELDS}
)
"""The only headers that are read from Caddy's logs; clients can send any others."""


OwnKeys = tuple[tuple[str, str], ...]
"""Fields and their keys in the objects of a format; a nested key is `request.method`."""

_OWN = re.compile(r"\{(\w+)\}")


def parse_own_keys(name: str, text: str) -> OwnKeys:
    """Return the keys of a format that is an object such as `{"code": "{status}"}`.

    Empty for any other text. Raises InputError for an unknown or a missing field.
    """
    try:
        entry = json.loads(text) if text.lstrip().startswith("{") else None
    except ValueError:
        return ()
    values = flatten(entry) if isinstance(entry, dict) else {}
    matches = {key: _OWN.fullmatch(value) for key, value in values.items() if _is_text(value)}
    own = tuple((match[1], key) for key, match in matches.items() if match)
    if not own:
        return ()
    for field, key in own:
        if field not in NAMES:
            raise UnusableFormat(
                f"Format {name}: {{{field}}} of the key {key!r} is unknown; use one of "
                f"{', '.join(NAMES)}."
            )
    if missing := _missing({field for field, _ in own}):
        raise UnusableFormat(f"Format {name} lacks {' and '.join(missing)}.")
    return own


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _missing(fields: set[str]) -> list[str]:
    """Return which of the needed fields are missing, with their alternatives."""
    return [
        " or ".join(f"{{{field}}}" for field in alternatives)
        for alternatives in (*((field,) for field in NEEDED), *_ONE_OF_EACH)
        if fields.isdisjoint(alternatives)
    ]


def flatten(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an object with the values of nested objects under keys such as `request.method`."""
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            values |= {f"{key}.{inner}": each for inner, each in flatten(value).items()}
        else:
            values[key] = value
    return values


def flat(entry: dict[str, Any], own: OwnKeys = ()) -> dict[str, Any]:
    """Return an object with the values that Caddy nests in `request` moved to the top level.

    With own keys, all nested values are moved there, see `flatten`.
    """
    if own:
        return flatten(entry)
    request = entry.get("request")
    if not isinstance(request, dict):
        return entry
    headers = request.get("headers")
    headers = headers if isinstance(headers, dict) else {}
    chosen = {}
    for name in filter(_is_read, headers):
        value = headers[name]
        chosen[name] = value[0] if isinstance(value, list) and value else value
    del entry["request"]
    return {**chosen, **request, **entry}


@lru_cache(maxsize=4096)
def _is_read(header: str) -> bool:
    return _plain(header) in _HEADERS


class Picker(NamedTuple):
    """The key of each field that an object has, and a function that returns the fields' values."""

    keys: dict[str, str]
    pick: Callable[[dict[str, Any]], tuple[Any, ...]]


@lru_cache(maxsize=4096)
def picker(present: tuple[str, ...], own: OwnKeys = ()) -> Picker | None:
    """Build the picker for objects with these keys; None if a required field is missing."""
    chosen = {field: key for field, key in own if key in present}
    keys = chosen if own else _built_in_keys(present)
    if "client" in keys:
        keys.pop("address", None)
    return None if _missing({*keys}) else Picker(keys, itemgetter(*keys.values()))


def _built_in_keys(present: tuple[str, ...]) -> dict[str, str]:
    key_of = {_plain(key): key for key in present}
    keys: dict[str, str] = {}
    for field, names in NAMES.items():
        if name := next((name for name in names if name in key_of), None):
            keys[field] = key_of[name]
    if unit := next((unit for mark, unit in _DURATIONS.items() if mark in key_of), None):
        keys |= {unit: key_of["duration"]} if "duration" in key_of else {}
    return keys


@lru_cache(maxsize=4096)
def _plain(key: str) -> str:
    return key.lower().replace("-", "_")
