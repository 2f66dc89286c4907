"""The figures of a log, which the page and the JSON report show; `FIGURES` describes each.

`fact_figures` takes them from the fact views, and from the counts of `line_counts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from clickstream.clean.referrers import OwnDomain
from clickstream.dashboard.log_notes import LogNotes

VISITOR_KEY = b"clickstream trial"
"""The secret of visitor keys. It is fixed: the ids only distinguish visitors and are not stored."""

TOP = 10

FIGURES = {
    "lines": "Lines read; each is either parsed or rejected.",
    "parsed": "Lines that could be parsed, without other_hosts.",
    "rejected": "Lines that could not be parsed, by reason.",
    "hosts": "Lines that could be parsed, by virtual host or Host header, if it is logged.",
    "other_hosts": "Lines to other hosts than those of [site] hosts, which no other figure counts.",
    "balance": "Parsed lines by category of the line balance, each counted once. A request"
    " for an asset counts as an asset, and a health check as a health check, also if a bot sent"
    " it; all other requests of bots count as bots.",
    "by_status": "Parsed lines by HTTP status.",
    "errors": "Parsed lines with a 4xx or 5xx status by kind of client; the sums equal those of "
    "by_status. The kinds are assets (requested by people or bots), bots, people, and others: "
    "health checks, and files for robots that no known bot requested.",
    "bytes": "Sum of the logged sizes.",
    "clients": "Different client addresses, bots included.",
    "visitors": "Different visitors with at least one session. A visitor is a pair of client "
    "address and user agent, until the visitor keys change (docs/privacy.md).",
    "suspected": "Visitors who are left out as suspected machines: they have a browser's user "
    "agent, but come in groups that people do not explain (docs/people.md). The largest groups are "
    "listed, summed over the dates, with the reason of the date with most of them.",
    "sessions": "People's sessions with at least one page view. A session is a sequence of "
    "requests of a visitor, of all kinds, without a pause of more than 30 minutes (or the timeout "
    "of the settings).",
    "page_views": "Page requests of these sessions. page_requests in the balance also counts those "
    "of sessions with a bot verdict in another hour.",
    "median_session_seconds": "Median length of the sessions; null if there are none.",
    "engaged_sessions": "Sessions that were longer than 10 seconds, had two page views, or met a "
    "goal.",
    "goals": "Number of sessions that met each goal of the settings.",
    "by_hour_utc": "Parsed lines by UTC hour.",
    "channels": "The sessions by channel. The channel of a session is that of its last "
    "request that has a channel. If no request has one, it is Direct, or not "
    "logged if the log has no referrer field.",
    "devices": "The sessions by kind of device.",
    "countries": "The sessions by country. Countries with fewer than ten visitors are counted "
    "together as few visitors. Empty without a database of places.",
    "top_pages": "The page views by page.",
    "top_referrers": "The page views by the site that referred their session.",
    "own_domain": "The site's own domain, in addition to those of the settings; its pages do not "
    "count as referrers. It is inferred from the asset requests with a referrer (sample) and the "
    "number of them whose referrer is a page of the domain (requests); null if none was inferred.",
    "campaigns": "Requests with utm tags (hits, bots included, without assets), and the page "
    "requests of people among them (page_views).",
    "bots": "Requests of bots, without assets and health checks, by class and by reason.",
    "first_at": "Time of the earliest parsed line, UTC.",
    "last_at": "Time of the latest parsed line, UTC.",
    "cpu_seconds": "Processor time of the report, in seconds.",
}
"""All keys of the JSON report, and what each counts."""

CLIENTS = ("people", "bots", "assets", "others")
"""The kinds of clients whose errors are counted separately."""

_Key = TypeVar("_Key")
Campaign = tuple[str | None, str | None, str | None]
"""Source, medium and campaign of the tags."""


@dataclass(frozen=True)
class Reject:
    """A rejected line, as an example of its reason."""

    path: str
    line_number: int
    line: str


@dataclass(frozen=True)
class CampaignCounts:
    """The number of a campaign's requests, and of people's page requests among them."""

    source: str | None
    medium: str | None
    campaign: str | None
    hits: int
    page_views: int


@dataclass(frozen=True)
class PeopleFigures:
    """The figures of people: of their sessions with a page view, without suspected machines.

    `goals` has the number of sessions that met each goal. `median_seconds` is None without a
    session.
    """

    visitors: int
    sessions: int
    page_views: int
    bounces: int
    engaged: int
    median_seconds: float | None
    goals: dict[str, int]
    channels: dict[str, int]
    devices: dict[str, int]
    countries: dict[str, int]


@dataclass(frozen=True)
class LeftOutCohort:
    """Visitors of a log who are left out: the label of their cohort, why, and how many.

    A visitor who comes on two dates counts on both.
    """

    label: str
    reason: str
    visitors: int


@dataclass(frozen=True)
class Suspects:
    """The suspected machines of a log: different visitors, and cohorts, the largest first."""

    visitors: int
    searched_dates: int
    cohorts: tuple[LeftOutCohort, ...]


@dataclass(frozen=True)
class Figures:
    """The figures of a log, for the page and the JSON report."""

    lines: int
    rejected: dict[str, int]
    examples: dict[str, Reject]
    hosts: dict[str, int]
    hosts_of_site: tuple[str, ...]
    other_hosts: int
    balance: dict[str, int]
    by_status: dict[int, int]
    errors: dict[str, dict[str, int]]  # by 4xx and 5xx, then by one of CLIENTS
    bytes: int
    clients: int
    people: PeopleFigures
    suspects: Suspects
    timeout_seconds: int  # a longer pause ends a session
    by_hour: dict[int, int]  # by the hour's Unix time in seconds; hours without lines are absent
    top_pages: dict[str, int]
    top_referrers: dict[str, int]
    referrers_logged: bool  # whether the format of any line has a field for the referrer
    own_domain: OwnDomain | None
    campaigns: tuple[CampaignCounts, ...]
    bot_classes: dict[str, int]
    bot_reasons: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None
    zone: ZoneInfo  # of the times on the page; those of the JSON report are UTC
    notes: LogNotes  # of the page, too

    @property
    def parsed(self) -> int:
        """Number of parsed lines of the site."""
        return self.lines - sum(self.rejected.values()) - self.other_hosts

    def as_dict(self, cpu_seconds: float) -> dict[str, Any]:
        """Return the JSON report; FIGURES describes its keys."""
        return {
            "lines": self.lines,
            "parsed": self.parsed,
            "rejected": {"total": sum(self.rejected.values()), "by_reason": self.rejected},
            "hosts": self.hosts,
            "other_hosts": self.other_hosts,
            "balance": self.balance,
            "by_status": {str(status): n for status, n in self.by_status.items()},
            "errors": self.errors,
            "bytes": self.bytes,
            "clients": self.clients,
            "visitors": self.people.visitors,
            "suspected": {
                "visitors": self.suspects.visitors,
                "searched_dates": self.suspects.searched_dates,
                "cohorts": [vars(cohort) for cohort in self.suspects.cohorts[:TOP]],
            },
            "sessions": self.people.sessions,
            "page_views": self.people.page_views,
            "median_session_seconds": self.people.median_seconds,
            "engaged_sessions": self.people.engaged,
            "goals": dict(sorted(self.people.goals.items())),
            "by_hour_utc": {_hour_text(hour): n for hour, n in self.by_hour.items()},
            "channels": top(self.people.channels),
            "devices": top(self.people.devices),
            "countries": top(self.people.countries),
            "top_pages": _entries("page", "page_views", self.top_pages),
            "top_referrers": _entries("domain", "page_views", self.top_referrers),
            "own_domain": vars(self.own_domain) if self.own_domain else None,
            "campaigns": [vars(campaign) for campaign in self.campaigns],
            "bots": {
                "requests": self.balance["bots"],
                "by_class": top(self.bot_classes),
                "top_reasons": _entries("reason", "requests", top(self.bot_reasons)),
            },
            "first_at": _moment_text(self.first_at),
            "last_at": _moment_text(self.last_at),
            "cpu_seconds": round(cpu_seconds, 3),
        }


def top(counts: Mapping[_Key, int], limit: int | None = TOP) -> dict[_Key, int]:
    """Return the largest counts first, and equal counts in the order of their names."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return dict(ranked[:limit])


def _entries(name: str, count: str, counts: dict[str, int]) -> list[dict[str, str | int]]:
    return [{name: value, count: n} for value, n in counts.items()]


def _hour_text(epoch_seconds: int) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H")


def _moment_text(moment: datetime | None) -> str | None:
    return f"{moment.isoformat(timespec='seconds')}Z" if moment else None
