r"""Formats whose lines one pattern describes, and the reasons for rejects.

Each format is a sequence of small patterns. Joined, they are the strict pattern of a whole line.
Nested, each optional, they recognize a line that was cut short. Quoted fields are read as Apache
and nginx write them: a quote inside is `\"` or `\x22`, never a bare quote. `layout` also uses the
patterns of the head of a line (client, virtual host, addresses of proxies). They have no
lookaround, because RE2 reads them too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import MAX_DIGITS
from clickstream.parse.times import unix_seconds

_PORT = rb"(?::\d+)?"
_IPV4 = rb"\d+\.\d+\.\d+\.\d+"
_IPV6 = rb"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?"
_BRACKETED = rb"\[%b\]%b" % (_IPV6, _PORT)
_ADDRESS = rb"(?:%b%b|%b|%b)" % (_IPV4, _PORT, _IPV6, _BRACKETED)
NAME = rb"(?:[\w.]|-[\w.-])[\w.-]*"
"""A host name; a single `-` does not match."""
HOST = rb"(?:%b%b|%b|%b)" % (NAME, _PORT, _IPV6, _BRACKETED)
CLIENT = rb"(?:[\w.-]+%b|%b|%b|unix:)" % (_PORT, _IPV6, _BRACKETED)
"""HOST matches an IP address or a host name, with or without a port. CLIENT also matches `-`, for a
client that was not logged, and nginx's `unix:`, a client of a Unix socket."""

USER = rb'""|(?:[^"\\]|\\.)[^"\\]*(?:\\.[^"\\]*)*'
"""A user name may contain spaces; it ends at the last ` [` before a quote. Apache writes `""` for
an empty user name."""
_IDENTITY = rb'[^ "]+'
_LIST = rb"%b(?:, ?%b)*" % (CLIENT, CLIENT)
_SEVERAL = rb"%b(?:, ?%b)+" % (CLIENT, CLIENT)


def _head(client: bytes, identity: bytes = _IDENTITY) -> bytes:
    return rb"%b %b (?:%b)" % (client, identity, USER)


def _of_client(client: bytes, identity: bytes = _IDENTITY) -> bytes:
    return _head(rb"(?P<client>%b)" % client, identity)


_HOST = rb"(?P<host>%b) " % CLIENT
_DOTTED = rb"[\w-]*(?:\.[\w-]*)+%b" % _PORT

VHOST_HEADS = (
    _HOST + _of_client(_ADDRESS),
    _HOST + _of_client(_DOTTED, identity=b"-"),
    _HOST + _head(rb"(?P<forwarded>%b)" % _SEVERAL),
)
"""Heads with host, client, identity and user. `192.0.2.7 - john doe` does not match, because `-` is
neither an address nor a name with a dot. `192.0.2.7 www.example.com john doe` (format `ovh`) does
not match either."""

PLAIN_HEADS = (
    _of_client(CLIENT, identity=b"-"),
    _head(rb"(?P<forwarded>%b)" % _SEVERAL),
    *VHOST_HEADS,
    _of_client(CLIENT),
)
"""Heads with client, identity and user. The same file may also have lines with a host or a list of
addresses, so these heads match too."""

FORWARDED_HEADS = (
    _head(rb"(?P<forwarded>%b)" % _LIST, identity=b"-"),
    *VHOST_HEADS,
    _head(rb"(?P<forwarded>%b)" % _LIST),
)
"""Heads with the value of `X-Forwarded-For` in the place of the client."""

HAS_LIST = re.compile(rb"^(?:%b )?%b " % (CLIENT, _SEVERAL), re.MULTILINE)
"""Matches a line that begins with a list of several addresses."""

_NAMES = ("client", "host", "forwarded")
_ADDRESS_AND_PORT = re.compile(rb"(%b):\d+|\[(%b)\]%b" % (_IPV4, _IPV6, _PORT))


def split_heads(values: pa.Array, heads: tuple[bytes, ...]) -> dict[str, pa.Array]:
    """Split heads into client, host and forwarded addresses, by the first pattern that matches.

    A part that a head does not have is null; a head that matches no pattern has no client. A name
    is absent from the result if no head has that part. If a head has no client, the client is its
    first forwarded address.
    """
    found = pc.extract_regex(values, f"^(?:{heads[0].decode()})$")
    parts = {part.name: pc.struct_field(found, part.name) for part in found.type}
    if "client" not in parts:
        parts["client"] = first_addresses(parts["forwarded"])
    is_other = pc.and_(pc.is_null(found), pc.not_equal(values, b""))
    if len(heads) == 1 or not pc.any(is_other).as_py():
        return parts
    others = split_heads(values.filter(is_other), heads[1:])
    nothing = pa.nulls(len(values), pa.binary())
    nothing_else = pa.nulls(len(others["client"]), pa.binary())
    return {
        name: pc.replace_with_mask(
            parts.get(name, nothing), is_other, others.get(name, nothing_else)
        )
        for name in _NAMES
        if name in parts or name in others
    }


def first_addresses(forwarded: pa.Array) -> pa.Array:
    """Return the first address of each list of `X-Forwarded-For`, without its port.

    If no element of a list is an address or a name with a dot, the result is the first element.
    Null stays null.
    """
    return pa.array([_first(one) for one in forwarded.to_pylist()], pa.binary())


def _first(forwarded: bytes | None) -> bytes | None:
    if forwarded is None:
        return None
    elements = [element.strip() for element in forwarded.split(b",")]
    first = next((one for one in elements if b"." in one or b":" in one), elements[0])
    found = _ADDRESS_AND_PORT.fullmatch(first)
    return (found[1] or found[2]) if found else first


EMPTY = "empty line"
CUT = "cut short"
FOREIGN = "not an access-log line"
MISFIT = "fields do not fit the format"
IMPOSSIBLE_TIME = "impossible time"
NO_FIELDS = "no #Fields line that fits before it"
TOO_LONG = "line too long"
REQUEST_LINE = (
    r"(?s)^(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) "
    r"(?P<target>.+) "
    r"(?P<protocol>HTTP/[0-9](?:\.[0-9])?)$"
)
"""A request line of HTTP/1 (RFC 9112, section 3), in RE2's syntax."""

REASONS = (EMPTY, CUT, FOREIGN, MISFIT, IMPOSSIBLE_TIME, NO_FIELDS, TOO_LONG)
"""All reasons for rejects."""

# From the time on, fields and separators alternate. Each piece is a unit after which a line may be
# cut: usually one character, or a whole text or number if the place within it makes no difference.
_TIME = rb"\d \d / [A-Z] [a-z] [a-z] / \d \d \d \d : \d \d : \d \d : \d \d \x20 [+-] \d \d \d \d"
_TEXT = rb'(?:[^"\\]++|\\.)*+'
_COMMON = (
    *(_TIME, rb'\] \x20 "', _TEXT, rb'" \x20'),
    *(rb"(?:-|\d(?:\d(?:\d|\Z)|\Z))", rb"\x20", rb"(?:\d{1,%d}|-)" % MAX_DIGITS),
)
"""The status is `-` if none was logged. It may have fewer than 3 digits only at the line's end."""


@dataclass(frozen=True)
class LogFormat:
    """A line format: head, `[time] "request" status bytes`, and any number of quoted fields.

    `quoted_fields` names the fields in quotes, the request first. Fields that are not in
    `rows.TEXTS` are dropped. `heads` are the patterns of the text before the time, in the order in
    which they are tried.
    """

    name: str
    example: str
    quoted_fields: tuple[str, ...]
    heads: tuple[bytes, ...] = PLAIN_HEADS

    @cached_property
    def _fields_and_separators(self) -> tuple[bytes, ...]:
        """Patterns after the head, split into pieces by spaces; fields have even indexes."""
        trailing = [rb'" \x20 "', _TEXT] * (len(self.quoted_fields) - 1)
        return (*_COMMON, rb'\x20 "', *trailing[1:], rb'"') if trailing else _COMMON

    @cached_property
    def line(self) -> re.Pattern[bytes]:
        """The strict pattern of a line, with a group for the head and for each field."""
        joined = [b"".join(pieces.split()) for pieces in self._fields_and_separators]
        request, *trailing = self.quoted_fields
        for index, name in enumerate(("time", request, "status", "bytes", *trailing)):
            joined[2 * index] = b"(?P<%b>%b)" % (name.encode(), joined[2 * index])
        return re.compile(rb"(?P<head>%b) \[%b" % (self._head, b"".join(joined)))

    @cached_property
    def beginning(self) -> re.Pattern[bytes]:
        """The pattern of a line that ends early, but not before the start of its time."""
        nested = b""
        for piece in reversed([*chain(*(p.split() for p in self._fields_and_separators))]):
            nested = b"(?:%b%b)?" % (piece, nested)
        return re.compile(rb"%b \[%b" % (self._head, nested))

    @cached_property
    def _head(self) -> bytes:
        """The pattern of any of the heads, with unnamed groups."""
        return rb"(?:%b)" % re.sub(rb"\?P<\w+>", b"?:", b"|".join(self.heads))

    def has(self, line: bytes) -> bool:
        """Return whether a line matches the strict pattern; its time may still be impossible."""
        return self.line.fullmatch(line) is not None

    def has_all(self, lines: Sequence[bytes]) -> bool:
        """Return whether all lines can be read; for a few lines, it is faster than reading them."""
        matches = [self.line.fullmatch(line) for line in lines]
        times = [match["time"] for match in matches if match]
        return len(times) == len(lines) and bool(unix_seconds(times)[1].all())

    def why_not(self, line: bytes) -> str:
        """Return the reject reason of a line; the impossible time if the strict pattern matches."""
        if self.has(line):
            return IMPOSSIBLE_TIME
        if not line.strip():
            return EMPTY
        if self.beginning.fullmatch(line.removesuffix(b"\\")):
            return CUT
        return MISFIT if self._dated.match(line) else FOREIGN

    @cached_property
    def _dated(self) -> re.Pattern[bytes]:
        return re.compile(rb"%b \[%b\] " % (self._head, b"".join(_TIME.split())))


LINE_FORMATS: Mapping[str, LogFormat] = {
    "combined": LogFormat(
        "combined",
        '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512 "-" "Mozilla/5.0"',
        ("request", "referrer", "user_agent"),
    ),
    "common": LogFormat(
        "common",
        '192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512',
        ("request",),
    ),
    "combined_forwarded": LogFormat(
        "combined_forwarded",
        "192.0.2.7, 10.0.0.1 - - [20/Nov/2026:05:00:00 +0000] "
        '"GET /menu HTTP/1.1" 200 512 "-" "Mozilla/5.0"',
        ("request", "referrer", "user_agent"),
        heads=FORWARDED_HEADS,
    ),
    "common_forwarded": LogFormat(
        "common_forwarded",
        '192.0.2.7, 10.0.0.1 - - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512',
        ("request",),
        heads=FORWARDED_HEADS,
    ),
    "combined_vhost": LogFormat(
        "combined_vhost",
        "www.example.com:443 192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "
        '"GET /menu HTTP/1.1" 200 512 "-" "Mozilla/5.0"',
        ("request", "referrer", "user_agent"),
        heads=VHOST_HEADS,
    ),
    "common_vhost": LogFormat(
        "common_vhost",
        "www.example.com:443 192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "
        '"GET /menu HTTP/1.1" 200 512',
        ("request",),
        heads=VHOST_HEADS,
    ),
}
"""The formats combined and common of Apache and nginx, alone, with the virtual host in front, and
with the addresses of `X-Forwarded-For` in the place of the client."""
