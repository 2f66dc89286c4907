"""The panel of one hour: found in every time zone, and honest about what is not published."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from tests.clickstream.dashboard.builders import (
    HOUR_SCHEMA,
    FactStore,
    PublishedHour,
    fact_tables,
    hours_between,
)
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, texts_of
from tests.support.cases import each_case

from clickstream.core.hours import Hour
from clickstream.dashboard.ask.coverage import period_of_hour, to_local
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.pages.trust.hour import ShownHour, build_hour
from clickstream.dashboard.web.details import csv_lines

ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
"""Whole and quarter hours from UTC, and clocks that change by half an hour."""

CHANGES = (
    *(datetime(2026, 3, 7), datetime(2026, 3, 28), datetime(2026, 4, 4)),
    *(datetime(2026, 10, 3), datetime(2026, 10, 24), datetime(2026, 10, 31)),
)
"""Each is the first of 48 hours in which clocks change somewhere."""

END = NOW.replace(minute=0)
LAST = Hour.at(END).previous


@cache
def store_in(zone: str) -> FactStore:
    """48 hours around each change, with 1, 2, 3 … lines."""
    hours = [
        PublishedHour(start + timedelta(hours=n), {"page_requests": 1 + n + 48 * place})
        for place, start in enumerate(CHANGES)
        for n in range(48)
    ]
    tables = fact_tables(hours=hours)
    for key, rows in tables.items():
        if key[0] == "hour_facts":
            tables[key] = pa.Table.from_pylist(
                [_in_zone(row, zone) for row in rows.to_pylist()], HOUR_SCHEMA
            )
    return FactStore(tables)


def _in_zone(row: dict, zone: str) -> dict:
    local = to_local(row["hour_at"], ZoneInfo(zone))
    return row | {"local_date": local.date(), "local_hour": local.hour}


def view_of(hour: Hour, zone: str = "UTC") -> View:
    return View().with_hour(hour, period_of_hour(hour, ZoneInfo(zone)).first)


def panel_of(store: FactStore, hour: Hour, **values) -> ShownHour:
    with page_of(store, view_of(hour, values.get("zone", "UTC")), **values) as page:
        return build_hour(page)


def sentences(panel: ShownHour) -> str:
    return " ".join(one.text for one in panel.statements)


@each_case("zone, place", [(zone, place % len(CHANGES)) for place, zone in enumerate(ZONES)])
def test_an_hour_is_found_in_every_time_zone(zone: str, place: int) -> None:
    number = 24 + 3 * place
    hour = Hour.at(CHANGES[place] + timedelta(hours=number))
    panel = panel_of(store_in(zone), hour, zone=zone)
    assert panel.name == str(hour)
    assert panel.balance[0].value == str(1 + number + 48 * place)
    for query, beside in ((panel.before, hour.previous), (panel.after, hour.next)):
        view = parse_view("trust", parse_qsl(query.removeprefix("?")))
        local = to_local(beside.naive, ZoneInfo(zone)).date()
        assert (view.hour, view.first, view.last) == (beside, local, local)
        assert panel_of(store_in(zone), beside, zone=zone).title != panel.title


@pytest.mark.parametrize(
    ("zone", "hour", "title"),
    [
        ("Asia/Kolkata", "2026-10-24T05", "Sat 24 Oct, 10:30 – 11:30"),
        ("Europe/London", "2026-10-25T00", "Sun 25 Oct, 01:00 BST – 01:00 GMT"),
        ("Europe/London", "2026-10-25T01", "Sun 25 Oct, 01:00 GMT – 02:00 GMT"),
        ("America/New_York", "2026-10-25T01", "Sat 24 Oct, 21:00 – 22:00"),
    ],
)
def test_an_hour_is_named_in_local_time(zone: str, hour: str, title: str) -> None:
    assert panel_of(store_in(zone), Hour.parse(hour), zone=zone).title == title


def store_of(*hours: PublishedHour) -> FactStore:
    """A day of hours up to the one before the last, and others."""
    before = hours_between(END - timedelta(days=1), LAST.naive)
    return FactStore(fact_tables(hours=[*before, *hours]))


def test_an_hour_whose_lines_add_up_says_so() -> None:
    kinds = {"page_requests": 10, "bots": 5, "assets": 3, "rejected": 2}
    panel = panel_of(store_of(PublishedHour(LAST.naive, kinds, late=4)), LAST)
    assert sentences(panel) == "Published: all of its 20 lines are accounted for."
    assert [one.kind for one in panel.statements] == ["good"]
    assert [one.sign + one.value for one in panel.balance] == ["20", "=10", "+5", "+3", "+2"]
    assert [one.value for one in panel.late] == ["4", "0"]
    assert panel.built_by == [
        ("version", "1.0"),
        ("settings", "settings-1"),
        ("visitor key", "key-1"),
    ]


def broken_store() -> FactStore:
    """An hour whose ledger has more lines than parts."""
    tables = fact_tables(hours=[PublishedHour(LAST.naive)])
    for key, rows in tables.items():
        if key[0] == "hour_facts":
            place = rows.column_names.index("lines")
            tables[key] = rows.set_column(place, rows.field(place), pa.array([99]))
    return FactStore(tables)


@pytest.mark.parametrize(
    ("store", "told"),
    [
        (broken_store(), "don't use these numbers, and run clickstream verify"),
        (
            store_of(PublishedHour(LAST.naive, missing="web.i-0abc")),
            "lacks the lines of web.i-0",
        ),
        (store_of(PublishedHour(LAST.naive, waiting=2)), "2 lines arrived when the hour could not"),
    ],
)
def test_an_hour_with_a_fault_is_never_said_to_be_well(store: FactStore, told: str) -> None:
    panel = panel_of(store, LAST)
    assert told in sentences(panel)
    assert "accounted for" not in sentences(panel)
    assert [one.kind for one in panel.statements] == ["bad"]


def test_an_hour_without_a_line_is_no_good_news() -> None:
    panel = panel_of(store_of(PublishedHour(LAST.naive, {})), LAST)
    assert "no line was logged" in sentences(panel)
    assert panel.statements[0].kind == "open"


@pytest.mark.parametrize(
    ("hour", "kind", "told"),
    [
        (Hour.at(END), "open", "This hour is not over."),
        (LAST.plus(100), "open", "This hour is not over."),
        (LAST, "open", "This hour is not published yet"),
        (LAST.minus(50), "bad", "trigger clickstream_hourly in Airflow with"),
        (LAST.minus(24 * 801), "open", "The dashboard goes back 800 days"),
    ],
)
def test_an_hour_that_is_not_published_says_what_to_do(hour: Hour, kind: str, told: str) -> None:
    panel = panel_of(store_of(), hour)
    assert told in sentences(panel)
    assert [one.kind for one in panel.statements] == [kind]
    assert not panel.balance
    assert not panel.built_by


def test_a_gap_before_published_hours_is_missing_however_recent() -> None:
    hours = [one for one in hours_between(END - timedelta(days=1), END) if one.hour_at.hour != 13]
    panel = panel_of(FactStore(fact_tables(hours=hours)), Hour.at(END.replace(hour=13)))
    assert panel.statements[0].kind == "bad"
    assert "clickstream build 2026-11-16T13 2026-11-16T13" in sentences(panel)


@pytest.mark.parametrize("hour", [LAST, LAST.previous, Hour.at(END), LAST.minus(50)])
def test_nothing_reassures_while_new_facts_can_not_be_read(hour: Hour) -> None:
    panel = panel_of(store_of(), hour, problem="Can't reach AWS")
    assert panel.statements[-1].kind == "bad"
    assert "can't" in panel.statements[-1].text


def test_the_page_shows_the_panel_first_and_leads_to_its_neighbors_and_back() -> None:
    with page_of(store_of(), view_of(LAST.previous)) as page:
        html = html_of(page)
        lines = "".join(csv_lines(page, "hour"))
    text = " ".join(texts_of(html))
    assert text.index("Mon 16 Nov, 13:00 – 14:00") < text.index("Lines per hour")
    assert "hour=2026-11-16T12#hour" in html
    assert "hour=2026-11-16T14#hour" in html
    assert 'href="?from=2026-11-16&amp;to=2026-11-16"' in html
    assert 'href="panels/hour.csv?from=2026-11-16&amp;to=2026-11-16&amp;hour=2026-11-16T13"' in html
    assert lines.startswith("published_hours,lines,rejected,assets,bots,people")
    assert re.search(r"1\.0,settings-1,key-1,,1", lines)


def test_the_page_without_an_hour_has_no_such_panel() -> None:
    with page_of(store_of(), View("trust")) as page:
        assert 'id="hour"' not in html_of(page)


def test_other_tabs_are_linked_without_the_hour() -> None:
    with page_of(store_of(), view_of(LAST.previous)) as page:
        tabs = re.findall(r'<nav class="tabs".*?</nav>', html_of(page), re.DOTALL)[0]
    assert tabs.count("hour=") == 1
