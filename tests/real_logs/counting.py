"""How the known figures count: in classes, by name, the most frequent first."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from tests.real_logs.real_log import RealLog

from clickstream.clean import CleanRules
from clickstream.clean.referrers import referrer_of

OWN_DOMAIN = "semicomplete.com"
"""The site whose Apache log it is."""


def counted(column: pd.Series) -> dict[str, int]:
    """How often each value occurs, the values as texts."""
    return {str(value): n for value, n in column.value_counts().items() if n}


def top(most: int, column: pd.Series) -> list[list[Any]]:
    """The most frequent values with their counts, equally frequent ones by name."""
    ranked = sorted(counted(column).items(), key=lambda item: (-item[1], item[0]))
    return [[value, n] for value, n in ranked[:most]]


def histogram(counts: pd.Series) -> dict[str, int]:
    """How many counts fall into each of the known figures' classes."""
    edges = {"1": 1, "2": 2, "3-5": 3, "6-10": 6, "11-50": 11, "51+": 51}
    found, _ = np.histogram(counts, [*edges.values(), np.inf])
    return dict(zip(edges, found.tolist(), strict=True))


def seconds(spans: pd.Series) -> pd.Series:
    """Spans of time in whole seconds; none may be missing."""
    return spans.dt.total_seconds().astype(int)


def durations(runs: pd.DataFrame) -> pd.Series:
    """How long each session is, in seconds."""
    return seconds(runs["last_hit_at"] - runs["first_hit_at"])


def referrers(log: RealLog) -> pd.Series:
    """The referrers of the requests that have one; a format without any logs empty ones."""
    logged = log.parsed.requests["referrer"].dropna()
    return logged[logged != ""]


def campaigns(log: RealLog) -> list[list[Any]]:
    """Source, medium and campaign of tagged requests, with how many there are of each."""
    tags = log.labels[["utm_source", "utm_medium", "utm_campaign"]].astype(object).dropna()
    return [[*tag, n] for tag, n in Counter(tags.itertuples(index=False, name=None)).most_common()]


def google_searches(log: RealLog) -> int:
    """Requests from Google's search; the known figure counts `www.google.…` and no other host."""
    hosts = counted(log.labels["referrer_domain"].dropna())
    found = {host: referrer_of(f"https://{host}/", ()) for host in hosts}
    google = {host: hosts[host] for host, one in found.items() if one and one.source == "google"}
    return sum(google.values()) - google.pop("images.google.com")


def from_other_sites(log: RealLog) -> int:
    """Requests whose referrer is another site than the logged one."""
    frame = log.cleaned(CleanRules("site", (OWN_DOMAIN,))).frame(only=["referrer_domain"])
    return int(frame["referrer_domain"].notna().sum())


def by_hour(log: RealLog) -> list[tuple[pd.Timestamp, pd.DataFrame]]:
    """Each UTC hour that has requests, with them."""
    requests = log.parsed.requests[["at", "client", "bytes"]]
    return [*requests.groupby(requests["at"].dt.floor("h"))]
