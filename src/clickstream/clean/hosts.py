"""Names of virtual hosts: the form in which the tables have them, and which of them are the site's.

A log has the host that the server names (`%v`, `$server_name`) or the one that the client asked for
(the Host header), which can be any text. `cleaner` and `pipeline` call this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from clickstream import dictionary_encoding

_PORT = re.compile(r":\d{1,5}\Z")
_NAME = re.compile(r"(?=.{1,253}\Z)(?=.*[a-z0-9])[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_ADDRESS = re.compile(r"\[?([0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*)\]?(?::\d{1,5})?")
ANY_SUBDOMAIN = "*."


def host_name(logged: str | None) -> str | None:
    """Return a logged host in lower case, without port and final dot; None if it is no host."""
    lower = (logged or "").lower()
    if address := _ADDRESS.fullmatch(lower):
        return address[1]
    name = _PORT.sub("", lower).removesuffix(".")
    return name if _NAME.fullmatch(name) else None


def requests_of_site(parsed: pa.Table, hosts: Sequence[str]) -> pa.Table:
    """Return the requests to the hosts of a site, and those without a host.

    `parsed` is a table of `parse`. `hosts` are names as of `host_name`, or `*.` and a domain for
    all its subdomains; without `hosts`, all requests are the site's.
    """
    if not hosts or not len(parsed):
        return parsed
    column = dictionary_encoding.combine_chunks(parsed["host"])
    is_own = pa.array([_is_of(host_name(one), hosts) for one in column.dictionary.to_pylist()])
    of_rows = pc.fill_null(is_own.take(column.indices), True)
    return parsed if pc.all(of_rows).as_py() else parsed.filter(of_rows)


def _is_of(name: str | None, hosts: Sequence[str]) -> bool:
    if name is None:
        return True
    domains = (host.removeprefix("*") for host in hosts if host.startswith(ANY_SUBDOMAIN))
    return name in hosts or any(name.endswith(domain) for domain in domains)
