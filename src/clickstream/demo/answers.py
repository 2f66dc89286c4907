"""Prints the demo's results: typical questions of an owner, asked to Athena, and line balances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from more_itertools import split_when
from rich.console import Console

from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, QueryResult, athena, hour_ledger
from clickstream.pipeline.results import balance_text
from clickstream.query_output import build_table
from clickstream.tables import BALANCE
from clickstream.wording import quantity

FUNNEL = "How far did they get in the funnel?"
QUESTIONS = {
    "How many people came, and what did they do?": """
        select event_date, visitors, sessions, page_views, pages_per_session as per_session,
            bounce_rate as bounces, bot_requests
        from daily_traffic
        order by event_date""",
    "Which pages did they see?": """
        select page, sum(page_views) as page_views, sum(entries) as entries, sum(exits) as exits
        from top_pages
        group by page
        order by page_views desc, page
        limit 8""",
    "Which sources brought them?": """
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
    FUNNEL: """
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
    "Which bots came?": """
        select bot_class, sum(requests) as requests, sum(errors) as errors
        from bot_traffic
        group by bot_class
        order by requests desc, bot_class
        limit 8""",
    "How long were their visits?": """
        select event_date, sessions, median_session_seconds as median_seconds,
            mean_session_seconds as mean_seconds
        from daily_traffic
        where sessions > 0
        order by event_date""",
}

_KINDS = (*BALANCE, "rejected")
_BALANCE = f"""
    select count(*) as hours, sum(lines) as lines,
        {", ".join(f"sum({kind}) as {kind}" for kind in _KINDS)}
    from hour_ledger
    where hour_at between timestamp '{{first:%Y-%m-%d %H:%M:%S}}'
        and timestamp '{{last:%Y-%m-%d %H:%M:%S}}'"""  # noqa: S608  our own column names


def show_first_answers(lake: Lake, first: Hour, last: Hour, console: Console) -> None:
    """Print the answer to the first question, from the hours that are published so far.

    The hours are read after the answer, so that all hours in the answer are named. An hour that was
    published in between is named, too.
    """
    answer = athena.query(lake, next(iter(QUESTIONS.values())))
    hours = sorted(hour_ledger.published_hours(lake, first, last))
    of_all = quantity(len(list(hour_range(first, last))), "hour")
    console.print(
        f"\n[bold]First results[/], from {len(hours)} of {of_all}: {_ranges(hours)}. "
        "Dates without any of these hours are not shown yet.",
        soft_wrap=True,
    )
    console.print(build_table(answer), "")


def show_answers(lake: Lake, first: Hour, last: Hour, console: Console) -> None:
    """Print the answer to each question, then the line balance of the hours `first` to `last`."""
    for question, sql in QUESTIONS.items():
        console.print(f"\n[bold]{question}[/]")
        result = athena.query(lake, sql)
        if question == FUNNEL:
            result = with_step_names(result, [step.name for step in lake.settings.funnel])
        console.print(build_table(result))
    console.print(_balance(_sums(lake, first, last)))


def with_step_names(result: QueryResult, names: Sequence[str]) -> QueryResult:
    """Add a column with the name of each funnel step to a result with step numbers.

    The first column has the numbers. A step that the settings no longer have gets no name.
    """
    named = dict(enumerate(names, start=1))
    rows = [(step, named.get(step), *others) for step, *others in result.rows]
    first, *columns = result.columns
    return replace(result, columns=[first, "name", *columns], rows=rows)


def _ranges(hours: Sequence[Hour]) -> str:
    """Describe sorted hours; consecutive hours become one range."""
    runs = split_when(hours, lambda hour, following: following != hour.next)
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def _sums(lake: Lake, first: Hour, last: Hour) -> dict[str, int]:
    sql = _BALANCE.format(first=first.naive, last=last.naive)
    return athena.query(lake, sql).records()[0]


def _balance(sums: dict[str, int]) -> str:
    """Return the line balance as one sentence."""
    kinds = balance_text({kind: sums[kind] or 0 for kind in BALANCE})
    lines, hours = quantity(sums["lines"] or 0, "line"), quantity(sums["hours"], "hour")
    return f"\n{lines} in {hours} = {kinds}, {sums['rejected'] or 0:,} rejected."
