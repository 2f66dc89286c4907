"""What brings people, and does it pay: each source's conversion rate beside that of all visits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.intervals import known_share, wilson
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import ROWS
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.changes.candidates import Scope
from clickstream.dashboard.changes.verdicts import find_changes
from clickstream.dashboard.changes.wording import change_of
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.formats import Change
from clickstream.dashboard.pages.marketing.panels import ACQUISITION, SALES_MATCHES
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.page import PageContext

# Orders and net sales of what brings people, so that the rows sum to the net sales of the page.

Key = tuple[str | None, ...]
"""The values of a row's dimensions."""


@dataclass(frozen=True)
class Amounts:
    """The orders of a row, their net sales and their total before refunds, in hundredths."""

    orders: int = 0
    net: int = 0
    gross: int = 0

    def plus(self, other: Amounts) -> Amounts:
        """Return the sums of both."""
        return Amounts(self.orders + other.orders, self.net + other.net, self.gross + other.gross)

    def minus(self, other: Amounts) -> Amounts:
        """Return the differences to others."""
        return Amounts(self.orders - other.orders, self.net - other.net, self.gross - other.gross)


NOTHING = Amounts()


@dataclass(frozen=True)
class SoldCells:
    """Orders, net sales and the average order as text, and the change of net sales."""

    orders: str
    net_sales: str
    average: str
    change: Change | None = None


@dataclass(frozen=True)
class SoldColumns:
    """The cells of each listed row, of the rows below the list, and of all orders.

    `matched` states for how many orders the visit is known; empty with filters.
    """

    by_key: Mapping[Key, SoldCells]
    below: Sequence[tuple[str, SoldCells]]
    whole: SoldCells
    matched: str


def build_sold(page: PageContext, by: Sequence[str], listed: Sequence[Key]) -> SoldColumns | None:
    """Ask for the orders by the dimensions of a list; None if orders do not have them."""
    metrics = ACQUISITION.money(page.view, page.hidden)
    if not metrics:
        return None
    rows = page.answer(metrics, by).records()
    amounts = {tuple(row[name] for name in by): _amounts(row) for row in rows}
    matches = page.answer(*SALES_MATCHES.parts(page.view)).records()
    unknown = _sum(_amounts(row) for row in matches if row["why_none"] is not None)
    whole = _sum(amounts.values())
    no_value: Key = (None,) * len(by)
    amounts[no_value] = amounts.get(no_value, NOTHING).minus(unknown)
    of_listed = {key: amounts.get(key, NOTHING) for key in listed}
    unlisted = whole.minus(unknown).minus(_sum(of_listed.values()))
    named = [("All others", unlisted), ("No visit known", unknown)]
    return SoldColumns(
        {key: _cells(page, sold, _change(page, by, key)) for key, sold in of_listed.items()},
        [(name, _cells(page, sold)) for name, sold in named if sold != NOTHING],
        _cells(page, whole),
        "" if page.view.filters else _describe_matches(page, matches),
    )


def _amounts(row: Mapping[str, Any]) -> Amounts:
    return Amounts(row["orders"], row["net_sales"], row["gross_sales"])


def _sum(amounts: Iterable[Amounts]) -> Amounts:
    return reduce(Amounts.plus, amounts, NOTHING)


def _cells(page: PageContext, sold: Amounts, change: Change | None = None) -> SoldCells:
    average = sold.gross / sold.orders if sold.orders else None
    return SoldCells(
        page.formats.count(sold.orders),
        page.shown(METRICS["net_sales"], sold.net),
        page.shown(METRICS["average_order"], average),
        change,
    )


def _change(page: PageContext, by: Sequence[str], key: Key) -> Change | None:
    return change_of(page, "net_sales", tuple(zip(by, map(str, key), strict=True)))


def _describe_matches(page: PageContext, rows: Sequence[Mapping[str, Any]]) -> str:
    """State the share of the web orders whose visit is known."""
    matched, web = (sum(row[name] for row in rows) for name in ("matched_orders", "web_orders"))
    if not web:
        return ""
    share = known_share(matched, web)
    if share is None:
        return page.formats.plural(
            "The visit of {matched} of {number} web order is known.",
            "The visit of {matched} of {number} web orders is known.",
            web,
            matched=page.formats.count(matched),
        )
    return page.formats.plural(
        "The visit is known for {share} of {number} web order.",
        "The visit is known for {share} of {number} web orders.",
        web,
        share=page.formats.share(share),
    )


Verdict = Literal["above", "below", "like", "few"]
VERDICTS: Mapping[Verdict, str] = {
    "above": "above {rate} of all visits",
    "below": "below {rate} of all visits",
    "like": "not clearly different from {rate} of all visits",
    "few": "too little data",
}


@dataclass(frozen=True)
class Interval:
    """A 95 % interval on the panel's scale, in percent of its width."""

    low: float
    high: float
    at: float


@dataclass(frozen=True)
class AcquisitionRow:
    """A row; changes are None if they are not compared with their usual values.

    `verdict` is the comparison of its rate with that of all other visits. `query` filters by the
    row, or removes that filter.
    """

    name: str
    width: float
    visits: int
    visits_change: Change | None
    engaged: str
    conversions: int
    rate: str
    rate_change: Change | None
    interval: Interval | None
    verdict: Verdict
    summary: str
    query: str
    is_chosen: bool
    sold: SoldCells | None = None


@dataclass(frozen=True)
class Acquisition:
    """The rows, the rate of all visits and its place on the scale.

    `sold` has the orders of the rows and of the rest, if the page shows them.
    """

    head: str
    rows: Sequence[AcquisitionRow]
    site_rate: str
    site_at: float | None
    scale: str
    has_more: bool
    is_compared: bool
    sold: SoldColumns | None


@dataclass(frozen=True)
class _Site:
    """The rate of all visits, None for too few visits, and the upper end of the scale."""

    rate: float | None
    top: float


def build_acquisition(page: PageContext) -> Acquisition | None:
    """Ask for the largest rows of the panel's choice; return None without a visit."""
    metrics, by = ACQUISITION.parts(page.view)
    records = page.answer(metrics, by, limit=ROWS + 1).records()
    if not records:
        return None
    shown = records[:ROWS]
    site = _site(page, by, shown)
    widths = bar_widths([row["visits"] for row in shown])
    rows = [_arrival(page, by, row, site, width) for row, width in zip(shown, widths, strict=True)]
    keys = [tuple(row[name] for name in by) for row in shown]
    sold = build_sold(page, by, keys)
    if sold:
        pairs = zip(rows, keys, strict=True)
        rows = [replace(row, sold=sold.by_key[key]) for row, key in pairs]
    return Acquisition(
        DIMENSIONS[by[0]].label,
        rows,
        page.formats.share(site.rate),
        None if site.rate is None else _place(site.rate, site),
        page.formats.share(site.top, 0),
        len(records) > ROWS,
        page.once(find_changes).days is not None,
        sold,
    )


def _site(page: PageContext, by: Sequence[str], shown: Sequence[Mapping[str, Any]]) -> _Site:
    """Return the rate of all visits that pass the filters, except filters by shown dimensions."""
    filters = [filter_ for filter_ in page.view.filters if filter_.dimension not in by]
    all_visits = page.answer(("visits", "conversion_rate"), filters=filters).single()
    rate = all_visits["conversion_rate"]
    highs = [wilson(row["conversions"], row["visits"])[1] for row in shown if not _is_small(row)]
    return _Site(rate, max([*highs, (rate or 0) * 1.2, 0.01]))


def _is_small(row: Mapping[str, Any]) -> bool:
    return row["conversion_rate"] is None


def _place(share: float, site: _Site) -> float:
    return round(100 * share / site.top, 1)


def _arrival(
    page: PageContext,
    by: Sequence[str],
    row: Mapping[str, Any],
    site: _Site,
    width: float,
) -> AcquisitionRow:
    formats, is_small = page.formats, _is_small(row)
    scope = tuple((name, str(row[name])) for name in by)
    verdict = "few" if is_small or site.rate is None else _verdict(page, scope)
    query, is_chosen = _choose(page.view, by, row)
    names = [value_name(page, name, row[name]) for name in by if name == by[0] or row[name]]
    return AcquisitionRow(
        " / ".join(names),
        width,
        int(row["visits"]),
        change_of(page, "visits", scope),
        formats.share(row["engaged_rate"], 0),
        int(row["conversions"]),
        formats.share(row["conversion_rate"]),
        None if is_small else change_of(page, "conversion_rate", scope),
        None if is_small else _interval(row, site),
        verdict,
        _summarize(page, row, site, verdict),
        query,
        is_chosen,
    )


def _verdict(page: PageContext, scope: Scope) -> Verdict:
    """Compare the rate of a row with that of all other visits; `like` if chance explains it."""
    changes = page.once(find_changes)
    candidate = changes.find("conversion_rate", scope, beside=True)
    if candidate is None or not candidate.is_clear:
        return "like"
    return "above" if candidate.is_up else "below"


def _interval(row: Mapping[str, Any], site: _Site) -> Interval:
    low, high = wilson(row["conversions"], row["visits"])
    return Interval(*(_place(share, site) for share in (low, high, row["conversion_rate"])))


def _summarize(page: PageContext, row: Mapping[str, Any], site: _Site, verdict: Verdict) -> str:
    formats = page.formats
    summary = VERDICTS[verdict].format(rate=formats.share(site.rate))
    if verdict == "few":
        return summary
    low, high = wilson(row["conversions"], row["visits"])
    return f"{formats.share(low)} – {formats.share(high)}, {summary}"


def _choose(view: View, by: Sequence[str], row: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the query that filters by a row, and whether the view has that filter already."""
    is_chosen = all(view.chooses(name, row[name]) for name in by)
    for name in by:
        view = (view.without_filter if is_chosen else view.with_filter)(name, row[name])
    return view.query, is_chosen
