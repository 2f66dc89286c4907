"""Infer from the earliest requests of a log its own domain, and the proxies in front of the site.

A proxy is there if nearly all requests come from private addresses and have a forwarded one. It is
trusted, so that visitors are counted by the forwarded addresses, unless the settings name the
trusted proxies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from clickstream.clean.referrers import OwnDomain, choose_own_domain, count_domains
from clickstream.core.networks import NetworkSet, address_in
from clickstream.dashboard.log_notes import NO_LOG_NOTES, LogNotes
from clickstream.logs.lines_by_date import LinesByDate
from clickstream.settings import Settings
from clickstream.step_config import clean_rules, referrers_of_assets

PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)
NEARLY_ALL = 0.95
"""Share of the requests from which on a proxy is in front of the whole site."""

MOST_NAMED = 3
"""Maximum number of proxies that are named by their address; of more, the networks are."""

_PRIVATE = NetworkSet.of(PRIVATE_NETWORKS)
_LOOPBACK = NetworkSet.of(("127.0.0.0/8", "::1/128"))


def count_private_peers(requests: pa.Table, trusted: NetworkSet) -> Counter[str]:
    """Count the parsed requests that have a forwarded address, by their private client.

    Trusted proxies are left out: their visitors are known.
    """
    forwarded = requests["forwarded"].cast(pa.string())
    clients = requests["client"].filter(pc.greater(pc.utf8_length(forwarded), 0).fill_null(False))
    counts: Counter[str] = Counter()
    for client_count in pc.value_counts(clients.cast(pa.string())).to_pylist():
        address = address_in(client_count["values"] or "")
        if address and address in _PRIVATE and address not in trusted:
            counts[address] += client_count["counts"]
    return counts


def count_own_checks(requests: pa.Table) -> int:
    """Count the requests that the host itself made, such as health checks past the proxy."""
    forwarded = requests["forwarded"].cast(pa.string())
    is_direct = pc.equal(pc.utf8_length(forwarded), 0).fill_null(True)
    clients = pc.value_counts(requests["client"].filter(is_direct).cast(pa.string())).to_pylist()
    addresses = ((address_in(one["values"] or ""), one["counts"]) for one in clients)
    return sum(count for address, count in addresses if address and address in _LOOPBACK)


def find_proxies(peers: Mapping[str, int], requests: int) -> tuple[str, ...]:
    """Return the addresses, or networks, of the proxies in front of the site; empty if none shows.

    `peers` counts forwarded requests by private client, and `requests` is the number of all
    requests that were looked at, without the host's own health checks.
    """
    behind = sum(peers.values())
    if not behind or behind < NEARLY_ALL * requests:
        return ()
    if len(peers) <= MOST_NAMED:
        return tuple(sorted(peers))
    networks = {name: NetworkSet.of([name]) for name in PRIVATE_NETWORKS}
    return tuple(
        name for name, network in networks.items() if any(peer in network for peer in peers)
    )


SAMPLE_REQUESTS = 90_000
"""Number of earliest requests from which the own domain is inferred."""


@dataclass(frozen=True)
class DateSample:
    """The part of the sample that is of one date.

    `domains` counts the asset requests of the sample by the domain of their referrer; it is empty
    if the settings name the own domains. `peers` counts the forwarded requests by private client,
    and `checks` those of `count_own_checks`.
    """

    requests: int
    domains: Mapping[str, int]
    peers: Mapping[str, int]
    checks: int


Samples = Mapping[int, DateSample]
"""The sample by date, as days since 1970-01-01."""


def sample_dates(settings: Settings, lines: LinesByDate, before: Samples) -> dict[int, DateSample]:
    """Return the sample of the earliest requests. `before` has that of dates before the lines."""
    rules, left = clean_rules(settings), SAMPLE_REQUESTS - _size(before)
    tables: dict[int, list[pa.Table]] = {}
    for day in lines.days:
        if left <= 0:
            break
        tables[day] = []
        for piece in lines.of_day(day):
            tables[day].append(piece.requests[:left])
            left -= len(tables[day][-1])
            if left <= 0:
                break
    all_tables = () if settings.site.domains else chain.from_iterable(tables.values())
    referrers = referrers_of_assets(rules, all_tables)
    samples = dict(before)
    for day, of_date in tables.items():
        domains = count_domains(referrers.get(day, {}))
        peers = sum(
            (count_private_peers(table, rules.trusted) for table in of_date), Counter[str]()
        )
        checks = sum(map(count_own_checks, of_date))
        samples[day] = DateSample(sum(map(len, of_date)), dict(domains), dict(peers), checks)
    return samples


def infer_from_samples(samples: Samples) -> OwnDomain | None:
    """Infer the own domain; None if the sample does not show one."""
    counts: Counter[str] = Counter()
    for sample in samples.values():
        counts.update(sample.domains)
    return choose_own_domain(counts)


def trust_proxies(settings: Settings, samples: Samples) -> tuple[Settings, LogNotes]:
    """Return the settings that trust the proxies in front of the site, and what to say of them.

    Proxies that the settings name stay the only ones, and no others are trusted if the settings
    say that there are none.
    """
    peers: Counter[str] = Counter()
    for sample in samples.values():
        peers.update(sample.peers)
    requests = _size(samples) - sum(sample.checks for sample in samples.values())
    proxies = find_proxies(peers, requests)
    chosen = settings.clean.trusted_proxies
    is_chosen = "trusted_proxies" in settings.clean.model_fields_set
    if not proxies or (is_chosen and not chosen):
        return settings, NO_LOG_NOTES
    seen = (
        f"{sum(peers.values()):,} of the first {requests:,} requests have a forwarded address"
        f" and come from {', '.join(proxies)}"
    )
    if is_chosen:
        options = " ".join(f"--proxy {proxy}" for proxy in (*chosen, *proxies))
        return settings, LogNotes(
            warning="A proxy that is not trusted is in front of the site, and its visitors count "
            f"as one: {seen}. To count visitors by the forwarded address, add {options}."
        )
    clean = settings.clean.model_copy(update={"trusted_proxies": proxies})
    return settings.model_copy(update={"clean": clean}), LogNotes(
        proxy="A proxy is in front of the site, so visitors are counted by the forwarded address: "
        f"{seen}. To count visitors by the address of the connection, add --proxy none."
    )


def _size(samples: Samples) -> int:
    return sum(sample.requests for sample in samples.values())
