"""Recognize a proxy in front of the site: nearly all requests come from private addresses.

If the log has the forwarded addresses, `[clean] trusted_proxies` tells visitors apart. The advice
is printed by `clickstream open`, `try` and `bots check`, and shown on the pages.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from clickstream.networks import NetworkSet, address_in

PRIVATE_NETWORKS = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
    *("169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
)
NEARLY_ALL = 0.95
"""Share of the requests from which on a proxy is in front of the whole site."""

MOST_NAMED = 3
"""Maximum number of addresses that the advice names; of more, it names the networks."""

_PRIVATE = NetworkSet.of(PRIVATE_NETWORKS)


def count_private_peers(requests: pa.Table, trusted: NetworkSet) -> Counter[str]:
    """Count the parsed requests that have a forwarded address, by their private client.

    Trusted proxies are left out: their visitors are known.
    """
    forwarded = requests["forwarded"].cast(pa.string())
    clients = requests["client"].filter(pc.greater(pc.utf8_length(forwarded), 0).fill_null(False))
    found: Counter[str] = Counter()
    for one in pc.value_counts(clients.cast(pa.string())).to_pylist():
        address = address_in(one["values"] or "")
        if address and address in _PRIVATE and address not in trusted:
            found[address] += one["counts"]
    return found


def advise_on_proxies(peers: Mapping[str, int], requests: int) -> str:
    """Return what to do about a proxy that is not trusted; empty if nothing shows one.

    `requests` is the number of all requests that were looked at.
    """
    behind = sum(peers.values())
    if not behind or behind < NEARLY_ALL * requests:
        return ""
    one = len(peers) == 1
    return (
        f"A proxy is in front of the site, so visitors can't be told apart: {behind:,} of the first"
        f" {requests:,} requests come from {'a private address' if one else 'private addresses'} "
        "and have a forwarded one. To count visitors by the forwarded address, write these lines "
        "into clickstream.toml, and run the command again:\n"
        f"[clean]\ntrusted_proxies = {json.dumps(_to_trust([*peers]))}"
    )


def _to_trust(peers: Sequence[str]) -> list[str]:
    if len(peers) <= MOST_NAMED:
        return sorted(peers)
    networks = (NetworkSet.of([one]) for one in PRIVATE_NETWORKS)
    pairs = zip(PRIVATE_NETWORKS, networks, strict=True)
    return [name for name, network in pairs if any(one in network for one in peers)]
