"""Prints the demo's results: typical questions of an owner, asked to Athena, and line balances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.markup import escape

from clickstream.clean.hosts import describe_hosts
from clickstream.core.hours import HourSpan, describe_hours
from clickstream.core.wording import quantity
from clickstream.lake import Lake, athena, hour_ledger
from clickstream.lake.athena import QueryResult
from clickstream.pipeline.hour.step_results import balance_text
from clickstream.query_output import build_table
from clickstream.tables import BALANCE

FUNNEL = "How far did they get in the funnel?"
GOALS = "Which channels reached a goal?"
QUESTIONS = {
    "How many people came, and what did they do?": """
        with newest as (
            select event_date, visitors, sessions, page_views, pages_per_session as per_session,
                bounce_rate as bounces, bot_requests
            from daily_traffic
            order by event_date desc
            limit 7
        )
        select *
        from newest
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
    GOALS: """
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
}

QUESTIONS_ABOUT_SALES = {
    "What did we sell?": """
        with newest as (
            select event_date, orders, web_orders,
                cast(gross_cents * 0.01 as decimal(18, 2)) as gross,
                cast(refunded_cents * 0.01 as decimal(18, 2)) as refunds,
                cast(net_cents * 0.01 as decimal(18, 2)) as net,
                cast(average_order_cents * 0.01 as decimal(18, 2)) as average, currency
            from revenue_daily
            order by event_date desc
            limit 7
        )
        select *
        from newest
        order by event_date""",
    "Which items sell best?": """
        select name, sum(quantity) as quantity,
            cast(sum(amount_cents - discount_cents) * 0.01 as decimal(18, 2)) as amount, currency
        from menu_sales
        group by name, currency
        order by amount desc, name
        limit 8""",
}

_HOSTS = "select host, count(*) as requests from hits where host is not null group by host"
_KINDS = (*BALANCE, "rejected", "other_hosts")
_BALANCE = f"""
    select count(*) as hours, sum(lines) as lines,
        {", ".join(f"sum({kind}) as {kind}" for kind in _KINDS)}
    from hour_ledger
    where hour_at between timestamp '{{first:%Y-%m-%d %H:%M:%S}}'
        and timestamp '{{last:%Y-%m-%d %H:%M:%S}}'"""  # noqa: S608  our own column names


def show_first_answers(lake: Lake, span: HourSpan, console: Console) -> None:
    """Print the answer to the first question, from the hours that are published so far.

    The hours are read after the answer, so that all hours in the answer are named. An hour that was
    published in between is named, too.
    """
    answer = athena.query(lake, next(iter(QUESTIONS.values())))
    hours = sorted(hour_ledger.published_hours(lake, span.first, span.last))
    console.print(
        f"\n[bold]First results[/], from {describe_hours(hours)}. "
        "Dates without any of these hours are not shown yet.",
        soft_wrap=True,
    )
    console.print(build_table(answer), "")


def show_answers(lake: Lake, console: Console) -> None:
    """Print the answer to each question, and the hosts of the logs if there are several.

    Questions about goals, a funnel or sales are left out if the settings have none.
    """
    counts = dict(athena.query(lake, _HOSTS).rows)
    if hosts := describe_hosts(counts, lake.settings.site.hosts):
        console.print(f"\n{escape(hosts)}", soft_wrap=True, highlight=False)
    left_out = {GOALS: not lake.settings.goals, FUNNEL: not lake.settings.funnel}
    of_sales = QUESTIONS_ABOUT_SALES if lake.settings.sales else {}
    for question, sql in {**QUESTIONS, **of_sales}.items():
        if left_out.get(question):
            continue
        console.print(f"\n[bold]{question}[/]")
        result = athena.query(lake, sql)
        if question == FUNNEL:
            result = with_step_names(result, [step.name for step in lake.settings.funnel])
        console.print(build_table(result))


def with_step_names(result: QueryResult, names: Sequence[str]) -> QueryResult:
    """Add a column with the name of each funnel step to a result with step numbers.

    The first column has the numbers. A step that the settings no longer have gets no name.
    """
    named = dict(enumerate(names, start=1))
    rows = [(step, named.get(step), *sums) for step, *sums in result.rows]
    first, *columns = result.columns
    return replace(result, columns=[first, "name", *columns], rows=rows)


def show_balance(lake: Lake, span: HourSpan, console: Console) -> None:
    """Print the line balance of the hours of the span as one sentence."""
    sums = athena.query(
        lake, _BALANCE.format(first=span.first.naive, last=span.last.naive)
    ).records()[0]
    kinds = balance_text({kind: sums[kind] or 0 for kind in BALANCE})
    lines, hours = quantity(sums["lines"] or 0, "line"), quantity(sums["hours"], "hour")
    other_hosts = f", {sums['other_hosts']:,} to other hosts" if sums["other_hosts"] else ""
    rejected = sums["rejected"] or 0
    console.print(f"{lines} in {hours} = {kinds}, {rejected:,} rejected{other_hosts}.")
