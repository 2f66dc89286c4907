"""The figures of a log, added up block by block.

Every line is parsed and cleaned as the pipeline would do it, then counted; of the text only what
the report may show is kept. What each figure means is said in `FIGURES`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from clickstream.clean import CleanRules, balance, clean
from clickstream.parse import Parsed
from clickstream.sessions import SessionRules
from clickstream.tables import BALANCE
from clickstream.trial.visits import SessionCounts, Visits

TOP = 10
VISITOR_KEY = b"clickstream trial"  # fixed: the ids only tell visitors apart and are never shown

FIGURES = {
    "lines": "Lines read; each is either parsed or rejected.",
    "parsed": "Lines that could be used.",
    "rejected": "Lines that could not, with the reasons.",
    "balance": "Parsed lines by what they are, each counted once; an asset counts as an asset "
    "whoever asked for it, every other request of a bot counts under bots.",
    "by_status": "Parsed lines by HTTP status.",
    "bytes": "Sum of the logged sizes.",
    "clients": "Different client addresses, bots included.",
    "visitors": "Different pairs of client address and user agent with at least one session.",
    "sessions": "People's sessions with at least one page view. A session is a visitor's run of "
    "requests of every kind without a silence of more than 30 minutes, or what the settings say.",
    "request_runs": "The same runs for every request, bots and assets included.",
    "by_hour_utc": "Parsed lines by UTC hour.",
    "top_pages": "People's page views by path.",
    "top_referrers": "People's page views by the other site that led to them.",
    "campaigns": "Requests that carry utm tags (hits, bots included), and people's page views "
    "among them.",
    "bots": "Requests of bots, assets excepted, and what gave the bots away.",
    "first_at": "Time of the earliest parsed line, UTC.",
    "last_at": "Time of the latest parsed line, UTC.",
    "cpu_seconds": "Processor time the report took.",
}
"""Every key of the JSON report and what it counts."""

_Key = TypeVar("_Key")
Campaign = tuple[str | None, str | None, str | None]
"""Source, medium and campaign as tagged."""


@dataclass(frozen=True)
class Reject:
    """One rejected line, as an example for its reason."""

    path: str
    line_number: int
    line: str


@dataclass(frozen=True)
class CampaignCounts:
    """One campaign's requests, and people's page views among them."""

    source: str | None
    medium: str | None
    campaign: str | None
    hits: int
    page_views: int


@dataclass(frozen=True)
class Figures:
    """The figures of a log: what the page shows and the JSON report prints."""

    lines: int
    rejected: dict[str, int]
    examples: dict[str, Reject]
    balance: dict[str, int]
    by_status: dict[int, int]
    bytes: int
    clients: int
    people: SessionCounts
    gap_seconds: int  # a longer silence ends a session
    by_hour: dict[int, int]  # by the hour's Unix time in seconds; hours without lines are absent
    top_pages: dict[str, int]
    top_referrers: dict[str, int]
    own_domain: str | None
    campaigns: tuple[CampaignCounts, ...]
    bot_reasons: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None

    @property
    def parsed(self) -> int:
        """Lines that could be used."""
        return self.lines - sum(self.rejected.values())

    def as_dict(self, cpu_seconds: float) -> dict[str, Any]:
        """The JSON report; FIGURES says what each key counts."""
        return {
            "lines": self.lines,
            "parsed": self.parsed,
            "rejected": {"total": sum(self.rejected.values()), "by_reason": self.rejected},
            "balance": self.balance,
            "by_status": {str(status): n for status, n in self.by_status.items()},
            "bytes": self.bytes,
            "clients": self.clients,
            "visitors": self.people.visitors,
            "sessions": self.people.sessions,
            "request_runs": self.people.request_runs,
            "by_hour_utc": {_hour_text(hour): n for hour, n in self.by_hour.items()},
            "top_pages": _entries("path", "page_views", self.top_pages),
            "top_referrers": _entries("domain", "page_views", self.top_referrers),
            "campaigns": [vars(campaign) for campaign in self.campaigns],
            "bots": {
                "requests": self.balance["bots"],
                "top_reasons": _entries("reason", "requests", self.bot_reasons),
            },
            "first_at": _moment_text(self.first_at),
            "last_at": _moment_text(self.last_at),
            "cpu_seconds": round(cpu_seconds, 3),
        }


class Tally:
    """Adds up the figures of any number of blocks of any number of files."""

    def __init__(self, clean_rules: CleanRules, session_rules: SessionRules) -> None:
        self.lines = 0
        self.parsed = 0
        self._clean_rules = clean_rules
        self._session_rules = session_rules
        self._visits = Visits()
        self._clients: set[str] = set()
        self._bytes = 0
        self._span: tuple[datetime, datetime] | None = None
        self._rejected: Counter[str] = Counter()
        self._examples: dict[str, Reject] = {}
        self._balance: Counter[str] = Counter(dict.fromkeys(BALANCE, 0))
        self._status: Counter[int] = Counter()
        self._hours: Counter[int] = Counter()
        self._pages: Counter[str] = Counter()
        self._referrers: Counter[str] = Counter()
        self._asset_referrers: Counter[str] = Counter()
        self._campaign_hits: Counter[Campaign] = Counter()
        self._campaign_pages: Counter[Campaign] = Counter()
        self._bot_reasons: Counter[str] = Counter()

    def add(self, parsed: Parsed, path: str) -> None:
        """Count a block of parsed lines of the file `path`."""
        self.lines += parsed.lines
        self.parsed += len(parsed.requests)
        self._add_rejects(parsed.rejects, path)
        if len(parsed.requests):
            self._add_requests(parsed.requests)
            self._add_cleaned(clean(parsed.requests, self._clean_rules, VISITOR_KEY))

    def figures(self) -> Figures:
        """The figures of everything added so far."""
        own = None if self._clean_rules.domains else _own_domain(self._asset_referrers)
        external = {d: n for d, n in self._referrers.items() if not _belongs_to(d, own)}
        return Figures(
            lines=self.lines,
            rejected=_top(self._rejected, None),
            examples=self._examples,
            balance=dict(self._balance),
            by_status=dict(sorted(self._status.items())),
            bytes=self._bytes,
            clients=len(self._clients),
            people=self._visits.count(self._session_rules),
            gap_seconds=self._session_rules.gap_seconds,
            by_hour=dict(sorted(self._hours.items())),
            top_pages=_top(self._pages),
            top_referrers=_top(external),
            own_domain=own,
            campaigns=self._campaigns(),
            bot_reasons=_top(self._bot_reasons),
            first_at=self._span[0] if self._span else None,
            last_at=self._span[1] if self._span else None,
        )

    def _add_rejects(self, rejects: pd.DataFrame, path: str) -> None:
        _count(self._rejected, rejects["reason"])
        for row in rejects.drop_duplicates("reason").itertuples():
            self._examples.setdefault(row.reason, Reject(path, row.line_number, row.line))

    def _add_requests(self, requests: pd.DataFrame) -> None:
        self._bytes += int(requests["bytes"].sum())
        self._clients.update(requests["client"].dropna().unique().tolist())
        _count(self._status, requests["status"])
        _count(self._hours, _epoch_hours(requests["at"]))
        first, last = self._span or (datetime.max, datetime.min)
        self._span = (
            min(first, requests["at"].min().to_pydatetime()),
            max(last, requests["at"].max().to_pydatetime()),
        )

    def _add_cleaned(self, requests: pd.DataFrame) -> None:
        self._visits.add(requests)
        self._balance.update(balance(requests["kind"], requests["is_bot"].to_numpy()))
        is_asset = requests["kind"] == "asset"
        is_bot = requests["is_bot"].astype(bool)
        is_page_view = (requests["kind"] == "page") & ~is_bot
        _count(self._pages, requests.loc[is_page_view, "path"])
        _count(self._referrers, requests.loc[is_page_view, "referrer_domain"])
        _count(self._asset_referrers, requests.loc[is_asset, "referrer_domain"])
        _count(self._bot_reasons, requests.loc[is_bot & ~is_asset, "bot_reason"])
        tags = requests[["utm_source", "utm_medium", "utm_campaign"]]
        is_tagged = tags.notna().any(axis=1)
        self._campaign_hits.update(_tag_rows(tags[is_tagged]))
        self._campaign_pages.update(_tag_rows(tags[is_tagged & is_page_view]))

    def _campaigns(self) -> tuple[CampaignCounts, ...]:
        return tuple(
            CampaignCounts(*tags, hits, self._campaign_pages[tags])
            for tags, hits in _top(self._campaign_hits).items()
        )


def _count(counter: Counter[Any], column: pd.Series) -> None:
    """Add a column's values to the counter, missing ones left out."""
    counts = column.value_counts()
    for value, n in zip(counts.index.tolist(), counts.tolist(), strict=True):
        if n:  # a category without rows is counted as zero
            counter[value] += n


def _top(counts: dict[_Key, int], limit: int | None = TOP) -> dict[_Key, int]:
    """The largest counts first, equal ones in the order of their names."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return dict(ranked[:limit])


def _tag_rows(tags: pd.DataFrame) -> list[Campaign]:
    rows = tags.astype(object).where(tags.notna(), None)
    return list(rows.itertuples(index=False, name=None))


def _epoch_hours(moments: pd.Series) -> pd.Series:
    seconds = moments.to_numpy().astype("datetime64[s]").astype(np.int64)
    return pd.Series(seconds // 3600 * 3600)


def _own_domain(asset_referrers: Counter[str]) -> str | None:
    """The logged site's own domain, where the settings name none.

    A browser that loads a page's images and styles names that page as referrer, so the domain
    behind most requests for assets is the site itself. None when no domain has more than half.
    """
    if not asset_referrers:
        return None
    plain: Counter[str] = Counter()
    for domain, n in asset_referrers.items():
        plain[domain.removeprefix("www.")] += n
    domain, n = next(iter(_top(plain).items()))
    return domain if 2 * n > plain.total() else None


def _belongs_to(domain: str, own: str | None) -> bool:
    return own is not None and (domain == own or domain.endswith(f".{own}"))


def _entries(name: str, count: str, counts: dict[str, int]) -> list[dict[str, str | int]]:
    return [{name: value, count: n} for value, n in counts.items()]


def _hour_text(epoch_seconds: int) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H")


def _moment_text(moment: datetime | None) -> str | None:
    return f"{moment.isoformat(timespec='seconds')}Z" if moment else None
