"""Functions that Trino implements with Java's library, as Python functions inside DuckDB.

URLs follow ``java.net.URI`` (RFC 2396). Regular expressions follow Java's syntax as far as it is
equal to Python's. Doubles have the text that Trino prints. ``json_values`` has functions of JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from ipaddress import IPv6Address
from typing import Any, NoReturn
from urllib.parse import unquote, unquote_plus

from trino_duckdb.value_text import scientific

FAILURE_MARK = "trino-failure"
"""Prefix of the text of an exception for a Trino error: mark, code, message."""

_ESCAPED = r"%[0-9A-Fa-f]{2}"
_OTHER = r"\u0080-\U0010FFFF"
_UNRESERVED = rf"A-Za-z0-9\-_.!~*'(){_OTHER}"
_PATH = rf"(?:[{_UNRESERVED}:@&=+$,;/]|{_ESCAPED})*"
_URIC = rf"(?:[{_UNRESERVED};/?:@&=+$,\[\]]|{_ESCAPED})*"
_IPV6 = r"\[[0-9A-Fa-f:.]+(?:%\w+)?\]"
_AUTHORITY = rf"(?:[{_UNRESERVED}$,;:@&=+]|{_ESCAPED}|{_IPV6})*"
URI = re.compile(
    rf"(?:(?P<protocol>[A-Za-z][A-Za-z0-9+.\-]*):)?"
    rf"(?:(?://(?P<authority>{_AUTHORITY}))?(?P<path>{_PATH})(?:\?(?P<query>{_URIC}))?)"
    rf"(?:\#(?P<fragment>{_URIC}))?"
)
OPAQUE_URI = re.compile(
    rf"(?P<protocol>[A-Za-z][A-Za-z0-9+.\-]*):(?!/){_URIC}(?:\#(?P<fragment>{_URIC}))?"
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
SERVER = re.compile(
    rf"(?:(?:[{_UNRESERVED};:&=+$,]|{_ESCAPED})*@)?"
    rf"(?P<host>{_OCTET}(?:\.{_OCTET}){{3}}|{_IPV6}"
    rf"|(?:{_LABEL}\.)*[A-Za-z](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.?)(?::(?P<port>\d{{0,9}}))?"
)
FOREIGN_REGEX = re.compile(r"\\[pPhHRXGQvVZ]|&&|\[:|\(\?<(?![=!])")


class TrinoFailure(Exception):
    """A Trino error raised while a query runs."""


def fail(text: str) -> NoReturn:
    """Raise a Trino error; ``text`` is ``CODE: message``."""
    raise TrinoFailure(f"{FAILURE_MARK} {text}")


def double_text(value: float) -> str:
    """cast(double as varchar): always with an exponent, as the SQL standard requires."""
    if value == 0:
        return "-0E0" if str(value).startswith("-") else "0E0"
    if value != value or value in (float("inf"), float("-inf")):
        return str(value).replace("nan", "NaN").replace("inf", "Infinity")
    return scientific(repr(value))


@lru_cache(maxsize=4096)
def parse_uri(url: str) -> dict[str, str | None] | None:
    """Parse a URI by RFC 2396 like Java; None if it is no URI."""
    if match := OPAQUE_URI.fullmatch(url):
        return match.groupdict() if match.end("protocol") + 1 < len(url) else None
    match = URI.fullmatch(url)
    if match is None:
        return None
    parts = match.groupdict()
    if parts["authority"] == "" and not url.split("//", 1)[1]:
        return None
    if parts["protocol"] and url == parts["protocol"] + ":":
        return None
    authority = parts["authority"] or ""
    server = SERVER.fullmatch(authority)
    if "[" in authority and not (server and _is_address(server["host"])):
        return None
    return {**parts, "host": server and server["host"], "port": server and server["port"]}


def _is_address(host: str) -> bool:
    """Whether a text in brackets is an IPv6 address."""
    try:
        return bool(IPv6Address(host.strip("[]")))
    except ValueError:
        return False


def url_part(url: str, part: str) -> str | None:
    """url_extract_*: decoded part; empty if it is missing, None if the text is no URL."""
    parts = parse_uri(url)
    if parts is None:
        return None
    value = parts.get(part)
    if part == "port":
        return value or None
    return (value or "") if part in ("protocol", "host") else unquote(value or "")


def url_parameter(url: str, name: str) -> str | None:
    """Return the first value of a query parameter, with form encoding decoded."""
    parts = parse_uri(url)
    if parts is None or parts.get("query") is None:
        return None
    for pair in (parts["query"] or "").split("&"):
        key, _, value = pair.partition("=")
        if key == name:
            return url_decode(value)
    return None


def url_decode(text: str) -> str:
    """Decode a value of a form field. Fails for an incomplete escape."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        fail(f"INVALID_FUNCTION_ARGUMENT: Incomplete trailing escape (%) pattern: {text}")
    return unquote_plus(text)


WORD, DIGIT, SPACE = "a-zA-Z0-9_", "0-9", r"\t-\r "
CLASSES = {
    "w": WORD,
    "W": r"\x00-/:-@\[-^`{-\U0010FFFF",
    "d": DIGIT,
    "D": r"\x00-/:-\U0010FFFF",
    "s": SPACE,
    "S": r"\x00-\x08\x0e-\x1f!-\U0010FFFF",
}
"""Java's character classes: ASCII only, although case and word boundaries follow Unicode."""

REGEX_TOKEN = re.compile(r"\\(.)|(\[\^?\]?)|(\])|\{,(\d+)\}|.", re.DOTALL)


@lru_cache(maxsize=256)
def _regex(pattern: str) -> re.Pattern[str]:
    if foreign := FOREIGN_REGEX.search(pattern):
        fail(f"NOT_SUPPORTED: {foreign[0]} in a regular expression, in the local Athena")
    if "(?P" in pattern:
        fail("INVALID_FUNCTION_ARGUMENT: undefined group option")
    try:
        return re.compile(_python_regex(pattern))
    except re.error:
        fail(f"INVALID_FUNCTION_ARGUMENT: Invalid regular expression: {pattern}")


def _python_regex(pattern: str) -> str:
    """Translate a pattern of Java to Python."""
    parts, is_class = [], False
    for token in REGEX_TOKEN.finditer(pattern):
        text = token[0]
        if token[1] in CLASSES:
            text = CLASSES[token[1]] if is_class else f"[{CLASSES[token[1]]}]"
        elif token[1] == "z":
            text = r"\Z"
        elif token[4] and not is_class:
            text = re.escape(text)  # a literal: Java requires the lower bound of a repetition
        is_class = (is_class or bool(token[2])) and not token[3]
        parts.append(text)
    return "".join(parts)


def _matches(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """Yield all matches; after an empty match, the search skips one character."""
    place = 0
    while place <= len(text) and (match := _regex(pattern).search(text, place)):
        yield match
        place = match.end() + (match.end() == match.start())


def regexp_like(text: str, pattern: str) -> bool:
    """Whether the pattern occurs in the text."""
    return _regex(pattern).search(text) is not None


def _check_group(groups: int, group: int) -> None:
    if not 0 <= group <= groups:
        fail(f"INVALID_FUNCTION_ARGUMENT: Pattern has {groups} groups, not {group}")


def regexp_extract(text: str, pattern: str, group: int) -> str | None:
    """Return a group of the first match; None without a match or if the group did not match."""
    _check_group(_regex(pattern).groups, group)
    match = _regex(pattern).search(text)
    return match[group] if match else None


def regexp_replace(text: str, pattern: str, replacement: str) -> str:
    """Replace each match; ``$1`` inserts a group, a backslash makes the next character literal."""
    parts, place = [], 0
    for match in _matches(pattern, text):
        parts += [text[place : match.start()], _expand(match, replacement)]
        place = match.end()
    return "".join(parts) + text[place:]


def _expand(match: re.Match[str], replacement: str) -> str:
    def expand_part(part: re.Match[str]) -> str:
        if part[1]:
            return part[1]
        _check_group(match.re.groups, int(part[2] or part[3]))
        return match[int(part[2] or part[3])] or ""

    return re.sub(r"\\(.)|\$(\d)|\$\{(\w+)\}", expand_part, replacement)


FUNCTIONS: tuple[Callable[..., Any], ...] = (
    *(fail, double_text, url_part, url_parameter, url_decode),
    *(regexp_like, regexp_extract, regexp_replace),
)
"""Registered as ``trino_`` plus their name; ``DUCKDB_TYPES`` maps their annotations to types."""

DUCKDB_TYPES = {
    "str": "VARCHAR",
    "NoReturn": "VARCHAR",
    "int": "BIGINT",
    "float": "DOUBLE",
    "bool": "BOOLEAN",
}


def signature(function: Callable[..., Any]) -> tuple[list[str], str]:
    """Return DuckDB's types of the parameters and of the result."""
    annotations: dict[str, str] = function.__annotations__
    kinds = [DUCKDB_TYPES[kind.removesuffix(" | None")] for kind in annotations.values()]
    return kinds[:-1], kinds[-1]


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that it returns NULL if an argument is NULL, as usual in SQL."""

    @wraps(function)
    def call(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return call
