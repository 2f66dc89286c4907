"""What generated traffic came to: as a lake's tables say it, and as the oracle does.

Both are asked the same questions; an answer is a sorted list of rows. `size` names a request, for
generated traffic gives each a size of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from tests.support.traffic import Traffic

Facts = dict[str, list[tuple[Any, ...]]]

_ORACLE = Path(__file__).with_name("oracle.sql").read_text(encoding="utf-8")

ASKED_OF_LAKE = {
    "hours": """
        select
            hour_at, lines, page_requests, assets, downloads, bots, redirects, client_errors,
            server_errors, health_checks, api_calls, others, rejected
        from hour_ledger
        where lines > 0
    """,
    "rejects": "select hour_at, line from rejects",
    "sessions": """
        select
            session_started_at, min(first_hit_at), max(last_hit_at), sum(requests),
            sum(page_views), sum(errors), bool_or(is_bot),
            min_by(landing_page, first_page_at) filter (where first_page_at is not null),
            max_by(exit_page, last_page_at) filter (where last_page_at is not null)
        from session_parts
        group by session_id, session_started_at
    """,
    "hits": """
        select
            hits.bytes, hits.hit_at, hits.kind, hits.page, hits.is_bot, parts.session_started_at,
            min(hits.bytes) over (partition by parts.session_id)
        from hits
        inner join session_parts as parts
            on hits.part_id = parts.part_id and hits.hour_at = parts.hour_at
    """,
    "visits": """
        select
            started_at, ended_at, duration_seconds, requests, page_views, errors, is_bounce,
            landing_page, exit_page
        from sessions
    """,
    "views": """
        select
            hits.bytes, views.page, views.view_number,
            case when not views.is_estimated then views.dwell_seconds end,
            views.is_landing_page, views.is_exit_page, views.session_date
        from page_views as views
        inner join hits
            on views.raw_object = hits.raw_object and views.line_number = hits.line_number
    """,
}
ASKED_OF_ORACLE = {
    "hours": """
        select
            counted.hour_at, count(*),
            count_if(kind = 'page' and not is_bot), count_if(kind = 'asset'),
            count_if(kind = 'download' and not is_bot),
            count_if(kind not in ('asset', 'health_check') and is_bot),
            count_if(kind = 'redirect' and not is_bot),
            count_if(kind = 'client_error' and not is_bot),
            count_if(kind = 'server_error' and not is_bot),
            count_if(kind = 'health_check'),
            count_if(kind = 'api' and not is_bot), count_if(kind = 'other' and not is_bot),
            count_if(hit_at is null)
        from counted
        left join (select host, number, is_bot from judged) using (host, number)
        group by counted.hour_at
    """,
    "rejects": "select hour_at, line from counted where hit_at is null",
    "sessions": """
        select distinct on (visitor, started_at)
            started_at, started_at, ended_at, requests, page_views, errors, is_bot_session,
            landing_page, exit_page
        from visits
    """,
    "hits": """
        select
            size, hit_at, kind, path, is_bot, started_at,
            min(size) over (partition by visitor, started_at)
        from visits
        where kind <> 'asset'
    """,
    "visits": """
        select distinct on (visitor, started_at)
            started_at, ended_at, epoch(ended_at - started_at), requests, page_views, errors,
            page_views = 1, landing_page, exit_page
        from visits
        where not is_bot_session and page_views > 0
    """,
    "views": """
        select
            size, path, row_number() over session_so_far,
            epoch(lead(hit_at) over session_so_far - hit_at),
            row_number() over session_so_far = 1, lead(hit_at) over session_so_far is null,
            cast(started_at as date)
        from visits
        where not is_bot_session and kind = 'page'
        window
            session_so_far as (partition by visitor, started_at order by hit_at, host, number)
    """,
}


OF_TABLES = {name: ASKED_OF_LAKE[name] for name in ("hours", "rejects", "sessions", "hits")}
"""The questions that need no view: views are in Trino's SQL."""


def facts(asked: dict[str, str], answer: Callable[[str], Iterable[tuple[Any, ...]]]) -> Facts:
    """The answers to all questions."""
    return {name: sorted(map(_plain, answer(sql)), key=repr) for name, sql in asked.items()}


def expected(traffic: Traffic, timeout_seconds: int = 1800, cap_hours: int = 12) -> Facts:
    """What the oracle makes of all lines at once."""
    with duckdb.connect() as connection:
        connection.execute("create table lines (host varchar, number int, line varchar)")
        rows = [
            (host, number, line)
            for host, lines in traffic.logs.items()
            for number, line in enumerate(lines)
        ]
        if rows:
            connection.executemany("insert into lines values (?, ?, ?)", rows)
        connection.execute(f"set variable gap = {timeout_seconds}; set variable cap = {cap_hours}")
        connection.execute(_ORACLE)
        return facts(ASKED_OF_ORACLE, lambda sql: connection.execute(sql).fetchall())


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """All numbers are whole; some come as floats or decimals."""
    return tuple(int(one) if isinstance(one, float | Decimal) else one for one in row)
