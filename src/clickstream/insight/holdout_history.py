"""Values by region and date for holdout tests: their query, their rows and a test's result.

`clickstream lift` asks Athena, and the dashboard its copy of the facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from clickstream.core.sql_values import sql_literal
from clickstream.insight.holdout import Holdout, Lift, NoAnswer, evaluate
from clickstream.insight.holdout_panel import (
    HoursRow,
    RegionHistory,
    RegionPanel,
    RegionRow,
    build_history,
)
from clickstream.insight.holdout_terms import TestedMetric
from clickstream.insight.holdout_texts import notes, notes_on_campaigns
from clickstream.insight.place_names import REGION_SQL


class _Source(NamedTuple):
    """Where the values of a metric are: a fact view, its date, the value, and a condition.

    `currency` is that of amounts.
    """

    view: str
    day: str
    value: str
    condition: str = "true"
    unmatched: str = "0"
    currency: str = "cast(null as varchar)"


_UNMATCHED = "case when why_none = 'not matched yet' then 1 else 0 end"
_SOURCES: dict[TestedMetric, _Source] = {
    "orders": _Source("order_facts", "event_date", "1", unmatched=_UNMATCHED),
    "net_sales": _Source(
        "money_facts", "event_date", "net_cents", unmatched=_UNMATCHED, currency="currency"
    ),
    "visits": _Source("session_facts", "session_date", "1", "not coalesce(is_suspected, false)"),
}

COLUMNS = ("kind", "event_date", "region", "value", "of_campaigns", "unmatched", "currency")
"""The columns of the query: rows of regions, and rows of the hours of a date."""

_QUERY = """
with

values_of_regions as (
    select
        {day} as event_date,
        {region} as region,
        {value} as value,
        case
            when lower(trim(utm_campaign)) in ({campaigns}) then {value}
            else 0
        end as of_campaigns,
        {unmatched} as unmatched,
        {currency} as currency
    from {view}
    where
        {day} between date '{first}' and date '{last}'
        and {condition}
)

select
    'region' as kind,
    event_date,
    region,
    sum(value) as value,
    sum(of_campaigns) as of_campaigns,
    sum(unmatched) as unmatched,
    currency
from values_of_regions
group by event_date, region, currency
union all
select
    'hours' as kind,
    event_date,
    cast(null as varchar) as region,
    sum(case when missing_sources is null then 1 else 0 end) as value,
    0 as of_campaigns,
    0 as unmatched,
    cast(null as varchar) as currency
from hour_facts
where event_date between date '{first}' and date '{last}'
group by event_date
"""


def history_sql(metric: TestedMetric, campaigns: Sequence[str], first: date, last: date) -> str:
    """Return the query of two UTC dates and those between; it runs on copies of the facts, too.

    Campaigns are given in lower case.
    """
    names = ", ".join(map(sql_literal, campaigns))
    return _QUERY.format(
        campaigns=names, region=REGION_SQL, first=first, last=last, **_SOURCES[metric]._asdict()
    )


def history_of_rows(metric: TestedMetric, rows: Iterable[Sequence[Any]]) -> RegionHistory:
    """Build the history from the rows of `history_sql`."""
    listed = [*rows]
    regions = [RegionRow(day, *values) for kind, day, *values in listed if kind == "region"]
    hours = [HoursRow(day, number) for kind, day, _, number, *_ in listed if kind == "hours"]
    return build_history(regions, hours, needs_values=metric != "visits")


def dates_of_test(test: Holdout, today: date) -> tuple[date, date]:
    """Return the first and last UTC date that a test is evaluated on, before `today`."""
    first = test.first - timedelta(days=test.before_days)
    return first, max(first, min(test.last, today - timedelta(days=1)))


def evaluate_test(
    history: RegionHistory, test: Holdout, holdouts: Sequence[Holdout]
) -> tuple[Lift | NoAnswer, Sequence[str]]:
    """Return the result of a test from the values of its dates, and sentences on what limits it.

    What other tests of `holdouts` changed is left out.
    """
    other_tests = [holdout for holdout in holdouts if holdout.name != test.name]
    begin = test.first - timedelta(days=test.before_days)
    tested = {
        region
        for other_test in other_tests
        if other_test.first <= test.last and other_test.last >= begin
        for region in other_test.regions
    }
    panel = leave_out_tests(history.panel, other_tests, test.first, test.regions)
    result = evaluate(panel, test, tested)
    return result, [*notes_on_campaigns(history, test), *notes(result)]


def leave_out_tests(
    panel: RegionPanel, tests: Iterable[Holdout], until: date, regions: Collection[str] = ()
) -> RegionPanel:
    """Mark the dates before `until` on which a test was on in some regions; in any without."""
    marked = {
        day: f"the test {test.name} was on"
        for test in tests
        if not regions or not {*regions}.isdisjoint(test.regions)
        for day in panel.dates
        if test.first <= day <= test.last and day < until
    }
    return replace(panel, incomplete=marked | {**panel.incomplete})
