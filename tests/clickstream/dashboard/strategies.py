"""Visits, hours and views of the dashboard, for properties."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import PublishedHour, Visit

from clickstream.core.hours import Hour
from clickstream.dashboard.ask.dimensions import FILTERS
from clickstream.dashboard.ask.periods import COMPARISONS, RANGES, Period
from clickstream.dashboard.ask.view import CHARTED, CHOICES, GRAINS, TABS, Filter, View

FIRST = date(2026, 11, 2)
DAYS = 3

HOSTILE = (
    *("'; drop table session_facts; --", '"><script>alert(1)</script>', "~", "~~", "", "?", "%s"),
    *("=1+1", "a\nb", "\u202e", "{name}", "{{ 7 * 7 }}", "it's", "null", "(none)", "\\", "é"),
)
values = st.sampled_from(HOSTILE) | st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12
)
"""Texts of visits: those that break careless code, and any others."""

moments = st.integers(0, DAYS * 24 * 60 - 1).map(
    lambda minute: datetime.combine(FIRST, datetime.min.time()) + timedelta(minutes=minute)
)
visits = st.builds(
    Visit,
    started_at=moments,
    visitor=st.integers(1, 8),
    pages=st.lists(st.sampled_from(["/", "/menu", "/order"]) | values, min_size=1, max_size=4),
    channel=st.sampled_from([None, "Direct", "Email"]) | values,
    campaign=st.none() | values,
    source=st.none() | st.sampled_from(["chatgpt", "google"]) | values,
    country=st.sampled_from([None, "GB", "US"]),
    device=st.sampled_from(["desktop", "mobile"]),
    goals=st.sampled_from([(), ("order",), ("newsletter", "order")]),
    steps=st.none() | st.integers(0, 4),
    errors=st.lists(
        st.tuples(st.sampled_from(["/order", "/menu"]) | values, st.sampled_from([404, 500])),
        max_size=2,
    ),
    seconds=st.integers(0, 100),
)
hours = st.builds(
    PublishedHour,
    hour_at=st.integers(0, DAYS * 24 - 1).map(
        lambda hour: datetime.combine(FIRST, datetime.min.time()) + timedelta(hours=hour)
    ),
    kinds=st.fixed_dictionaries(
        {name: st.integers(0, 50) for name in ("page_requests", "bots", "assets", "rejected")}
    ),
    late=st.integers(0, 3),
)
dates = st.integers(0, DAYS - 1).map(lambda day: FIRST + timedelta(days=day))


@st.composite
def periods(draw: st.DrawFn) -> Period:
    first, last = sorted((draw(dates), draw(dates)))
    return Period(first, last, draw(st.none() | st.integers(0, 23)))


known = st.sampled_from(["/", "/menu", "/order", "Direct", "GB", "order", "500 /order", "yes", "9"])
"""Values that visits often have."""

filters = st.builds(
    Filter,
    dimension=st.sampled_from(FILTERS),
    values=st.lists(st.none() | values | known, min_size=1, max_size=3, unique=True).map(tuple),
    is_excluded=st.booleans(),
)


named_hours = st.datetimes(
    datetime(1970, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC)
).map(Hour.of)
"""Hours that a URL can name."""


@st.composite
def views(draw: st.DrawFn) -> View:
    """Any view that a URL can stand for."""
    name = draw(st.sampled_from(RANGES))
    days = sorted((draw(st.dates(date(1970, 1, 1), date(2999, 12, 31))), draw(dates)))
    if name == "own" and (days[1] - days[0]).days >= 3660:
        days = [days[0], days[0]]
    tab = draw(st.sampled_from(TABS))
    view = View(
        tab=tab,
        range=name,
        first=days[0] if name == "own" else None,
        last=days[1] if name == "own" else None,
        compare=draw(st.sampled_from(COMPARISONS)),
        metric=draw(st.sampled_from(CHARTED)),
        grain=draw(st.none() | st.sampled_from(GRAINS)),
        hour=draw(st.none() | named_hours) if tab == "trust" else None,
    )
    for panel, choices in CHOICES.items():
        view = view.with_choice(panel, draw(st.sampled_from(choices)))
    for one in draw(st.lists(filters, max_size=4)):
        for value in one.values:
            view = view.with_filter(one.dimension, value, one.is_excluded)
    return view
