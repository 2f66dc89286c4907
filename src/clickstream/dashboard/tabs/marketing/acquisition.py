"""What brings people, and does it pay: each source's conversion rate beside that of all visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.formats import Change
from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.intervals import count_moved, share_moved, wilson
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import ROWS
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.tabs.marketing.panels import ACQUISITION
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.page import PageContext

Verdict = Literal["above", "below", "like", "few"]
VERDICTS: Mapping[Verdict, str] = {
    "above": mark("above %(rate)s of all visits"),
    "below": mark("below %(rate)s of all visits"),
    "like": mark("not clearly different from %(rate)s of all visits"),
    "few": mark("too little data"),
}


@dataclass(frozen=True)
class Interval:
    """A 95 % interval on the panel's scale, in percent of its width."""

    low: float
    high: float
    at: float


@dataclass(frozen=True)
class AcquisitionRow:
    """A row; changes are None if chance explains them, or if nothing is compared.

    `verdict` is the comparison of its rate with that of all visits. `query` filters by the row, or
    removes that filter.
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


@dataclass(frozen=True)
class Acquisition:
    """The rows, the rate of all visits and its place on the scale."""

    head: str
    rows: Sequence[AcquisitionRow]
    site_rate: str
    site_at: float | None
    scale: str
    has_more: bool


@dataclass(frozen=True)
class _Site:
    """The rate of all visits, None for too few visits, and the upper end of the scale."""

    rate: float | None
    top: float


def build_acquisition(page: PageContext) -> Acquisition | None:
    """Ask for the largest rows of the panel's choice; return None without a visit."""
    panel = ACQUISITION
    metrics, by = panel.parts(page.view)
    records = page.answer(metrics, by, limit=ROWS + 1).records()
    if not records:
        return None
    shown = records[:ROWS]
    before = _before(page, metrics, by)
    site = _site(page, by, shown)
    widths = bar_widths([row["visits"] for row in shown])
    rows = [
        _arrival(page, by, row, before.get(_key(row, by)), site, width)
        for row, width in zip(shown, widths, strict=True)
    ]
    return Acquisition(
        DIMENSIONS[by[0]].label,
        rows,
        page.formats.share(site.rate),
        None if site.rate is None else _place(site.rate, site),
        page.formats.share(site.top, 0),
        len(records) > ROWS,
    )


def _key(row: Mapping[str, Any], by: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in by)


def _before(
    page: PageContext, metrics: Sequence[str], by: Sequence[str]
) -> Mapping[tuple[Any, ...], Mapping[str, Any]]:
    """Return the rows of the compared period, by their dimensions' values."""
    if page.compared is None:
        return {}
    return {_key(row, by): row for row in page.answer(metrics, by, page.compared).records()}


def _site(page: PageContext, by: Sequence[str], shown: Sequence[Mapping[str, Any]]) -> _Site:
    """Return the rate of all visits that pass the filters, except filters by shown dimensions."""
    filters = [one for one in page.view.filters if one.dimension not in by]
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
    before: Mapping[str, Any] | None,
    site: _Site,
    width: float,
) -> AcquisitionRow:
    formats = page.formats
    verdict, interval = _verdict(row, site)
    query, is_chosen = _choose(page.view, by, row)
    names = [value_name(page, name, row[name]) for name in by if name == by[0] or row[name]]
    return AcquisitionRow(
        " / ".join(names),
        width,
        int(row["visits"]),
        _visits_change(page, row, before),
        formats.share(row["engaged_rate"], 0),
        int(row["conversions"]),
        formats.share(row["conversion_rate"]),
        _rate_change(page, row, before),
        interval,
        verdict,
        _summarize(page, row, site, verdict),
        query,
        is_chosen,
    )


def _verdict(row: Mapping[str, Any], site: _Site) -> tuple[Verdict, Interval | None]:
    if site.rate is None or _is_small(row):
        return "few", None
    low, high = wilson(row["conversions"], row["visits"])
    places = (_place(share, site) for share in (low, high, row["conversion_rate"]))
    verdict: Verdict = "above" if low > site.rate else "below" if high < site.rate else "like"
    return verdict, Interval(*places)


def _summarize(page: PageContext, row: Mapping[str, Any], site: _Site, verdict: Verdict) -> str:
    formats = page.formats
    summary = formats.text(VERDICTS[verdict], rate=formats.share(site.rate))
    if verdict == "few":
        return summary
    low, high = wilson(row["conversions"], row["visits"])
    return f"{formats.share(low)} – {formats.share(high)}, {summary}"


def _visits_change(
    page: PageContext, row: Mapping[str, Any], before: Mapping[str, Any] | None
) -> Change | None:
    if before is None or not count_moved(row["visits"], before["visits"]):
        return None
    return page.formats.change(METRICS["visits"], row["visits"], before["visits"])


def _rate_change(
    page: PageContext, row: Mapping[str, Any], before: Mapping[str, Any] | None
) -> Change | None:
    if before is None or _is_small(row) or _is_small(before):
        return None
    values = row["conversion_rate"], before["conversion_rate"]
    if not values[0] and not values[1]:
        return None
    if not share_moved(values[0], row["visits"], values[1], before["visits"]):
        return None
    return page.formats.change(METRICS["conversion_rate"], *values)


def _choose(view: View, by: Sequence[str], row: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the query that filters by a row, and whether the view has that filter already."""
    is_chosen = all(view.chooses(name, row[name]) for name in by)
    for name in by:
        view = (view.without_filter if is_chosen else view.with_filter)(name, row[name])
    return view.query, is_chosen
