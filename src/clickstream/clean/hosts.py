"""Names of virtual hosts: the form in which the tables have them, and which of them are the site's.

A log has the host that the server names (`%v`, `$server_name`) or the one that the client asked for
(the Host header), which can be any text. `cleaner` and `pipeline` call this.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.core import dictionary_encoding

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_BRACKETED = re.compile(r"\[(.*)\](?::\d{1,5})?")
_WITH_PORT = re.compile(r"([^:]*):\d{1,5}")
ANY_SUBDOMAIN = "*."

NAMED_HOSTS = 3
"""Number of hosts that a sentence names; the others are counted."""


def normal_host(name: str) -> str:
    """Return a host without port in its normal form; an empty text if it is not a host.

    It is in lower case and without a final dot, an international name in its ASCII form (RFC 5890),
    and an IPv6 address in its short form (RFC 5952).
    """
    name = name.rstrip(".")
    try:
        if ":" in name:
            return "" if "%" in name else str(ip_address(name))
        ascii_name = name if name.isascii() else name.encode("idna").decode("ascii")
    except ValueError:
        return ""
    return ascii_name.lower() if _NAME.fullmatch(ascii_name.lower()) else ""


def host_name(logged: str | None) -> str | None:
    """Return a logged host in its normal form, without port; None if it is no host.

    Servers log `_` or `-` if they have no name.
    """
    without_port = _BRACKETED.fullmatch(logged or "") or _WITH_PORT.fullmatch(logged or "")
    name = normal_host(without_port[1] if without_port else logged or "")
    return name if any(map(str.isalnum, name)) else None


def count_hosts(parsed: pa.Table) -> Counter[str]:
    """Count the requests of a table of `parse` by host; those without a host are left out."""
    column = dictionary_encoding.combine_chunks(parsed["host"])
    codes = dictionary_encoding.codes_of(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(column.dictionary))
    counter: Counter[str] = Counter()
    for text, number in zip(column.dictionary.to_pylist(), counts.tolist(), strict=True):
        if number and (name := host_name(text)):
            counter[name] += number
    return counter


def describe_hosts(counts: Mapping[str, int], own: Sequence[str]) -> str:
    """State which hosts some logs have, and what `[site] hosts` does with them.

    `counts` has the number of requests by host, and `own` are the hosts of the setting. The result
    is empty if the logs have at most one host.
    """
    if len(counts) < 2:
        return ""
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{name} {number / total:.1%}" for name, number in ranked[:NAMED_HOSTS]]
    unnamed = [f"{len(ranked) - NAMED_HOSTS:,} more"] if len(ranked) > NAMED_HOSTS else []
    effect = (
        "Only those of [site] hosts are counted."
        if own
        else "They are counted as one site; [site] hosts chooses those of yours."
    )
    return f"{len(counts):,} hosts in these logs: {', '.join([*named, *unnamed])}. {effect}"


def requests_of_site(parsed: pa.Table, hosts: Sequence[str]) -> pa.Table:
    """Return the requests to the hosts of a site, and those without a host.

    `parsed` is a table of `parse`. `hosts` are names as of `host_name`, or `*.` and a domain for
    all its subdomains; without `hosts`, all requests are the site's.
    """
    if not hosts or not len(parsed):
        return parsed
    column = dictionary_encoding.combine_chunks(parsed["host"])
    is_own = pa.array(
        [is_host_of(host_name(host), hosts) for host in column.dictionary.to_pylist()]
    )
    of_rows = pc.fill_null(is_own.take(column.indices), True)
    return parsed if pc.all(of_rows).as_py() else parsed.filter(of_rows)


def is_host_of(name: str | None, hosts: Sequence[str]) -> bool:
    """Whether a host as of `host_name` is one of `hosts`; a host that is not known is."""
    if name is None:
        return True
    domains = (host.removeprefix("*") for host in hosts if host.startswith(ANY_SUBDOMAIN))
    return name in hosts or any(name.endswith(domain) for domain in domains)
