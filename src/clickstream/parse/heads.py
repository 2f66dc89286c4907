"""What stands before the time of a line: client, virtual host, and addresses of proxies.

Used by `formats` for its lines, and by `layout` for the fields of format strings. The patterns look
neither ahead nor back, because RE2 reads them, too.
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
NAME = rb"(?:[\w.]|-[\w.-])[\w.-]*"
"""A host name, which is not `-` alone."""
HOST = rb"(?:%b%b|%b|%b)" % (NAME, _PORT, _IPV6, _BRACKETED)
CLIENT = rb"(?:[\w.-]+%b|%b|%b|unix:)" % (_PORT, _IPV6, _BRACKETED)
"""HOST is an IP address or a host name, with or without a port. CLIENT is also `-`, where none was
logged, or nginx's `unix:`, a client of a Unix socket."""

USER = rb'""|(?:[^"\\]|\\.)[^"\\]*(?:\\.[^"\\]*)*'
"""A user name may hold spaces: it ends at the last ` [` before a quote. Apache writes `""` for a
user whose name is empty."""
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
"""Host, client, identity, and user. `192.0.2.7 - john doe` is no such head, because `-` is neither
an address nor a name with a dot; nor is `192.0.2.7 www.example.com john doe` (format `ovh`)."""

PLAIN_HEADS = (
    _of_client(CLIENT, identity=b"-"),
    _head(rb"(?P<forwarded>%b)" % _SEVERAL),
    *VHOST_HEADS,
    _of_client(CLIENT),
)
"""Client, identity, and user. Servers also write lines with a host or with a list of addresses into
the same file: those are read as what they are."""

FORWARDED_HEADS = (
    _head(rb"(?P<forwarded>%b)" % _LIST, identity=b"-"),
    *VHOST_HEADS,
    _head(rb"(?P<forwarded>%b)" % _LIST),
)
"""The value of `X-Forwarded-For` in the place of the client."""

HAS_LIST = re.compile(rb"^(?:%b )?%b " % (CLIENT, _SEVERAL), re.MULTILINE)
"""Finds a line that begins with a list of several addresses."""

_NAMES = ("client", "host", "forwarded")
_ADDRESS_AND_PORT = re.compile(rb"(%b):\d+|\[(%b)\]%b" % (_IPV4, _IPV6, _PORT))


def split_heads(values: pa.Array, heads: tuple[bytes, ...]) -> dict[str, pa.Array]:
    """Client, host, and forwarded addresses by the first of the patterns that each value fits.

    Null is what a value does not have; one that fits no pattern has no client. Absent are names
    that no value has. Without a client of its own, a line has the first address forwarded.
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
    """The first address of each list of `X-Forwarded-For`, without its port; null stays null.

    Where none of a list's elements is an address or a name with a dot, it is the first element.
    """
    return pa.array([_first(one) for one in forwarded.to_pylist()], pa.binary())


def _first(forwarded: bytes | None) -> bytes | None:
    if forwarded is None:
        return None
    elements = [element.strip() for element in forwarded.split(b",")]
    first = next((one for one in elements if b"." in one or b":" in one), elements[0])
    found = _ADDRESS_AND_PORT.fullmatch(first)
    return (found[1] or found[2]) if found else first
