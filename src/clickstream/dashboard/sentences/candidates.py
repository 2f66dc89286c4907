"""Numbers that each page checks: metrics, as a whole and by the largest values of dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.view import Tab
from clickstream.dashboard.sentences.significance import (
    Compared,
    compare_count,
    compare_share,
    compare_shares,
    spread_between,
)
from clickstream.dashboard.sentences.weeks import Weeks, WeekSeries, ask_weeks
from clickstream.dashboard.widgets.page import PageContext

LEAST_SIZE = 100
"""Minimum of a count, or of the visits of a share, in the range or as expected."""


@dataclass(frozen=True)
class Look:
    """Metrics of one fact view by one dimension ("" for the whole), and possible events."""

    dimension: str
    asked: Sequence[str]
    reported: Sequence[str]


WHOLE = ("visits", "conversions", "conversion_rate", "engaged_rate")
"""Metrics that every page asks for the whole, so that they are asked once."""

_RATE = ("visits", "conversion_rate")
_ORDERS = ("visits", "conversions", "conversion_rate")
_CONVERTED = ("conversions", "conversion_rate")
_ENGAGED = ("visits", "engaged_rate")


def _looks(asked: Sequence[str], reported: Sequence[str], *dimensions: str) -> list[Look]:
    return [Look(name, asked, reported) for name in dimensions if not name or name in DIMENSIONS]


LOOKS: Mapping[Tab, Sequence[Look]] = {
    "overview": [
        *_looks(WHOLE, WHOLE, ""),
        *_looks(_RATE, _RATE, "channel", "campaign"),
        *_looks(("visits",), ("visits",), "landing_page", "country", "device"),
        *_looks(("views",), ("views",), "page"),
        *_looks(("bot_requests",), ("bot_requests",), ""),
    ],
    "visitors": [
        *_looks(_RATE, ("visits",), "campaign"),
        *_looks(WHOLE, _ENGAGED, ""),
        *_looks(_ENGAGED, _ENGAGED, "landing_page", "device"),
        *_looks(("visits",), ("visits",), "browser", "os"),
        *_looks(("views",), ("views",), "page"),
    ],
    "marketing": [
        *_looks(WHOLE, _RATE, ""),
        *_looks(_RATE, _RATE, "channel", "source", "campaign", "referrer"),
    ],
    "orders": [
        *_looks(WHOLE, _CONVERTED, ""),
        *_looks(_ORDERS, _CONVERTED, "channel", "campaign", "device"),
        *_looks(("goal_visits",), ("goal_visits",), "goal"),
    ],
    "places": [
        *_looks(WHOLE, _RATE, ""),
        *_looks(_RATE, _RATE, "country", "city"),
    ],
    "trust": [
        *_looks(("bot_requests",), ("bot_requests",), "", "bot_class"),
        *_looks(("late_lines", "rejected"), ("late_lines", "rejected"), ""),
    ],
}
"""What each page checks; errors come in addition (`errors`)."""


@dataclass(frozen=True)
class Candidate:
    """A number that may become an event.

    `excess` is the difference to the usual number: visits, orders, views, requests or lines; for a
    share, the number of visits that changed. `is_beside_others` means that it is not compared with
    the weeks before, but with all other visits of the range.
    """

    metric: str
    dimension: str
    value: str
    compared: Compared
    excess: float
    is_beside_others: bool = False

    @property
    def is_total(self) -> bool:
        """Whether it is the number of the whole."""
        return not self.dimension

    @property
    def is_up(self) -> bool:
        """Whether it is higher than usual."""
        return self.compared.observed > self.compared.expected

    @property
    def scope(self) -> tuple[str, str]:
        """The dimension and the value that it belongs to."""
        return self.dimension, self.value


def ask_candidates(page: PageContext, weeks: Weeks) -> list[Candidate]:
    """Ask for everything that the page checks, and compare it with the weeks before."""
    looks = [look for look in _shown_looks(page) if _is_open(page, look)]
    found = [(look, ask_weeks(page, weeks, look.asked, look.dimension)) for look in looks]
    spreads = _spreads(weeks, found)
    candidates = [
        candidate
        for look, values in found
        for value, series in values.items()
        for candidate in _compare(weeks, look, value, series, spreads)
    ]
    if page.view.tab == "marketing" and not page.hidden:
        by_dimension = {look.dimension: values for look, values in found}
        candidates += _campaigns_beside_others(by_dimension)
    return candidates


def _shown_looks(page: PageContext) -> Iterator[Look]:
    """Yield what the page checks, without metrics that it does not show."""
    for look in LOOKS[page.view.tab]:
        asked, reported = (
            [name for name in names if name not in page.hidden]
            for names in (look.asked, look.reported)
        )
        if reported:
            yield Look(look.dimension, asked, reported)


def _campaigns_beside_others(
    found: Mapping[str, Mapping[str, Mapping[str, WeekSeries]]],
) -> Iterator[Candidate]:
    """Compare the conversion rate of each campaign with that of all other visits of the range."""
    whole = found[""][""]
    for value, series in found.get("campaign", {}).items():
        hits, trials = (series[name].now for name in ("conversion_rate", "visits"))
        all_hits, all_trials = (whole[name].now for name in ("conversion_rate", "visits"))
        compared = compare_shares(hits, trials, all_hits - hits, all_trials - trials)
        if compared and trials >= LEAST_SIZE:
            moved = hits - compared.expected * trials
            yield Candidate("conversion_rate", "campaign", value, compared, moved, True)


def _is_open(page: PageContext, look: Look) -> bool:
    """Whether the filters leave several values of the dimension, and apply to its fact view."""
    has_sessions = METRICS[look.asked[0]].facts.has_sessions
    if page.view.filters and not has_sessions and page.view.tab != "trust":
        return False
    return not any(
        one.dimension == look.dimension and len(one.values) == 1 and not one.is_excluded
        for one in page.view.filters
    )


def _spreads(
    weeks: Weeks, found: Sequence[tuple[Look, Mapping[str, Mapping[str, WeekSeries]]]]
) -> dict[str, float]:
    """Return the week-to-week variance that a metric's counts share, for metrics of visits."""
    histories: dict[str, list[list[float]]] = {}
    for look, values in found:
        for name in look.reported:
            if METRICS[name].format == "count" and METRICS[name].facts.has_sessions:
                some = [series[name].before(weeks) for series in values.values()]
                histories.setdefault(name, []).extend(some)
    return {name: spread_between(some, weeks.length) for name, some in histories.items()}


def _compare(
    weeks: Weeks,
    look: Look,
    value: str,
    series: Mapping[str, WeekSeries],
    spreads: Mapping[str, float],
) -> Iterator[Candidate]:
    for name in look.reported:
        one = series[name]
        if METRICS[name].format == "share":
            whole = series[look.asked[0]]
            pairs = list(zip(one.before(weeks), whole.before(weeks), strict=True))
            share = compare_share(one.now, whole.now, pairs, weeks.length)
            if share and share.size >= LEAST_SIZE:
                moved = (share.observed - share.expected) * whole.now
                yield Candidate(name, look.dimension, value, share, moved)
            continue
        count = compare_count(one.now, one.before(weeks), weeks.length, spreads.get(name))
        if count.size >= LEAST_SIZE:
            excess = count.observed - count.expected
            yield Candidate(name, look.dimension, value, count, excess)
