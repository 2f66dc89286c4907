"""Checks that Athena computes: rows agree with the ledger and with each other, and are unique.

`verify` calls this. Each check is a statement over the partitions of some of the hours, and its
result has at most one row for each hour, however large the tables are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter

import pandas as pd
from more_itertools import constrained_batches

from clickstream.clean.request_kinds import COUNTED_UNDER
from clickstream.core.hours import Hour
from clickstream.lake import Lake, athena
from clickstream.pipeline.proof.report import Finding
from clickstream.tables import BALANCE

LINES_AT_ONCE = 4_000_000
"""Limit of the lines that a statement reads: Athena keeps all of them in memory."""

LONGEST_SESSION_DAYS = 2
"""How far back the parts of a session are read: a session is on two dates at most."""

_COUNTS = """
select hour_at, if(is_bot and kind <> 'health_check', 'bots', kind) as counted, count(*) as number
from hits where {within} group by 1, 2
union all
select hour_at, 'rejected', count(*) from rejects where {within} group by 1
union all
select hour_at, 'session_parts', count(*) from session_parts where {within} group by 1
union all
select hour_at, 'assets', sum(assets) from session_parts where {within} group by 1
union all
select hour_at, 'requests', sum(requests) from session_parts where {within} group by 1
union all
select hour_at, 'raw_objects', count(*) from raw_objects where {within} group by 1
union all
select hour_at, 'lines', sum(lines) from raw_objects where {within} group by 1
"""

_PARTS_WITH_OTHER_HITS = """
with

hits_of_parts as (
    select
        hour_at,
        part_id,
        count(*) as hits,
        count_if(kind = 'page') as page_views,
        min(visitor_id) as visitor_id,
        max(visitor_id) as other_visitor_id,
        min(hit_at) as first_hit_at,
        max(hit_at) as last_hit_at
    from hits
    where {within}
    group by hour_at, part_id
),

parts as (
    select
        hour_at,
        part_id,
        count(*) as times,
        sum(requests - assets) as hits,
        sum(page_views) as page_views,
        min(visitor_id) as visitor_id,
        min(first_hit_at) as first_hit_at,
        max(last_hit_at) as last_hit_at
    from session_parts
    where {within}
    group by hour_at, part_id
)

select coalesce(parts.hour_at, hits_of_parts.hour_at) as hour_at, count(*) as number
from parts
full outer join hits_of_parts
    on parts.hour_at = hits_of_parts.hour_at and parts.part_id = hits_of_parts.part_id
where
    parts.part_id is null
    or parts.times > 1
    or parts.hits <> coalesce(hits_of_parts.hits, 0)
    or parts.page_views <> coalesce(hits_of_parts.page_views, 0)
    or parts.visitor_id <> hits_of_parts.visitor_id
    or parts.visitor_id <> hits_of_parts.other_visitor_id
    or parts.first_hit_at > hits_of_parts.first_hit_at
    or parts.last_hit_at < hits_of_parts.last_hit_at
group by 1
"""

_LINES_NOT_ONCE = """
with

lines as (
    select hour_at, raw_object, line_number from hits where {within}
    union all
    select hour_at, raw_object, line_number from rejects where {within}
),

places as (
    select hour_at, raw_object, line_number, count(*) as times
    from lines
    group by hour_at, raw_object, line_number
)

select hour_at, count(*) as number
from places
where times > 1 or split_part(raw_object, '/', 2) <> date_format(hour_at, '%Y-%m-%dT%H')
group by hour_at
"""

_SESSIONS_WITHOUT_BEGINNING = """
with

parts as (
    select hour_at, session_id, session_started_at from session_parts where {within}
),

beginnings as (
    select session_id, first_hit_at
    from session_parts
    where part_id = session_id and {within_reach}
)

select parts.hour_at, count(*) as number
from parts
left join beginnings
    on parts.session_id = beginnings.session_id
    and parts.session_started_at = beginnings.first_hit_at
where beginnings.session_id is null{and_not_cut_off}
group by parts.hour_at
"""

STATEMENTS = {
    _PARTS_WITH_OTHER_HITS: "{:,} of its session parts do not agree with its hits",
    _LINES_NOT_ONCE: "{:,} of its lines are stored more than once, or belong to another hour",
    _SESSIONS_WITHOUT_BEGINNING: "{:,} of its session parts are of a session without a first part",
}
"""The statements that count faults by hour, each with the sentence about its number."""


def disagreeing(
    lake: Lake,
    ledger: pd.DataFrame,
    first: Hour | None,
    last: Hour | None,
    edges: Sequence[Hour] = (),
) -> Iterator[Finding]:
    """Yield what is wrong with the rows of the hours from `first` to `last`.

    `edges` are hours at whose start sessions end, because the hours before have another visitor
    key. A session that crosses an edge may have lost its first parts, and is not checked.
    """
    yield from _miscounted(lake, ledger, first, last)
    for begin, end in _stretches(ledger, first, last):
        # Sessions of these hours may have begun on the dates before.
        reach = begin.minus(24 * LONGEST_SESSION_DAYS) if begin else None
        filters = {
            "within": _within(begin, end),
            "within_reach": _within(reach, end),
            "and_not_cut_off": "".join(
                f"\n    and not (parts.session_started_at < timestamp '{edge.naive}' "
                f"and parts.hour_at >= timestamp '{edge.naive}')"
                for edge in edges
            ),
        }
        for statement, problem in STATEMENTS.items():
            for hour_at, number in athena.query(lake, statement.format(**filters)).rows:
                yield Finding(Hour.at(hour_at), problem.format(number))


def _stretches(
    ledger: pd.DataFrame, first: Hour | None, last: Hour | None
) -> Iterator[tuple[Hour | None, Hour | None]]:
    """Split the hours into ranges of LINES_AT_ONCE; a larger hour is a range of its own."""
    hours = zip(ledger["hour_at"], ledger["lines"], strict=True)
    stretches = constrained_batches(hours, LINES_AT_ONCE, get_len=itemgetter(1), strict=False)
    begins = [Hour.at(stretch[0][0]) for stretch in stretches][1:]
    yield from zip([first, *begins], [*(begin.previous for begin in begins), last], strict=True)


def _within(first: Hour | None, last: Hour | None) -> str:
    """Return the condition that selects a range of hours; the dates prune the partitions."""
    limits = ["true"]
    if first:
        limits.append(f"event_date >= date '{first.event_date}'")
        limits.append(f"hour_at >= timestamp '{first.naive}'")
    if last:
        limits.append(f"event_date <= date '{last.event_date}'")
        limits.append(f"hour_at <= timestamp '{last.naive}'")
    return " and ".join(limits)


def _miscounted(
    lake: Lake, ledger: pd.DataFrame, first: Hour | None, last: Hour | None
) -> Iterator[Finding]:
    """Yield hours whose numbers of rows differ from the ledger, or that have no ledger row."""
    counted: dict[datetime, dict[str, int]] = {}
    counts = athena.query(lake, _COUNTS.format(within=_within(first, last))).rows
    for hour_at, kind, number in counts:
        counted.setdefault(hour_at, {})[COUNTED_UNDER.get(kind, kind)] = number
    for row in ledger.to_dict("records"):
        in_tables = counted.pop(row["hour_at"].to_pydatetime(), {})
        expected = {
            **{kind: row[kind] for kind in BALANCE},
            "rejected": row["rejected"],
            "session_parts": row["session_parts"],
            "requests": row["lines"] - row["rejected"] - row["other_hosts"],
            "raw_objects": row["raw_objects"],
            "lines": row["lines"],
        }
        wrong = [
            f"{in_tables.get(kind, 0):,} {kind} in the tables, {number:,} in the ledger"
            for kind, number in expected.items()
            if in_tables.get(kind, 0) != number
        ]
        if wrong:
            yield Finding(Hour.at(row["hour_at"]), "; ".join(wrong))
    for hour_at in counted:
        yield Finding(Hour.at(hour_at), "it has rows in the tables but no row in the ledger")
