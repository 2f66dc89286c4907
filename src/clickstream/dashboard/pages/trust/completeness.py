"""The Trust tab: whether the numbers can be trusted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from clickstream.completeness import LowHour
from clickstream.core.cohort_labels import REASON
from clickstream.core.hours import Hour, HourSpan, group_hours
from clickstream.dashboard.ask.coverage import (
    DayCoverage,
    last_arrivals,
    missing_servers,
    to_local,
)
from clickstream.dashboard.ask.log_metrics import BALANCE, PARTS, named_parts
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.panel import ROWS
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import WITH_SUSPECTED, Filter
from clickstream.dashboard.charts.heat import NARROW_STEP, WIDE_STEP, HeatMap, heat_map
from clickstream.dashboard.pages.trust.panels import ERRORS, LOG_SOURCES, REJECTED, RULES, SUSPECTS
from clickstream.dashboard.widgets.lists import ListPanel, list_panel, value_name
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.people import searched

# The panel of suspected machines: which cohorts are left out, why, and how to keep one.


@dataclass(frozen=True)
class CohortRow:
    """A suspected cohort: its name in words, its label, why it is suspected, and its size.

    `query` is the view of its visits alone.
    """

    name: str
    label: str
    reason: str
    left_out: str
    query: str


@dataclass(frozen=True)
class SuspectsPanel:
    """The largest cohorts, what was searched, and the view with or without the machines.

    `is_shown` means that the figures of the view have suspected machines in them.
    """

    title: str
    rows: Sequence[CohortRow]
    has_more: bool
    searched: str
    is_shown: bool
    query: str


def build_suspects(page: PageContext) -> SuspectsPanel:
    """Ask for the suspected cohorts of the page's dates."""
    metrics, by = SUSPECTS.parts(page.view)
    answer = page.answer(metrics, by, limit=ROWS + 1, filters=())
    is_shown = page.view.chooses_suspicion
    without = page.view.without_dimensions("suspicion", "cohort")
    return SuspectsPanel(
        SUSPECTS.title,
        [_row(page, record) for record in answer.records()[:ROWS]],
        len(answer.rows) > ROWS,
        _searched(page),
        is_shown,
        without.query if is_shown else page.view.with_filters(WITH_SUSPECTED).query,
    )


def _row(page: PageContext, record: dict[str, Any]) -> CohortRow:
    label = str(record["suspected_as"])
    of_cohort = page.view.without_dimensions("suspicion", "cohort")
    return CohortRow(
        value_name(page, "suspected_as", label),
        label,
        _reason(page, record),
        page.formats.count(record["suspected_machines"]),
        of_cohort.with_filters(Filter("cohort", (label,))).query,
    )


def _reason(page: PageContext, record: dict[str, Any]) -> str:
    """State why a cohort is suspected."""
    formats = page.formats
    members = record["cohort_members"]
    reason = REASON.format(
        members=formats.count(members),
        proved=formats.count(record["cohort_proved"]),
        explained=formats.count(min(record["cohort_explained"], members)),
    )
    if not record["undecided_dates"]:
        return reason
    return f"{reason} They can also be people; the interval has both."


def _searched(page: PageContext) -> str:
    """State which dates were searched, so that an empty list does not reassure falsely."""
    search, formats = page.once(searched), page.formats
    days = page.period.days
    if not search.dates:
        return "No date of this range is searched yet."
    if search.dates >= days:
        return "All dates of this range are searched."
    return (
        f"{formats.count(search.dates)} of {formats.count(days)} dates are searched; the "
        "others are not yet."
    )


# Sentences about servers whose lines are missing, or unusually few, in hours of the range.

MOST_SPANS = 4
"""Maximum number of spans of hours that a sentence names."""


@dataclass(frozen=True)
class ServerRow:
    """A server whose lines are missing in hours: its technical name, and a sentence."""

    name: str
    text: str


def missing_server_rows(page: PageContext) -> list[ServerRow]:
    """Return the servers whose lines are missing in published hours of the range, by name."""
    if not page.coverage.incomplete:
        return []
    rows = []
    for server in missing_servers(page.ask, page.period):
        start, end = (to_local(moment, page.zone) for moment in (server.first, server.newest))
        text = page.formats.plural(
            "{number} hour lacks this server's log, at {first}. It could not be read, so visits "
            "may be missing. They are added when it can be read again.",
            "{number} hours lack this server's log, from {first} to {last}. It could not be read, "
            "so visits may be missing. They are added when it can be read again.",
            server.hours,
            first=page.formats.moment(start),
            last=page.formats.moment(end + timedelta(hours=1)),
        )
        rows.append(ServerRow(server.name, text))
    return rows


def low_server_rows(page: PageContext) -> list[ServerRow]:
    """Describe the hours in which a server logged unusually few lines, by server."""
    by_host: dict[str, list[LowHour]] = {}
    for low_hour in page.low_hours:
        by_host.setdefault(low_hour.host, []).append(low_hour)
    arrived = last_arrivals(page.ask, page.period, [*by_host]) if by_host else {}
    return [
        ServerRow(host, _describe_low(page, low_hours, arrived.get(host)))
        for host, low_hours in sorted(by_host.items())
    ]


def _describe_low(page: PageContext, low_hours: Sequence[LowHour], arrived: datetime | None) -> str:
    formats = page.formats
    text = formats.plural(
        "{number} hour has {lines} lines; in other weeks it has about {expected} "
        "({spans}). It is perhaps incomplete.",
        "{number} hours have {lines} lines; in other weeks they have about {expected} "
        "({spans}). They are perhaps incomplete.",
        len(low_hours),
        lines=formats.count(sum(low_hour.lines for low_hour in low_hours)),
        expected=formats.count(sum(low_hour.expected for low_hour in low_hours)),
        spans=_spans(page, [low_hour.hour for low_hour in low_hours]),
    )
    if arrived is None:
        return text
    when = formats.moment(to_local(arrived, page.zone))
    return f"{text} Its newest lines arrived at {when}."


def _spans(page: PageContext, hours: Sequence[Hour]) -> str:
    spans = [describe_span(page, span) for span in group_hours(hours)]
    more = len(spans) - MOST_SPANS
    if more > 0:
        spans[MOST_SPANS:] = [page.formats.plural("{number} more", "{number} more", more)]
    return ", ".join(spans)


def describe_span(page: PageContext, span: HourSpan) -> str:
    """Describe consecutive hours: day, start and end."""
    start, end = (to_local(hour.naive, page.zone) for hour in (span.first, span.last.next))
    return f"{page.formats.moment(start)} – {page.formats.moment(end)}"


Cell = tuple[date, int]
"""A cell of the heat map: local date and hour."""

MOST_DAYS = 31
"""Newest days on the heat map of hours and in the line balance; the CSV file has all."""


@dataclass(frozen=True)
class HoursChart:
    """The heat map, and the corners of the cells of missing, late and perhaps incomplete hours."""

    map: HeatMap
    gaps: Sequence[tuple[float, float]]
    late: Sequence[tuple[float, float]]
    low: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class HoursPanel:
    """Lines per hour as a heat map, with marks on hours that are not published.

    `missing` names the runs of missing hours, `servers` the servers whose lines are missing in
    published hours, and `low` those that logged unusually few lines; all are those of the whole
    range. `days_left` is the number of earlier days that are not on the heat map.
    """

    wide: HoursChart
    narrow: HoursChart
    missing: Sequence[str]
    servers: Sequence[ServerRow]
    low: Sequence[ServerRow]
    days_left: int
    is_empty: bool


@dataclass(frozen=True)
class BalanceRow:
    """A day's lines and their parts; `is_closed` means that the parts sum to the lines."""

    name: str
    hours: str
    cells: Sequence[str]
    is_closed: bool


@dataclass(frozen=True)
class Balance:
    """The line balance by day, and of the whole range."""

    columns: Sequence[Metric]
    rows: Sequence[BalanceRow]
    total: BalanceRow
    is_closed: bool


@dataclass(frozen=True)
class RuleRow:
    """Hours that were built by one version, with one set of settings and one visitor key."""

    library: str
    settings: str
    visitor_key: str
    hours: str
    span: str
    is_newest: bool


@dataclass(frozen=True)
class Trust:
    """All panels of the tab."""

    hours: HoursPanel
    balance: Balance
    log_sources: ListPanel
    rejects: ListPanel
    suspects: SuspectsPanel
    errors: ListPanel
    rules: Sequence[RuleRow]


def build_trust(page: PageContext) -> Trust:
    """Ask for everything that the tab shows."""
    return Trust(
        _hours(page),
        _balance(page),
        list_panel(page, LOG_SOURCES),
        list_panel(page, REJECTED),
        build_suspects(page),
        list_panel(page, ERRORS),
        _rules(page),
    )


def _hours(page: PageContext) -> HoursPanel:
    days = _shown_days(page)
    answer = page.answer(("lines", "late_lines", "incomplete_hours"), ("day", "hour"))
    figures = {(day, hour): tuple(counts) for day, hour, *counts in answer.rows}
    values = [[figures.get((day, hour), (None,))[0] for hour in range(24)] for day in days]
    names = [page.formats.day(day) for day in days]
    unpublished = page.coverage.completeness.unpublished
    missing = _cells(page, unpublished, days)
    low = _cells(page, [low_hour.hour for low_hour in page.low_hours], days)
    titles = [
        [
            _hour_title(page, (day, hour), figures.get((day, hour)), missing, low)
            for hour in range(24)
        ]
        for day in days
    ]
    columns = {hour: f"{hour:02}" for hour in range(0, 24, 4)}
    late = [cell for cell, (_, lines, _) in figures.items() if lines and cell[0] in days]

    def chart_of(step: float) -> HoursChart:
        chart = heat_map(values, names, columns, titles, step)
        return HoursChart(
            chart,
            [_corner(chart, days, cell) for cell in missing],
            [_corner(chart, days, cell) for cell in late],
            [_corner(chart, days, cell) for cell in low],
        )

    return HoursPanel(
        chart_of(WIDE_STEP),
        chart_of(NARROW_STEP),
        [describe_span(page, run) for run in group_hours(unpublished)],
        missing_server_rows(page),
        low_server_rows(page),
        page.period.days - len(days),
        not figures,
    )


def _shown_days(page: PageContext) -> list[date]:
    """Return the newest dates of the period, up to today."""
    last = min(page.period.last, page.now.date())
    return Period(page.period.first, max(last, page.period.first)).dates[-MOST_DAYS:]


def _cells(page: PageContext, hours: Iterable[Hour], days: Sequence[date]) -> Collection[Cell]:
    """Return the cells of hours on the heat map, by local date and hour, each once."""
    moments = (to_local(hour.naive, page.zone) for hour in hours)
    cells = ((moment.date(), moment.hour) for moment in moments)
    return dict.fromkeys(cell for cell in cells if cell[0] in days)


def _hour_title(
    page: PageContext,
    cell: Cell,
    figures: tuple[int, ...] | None,
    missing: Collection[Cell],
    low: Collection[Cell],
) -> str:
    formats, (day, hour) = page.formats, cell
    when = f"{formats.day(day, with_weekday=True)}, {formats.hour(hour)}"
    if figures is None:
        if cell in missing:
            return f"{when}: missing"
        return f"{when}: not published"
    lines, late, lacking = figures
    text = formats.plural("{number} line", "{number} lines", lines)
    if late:
        text += f", {formats.count(late)} of them late"
    if lacking:
        text += ", a server is missing"
    if cell in low:
        text += ", perhaps incomplete"
    return f"{when}: {text}"


def _corner(chart: HeatMap, days: Sequence[date], cell: Cell) -> tuple[float, float]:
    day, hour = cell
    drawn = chart.cells[days.index(day) * 24 + hour]
    return drawn.x, drawn.y


def _balance(page: PageContext) -> Balance:
    coverage, formats = page.coverage, page.formats
    shown = [day for day in reversed(_shown_days(page)) if day in coverage.days]
    names = named_parts(BALANCE, coverage.total)
    rows = [
        _balance_row(page, names, formats.day(day, with_weekday=True), coverage.days[day])
        for day in shown
    ]
    whole = DayCoverage(coverage.published, coverage.total)
    total = _balance_row(page, names, "Range", whole)
    closed = all(is_closed(day.figures) for day in coverage.days.values())
    return Balance([METRICS[name] for name in names], rows, total, closed)


def _balance_row(
    page: PageContext, columns: Sequence[str], name: str, coverage: DayCoverage
) -> BalanceRow:
    cells = [page.formats.count(coverage.figures[column]) for column in columns]
    hours = page.formats.count(coverage.published)
    return BalanceRow(name, hours, cells, is_closed(coverage.figures))


def is_closed(figures: Mapping[str, Any]) -> bool:
    """Whether the line balance closes: the parts sum to the lines."""
    return bool(sum(figures[name] for name in PARTS) == figures["lines"])


def _rules(page: PageContext) -> list[RuleRow]:
    """Return the rules that built the hours, the newest first."""
    rows = page.ask(page.questions(RULES)[0]).rows
    in_order = sorted(rows, key=lambda row: row[5], reverse=True)
    return [_rule_row(page, row, row is in_order[0]) for row in in_order]


def _rule_row(page: PageContext, row: Sequence[Any], is_newest: bool) -> RuleRow:
    library, settings, key, hours, first, newest = row
    start, end = (to_local(moment, page.zone) for moment in (first, newest))
    span = f"{page.formats.moment(start)} – {page.formats.moment(end + timedelta(hours=1))}"
    return RuleRow(library, settings, key, page.formats.count(hours), span, is_newest)
