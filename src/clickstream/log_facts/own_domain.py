"""Sample the earliest requests of logs, date by date, and infer the site's own domain from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa

from clickstream.clean.referrers import OwnDomain, choose_own_domain, count_domains
from clickstream.log_facts.lines_by_date import LinesByDate
from clickstream.log_facts.proxies import advise_on_proxies, count_private_peers
from clickstream.settings import Settings
from clickstream.step_config import clean_rules, referrers_of_assets

SAMPLE_REQUESTS = 90_000
"""Number of earliest requests from which the own domain is inferred."""


@dataclass(frozen=True)
class DateSample:
    """The part of the sample that is of one date.

    `domains` counts the asset requests of the sample by the domain of their referrer; it is empty
    if the settings name the own domains. `peers` counts the forwarded requests by private client.
    """

    requests: int
    domains: Mapping[str, int]
    peers: Mapping[str, int]


Samples = Mapping[int, DateSample]
"""The sample by date, as days since 1970-01-01."""


def sample_dates(settings: Settings, lines: LinesByDate, before: Samples) -> dict[int, DateSample]:
    """Return the sample of the earliest requests. `before` has that of dates before the lines."""
    rules, left = clean_rules(settings), SAMPLE_REQUESTS - _size(before)
    tables: dict[int, list[pa.Table]] = {}
    for day in lines.days:
        if left <= 0:
            break
        tables[day] = [*_first_requests(lines, day, left)]
        left -= sum(map(len, tables[day]))
    all_tables = () if settings.site.domains else chain.from_iterable(tables.values())
    referrers = referrers_of_assets(rules, all_tables)
    found = dict(before)
    for day, of_date in tables.items():
        domains = count_domains(referrers.get(day, {}))
        peers = sum((count_private_peers(one, rules.trusted) for one in of_date), Counter[str]())
        found[day] = DateSample(sum(map(len, of_date)), dict(domains), dict(peers))
    return found


def _first_requests(lines: LinesByDate, day: int, number: int) -> Iterator[pa.Table]:
    for piece in lines.of_day(day):
        some = piece.requests[:number]
        yield some
        number -= len(some)
        if number <= 0:
            return


def infer_from_samples(samples: Samples) -> OwnDomain | None:
    """Infer the own domain; None if the sample does not show one."""
    counts: Counter[str] = Counter()
    for one in samples.values():
        counts.update(one.domains)
    return choose_own_domain(counts)


def advise_from_samples(samples: Samples) -> str:
    """Return the advice on a proxy in front of the site; empty if the sample shows none."""
    peers: Counter[str] = Counter()
    for one in samples.values():
        peers.update(one.peers)
    return advise_on_proxies(peers, _size(samples))


def cut_date(samples: Samples) -> int | None:
    """Return the date of which only the first requests are in the sample; None without one."""
    return max(samples) if _size(samples) >= SAMPLE_REQUESTS else None


def _size(samples: Samples) -> int:
    return sum(one.requests for one in samples.values())
