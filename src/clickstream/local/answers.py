"""The demo's answers: what the owner would ask, asked through Athena, and the line balance."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clickstream.hours import Hour
from clickstream.lake import Lake, QueryResult, athena
from clickstream.tables import BALANCE

QUESTIONS = {
    "How many people came, and what did they do?": """
        select event_date, visitors, sessions, page_views, pages_per_session as per_session,
            bounce_rate as bounces, bot_requests as bots
        from daily_traffic
        order by event_date""",
    "Which pages did they see?": """
        select page, sum(page_views) as page_views, sum(entries) as entries, sum(exits) as exits
        from top_pages
        group by page
        order by page_views desc, page
        limit 8""",
    "What brought them?": """
        select channel, source, medium, campaign, sum(sessions) as sessions
        from traffic_sources
        group by channel, source, medium, campaign
        order by sessions desc, channel, source, medium, campaign
        limit 8""",
    "Which channels reached a goal?": """
        select channel, sum(sessions) as sessions, sum(converted_sessions) as converted,
            cast(sum(converted_sessions) as double) / sum(sessions) as rate
        from traffic_sources
        group by channel
        order by converted desc, channel
        limit 8""",
    "How far did they get on the way to it?": """
        select step, sum(sessions) as sessions, sum(ended_here) as ended_here
        from funnel
        group by step
        order by step""",
    "How long did they stay?": """
        select session_date, count(*) as sessions, avg(distinct_pages) as different_pages,
            avg(measured_seconds) as measured_seconds, avg(estimated_seconds) as estimated_more
        from session_engagement
        group by session_date
        order by session_date""",
    "Where are they?": """
        select country, city, sum(sessions) as sessions, sum(visitors) as visitor_days
        from visits_by_place
        group by country, city
        order by sessions desc, country, city
        limit 8""",
    "Which machines came?": """
        select bot_class, sum(requests) as requests, sum(errors) as errors
        from bot_traffic
        group by bot_class
        order by requests desc, bot_class
        limit 8""",
    "What were the longest visits?": """
        select started_at, landing_page, exit_page, page_views, duration_seconds as seconds
        from sessions
        order by duration_seconds desc, session_id
        limit 5""",
}

_KINDS = (*BALANCE, "rejected")
_BALANCE = f"""
    select count(*) as hours, sum(lines) as lines,
        {", ".join(f"sum({kind}) as {kind}" for kind in _KINDS)}
    from hour_ledger
    where hour_at between timestamp '{{first:%Y-%m-%d %H:%M:%S}}'
        and timestamp '{{last:%Y-%m-%d %H:%M:%S}}'"""  # noqa: S608  our own column names


def show_first_answers(lake: Lake, first: Hour, last: Hour, console: Console) -> None:
    """Print the first question's answer, from the hours that are there so far."""
    hours = _sums(lake, first, last)["hours"]
    console.print(f"\n[bold]First answers[/], from {hours} hours:")
    console.print(_table(athena.query(lake, next(iter(QUESTIONS.values())))), "")


def show_answers(lake: Lake, first: Hour, last: Hour, console: Console) -> None:
    """Print the answer to each question, then the balance of the hours `first` to `last`."""
    for question, sql in QUESTIONS.items():
        console.print(f"\n[bold]{question}[/]")
        console.print(_table(athena.query(lake, sql)))
    console.print(_balance(_sums(lake, first, last)))


def _sums(lake: Lake, first: Hour, last: Hour) -> dict[str, int]:
    sql = _BALANCE.format(first=first.naive, last=last.naive)
    return athena.query(lake, sql).records()[0]


def _table(result: QueryResult) -> Table:
    table = Table(header_style="cyan", box=None, pad_edge=False)
    for position, name in enumerate(result.columns):
        numbers = all(isinstance(row[position], int | float) for row in result.rows)
        table.add_column(name, justify="right" if numbers else "left")
    for row in result.rows:
        table.add_row(*(escape(_text(value)) for value in row))
    return table


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _balance(sums: dict[str, int]) -> str:
    """The balance in one sentence, every line of the hours in exactly one of its parts."""
    parts = ", ".join(f"{sums[kind] or 0:,} {kind.replace('_', ' ')}" for kind in _KINDS)
    return f"\n{sums['lines'] or 0:,} lines in {sums['hours']} hours = {parts}."
