r"""Patterns of clients, hosts and the heads of lines, and the reasons for rejects.

A head is the text before the time in the formats combined and common. `layout` builds the patterns
of lines from the patterns of this module, which have no lookaround, because RE2 reads them too.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

_PORT = rb"(?::\d+)?"
_IPV4 = rb"\d+\.\d+\.\d+\.\d+"
_IPV6 = rb"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?"
_BRACKETED = rb"\[%b\]%b" % (_IPV6, _PORT)
_ADDRESS = rb"(?:%b%b|%b|%b)" % (_IPV4, _PORT, _IPV6, _BRACKETED)
_NAME = rb"(?:[\w.]|-[\w.-])[\w.-]*"  # a single `-` does not match
HOST = rb"(?:%b%b|%b|%b)" % (_NAME, _PORT, _IPV6, _BRACKETED)
CLIENT = rb"(?:[\w.-]+%b|%b|%b|unix:)" % (_PORT, _IPV6, _BRACKETED)
"""HOST matches an IP address or a host name, with or without a port. CLIENT also matches `-`, for a
client that was not logged, and nginx's `unix:`, a client of a Unix socket."""
ADDRESSES = rb"(?:-|(?:%b|unknown)(?:, ?(?:%b|unknown))*)" % (_ADDRESS, _ADDRESS)
"""A list of X-Forwarded-For without names, or `-`."""

_USER = rb'""|(?:[^"\\]|\\.)[^"\\]*(?:\\.[^"\\]*)*'
"""A user name may contain spaces; it ends at the last ` [` before a quote. Apache writes `""` for
an empty user name."""
_IDENTITY = rb'[^ "]+'
_LIST = rb"%b(?:, ?%b)*" % (CLIENT, CLIENT)
_SEVERAL = rb"%b(?:, ?%b)+" % (CLIENT, CLIENT)


def _head(client: bytes, identity: bytes = _IDENTITY) -> bytes:
    return rb"%b %b (?:%b)" % (client, identity, _USER)


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
    matches = pc.extract_regex(values, f"^(?:{heads[0].decode()})$")
    parts = {part.name: pc.struct_field(matches, part.name) for part in matches.type}
    if "client" not in parts:
        parts["client"] = first_addresses(parts["forwarded"])
    is_other = pc.and_(pc.is_null(matches), pc.not_equal(values, b""))
    if len(heads) == 1 or not pc.any(is_other).as_py():
        return parts
    later = split_heads(values.filter(is_other), heads[1:])
    nothing = pa.nulls(len(values), pa.binary())
    nothing_else = pa.nulls(len(later["client"]), pa.binary())
    return {
        name: pc.replace_with_mask(
            parts.get(name, nothing), is_other, later.get(name, nothing_else)
        )
        for name in _NAMES
        if name in parts or name in later
    }


def first_addresses(forwarded: pa.Array) -> pa.Array:
    """Return the first address of each list of `X-Forwarded-For`, without its port.

    If no element of a list is an address or a name with a dot, the result is the first element.
    Null stays null.
    """
    return pa.array([_first(value) for value in forwarded.to_pylist()], pa.binary())


def _first(forwarded: bytes | None) -> bytes | None:
    if forwarded is None:
        return None
    elements = [element.strip() for element in forwarded.split(b",")]
    first = next(
        (element for element in elements if b"." in element or b":" in element), elements[0]
    )
    match = _ADDRESS_AND_PORT.fullmatch(first)
    return (match[1] or match[2]) if match else first


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
