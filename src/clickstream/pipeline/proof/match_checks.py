"""Verify matches: each order has one row in order_matches, and the ledger counts these rows.

`clickstream verify` calls this in a lake with `[[sales]]`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from clickstream.core.errors import StateCode, with_code
from clickstream.core.wording import amount, quantity, shorten
from clickstream.insight.credit import MODELS, SCALE
from clickstream.lake import Lake, athena, aws_errors, row_digests
from clickstream.pipeline.proof.sales_checks import dates_within, views_as_steps
from clickstream.tables.sales_matches import MATCHED_ROWS

_COUNTS = """
with

sold as (
    select event_date, sales_source, order_id
    from orders where {within}
),

matches as (
    select event_date, sales_source, order_id, max(method) as method, count(*) as number
    from order_matches where {within} group by 1, 2, 3
),

compared as (
    select
        coalesce(sold.event_date, matches.event_date) as event_date,
        count_if(matches.order_id is null) as missing,
        count_if(sold.order_id is null) as without_order,
        coalesce(sum(matches.number), 0) as matches,
        count(matches.order_id) as different,
        count_if(matches.method in ('number', 'time')) as matched
    from sold
    full outer join matches
        on sold.event_date = matches.event_date
        and sold.sales_source = matches.sales_source
        and sold.order_id = matches.order_id
    group by 1
),

views as (
    select event_date, count(*) as views
    from confirmation_views where {within} group by 1
),

paths as (
    select
        event_date,
        sales_source,
        order_id,
        count(*) as number,
        count(*) <> max(touches) or count(distinct touch) <> count(*) as is_incomplete,
        {unequal} as is_unequal
    from order_touches where {within} group by 1, 2, 3
),

touched as (
    select
        coalesce(paths.event_date, matches.event_date) as event_date,
        coalesce(sum(paths.number), 0) as touches,
        count_if(paths.order_id is null or matches.order_id is null) as without_touches,
        count_if(paths.is_incomplete or paths.is_unequal) as broken
    from (select * from matches where method <> 'none') matches
    full outer join paths
        on matches.event_date = paths.event_date
        and matches.sales_source = paths.sales_source
        and matches.order_id = paths.order_id
    group by 1
),

ended as (
    select event_date, sum(journeys) as journeys
    from journeys where {within} and not has_order group by 1
),

pulled as (
    select event_date, max(published_at) as pulled_at
    from sales_ledger where {within} group by 1
),

ledger as (
    select *
    from match_ledger where {within}
)

select
    coalesce(ledger.event_date, compared.event_date, views.event_date) as event_date,
    coalesce(compared.missing, 0) as missing,
    coalesce(compared.without_order, 0) as without_order,
    coalesce(compared.matches - compared.different, 0) as repeated,
    coalesce(compared.matches, 0) as matches,
    coalesce(compared.matched, 0) as matched,
    coalesce(views.views, 0) as views,
    coalesce(touched.touches, 0) as touches,
    coalesce(ended.journeys, 0) as journeys,
    coalesce(touched.without_touches, 0) as without_touches,
    coalesce(touched.broken, 0) as broken,
    ledger.touches as ledger_touches,
    ledger.journeys as ledger_journeys,
    ledger.orders as ledger_orders,
    ledger.matched as ledger_matched,
    ledger.confirmation_views as ledger_views,
    ledger.rows_digest as ledger_digest,
    coalesce(pulled.pulled_at > ledger.published_at, false) as is_waiting
from ledger
full outer join compared on ledger.event_date = compared.event_date
full outer join views on coalesce(ledger.event_date, compared.event_date) = views.event_date
left join touched on coalesce(ledger.event_date, compared.event_date) = touched.event_date
left join ended on coalesce(ledger.event_date, compared.event_date) = ended.event_date
left join pulled on coalesce(ledger.event_date, compared.event_date) = pulled.event_date
order by 1
"""

_NET_SALES = """
with {steps}

select sales_source, event_date, 'by date' as summed, sum(net_cents) as cents
from movements where {within} group by 1, 2
union all
select sales_source, event_date, 'by channel', sum(net_cents)
from money_facts where {within} group by 1, 2
union all
select sales_source, event_date, 'by ' || model, sum(credit_cents)
from attribution where {within} group by 1, 2, model
union all
select sales_source, event_date, 'in the ledger', sum(gross_cents - refunded_cents)
from sales_ledger where {within} group by 1, 2
"""

_SUMMED = ("by date", "by channel", *(f"by {name}" for name in MODELS), "in the ledger")
"""What the net sales of a date are summed by: all sums are equal."""

_UNEQUAL = " or ".join(f"sum({name}_share) <> {SCALE}" for name in MODELS)
"""Whether the shares of a model do not sum to the whole."""


@dataclass(frozen=True)
class MatchFault:
    """What is wrong with the matches of a date."""

    day: date
    problem: str

    @property
    def sentence(self) -> str:
        """One line that says what to do."""
        remedy = f"clickstream sales match --from {self.day} --to {self.day} --all"
        text = f"Matches of {self.day}: {self.problem}. To match the date again: {remedy}"
        return with_code(text, StateCode.MATCHES_DIFFER)


@dataclass(frozen=True)
class MatchReport:
    """The result of `verify_matches`.

    `waiting` dates have orders that were pulled after the last match.
    """

    dates: int
    matches: int
    faults: tuple[MatchFault, ...] = ()
    waiting: tuple[date, ...] = ()

    @property
    def is_proven(self) -> bool:
        """Whether no date has a fault."""
        return not self.faults

    @property
    def sentence(self) -> str:
        """What was checked."""
        return (
            f"Checked the matches of {quantity(self.dates, 'date')}, "
            f"{quantity(self.matches, 'order')}."
        )

    @property
    def failures(self) -> list[str]:
        """A sentence for each fault."""
        return [fault.sentence for fault in self.faults]

    @property
    def notes(self) -> list[str]:
        """A sentence for the dates that are not matched yet."""
        if not self.waiting:
            return []
        number = quantity(len(self.waiting), "date")
        return [
            f"The orders of {number} are not matched yet: {shorten(self.waiting)}. To match them: "
            "clickstream sales match"
        ]


@aws_errors.translate_errors()
def verify_matches(lake: Lake, first: date | None = None, last: date | None = None) -> MatchReport:
    """Check the dates from `first` to `last`; None is an open end.

    A date may be published between two reads, so faults are looked for a second time, and a fault
    that is gone is not reported.
    """
    report = _check(lake, first, last)
    if report.is_proven:
        return report
    faulty = {fault.day for fault in report.faults}
    again = _check(lake, first, last)
    faults = tuple(fault for fault in again.faults if fault.day in faulty)
    return MatchReport(again.dates, again.matches, faults, again.waiting)


def _check(lake: Lake, first: date | None, last: date | None) -> MatchReport:
    sql = _COUNTS.format(within=dates_within(first, last), unequal=_UNEQUAL)
    rows = athena.query(lake, sql).records()
    faults = defaultdict(list, {row["event_date"]: [*_faults(row)] for row in rows})
    for day, problem in _changed_rows(lake, rows, first, last):
        faults[day].append(problem)
    if not any(faults.values()):
        for day, problem in _unequal_sums(lake, dates_within(first, last)):
            faults[day].append(problem)
    waiting = {row["event_date"] for row in rows if _is_waiting(row) and faults[row["event_date"]]}
    return MatchReport(
        len(rows),
        sum(row["matches"] for row in rows),
        tuple(
            MatchFault(day, problem)
            for day, of_day in faults.items()
            if day not in waiting
            for problem in of_day
        ),
        tuple(sorted(waiting)),
    )


def _unequal_sums(lake: Lake, within: str) -> Iterator[tuple[date, str]]:
    """Yield the dates whose net sales differ by date, by channel, by a model or in the ledger."""
    sql = _NET_SALES.format(steps=views_as_steps(lake, "attribution"), within=within)
    sums: dict[tuple[date, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SUMMED, 0))
    for row in athena.query(lake, sql).records():
        sums[row["event_date"], row["sales_source"]][row["summed"]] = row["cents"]
    for (day, source), cents in sorted(sums.items()):
        if len({*cents.values()}) > 1:
            parts = [f"{amount(number)} {summed}" for summed, number in cents.items()]
            yield day, f"net sales of {source} that differ: {', '.join(parts)}"


def _changed_rows(
    lake: Lake, rows: Sequence[Mapping[str, Any]], first: date | None, last: date | None
) -> Iterator[tuple[date, str]]:
    """Yield the dates whose rows are not those that were published, by their digest."""
    stored = row_digests.of_stored(lake, MATCHED_ROWS, ("event_date",), first, last)
    for row in rows:
        digest = stored.get((row["event_date"],), row_digests.WITHOUT_ROWS)
        if row["ledger_digest"] not in (None, digest):
            yield row["event_date"], "its rows are not those that were published"


def _is_waiting(row: dict[str, Any]) -> bool:
    """Whether sales of a date were pulled after its match, or it was never matched."""
    never = row["ledger_orders"] is None and not row["matches"] and not row["views"]
    return never or bool(row["is_waiting"])


def _faults(row: dict[str, Any]) -> Iterator[str]:
    if row["ledger_orders"] is None:
        yield "it has orders or rows, but no row in the ledger"
        return
    for name, problem in (
        ("missing", "without a row in order_matches"),
        ("without_order", "in order_matches only"),
        ("repeated", "stored more than once"),
        ("without_touches", "with a visit but without touches, or the reverse"),
        ("broken", "whose touches are not complete, or whose shares do not give the whole"),
    ):
        if row[name]:
            yield f"{quantity(row[name], 'order')} {problem}"
    for name, column, label in (
        ("matches", "ledger_orders", "orders"),
        ("matched", "ledger_matched", "orders with a visit"),
        ("views", "ledger_views", "confirmation views"),
        ("touches", "ledger_touches", "touches"),
        ("journeys", "ledger_journeys", "journeys without an order"),
    ):
        if row[name] != row[column]:
            yield f"{row[name]:,} {label} in the tables, {row[column]:,} in the ledger"
