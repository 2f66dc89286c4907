"""The figures of a log, from its fact views: each metric is the one of the dashboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.questions.dimensions import SUSPICION
from clickstream.dashboard.questions.fact_copy import FILE_NAME, insert_rows
from clickstream.dashboard.questions.folding import OTHER, fold
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.question import PEOPLE_ONLY, Question, build_question
from clickstream.dashboard.questions.view import Filter
from clickstream.logs.counted_lines import CountedLines
from clickstream.logs.date_tables import DateTables
from clickstream.logs.facts import FactRows
from clickstream.logs.figures import (
    CLIENTS,
    TOP,
    CampaignCounts,
    Figures,
    LeftOutCohort,
    PeopleFigures,
    Suspects,
    top,
)
from clickstream.logs.log_set import LogFacts
from clickstream.tables import BALANCE, HITS

VIEWS = (
    *("session_facts", "page_view_facts", "goal_facts", "hour_facts"),
    *("bot_facts", "reject_facts", "people_facts", "cohort_facts"),
)
"""The fact views that the figures are in."""

EVERY_DATE = Period(date(2, 1, 1), date(9998, 12, 30))
FEW_VISITORS, UNKNOWN, NOT_LOGGED = "few visitors", "unknown", "not logged"

_MEMORY_LIMIT = "128MB"
_HIT_COUNTS = """
select
    status, kind, is_bot, utm_source, utm_medium, utm_campaign, count(*) as hits
from rows_of_hits
group by all
"""


class FactDatabase:
    """The facts of a log in a DuckDB file in `directory`; it answers questions about the log.

    Its table `hit_counts` counts requests without assets by status, kind, verdict and campaign.
    """

    def __init__(self, directory: Path) -> None:
        self._connection = duckdb.connect(
            directory / FILE_NAME, config={"threads": 2, "memory_limit": _MEMORY_LIMIT}
        )
        self._connection.register("rows_of_hits", HITS.arrow_schema().empty_table())
        self._connection.execute(f"create table hit_counts as {_HIT_COUNTS}")

    def add_hits(self, tables: DateTables) -> None:
        """Count the hits of a date."""
        self._connection.register("rows_of_hits", tables[HITS])
        self._connection.execute(f"insert into hit_counts {_HIT_COUNTS}")

    def add(self, facts: FactRows) -> None:
        """Add the facts of some dates."""
        for view, rows in facts.items():
            insert_rows(self._connection, view, rows)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query on the facts."""
        found: list[tuple[Any, ...]] = self._connection.execute(sql).fetchall()
        return found

    def ask(self, question: Question) -> Answer:
        """Answer a question of the dashboard."""
        rows = self._connection.execute(question.sql, question.values).fetchall()
        return Answer(question, rows)

    def count(
        self, metric: str, by: str, *filters: Filter, limit: int | None = None
    ) -> dict[str | None, int]:
        """Return a metric by a dimension, the largest first; small groups are counted together."""
        question = build_question((metric,), (by,), EVERY_DATE, filters, limit)
        answer = fold(self.ask, question)
        return {FEW_VISITORS if value is OTHER else value: number for value, number in answer.rows}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def build_figures(facts: FactDatabase, found: LogFacts, lines: CountedLines) -> Figures:
    """Return the figures of a log, of which the facts were added to a database."""
    balance = _balance(facts)
    by_status = dict(sorted(lines.by_status.items()))
    return Figures(
        lines=lines.lines,
        rejected=_named(facts.count("rejected_lines", "reject_reason")),
        examples=lines.examples,
        hosts=top(lines.by_host, None),
        hosts_of_site=lines.site_hosts,
        other_hosts=balance.pop("other_hosts"),
        balance=balance,
        by_status=by_status,
        errors=_errors(facts, by_status),
        bytes=lines.bytes,
        clients=len(lines.addresses),
        people=_people(facts, found.settings.goals),
        suspects=_suspects(facts),
        timeout_seconds=found.settings.sessions.timeout_seconds,
        by_hour=_by_hour(facts),
        top_pages=_named(facts.count("views", "page", limit=TOP)),
        top_referrers=_named(facts.count("page_views", "referrer", _known("referrer"), limit=TOP)),
        referrers_logged=lines.referrers_logged or not lines.by_status,
        own_domain=found.own_domain,
        campaigns=tuple(CampaignCounts(*row) for row in facts.rows(_CAMPAIGNS)),
        bot_classes=_named(facts.count("bot_requests", "bot_class")),
        bot_reasons=_named(facts.count("bot_requests", "bot_reason")),
        first_at=lines.first_at,
        last_at=lines.last_at,
        zone=ZoneInfo(found.settings.site.time_zone),
        notes=found.notes,
    )


def _known(dimension: str) -> Filter:
    return Filter(dimension, (None,), is_excluded=True)


def _named(counts: Mapping[str | None, int], null: str = UNKNOWN) -> dict[str, int]:
    """Return counts with a name for null, the largest first."""
    return top({null if name is None else name: number for name, number in counts.items()}, None)


_SESSIONS = f"""
select
    count(*) filter (where is_bounce),
    count(*) filter (where is_engaged),
    median(duration_seconds)
from session_facts
where {PEOPLE_ONLY}
"""  # noqa: S608


def _people(facts: FactDatabase, goals: Iterable[str]) -> PeopleFigures:
    sums = build_question(("visitors", "visits", "page_views"), (), EVERY_DATE)
    [(visitors, sessions, page_views)] = facts.ask(sums).rows
    [(bounces, engaged, median)] = facts.rows(_SESSIONS)
    met = _named(facts.count("goal_visits", "goal"))
    return PeopleFigures(
        visitors=visitors,
        sessions=sessions,
        page_views=page_views,
        bounces=bounces,
        engaged=engaged,
        median_seconds=median,
        goals={goal: met.get(goal, 0) for goal in goals},
        channels=_named(facts.count("visits", "channel"), NOT_LOGGED),
        devices=_named(facts.count("visits", "device")),
        countries=_countries(facts),
    )


def _countries(facts: FactDatabase) -> dict[str, int]:
    """Count the sessions by country; return no counts if no country is known at all."""
    [(known,)] = facts.ask(build_question(("visits",), (), EVERY_DATE, [_known("country")])).rows
    return _named(facts.count("visits", "country")) if known else {}


_COHORTS = """
select cohort, max_by(reason, suspected), sum(suspected)
from cohort_facts
group by cohort
having sum(suspected) > 0
order by 3 desc, 1
"""


def _suspects(facts: FactDatabase) -> Suspects:
    machines = build_question(("visitors",), (), EVERY_DATE, [Filter(SUSPICION, ("machine",))])
    [(visitors,)] = facts.ask(machines).rows
    [(dates,)] = facts.ask(build_question(("searched_dates",), (), EVERY_DATE)).rows
    cohorts = (LeftOutCohort(*row) for row in facts.rows(_COHORTS))
    return Suspects(visitors, dates, tuple(cohorts))


def _balance(facts: FactDatabase) -> dict[str, int]:
    """Return the line balance, and the lines to other hosts."""
    names = (*BALANCE, "other_hosts")
    [sums] = facts.rows(f"select {', '.join(f'sum({name})' for name in names)} from hour_facts")  # noqa: S608
    return dict(zip(names, sums, strict=True))


def _by_hour(facts: FactDatabase) -> dict[int, int]:
    """Return the parsed lines of each hour that has some, by its Unix time in seconds."""
    parsed = "lines - rejected - other_hosts"
    sql = f"select epoch(hour_at)::bigint, {parsed} from hour_facts where {parsed} > 0 order by 1"  # noqa: S608
    return dict(facts.rows(sql))


_ERRORS = """
select status // 100, kind, is_bot, sum(hits)
from hit_counts
where status between 400 and 599
group by all
"""


def _errors(facts: FactDatabase, by_status: Mapping[int, int]) -> dict[str, dict[str, int]]:
    """Count the answers with an error status, by 4xx and 5xx and then by CLIENTS.

    Requests for assets are no hits; theirs are the rest of the errors in `by_status`. The errors of
    people are the two error terms of the line balance.
    """
    rest: Counter[int] = Counter()
    for status, number in by_status.items():
        rest[status // 100] += number
    found = {hundreds: dict.fromkeys(CLIENTS, 0) for hundreds in (4, 5)}
    for hundreds, kind, is_bot, number in facts.rows(_ERRORS):
        client = "people" if kind in ("client_error", "server_error") else "others"
        is_of_bots = is_bot and kind != "health_check"
        found[hundreds]["bots" if is_of_bots else client] += number
        rest[hundreds] -= number
    for hundreds, clients in found.items():
        clients["assets"] = rest[hundreds]
    return {f"{hundreds}xx": clients for hundreds, clients in found.items()}


_CAMPAIGNS = f"""
select
    utm_source,
    utm_medium,
    utm_campaign,
    sum(hits),
    coalesce(sum(hits) filter (where kind = 'page' and not is_bot), 0)
from hit_counts
where coalesce(utm_source, utm_medium, utm_campaign) is not null
group by all
order by 4 desc, 1, 2, 3
limit {TOP}
"""  # noqa: S608
