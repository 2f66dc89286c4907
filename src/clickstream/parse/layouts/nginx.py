"""Split nginx's `log_format` strings (ngx_http_log_module) into fields and literals.

The text may be the directive, copied from nginx.conf with several lines and quoted pieces, or the
format alone. Unknown variables become fields without a meaning, because every configuration can
define more of them. `format_strings` calls this module.
"""

from __future__ import annotations

import re

from clickstream.core.errors import UnusableFormat
from clickstream.parse.layouts.assemble import FormatField, Piece
from clickstream.parse.rows import OPTIONAL_FIELDS
from clickstream.parse.times import CLOCK_FORMAT, TimeFormat

_STATEMENT = re.compile(r"\s*log_format\s+[^\s;'\"]+\s+(?:escape=(\w+)\s+)?(.*?);?\s*", re.DOTALL)
_TOKEN = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s'";]+))\s*""", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_PIECE = re.compile(
    r"\$(?:(?P<name>[a-z0-9_]+)|\{(?P<braced>[a-z0-9_]+)\})|(?P<literal>[^$]+)|(?P<broken>\$.{0,8})",
    re.IGNORECASE | re.DOTALL,
)
_VARIABLES: dict[str, tuple[str, int]] = {
    "remote_addr": ("client", 0),
    "remote_port": ("port", 0),
    "request": ("request", 0),
    "request_method": ("method", 0),
    "request_uri": ("target", 0),
    "uri": ("path", 0),
    "document_uri": ("path", 0),
    "is_args": ("is_args", 0),
    "args": ("query", 0),
    "query_string": ("query", 0),
    "server_protocol": ("protocol", 0),
    "status": ("status", 0),
    "body_bytes_sent": ("size", 0),
    "bytes_sent": ("size", 1),
    "http_referer": ("referrer", 0),
    "http_user_agent": ("user_agent", 0),
    "http_x_forwarded_for": ("forwarded", 0),
    "proxy_add_x_forwarded_for": ("forwarded", 1),
    "http_sec_gpc": ("sec_gpc", 0),
    "http_dnt": ("dnt", 0),
    **{f"http_{name}": (name, 0) for name in OPTIONAL_FIELDS},
    "host": ("host", 0),
    "http_host": ("host", 1),
    "server_name": ("host", 2),
    "uid_got": ("cookie", 1),
    "request_time": ("duration_s", 0),
}
_TIMES = {
    "time_local": CLOCK_FORMAT,
    "time_iso8601": TimeFormat.of("%Y-%m-%dT%H:%M:%S%:z"),
    "msec": TimeFormat.of("%s.%3f"),
}


def pieces_of(name: str, text: str) -> list[Piece]:
    """Split a format string, or the directive that contains it, into fields and literals.

    Raises InputError for `escape=none`, because a quote inside a field would look like the quote at
    its end, and for a `$` that begins no variable.
    """
    return [_piece(name, match) for match in _PIECE.finditer(_format(name, text))]


def _format(name: str, text: str) -> str:
    """Return the format without the directive, with quoted pieces joined."""
    escape, tokens = None, text.strip()
    if statement := _STATEMENT.fullmatch(text):
        escape, tokens = statement.groups()
    elif not tokens.startswith("'"):
        return text
    if escape not in (None, "default", "json"):
        raise UnusableFormat(
            f"Format {name}: lines written with escape={escape} can't be read, because a quote "
            "inside a field looks like the one that ends it; leave it out, or use escape=json."
        )
    matches = [*_TOKEN.finditer(tokens)]
    if sum(len(match[0]) for match in matches) != len(tokens):
        raise UnusableFormat(f"Format {name}: the quotes do not match in {text.strip()!r}.")
    contents = (next(text for text in match.groups() if text is not None) for match in matches)
    return "".join(_ESCAPED.sub(lambda m: _ESCAPES.get(m[1], m[1]), text) for text in contents)


def _piece(name: str, match: re.Match[str]) -> Piece:
    if match["literal"]:
        return match["literal"]
    character = match.start() + 1
    if match["broken"]:
        raise UnusableFormat(
            f"Format {name}: {match[0]} at character {character} is not a variable; write $name or "
            "${name}."
        )
    variable = (match["name"] or match["braced"]).lower()
    if variable in _TIMES:
        return FormatField(match[0], character, "time", time=_TIMES[variable])
    if variable.startswith("cookie_"):
        return FormatField(match[0], character, "cookie")
    if variable.startswith("upstream_"):
        return FormatField(match[0], character, "upstream")  # a list, if several servers were asked
    meaning, rank = _VARIABLES.get(variable, ("", 0))
    return FormatField(match[0], character, meaning, rank)
