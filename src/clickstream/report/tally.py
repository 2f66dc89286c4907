"""Count the figures of a log, after the same parsing and cleaning as in the pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream import dictionary_encoding
from clickstream.clean import Cleaner, CleanRules, LookUps, VisitorKeys
from clickstream.clean.hosts import count_hosts, requests_of_site
from clickstream.clean.referrers import OwnDomain, infer_own_domain
from clickstream.clean.request_kinds import KINDS, balance
from clickstream.log_files.reading import SmallFile
from clickstream.log_files.small_files import place_of_line, source_of
from clickstream.parse import parse
from clickstream.parse.frames import Parsed
from clickstream.report.figures import (
    CLIENTS,
    Campaign,
    CampaignCounts,
    Figures,
    Reject,
    top,
)
from clickstream.report.rows import ROWS_AT_ONCE, LogRequests, LogRows, Numbers
from clickstream.report.suspects import Suspects, find_suspects
from clickstream.report.visits import SessionCounts, SessionTally
from clickstream.sessions import SessionRules
from clickstream.tables import BALANCE

VISITOR_KEY = b"clickstream trial"  # fixed: the ids only distinguish visitors and are not stored

_TAGS = ("utm_source", "utm_medium", "utm_campaign")

Outcomes = Counter[tuple[int, str, bool]]
"""Number of requests by status, kind, and whether they are a bot's."""


class Tally:
    """Counts the figures of any number of blocks of any number of files."""

    def __init__(
        self,
        clean_rules: CleanRules,
        session_rules: SessionRules,
        look_ups: LookUps,
        kept_cohorts: Collection[str] = (),
    ) -> None:
        self.lines = 0
        self.parsed = 0
        self._bytes = 0
        self._hosts_of_site = clean_rules.hosts
        self._hosts: Counter[str] = Counter()
        self._other_hosts = 0
        self._domains, self._session_rules = clean_rules.domains, session_rules
        self._cleaner = Cleaner(clean_rules, VisitorKeys(VISITOR_KEY), look_ups)
        self._kept_cohorts = frozenset(kept_cohorts)
        self._waiting = 0
        self._rows = LogRows()
        self._referrers_of_assets: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._examples: dict[str, Reject] = {}

    def add(self, parsed: Parsed, *files: str | SmallFile) -> None:
        """Add parsed lines of one file, given by its path, or of small files parsed together."""
        self.lines += parsed.lines
        table = requests_of_site(parsed.table, self._hosts_of_site)
        self._hosts += count_hosts(parsed.table)
        self._other_hosts += len(parsed.table) - len(table)
        self.parsed += len(table)
        if len(parsed.refused):
            self._add_rejects(parsed.refused, files)
        self._bytes += pc.sum(table["bytes"]).as_py() or 0
        self._cleaner.add(table)
        self._waiting += len(table)
        if self._waiting >= ROWS_AT_ONCE:
            self._label()

    def _label(self) -> None:
        """Label the collected requests, and keep the columns that figures need."""
        self._referrers_of_assets.update(self._cleaner.referrers_of_assets())
        self._rows.add(self._cleaner.rows())
        self._waiting = 0
        pa.default_memory_pool().release_unused()  # frees 50 MB after parsing

    def _add_rejects(self, refused: pa.Table, files: Sequence[str | SmallFile]) -> None:
        """Count the rejects by reason, and keep the first of each reason as an example.

        A DataFrame of the rejects would take a third of the time for a small file.
        """
        column = dictionary_encoding.combine_chunks(refused["reason"])
        reasons = column.dictionary.to_pylist()
        found = np.unique(
            dictionary_encoding.codes_of(column), return_index=True, return_counts=True
        )
        for code, first, count in zip(*(part.tolist() for part in found), strict=True):
            reason = reasons[code]
            self._rejected[reason] += count
            if reason not in self._examples:
                row = refused.slice(first, 1).to_pylist()[0]
                self._examples[reason] = Reject(
                    *place_of_line(row["line_number"], source_of(files)), row["line"]
                )

    def own_domain(self) -> OwnDomain | None:
        """Infer the own domain from all added lines. Afterwards, nothing can be added."""
        self._cleaner.add(parse(b"", "common").table)  # for at least one batch
        self._label()
        return infer_own_domain(self._referrers_of_assets, self._domains)

    def figures(self) -> Figures:
        """Return the figures of all added lines. Afterwards, nothing can be added."""
        own = self.own_domain()
        domains = (own.domain,) if own else ()
        requests = self._rows.with_tables(self._cleaner.tables(more_domains=domains))
        clients = self._cleaner.count_clients()
        self._cleaner.forget()  # frees 100 MB after a year of logs
        pa.default_memory_pool().release_unused()
        requests.add_behaviour_verdicts(self._cleaner)
        suspects = find_suspects(requests, self._session_rules, self._kept_cohorts)
        people, is_view = _sessions(requests, self._session_rules, suspects)
        outcomes = _outcomes(requests)
        views, hits = requests.count("arrival", is_view), requests.count("arrival")
        bots = _bots(requests)
        logged = requests.table("arrival")["referrer_logged"].to_numpy(zero_copy_only=False)
        first_at, last_at = _bounds(requests)
        return Figures(
            lines=self.lines,
            rejected=top(self._rejected, None),
            examples=self._examples,
            hosts=top(self._hosts, None),
            hosts_of_site=self._hosts_of_site,
            other_hosts=self._other_hosts,
            balance=_balance(requests),
            by_status=_by_status(outcomes),
            errors=_errors(outcomes),
            bytes=self._bytes,
            clients=clients,
            people=people,
            suspects=suspects,
            timeout_seconds=self._session_rules.timeout_seconds,
            by_hour=dict(sorted(requests.hours().items())),
            top_pages=top(
                requests.count_texts("target", "page", requests.count("target", is_view))
            ),
            top_referrers=top(requests.count_texts("arrival", "referrer_domain", views)),
            referrers_logged=not len(requests) or bool(hits[logged].any()),
            own_domain=own,
            campaigns=tuple(_campaigns(requests.table("arrival"), hits, views)),
            bot_classes=top(requests.count_texts("visitor", "bot_class", bots)),
            bot_reasons=top(requests.count_texts("visitor", "bot_reason", bots)),
            first_at=first_at,
            last_at=last_at,
        )


def _sessions(
    requests: LogRequests, rules: SessionRules, suspects: Suspects
) -> tuple[SessionCounts, npt.NDArray[np.bool_]]:
    """Count the sessions, some visitors at a time; also return a mask of the page views."""
    tally = SessionTally(rules, suspects)
    is_view = np.zeros(len(requests), np.bool_)
    for rows in requests.by_visitor():
        piece, _ = requests.requests(rows)
        is_view[rows] = tally.add(piece)
    return tally.counts(), is_view


def _bots(requests: LogRequests) -> Numbers:
    """Count the requests of each row of the table of visitors as a bot, without assets."""
    counts = np.zeros(len(requests.table("visitor")), np.int64)
    for _, rows in requests.slices():
        is_hit = rows["kind"] != KINDS.index("asset")
        bots = rows["visitor"][is_hit & requests.is_bot(rows)]
        counts += np.bincount(bots, minlength=len(counts))
    return counts


def _balance(requests: LogRequests) -> dict[str, int]:
    found: Counter[str] = Counter()
    for _, rows in requests.slices():
        found.update(balance(rows["kind"], requests.is_bot(rows)))
    return {name: found[name] for name in BALANCE}


def _outcomes(requests: LogRequests) -> Outcomes:
    found: Outcomes = Counter()
    for _, rows in requests.slices():
        number = rows["status"].astype(np.int64) * len(KINDS) + rows["kind"]
        number = number * 2 + requests.is_bot(rows)
        if not len(number):
            continue
        least = int(number.min())
        counts = np.bincount(number - least)
        for one in np.flatnonzero(counts).tolist():
            outcome, machine = divmod(one + least, 2)
            status, kind = divmod(outcome, len(KINDS))
            found[status, KINDS[kind], bool(machine)] += int(counts[one])
    return found


def _by_status(outcomes: Outcomes) -> dict[int, int]:
    found: Counter[int] = Counter()
    for (status, _, _), number in outcomes.items():
        found[status] += number
    return dict(sorted(found.items()))


def _errors(outcomes: Outcomes) -> dict[str, dict[str, int]]:
    """Count the answers with an error status, by 4xx and 5xx and then by CLIENTS."""
    found = {hundreds: dict.fromkeys(CLIENTS, 0) for hundreds in (4, 5)}
    for (status, kind, is_bot), number in outcomes.items():
        if clients := found.get(status // 100):
            clients[_client(kind, is_bot)] += number
    return {f"{hundreds}xx": clients for hundreds, clients in found.items()}


def _client(kind: str, is_bot: bool) -> str:
    """Return one of CLIENTS; the errors of `people` are the two error terms of the line balance."""
    if kind == "asset":
        return "assets"
    if is_bot:
        return "bots"
    return "people" if kind in ("client_error", "server_error") else "others"


def _campaigns(arrivals: pa.RecordBatch, hits: Numbers, views: Numbers) -> list[CampaignCounts]:
    """Return the campaigns with the highest counts of hits, from the counts of each arrival."""
    is_tagged = np.logical_or.reduce([arrivals[tag].is_valid().to_numpy(False) for tag in _TAGS])
    rows = np.flatnonzero(is_tagged & (hits > 0))
    some = arrivals.select(_TAGS).take(pa.array(rows))
    hits_of: Counter[Campaign] = Counter()
    views_of: Counter[Campaign] = Counter()
    tags = zip(*(some[tag].to_pylist() for tag in _TAGS), strict=True)
    for tag, hit, view in zip(tags, hits[rows].tolist(), views[rows].tolist(), strict=True):
        hits_of[tag] += hit
        views_of[tag] += view
    return [CampaignCounts(*tag, number, views_of[tag]) for tag, number in top(hits_of).items()]


def _bounds(requests: LogRequests) -> tuple[datetime | None, datetime | None]:
    """Return the times of the earliest and the latest request, naive UTC."""
    bounds = []
    for _, rows in requests.slices():
        seconds = requests.seconds(rows)
        bounds += [int(seconds.min()), int(seconds.max())] if len(seconds) else []
    return (_naive(min(bounds)), _naive(max(bounds))) if bounds else (None, None)


def _naive(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
