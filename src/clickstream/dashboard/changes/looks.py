"""What each page compares with the weeks before: metrics by dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clickstream.dashboard.ask.fact_views import MONEY
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.view import Tab, View
from clickstream.dashboard.changes.history import SALES
from clickstream.dashboard.widgets.page import PageContext

LEAST_VISITS = 100
"""Minimum of the visits of a campaign whose rate is reported beside that of all others."""


@dataclass(frozen=True)
class Look:
    """Metrics of one fact view by dimensions (none for the whole).

    `asked` begins with the number of visits, if others are shares of them. Sentences report
    changes of `reported`; pages also colour changes of `coloured`.
    """

    by: tuple[str, ...]
    asked: Sequence[str]
    reported: Sequence[str]
    coloured: Sequence[str] = ()


WHOLE = ("visits", "page_views", "view_squares", "conversions", "conversion_rate", "engaged_rate")
"""Metrics that every page asks for the whole, so that they are asked once."""

KEY_FIGURES = ("visits", "page_views", "conversions", "conversion_rate", "engaged_rate")
"""Those that every page of visits compares, so that they have the same verdict everywhere."""

MONEY_FIGURES = ("orders", "net_sales")
"""Those that every page of visits compares, if it has money."""

_RATE = ("visits", "conversion_rate")
_ORDERS = ("visits", "conversions", "conversion_rate")
_CONVERTED = ("conversions", "conversion_rate")
_ENGAGED = ("visits", "engaged_rate")


def _looks(
    asked: Sequence[str], reported: Sequence[str], *dimensions: str, coloured: Sequence[str] = ()
) -> list[Look]:
    return [Look((name,) if name else (), asked, reported, coloured) for name in dimensions]


def _whole(*reported: str) -> Look:
    return Look((), WHOLE, reported, [name for name in KEY_FIGURES if name not in reported])


def _money(*reported: str) -> Look:
    coloured = [name for name in MONEY_FIGURES if name not in reported]
    return Look((), SALES, reported, coloured)


_NET = ("net_sales",)

LOOKS: Mapping[Tab, Sequence[Look]] = {
    "overview": [
        _whole("visits", *_CONVERTED, "engaged_rate"),
        *_looks(_ORDERS, _RATE, "channel", "campaign", coloured=("conversions",)),
        *_looks(
            ("visits", "conversions"),
            ("visits",),
            "landing_page",
            "country",
            coloured=("conversions",),
        ),
        *_looks(("visits",), ("visits",), "device"),
        *_looks(("views",), ("views",), "page"),
        *_looks(("bot_requests",), ("bot_requests",), ""),
        _money(*MONEY_FIGURES),
        *_looks(SALES, _NET, "channel", "campaign"),
    ],
    "visitors": [
        _money(),
        *_looks(_RATE, ("visits",), "campaign"),
        _whole(*_ENGAGED),
        *_looks(_ENGAGED, _ENGAGED, "landing_page", "device"),
        *_looks(("visits",), ("visits",), "browser", "os"),
        *_looks(("views",), ("views",), "page"),
    ],
    "marketing": [
        _whole(*_RATE),
        *_looks(_RATE, _RATE, "channel", "source", "campaign", "referrer"),
        _money(*MONEY_FIGURES),
        *_looks(SALES, _NET, "channel", "campaign"),
    ],
    "orders": [
        _whole(*_CONVERTED),
        _money(*MONEY_FIGURES),
        *_looks(_ORDERS, _CONVERTED, "channel", "campaign", "device"),
        *_looks(("goal_visits",), ("goal_visits",), "goal"),
        *_looks(("visits",), (), "furthest_step"),
    ],
    "places": [
        _whole(*_RATE),
        _money(),
        *_looks(_RATE, _RATE, "country", "city"),
    ],
    "machines": [
        *_looks(("bot_requests",), ("bot_requests",), "", "bot_class"),
    ],
    "trust": [
        *_looks(("late_lines", "rejected"), ("late_lines", "rejected"), ""),
    ],
}
"""What each page compares; errors come in addition (`failures`)."""


OF_LINES: tuple[Tab, ...] = ("machines", "trust")
"""The tabs that compare requests and lines even if filters choose visits."""


def looks_of(page: PageContext) -> list[Look]:
    """Return what a page compares: without hidden metrics, and without what its filters fix."""
    looks = [*LOOKS[page.view.tab], *_chosen_looks(page.view)]
    return [look for look in _without_hidden(page, looks) if _is_open(page, look)]


def _chosen_looks(view: View) -> list[Look]:
    """Return the looks at the dimensions that a panel shows by choice."""
    compared = {look.by for look in LOOKS[view.tab]}
    by = {"marketing": view.acquisition_by, "places": (view.choice("places"),)}.get(view.tab)
    return [] if by is None or by in compared else [Look(by, _RATE, (), _RATE)]


def _without_hidden(page: PageContext, looks: Sequence[Look]) -> Iterator[Look]:
    """Yield looks without the metrics that the page does not show."""
    for look in looks:
        asked, reported, coloured = (
            [name for name in names if name not in page.hidden]
            for names in (look.asked, look.reported, look.coloured)
        )
        if asked:
            yield Look(look.by, asked, reported, coloured)


def _is_open(page: PageContext, look: Look) -> bool:
    """Whether the filters leave several values of the dimensions, and apply to its fact view."""
    facts = METRICS[look.asked[0]].facts
    is_filtered = facts.has_sessions or facts is MONEY
    if page.view.filters and not is_filtered and page.view.tab not in OF_LINES:
        return False
    return not any(
        filter_.dimension in look.by and len(filter_.values) == 1 and not filter_.is_excluded
        for filter_ in page.view.filters
    )
