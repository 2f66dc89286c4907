"""No place is shown with fewer than ten visitors, whoever came from where, and nothing is lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.sql.test_view_cases import around

from clickstream.lake import Lake, athena

DATES = [f"2026-11-{day}" for day in range(10, 22)]
PLACES: list[tuple[str | None, ...]] = [
    ("FR", "IDF", "Paris"),
    ("FR", "ARA", "Lyon"),
    ("FR", "ARA", None),
    ("FR", None, None),
    ("GB", "England", "London"),
    ("GB", "England", "Leeds"),
    ("IS", None, "Reykjavik"),
    (None, None, None),
]
COLUMNS = ["site", "session_date", "country", "region", "city", "visitors", "sessions"]
SUMS = [*COLUMNS, "page_views", "converted_sessions", "bounce_rate", "engagement_rate"]

crowds = st.lists(
    st.tuples(
        st.sampled_from(["cafe", "shop"]),
        st.sampled_from(DATES),
        st.sampled_from(PLACES),
        st.integers(0, 12),  # the first visitor
        st.integers(1, 14),  # how many visitors follow that one
        st.integers(1, 2),  # sessions of each
    ),
    min_size=1,
    max_size=60,
)


def sessions_of(crowds: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [
        {
            "site": site,
            "session_date": date.fromisoformat(day),
            "country": country,
            "region": region,
            "city": city,
            "visitor_id": f"v{visitor}",
            "page_views": visitor % 3 + 1,
            "is_bounce": visitor % 3 == 0,
            "is_engaged": visitor % 2 == 0,
            "conversions": visitor % 4,
        }
        for site, day, (country, region, city), first, number, times in crowds
        for visitor in range(first, first + number)
        for _ in range(times)
    ]


def by_date(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, date], list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in rows:
        found[row["site"], row["session_date"]].append(row)
    return found


def assert_place_is_counted(row: dict[str, Any], sessions: list[dict[str, Any]]) -> None:
    """A named city has all its sessions; the rest of a country only sessions of that country."""
    if row["city"] != "other":
        place = (row["country"], row["region"], row["city"])
        of_place = [
            one
            for one in sessions
            if (one["country"] or "unknown", one["region"] or "other", one["city"]) == place
        ]
        assert row["sessions"] == len(of_place)
        assert row["visitors"] == len({one["visitor_id"] for one in of_place})


@given(crowds)
def test_places_with_few_visitors_are_folded_and_totals_are_complete(lake: Lake, crowds) -> None:
    sessions = sessions_of(crowds)
    found = athena.query(
        lake, around(lake, "visits_by_place", {"sessions": sessions}, SUMS)
    ).records()
    expected = by_date(sessions)
    assert by_date(found).keys() == expected.keys()
    for key, rows in by_date(found).items():
        of_date = expected[key]
        visitors = {one["visitor_id"] for one in of_date}
        names = [(row["country"], row["region"], row["city"]) for row in rows]
        assert len(set(names)) == len(names)
        if min(row["visitors"] for row in rows) < 10:
            assert names == [("few visitors", "other", "other")]
            assert rows[0]["visitors"] == len(visitors)
        assert sum(row["sessions"] for row in rows) == len(of_date)
        assert sum(row["page_views"] for row in rows) == sum(one["page_views"] for one in of_date)
        assert sum(row["converted_sessions"] for row in rows) == sum(
            one["conversions"] > 0 for one in of_date
        )
        for name, fact in (("bounce_rate", "is_bounce"), ("engagement_rate", "is_engaged")):
            total = sum(row[name] * row["sessions"] for row in rows)
            assert round(total, 6) == sum(one[fact] for one in of_date)
        assert len(visitors) <= sum(row["visitors"] for row in rows)
        for row in rows:
            assert_place_is_counted(row, of_date)


def test_no_more_is_folded_than_has_to_be(lake: Lake) -> None:
    """Cities of ten and more keep their names but for the one that a small remainder needs."""
    crowds = [
        ("cafe", DATES[0], PLACES[0], 0, 30, 1),
        ("cafe", DATES[0], PLACES[1], 30, 12, 1),
        ("cafe", DATES[0], PLACES[4], 50, 20, 1),
        ("cafe", DATES[0], PLACES[6], 80, 1, 1),
        ("cafe", DATES[1], PLACES[0], 0, 30, 1),
        ("cafe", DATES[1], PLACES[1], 0, 6, 1),
        ("cafe", DATES[1], PLACES[3], 3, 7, 1),
        ("cafe", DATES[2], PLACES[0], 0, 30, 1),
        ("cafe", DATES[2], PLACES[4], 30, 12, 1),
        ("cafe", DATES[2], PLACES[6], 50, 9, 1),
    ]
    sql = around(lake, "visits_by_place", {"sessions": sessions_of(crowds)}, COLUMNS[1:])
    rows = [tuple(map(str, row)) for row in athena.query(lake, sql).rows]
    assert sorted(rows) == [
        (DATES[0], "FR", "IDF", "Paris", "30", "30"),
        (DATES[0], "GB", "England", "London", "20", "20"),
        (DATES[0], "few visitors", "other", "other", "13", "13"),
        (DATES[1], "FR", "IDF", "Paris", "30", "30"),
        (DATES[1], "FR", "other", "other", "10", "13"),
        (DATES[2], "FR", "IDF", "Paris", "30", "30"),
        (DATES[2], "few visitors", "other", "other", "21", "21"),
    ]
