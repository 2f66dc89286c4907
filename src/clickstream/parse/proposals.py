"""Propose a format string for lines in no known format: by what their fields look like.

`detect` calls `propose_format` for its refusal. A proposal is made only if it reads the lines.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from clickstream.core.errors import InputError
from clickstream.parse.formats import compile_format
from clickstream.parse.json.json_names import NAMES, flatten
from clickstream.parse.json.json_values import JsonColumn, seconds
from clickstream.parse.line_patterns import REQUEST_LINE

_SHARE = 0.5
"""Minimum share of the lines that a proposal must read."""

_TOKEN = re.compile(
    r'"(?P<quoted>(?:\\.|[^"\\])*)"'
    r"|(?P<word>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d\d/\w{3}/\d{4}:[\d:]{8}(?: [+-]\d{4})?"
    r'|\[[0-9a-fA-F:]+\]:\d+|[^\s"\[\]()|;,]+)'
)
_TIMES = {
    r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d( [+-]\d{4})?": "%d/%b/%Y:%H:%M:%S",
    r"\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:?\d\d)?": "%Y-%m-%d{}%H:%M:%S",
    r"1\d{9}(\.\d+)?": "%s",
}
_FRACTIONS = {4: "%3f", 7: "%6f"}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
_AGENT = re.compile(r"Mozilla/|(?:curl|Wget|python|Go-http)[\w-]*/", re.IGNORECASE)


def propose_format(lines: Sequence[bytes]) -> str:
    """Return a format string that reads at least half of some lines; "" if none is found."""
    texts = [line.decode("utf-8", "replace") for line in lines if line.strip()]
    data = b"\n".join(lines)
    for text in texts[:3]:
        proposal = _of_object(text) if text.startswith("{") else _of_text(text)
        try:
            rows = compile_format("proposal", proposal).read(data, b"")
        except InputError:
            continue
        if len(rows.line) >= _SHARE * len(texts):
            return proposal
    return ""


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


_LOOKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "time": (r"time|date|^ts$|^at$", lambda v: seconds(JsonColumn.of([v]))[0] >= 0),
    "client": (r"client|remote|ip|addr|peer|source|src", lambda v: _is_address(str(v))),
    "request": (r"request|req", lambda v: bool(re.match(REQUEST_LINE, str(v)))),
    "method": (r"method|verb", lambda v: v in _METHODS),
    "target": (r"ur[il]|path|target|page", lambda v: str(v).startswith(("/", "http"))),
    "protocol": (r"proto|version", lambda v: str(v).startswith("HTTP/")),
    "status": (r"status|code|response", lambda v: bool(re.fullmatch("[1-5][0-9][0-9]", str(v)))),
    "size": (r"bytes|size|length|sent", lambda v: str(v).isdecimal()),
    "referrer": (r"refer", lambda v: isinstance(v, str)),
    "user_agent": (r"agent|^ua$|browser", lambda v: isinstance(v, str)),
    "host": (r"host|domain|site", lambda v: isinstance(v, str) and not _is_address(v)),
    "forwarded": (r"forward|xff", lambda v: isinstance(v, str)),
}
"""The name and the value of a key that may have a field."""

_BY_VALUE = ("time", "client", "request", "method", "target", "status")
"""Fields whose values are distinct enough to be found under a key of any name."""


def _of_object(line: str) -> str:
    """Return a format of JSON lines: an object with the field of each key that is recognized."""
    try:
        values = flatten(orjson.loads(line))
    except (ValueError, AttributeError):
        return ""
    fields: dict[str, str] = {}
    for field, (name, fits) in _LOOKS.items():
        fitting = [key for key, value in values.items() if key not in fields and fits(value)]
        known = [key for key in fitting if key.lower() in NAMES[field]]
        named = [key for key in fitting if re.search(name, key.rpartition(".")[2].lower())]
        named += [key for key in fitting if re.search(name, key.lower())]
        if chosen := [*known, *named, *(fitting if field in _BY_VALUE else ())][:1]:
            fields[chosen[0]] = f"{{{field}}}"
    return json.dumps(fields, ensure_ascii=False)


def _of_text(line: str) -> str:
    """Return a plain format string: what is between the fields, and each field by its look.

    Empty if the first address follows the request: it may be that of another server.
    """
    pieces, taken, end, last = [], set[str](), 0, 0
    for match in _TOKEN.finditer(line):
        text = match["quoted"] if match["word"] is None else match["word"]
        field = _field_of(text, taken, match["word"] is None)
        if field in ("client", "address") and taken & {"request", "target"}:
            return ""
        taken |= {field.partition(":")[0]} if field else set()
        between = line[end : match.start()].replace("{", "{{").replace("}", "}}")
        quote = '"' if match["word"] is None else ""
        pieces.append(f"{between}{quote}{{{field}}}{quote}")
        end = match.end()
        last = len(pieces) if field else last
        if field == "user_agent" and not quote:  # it has the spaces up to the end of the line
            return "".join(pieces)
    rest = "{rest}" if line[end:] or len(pieces) > last else ""
    return "".join(pieces[:last]) + rest


def _field_of(text: str, taken: set[str], is_quoted: bool) -> str:
    """Return the meaning of a text that follows those of `taken` in its line; "" for none."""
    address, _, port = text.rpartition(":")
    is_asked = bool(taken & {"request", "target"})
    tests = {
        "time": (time := _time_of(text)),
        "request": re.match(REQUEST_LINE, text),
        "client": _is_address(text),
        "address": port.isdecimal() and _is_address(address.strip("[]")),
        "method": text in _METHODS,
        "target": text.startswith(("/", "http")) and "method" in taken,
        "protocol": text.startswith("HTTP/") and "target" in taken,
        "status": is_asked and re.fullmatch("[1-5][0-9][0-9]", text),
        "size": "status" in taken and not is_quoted and re.fullmatch(r"\d+|-", text),
        "user_agent": _AGENT.match(text) and "status" in taken,
        "referrer": is_quoted and "status" in taken and re.match(r"https?://|-?$", text),
    }
    once = {"client": "address", "address": "client", "method": "request", "target": "request"}
    for field, fits in tests.items():
        if fits and not taken & {field, once.get(field, "")}:
            return f"time:{time}" if field == "time" else field
    return ""


def _time_of(text: str) -> str:
    """Return the strftime format of a time; "" for any other text."""
    for pattern, spelled in _TIMES.items():
        if not (match := re.fullmatch(pattern, text)):
            continue
        parts = [part or "" for part in match.groups()]
        fraction = parts[0] if parts[0][:1] in (".", ",") else ""
        zone = parts[-1] if parts[-1] != fraction else ""
        whole = spelled.format(text[10:11])
        if fraction:
            whole += fraction[0] + _FRACTIONS.get(len(fraction), "%f")
        if zone:
            spaced = " " * zone.startswith(" ")
            whole += spaced + ("Z" if zone == "Z" else "%:z" if ":" in zone else "%z")
        return whole
    return ""
