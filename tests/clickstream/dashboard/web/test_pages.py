"""Pages as readers see them: what they say of full, empty, incomplete and hostile facts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import cycle
from pathlib import Path

import pytest
from tests.clickstream.dashboard.builders import (
    FactStore,
    PublishedHour,
    Visit,
    fact_tables,
    hours_between,
)
from tests.clickstream.dashboard.money_builders import money, order, refund
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, placeholders_of, texts_of
from tests.clickstream.dashboard.strategies import HOSTILE
from tests.support.cases import each_case
from tests.support.sales_files import with_sales

from clickstream.core.errors import SettingsError
from clickstream.core.hours import Hour
from clickstream.core.wording import printable
from clickstream.dashboard.ask.view import CHOICES, TABS, View
from clickstream.dashboard.formats import parse_locale
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.web.details import compare_answers, csv_lines, detail_parts
from clickstream.dashboard.web.rendering import Renderer
from clickstream.settings import GoalSettings, Settings

START = datetime(2026, 11, 2)
END = NOW.replace(minute=0)
MINUTE = timedelta(minutes=1)

HOSTILE_NAMES = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>']
SHOP = with_sales(Settings(), Path("/srv"), ("shop",))
SOLD = [(n, {"channel": "Email", "utm_campaign": "cakes"} if n % 2 else {}) for n in range(60)]
TWO_WEEKS = hours_between(START, END)


def visits_of_two_weeks() -> list[Visit]:
    """Twice as many in the second week, which Email brought."""
    first = [Visit(START + 37 * n * MINUTE, n % 50, ("/", "/menu")) for n in range(270)]
    start = START + timedelta(weeks=1)
    second = [Visit(start + 37 * n * MINUTE, n % 50, ("/", "/menu")) for n in range(270)]
    email = [
        Visit(start + 37 * n * MINUTE, 100 + n, ("/menu",), "Email", "cakes", goals=("order",))
        for n in range(270)
    ]
    return [*first, *second, *email]


@pytest.fixture(scope="module")
def store() -> FactStore:
    others = {
        "bot_facts": [_bot("search engine", "Googlebot"), _bot("ai training", "GPTBot")],
        "bot_page_facts": [
            _bot("search engine", "Googlebot") | {"page": "/menu", "path": "/menu"},
            _bot("ai training", "GPTBot") | {"page": "/menu", "path": "/menu"},
        ],
        "error_facts": [_error("/order", 500, 41), _error("/old", 404, 2)],
        "reject_facts": [{"reason": "cut short", "lines": 3, "hour_at": START}],
        "source_facts": [_source("web-1"), _source("web-2")],
        **money(
            [order(END - number * MINUTE, str(number), 1250, **one) for number, one in SOLD],
            [refund(END - 9 * MINUTE, "r", "0", 300)],
        ),
    }
    return FactStore(fact_tables(visits_of_two_weeks(), TWO_WEEKS, others))


def _bot(kind: str, agent: str) -> dict:
    when = NOW.replace(minute=0) - timedelta(hours=5)
    return {"bot_class": kind, "bot_reason": f"user agent: {agent}", "agent": agent} | {
        "requests": 7,
        "bytes": 7_000,
        "other_pages": 0,
        "errors": 0,
        "hour_at": when,
    }


def _error(page: str, status: int, requests: int) -> dict:
    return {
        "page": page,
        "status": status,
        "kind": "server_error",
        "visitor_id": f"{status:016x}",
        "requests": requests,
        "hour_at": NOW.replace(minute=0) - timedelta(hours=5),
    }


def _source(name: str) -> dict:
    return {
        "source": name,
        "lines": 10,
        "late_lines": 0,
        "raw_objects": 1,
        "last_arrived_at": START,
        "hour_at": NOW.replace(minute=0) - timedelta(hours=5),
    }


def shown(store: FactStore, view: View | None = None, **values) -> str:
    with page_of(store, view, **values) as page:
        return " ".join(" ".join(texts_of(html_of(page))).split())


WEEK = View(range="7d")


def test_the_overview_says_how_much_and_how_it_changed(store) -> None:
    text = shown(store, WEEK)
    assert "Complete to 15:00" in text
    assert re.search(r"before: [\d,]+ \([+−]\d+%\)", text)
    assert "Email" in text


def test_numbers_of_tiles_and_lists_agree(store) -> None:
    with page_of(store, WEEK) as page:
        visits = page.answer(("visits",)).single()["visits"]
        by_channel = page.answer(("visits",), ("channel",)).rows
        by_day = page.answer(("visits",), ("day",)).rows
    assert sum(row[1] for row in by_channel) == sum(row[1] for row in by_day) == visits


def test_a_lake_without_facts_says_so_and_what_to_do() -> None:
    empty = FactStore({})
    for tab in ("overview", "visitors", "marketing", "trust"):
        text = shown(empty, View(tab=tab))
        assert "No hour of this range is published" in text
        assert "None" not in text.replace("(none)", "")


@pytest.fixture(scope="module")
def lonely() -> FactStore:
    """One visit, in one published hour."""
    return FactStore(fact_tables([Visit(END - 90 * MINUTE)], [PublishedHour(END - 120 * MINUTE)]))


@each_case(
    "tab, name",
    zip(cycle(TABS), ["today", "yesterday", "7d", "28d", "90d", "month", "year"], strict=False),
)
def test_one_visit_in_one_hour_makes_a_page_of_every_range(lonely, tab, name) -> None:
    assert shown(lonely, View(tab=tab, range=name))


def test_a_share_of_few_visits_is_not_shown() -> None:
    few = FactStore(fact_tables([Visit(END - 30 * MINUTE)] * 5, hours_between(START, END)))
    assert "Engaged – too little data" in shown(few, WEEK)


def test_numbers_are_compared_with_hours_that_are_published_only(store) -> None:
    text = shown(store, View(range="28d"))
    assert "Figures since 2 Nov: 28 days can be compared from 27 Dec." in text
    assert not re.search(r"before: \d", text)


def test_a_range_that_lacks_days_is_not_compared_with_a_complete_one() -> None:
    gap = [h for h in TWO_WEEKS if h.hour_at < START + timedelta(days=8) or h.hour_at.day > 12]
    text = shown(FactStore(fact_tables(visits_of_two_weeks(), gap)), WEEK)
    assert re.search(r"\d+ of \d+ hours are missing .* so unusual changes can't be found", text)
    assert not re.search(r"before: \d", text)


def test_a_range_whose_hours_lack_a_server_is_not_compared_with_a_complete_one() -> None:
    hours = [
        replace(hour, missing="web-2") if hour.hour_at >= START + timedelta(days=8) else hour
        for hour in TWO_WEEKS
    ]
    text = shown(FactStore(fact_tables(visits_of_two_weeks(), hours)), WEEK)
    assert re.search(r"\d+ of \d+ hours are missing .* so unusual changes can't be found", text)
    assert not re.search(r"before: \d", text)


def test_a_missing_hour_is_told_on_every_page(store) -> None:
    gap = [hour for hour in TWO_WEEKS if hour.hour_at.hour != 3 or hour.hour_at.day != 12]
    incomplete = FactStore(fact_tables(visits_of_two_weeks(), gap))
    for tab in ("overview", "trust"):
        text = shown(incomplete, View(tab=tab, range="7d"))
        assert "Up to 15:00, 1 hour missing" in text
    assert "missing: 12 Nov, 03:00 – 12 Nov, 04:00" in shown(incomplete, View("trust", "7d"))


def test_hours_that_lack_a_server_are_told_on_every_page_with_its_name() -> None:
    """From the 12th at 3:00 on, one server is away for 3 hours and another for the last of them."""
    away = {3: "web.i-0abc", 4: "web.i-0abc", 5: "web-2, web.i-0abc"}

    def missing(at: datetime) -> str | None:
        return away.get(at.hour) if at.day == 12 else None

    hours = [replace(hour, missing=missing(hour.hour_at)) for hour in TWO_WEEKS]
    lacking = FactStore(fact_tables(visits_of_two_weeks(), hours))
    for tab in ("overview", "trust"):
        text = shown(lacking, View(tab=tab, range="7d"))
        assert "Up to 15:00 3 hours lack a server's log: visits may be missing" in text
        assert "Complete to" not in text
    assert "so visits may be missing; all lines that arrived are accounted for." in text
    assert (
        "web.i-0abc : 3 hours lack this server's log, from 12 Nov, 03:00 to 12 "
        "Nov, 06:00. It could not "
        "be read, so visits may be missing. They are added when it can be read again."
    ) in text
    assert "web-2 : 1 hour lacks this server's log, at 12 Nov, 05:00." in text
    with page_of(lacking, WEEK) as page:
        assert 'class="trust bad"' in html_of(page)


def test_a_day_whose_hours_lack_a_server_is_noted_once_for_days_in_a_row() -> None:
    hours = [
        replace(hour, missing="web-2" if hour.hour_at.day in (10, 11) else None)
        for hour in TWO_WEEKS
    ]
    text = shown(FactStore(fact_tables(visits_of_two_weeks(), hours)), WEEK)
    assert text.count("24 hours lack a server's log: visits may be missing") == 1
    assert "48 hours lack a server's log" in text


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_the_name_of_a_missing_server_is_shown_as_text(name: str) -> None:
    hours = [replace(hour, missing=name) for hour in TWO_WEEKS]
    with page_of(FactStore(fact_tables(visits_of_two_weeks(), hours)), View("trust", "7d")) as page:
        html = html_of(page)
    assert escape(name).replace("&quot;", "&#34;") in html
    assert name not in html


def test_an_hour_that_was_not_published_yet_is_not_missing(store) -> None:
    assert "No hour is missing" in shown(store, View("trust", "7d"))


def test_facts_that_stay_old_show_their_age(store) -> None:
    with page_of(store, WEEK) as page:
        text = " ".join(texts_of(html_of(replace(page, problem="S3 is away."))))
    assert "data of 27 Nov, 12:00; it can't be refreshed" in text


def test_old_facts_are_no_good_news(store) -> None:
    with page_of(store, WEEK, now=NOW + timedelta(hours=9)) as page:
        assert 'class="trust bad"' in html_of(page)
    with page_of(store, WEEK) as page:
        assert 'class="trust good"' in html_of(page)


def test_visitors_over_a_rotation_of_keys_are_an_upper_limit() -> None:
    rotated = START + timedelta(days=9)
    hours = [
        *hours_between(START, rotated),
        *hours_between(rotated, END, visitor_key="key-2"),
    ]
    store = FactStore(fact_tables(visits_of_two_weeks(), hours))
    text = shown(store, WEEK)
    assert re.search(r"Visitors (▲ \d+% )?at most", text)
    assert "visitor keys changed" in text
    assert "Visitor keys changed: returning visitors count as new" in text
    after = shown(store, View(range="own", first=rotated.date(), last=END.date()))
    assert "at most" not in after
    assert not re.search(r"Visitors [\d,]+ before", after)


def test_notes_say_what_changed_in_how_numbers_are_made() -> None:
    changed, errors = START + timedelta(days=9), START + timedelta(days=10, hours=14)
    hours = [
        *hours_between(START, changed),
        *hours_between(changed, errors, settings="settings-2", version="2.0"),
        PublishedHour(
            errors, {"page_requests": 10, "server_errors": 41}, settings="settings-2", version="2.0"
        ),
        *hours_between(errors + 60 * MINUTE, END, settings="settings-2", version="2.0", late=1),
    ]
    text = shown(FactStore(fact_tables(visits_of_two_weeks(), hours)), WEEK)
    assert "Later hours were built by version 2.0 of the pipeline" in text
    assert "41 server errors at 14:00" in text
    assert "of the lines arrived late" in text


def test_a_goal_with_a_target_shows_its_pace(store) -> None:
    settings = Settings.model_validate(
        {
            "goals": {"order": GoalSettings(page="/order")},
            "dashboard": {"monthly_targets": {"order": 100}},
        }
    )
    text = shown(store, WEEK, settings=settings)
    assert re.search(r"this month \d+ of 100, (ahead|behind|on pace).* \d+", text)


def test_a_balance_that_does_not_close_is_an_alarm() -> None:
    broken = fact_tables([], TWO_WEEKS)
    rows = [hour.row() | {"lines": 99} for hour in TWO_WEEKS]
    import pyarrow as pa
    from tests.clickstream.dashboard.builders import HOUR_SCHEMA

    day = TWO_WEEKS[-1].hour_at.date()
    of_day = [row for row in rows if row["event_date"] == day]
    broken["hour_facts", day] = pa.Table.from_pylist(of_day, HOUR_SCHEMA)
    text = shown(FactStore(broken), View("trust", "7d"))
    assert "Some lines are not accounted for; don't use these numbers." in text
    assert "run clickstream verify" in text


def test_the_trust_page_accounts_for_every_line(store) -> None:
    text = shown(store, View("trust", "7d"))
    assert re.search(r"All [\d,]+ lines of the \d+ published hours are accounted for", text)
    assert "/order · 500" in text
    assert "web-2" in text


def test_the_machines_page_names_operators_and_their_programs(store) -> None:
    text = shown(store, View("machines", "7d"))
    assert "Google search engine" in text
    assert "OpenAI AI training" in text
    assert "The rules of the site's robots.txt are not known." in text
    chosen = shown(store, View("machines", "7d", operator="OpenAI"))
    assert "only OpenAI" in chosen


def test_filters_are_said_not_to_apply_to_lines(store) -> None:
    view = View("trust", "7d").with_filter("channel", "Email")
    assert "Filters choose visits; this panel does not use them." in shown(store, view)


@pytest.fixture(scope="module")
def hostile() -> FactStore:
    visits = [
        Visit(END - 30 * MINUTE, n, (text or "/",), text, text, text, goals=("order",))
        for n, text in enumerate(HOSTILE * 3)
    ]
    return FactStore(fact_tables(visits, hours_between(START, END)))


@each_case("choice", range(4))
def test_hostile_values_are_text_everywhere(hostile, choice) -> None:
    view = WEEK
    for panel, choices in CHOICES.items():
        view = view.with_choice(panel, choices[min(choice, len(choices) - 1)])
    for text in HOSTILE:
        view = view.with_filter("campaign", text)
    with page_of(hostile, view) as page:
        html = html_of(page)
    assert "<script>alert" not in html
    assert 'style="' not in html
    for text in filter(str.strip, HOSTILE):
        shown = (
            escape(printable(text), quote=True)
            .replace("&#x27;", "&#39;")
            .replace("&quot;", "&#34;")
        )
        assert f'<b title="{shown}">{shown}</b>' in html


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(range="7d"),
        View(range="today", compare="none"),
        View(range="7d").with_filter("channel", "Email").with_filter("campaign", None, True),
        View("visitors", "7d"),
        View("visitors", "7d").with_filter("visitor_kind", "new").with_filter("page", "/menu"),
        View("marketing", "7d"),
        View("marketing", "7d").with_choice("acquisition", "campaign"),
        View("machines", "7d"),
        View("machines", "7d", operator="OpenAI"),
        View("trust"),
        View("trust", "7d"),
        View("trust").with_hour(Hour.at(END - 60 * MINUTE), END.date()),
        View("trust").with_hour(Hour.at(END), END.date()),
    ],
)
def test_every_text_has_all_its_values(store, view) -> None:
    targets = {"monthly_targets": {"order": 100}, "monthly_sales_target": 1000}
    settings = Settings.model_validate({"dashboard": targets})
    settings = settings.model_copy(update={"sales": SHOP.sales})
    with page_of(store, view, settings=settings) as page:
        assert placeholders_of(html_of(page)) == []


@each_case("name", PANELS)
def test_every_panel_has_a_page_a_csv_file_and_definitions(store, name) -> None:
    panel = PANELS[name]
    view = View(panel.tab, "7d")
    with page_of(store, view, settings=SHOP) as page:
        parts = detail_parts(page, panel)
        rows = [(page.ask(q), page.ask(q).rows) for q in page.questions(panel)]
        comparison, _ = compare_answers(page, rows)
        renderer = Renderer.create(page.formats, "Café")
        html = renderer.detail(page, panel, parts, comparison)
        assert next(csv_lines(page, name)).endswith("\r\n")
    assert all(metric.definition for metric in panel.metrics(view))
    assert placeholders_of(html) == []


def test_numbers_and_the_first_weekday_follow_the_locale(store) -> None:
    continental = shown(store, WEEK, language="en-DE")
    american = shown(store, WEEK, language="en-US")
    assert re.search(r"\d,\d\s?%", continental)
    assert "Mon Tue Wed" in continental
    assert "Sun Mon Tue" in american


@pytest.mark.parametrize("language", ["de", "fr-CA", "xx", "en-XX"])
def test_a_language_without_texts_is_refused_with_what_to_write(language: str) -> None:
    with pytest.raises(SettingsError, match=rf"language = '{language}' .* like en-GB, en-US"):
        parse_locale(language)


def test_csv_has_all_rows_and_no_formula() -> None:
    formulas = ["=1+1", "+1", "-1", "@x", "|x", "ordinary", None]
    visits = [Visit(END - 30 * MINUTE, n, campaign=text) for n, text in enumerate(formulas * 3)]
    visits += [Visit(END - 30 * MINUTE, n, campaign=f"c{n:03}") for n in range(60)]
    store = FactStore(fact_tables(visits, hours_between(START, END)))
    goals = Settings.model_validate({"goals": {"order": {"page": "/thanks"}}})
    with page_of(store, WEEK.with_choice("sources", "campaign"), settings=goals) as page:
        lines = "".join(csv_lines(page, "sources")).split("\r\n")
    assert lines[0] == "campaign,visits,conversion_rate"
    assert len(lines) == 1 + 7 + 60 + 1
    for text in formulas[:5]:
        assert any(line.startswith(("'" + text, "\"'" + text)) for line in lines), text
    assert not any(line.startswith(("=", "+", "-", "@", "|")) for line in lines)


def test_the_same_url_and_facts_make_the_same_page(store) -> None:
    with page_of(store, WEEK) as page:
        first = html_of(page)
    del store.answers
    with page_of(store, WEEK) as page:
        assert html_of(page) == first


def test_every_link_of_a_page_is_a_view(store) -> None:
    from urllib.parse import parse_qsl, urlsplit

    from clickstream.dashboard.ask.view_urls import parse_view

    with page_of(store, WEEK.with_filter("page", "/menu")) as page:
        links = re.findall(r'href="([^"#]*\?[^"#]*)', html_of(page))
    assert len(links) > 60
    for link in links:
        if "static/" not in link:
            query = urlsplit(link.replace("&amp;", "&")).query
            parse_view("overview", parse_qsl(query, keep_blank_values=True))


def test_moments_of_facts_are_aware() -> None:
    assert FactStore({}).manifest.changed_at.tzinfo is UTC
