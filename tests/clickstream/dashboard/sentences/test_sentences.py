"""What changed, in words: the arithmetic, the reasons for silence, links and hostile names."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from html import unescape
from itertools import cycle
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pyarrow as pa
import pytest
from tests.clickstream.dashboard.builders import (
    FactStore,
    Visit,
    hours_between,
)
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of
from tests.clickstream.dashboard.week_facts import (
    ALL_ROWS,
    CHANNELS,
    ColumnStore,
    Weeks,
    hours_of_days,
    joined_store,
    store_of,
    table_of,
)
from tests.support.cases import each_case

from clickstream.dashboard.access.identity import Identity, SharedWith
from clickstream.dashboard.ask.dimensions import FILTERS
from clickstream.dashboard.ask.periods import Period, start_of
from clickstream.dashboard.ask.view import TABS, Filter, Tab, View
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.changes.candidates import Candidate, Compared
from clickstream.dashboard.changes.wording import describe_growth
from clickstream.dashboard.sentences import Findings, find_sentences
from clickstream.settings import GoalSettings, Settings

RULES = Weeks(weeks=9, seed=3)
FIRST = RULES.first + timedelta(weeks=8)
LAST = FIRST + timedelta(days=6)
WEEK = View().with_days(FIRST, LAST)
NEXT_DAY = start_of(LAST + timedelta(days=1), 3)
USUAL = "As usual: less than 20% away, with 90% probability."
EMAIL_DOUBLES = RULES.with_event(first=FIRST, last=LAST, column="channel", value="Email", times=2)


@pytest.fixture(scope="module")
def store() -> FactStore:
    """Nine weeks, of which Email doubles in the last."""
    return store_of_weeks(EMAIL_DOUBLES)


@cache
def store_of_weeks(rules: Weeks) -> FactStore:
    return rules.store()


def found(store: FactStore, view: View = WEEK, now: datetime = NEXT_DAY, **values) -> Findings:
    with page_of(store, view, now=now, **values) as page:
        return find_sentences(page)


def texts(findings: Findings) -> str:
    return "\n".join(one.text for one in findings.sentences)


def test_a_channel_that_doubles_is_told_with_its_number_and_a_link(store) -> None:
    said = found(store, replace(WEEK, tab="marketing"))
    (one,) = [one for one in said.sentences if "Email" in one.text]
    with page_of(store, WEEK, now=NEXT_DAY) as page:
        by_channel = dict(page.answer(("visits",), ("channel",)).rows)
        number = page.answer(("visits",)).single()["visits"]
    assert one.text.startswith(f"There were {number:,} visits, ")
    assert one.text.endswith("three quarters of the rise came through Email.")
    links = [part.href for part in one.parts if part.href]
    assert [_parse(href, "marketing").filters for href in links] == [
        (),
        (Filter("channel", ("Email",)),),
    ]
    assert by_channel["Email"] > number / 5


def test_the_key_figures_have_the_usual_count_of_the_sentences(store) -> None:
    with page_of(store, WEEK, now=NEXT_DAY) as page:
        text = " ".join(" ".join(texts_of(html_of(page))).split())
    (usual,) = re.findall(
        r"There were [\d,]+ visits , \d+% more than usual \(([\d,]+); between", text
    )
    assert f"more than usual ({usual})" in text.partition("Key figures")[2]


def test_a_rise_of_all_channels_has_no_cause() -> None:
    rules = RULES
    for channel in CHANNELS:
        rules = rules.with_event(first=FIRST, last=LAST, column="channel", value=channel, times=1.5)
    said = texts(found(rules.store(), replace(WEEK, tab="marketing")))
    assert "There were " in said
    assert "of the rise" not in said


def test_every_link_of_a_sentence_is_a_view(store) -> None:
    for tab in TABS:
        for one in found(store, replace(WEEK, tab=tab)).sentences:
            for part in one.parts:
                if part.href:
                    _parse(part.href, tab)


def _parse(href: str, tab: Tab) -> View:
    parts = urlsplit(href)
    path = parts.path.removeprefix("./")
    chosen = next((one for one in TABS if one == path), tab if not parts.path else "overview")
    return parse_view(chosen, parse_qsl(parts.query, keep_blank_values=True))


def test_the_order_of_rows_does_not_matter(store) -> None:
    rng = np.random.default_rng(1)
    tables = {
        (view, ALL_ROWS): rows.take(pa.array(rng.permutation(len(rows))))
        for (view, rows) in ((key.split("/")[1], rows) for key, rows in store.files.items())
    }
    assert found(ColumnStore(tables)) == found(store)


def test_a_filter_leaves_what_is_outside_unsaid(store) -> None:
    said = found(store, WEEK.with_filter("channel", "Direct"))
    assert not said.sentences
    assert said.reason.startswith("This week, as usual: visits")
    inside = found(store, WEEK.with_filter("channel", "Email"))
    assert inside.sentences[0].text.startswith("There were ")
    for one in inside.sentences:
        for part in one.parts:
            assert not part.href or "channel=Email" in part.href


@pytest.fixture(scope="module")
def few_visits() -> FactStore:
    """As many weeks with few visits: a filter for a value of no visit chooses none of them."""
    return replace(EMAIL_DOUBLES, visits=100).store()


@each_case("name, tab", zip(FILTERS, cycle(TABS)))
def test_every_filter_may_be_combined_with_sentences(few_visits, name, tab) -> None:
    view = replace(WEEK, tab=tab).with_filter(name, "1").with_filter("channel", None, True)
    assert isinstance(found(few_visits, view), Findings)


@pytest.fixture(scope="module")
def quiet() -> FactStore:
    """Nine weeks without an event."""
    return store_of_weeks(RULES)


def test_without_an_event_nothing_is_unusual_and_the_basis_is_named(quiet) -> None:
    said = found(quiet)
    assert said == Findings(
        [], "This week, as usual: visits, page views, orders, order rate, engaged.", said.basis
    )
    assert said.basis == f"Usual is predicted from the 56 days before. {USUAL}"


def test_an_hour_of_server_errors_is_told_though_no_number_is_unusual(quiet) -> None:
    """Too few people met them to change a number of visits, and "nothing" alone would mislead."""
    columns = hours_of_days(RULES.first, RULES.days)
    failed = start_of(FIRST + timedelta(days=2), 14)
    columns["server_errors"][columns["hour_at"] == np.datetime64(failed, "us")] = 18
    whole = {key.split("/")[1]: rows for key, rows in quiet.files.items()}
    said = found(store_of(whole | {"hour_facts": table_of("hour_facts", columns)}))
    day = f"{failed.day} {failed:%b}"
    assert said.sentences == []
    assert said.reason == (
        "This week, as usual: visits, page views, orders, order rate, engaged. "
        f"Yet the log has 18 server errors at 14:00 on {day}."
    )


def without_hours(rules: Weeks, gone: set[datetime], missing: set[datetime] = frozenset()):
    """The store of the weeks, less some hours, and with hours that lack a server."""
    columns = hours_of_days(rules.first, rules.days)
    times = [at.astype(datetime) for at in columns["hour_at"]]
    kept = [number for number, at in enumerate(times) if at not in gone]
    columns = {name: np.array(values)[kept] for name, values in columns.items()}
    lacking = ["web-2" if times[number] in missing else None for number in kept]
    table = table_of("hour_facts", columns | {"missing_sources": lacking})
    whole = store_of_weeks(rules)
    tables = {key.split("/")[1]: rows for key, rows in whole.files.items()}
    return store_of(tables | {"hour_facts": table})


def hours_from(start: datetime, number: int) -> set[datetime]:
    return {start + timedelta(hours=step) for step in range(number)}


def test_missing_hours_silence_the_page_and_are_the_reason() -> None:
    gone = hours_from(start_of(FIRST, 9), 5)
    said = found(without_hours(EMAIL_DOUBLES, gone))
    assert not said.sentences
    assert said.reason.startswith("5 of 168 hours are missing or lack a server's log")


def test_hours_that_lack_a_server_count_as_missing() -> None:
    lacking = hours_from(start_of(FIRST, 9), 5)
    said = found(without_hours(EMAIL_DOUBLES, set(), lacking))
    assert not said.sentences
    assert said.reason.startswith("5 of 168 hours are missing or lack a server's log")


def test_days_before_with_missing_hours_are_left_out_and_counted() -> None:
    gone = hours_from(start_of(FIRST - timedelta(weeks=2)), 48)
    said = found(without_hours(EMAIL_DOUBLES, gone))
    assert "Email" in texts(said)
    assert said.basis == f"Usual is predicted from 54 of the 56 days before. {USUAL}"


def test_a_change_of_settings_is_named_beside_what_changed(store) -> None:
    columns = hours_of_days(RULES.first, RULES.days)
    changed = np.array(columns["hour_at"]) >= np.datetime64(start_of(FIRST, 9))
    columns["settings_digest"] = np.where(changed, "settings-2", "settings-1").astype(object)
    tables = {key.split("/")[1]: rows for key, rows in store.files.items()}
    said = found(store_of(tables | {"hour_facts": table_of("hour_facts", columns)}))
    assert said.sentences
    assert said.basis.endswith(
        "Hours since 28 Feb, 09:00 were built with other settings, which may be the reason."
    )


def test_less_than_seven_days_before_are_too_few() -> None:
    rules = replace(EMAIL_DOUBLES, first=FIRST - timedelta(weeks=1), weeks=2)
    early = View().with_days(FIRST - timedelta(days=1), LAST - timedelta(days=1))
    said = found(rules.store(), early)
    assert not said.sentences
    assert said.reason == "Figures since 21 Feb: 7 days can be compared from 6 Mar."
    assert found(rules.store()).basis.startswith("Usual is predicted from 7 of the 56 days before.")


def test_few_visits_are_not_called_usual() -> None:
    said = found(replace(RULES, visits=3.0).store(), replace(WEEK, tab="places"))
    assert (said.sentences, said.reason) == ([], "Too few visits to compare: 10 are needed.")


@pytest.mark.parametrize(
    ("weeks", "told"), [((300, 370, 470), 25), ((70, 73, 196, 368), 100), ((368,), 25)]
)
def test_the_stated_growth_agrees_with_the_listed_weeks(weeks, told) -> None:
    compared = Compared(582, 495, growth=0.26, growth_low=0.2, growth_high=0.3)
    growing = Candidate("visits", (), compared, 87, weeks=weeks, verdict="growth")
    with page_of(FactStore({}), WEEK, now=NEXT_DAY) as page:
        assert describe_growth(page, growing) == f"grows about {told}% a week"


def test_a_steady_growth_is_told_with_the_weeks_and_only_once() -> None:
    """Visits grow by a quarter each week, by all channels; no part of them is told beside that."""
    store = replace(RULES, visits=300.0, growth=0.25).store()
    said = [one.text for one in found(store).sentences]
    (growth,) = [text for text in said if text.startswith("Visits grow")]
    assert re.fullmatch(
        r"Visits grow about 2[05]% a week: [\d,]+, [\d,]+, [\d,]+, [\d,]+\.", growth
    )
    assert not any(text.startswith("Visits (") for text in said)
    with page_of(store, WEEK, now=NEXT_DAY) as page:
        shared = replace(page, identity=Identity("", shared=SharedWith("Bean", NEXT_DAY)))
        (growth,) = [
            one.text
            for one in find_sentences(shared).sentences
            if one.text.startswith("Visits grow")
        ]
        assert re.fullmatch(r"Visits grow about 2[05]% a week: [\d,]+\.", growth)
        assert "last weeks" not in html_of(shared)


def test_a_lake_without_hours_says_nothing_about_them() -> None:
    assert found(FactStore({})) == Findings([], "")


def test_an_unfinished_day_is_compared_with_the_same_hours() -> None:
    """A morning is no fall of the whole day."""
    store = without_hours(RULES, hours_from(start_of(LAST, 12), 12))
    today = found(store, View(range="today"), now=start_of(LAST, 12))
    assert today.basis == (
        f"Usual is predicted from the hours so far of the 56 days before. {USUAL}"
    )


@each_case(
    "view, now, span",
    [
        (View(range="yesterday"), NEXT_DAY, "Yesterday, "),
        (View().with_days(LAST, LAST), NEXT_DAY, "This day, "),
        (View().with_days(FIRST, FIRST + timedelta(2)), NEXT_DAY, "These 3 days, "),
    ],
)
def test_the_range_is_named_when_nothing_is_unusual(quiet, view, now, span) -> None:
    assert found(quiet, view, now).reason.startswith(span)


def test_a_long_range_is_not_compared_with_the_weeks_before_it() -> None:
    rules = Weeks(weeks=14, visits=30.0)
    last = rules.first + timedelta(days=rules.days - 1)
    now = start_of(last + timedelta(days=1), 3)
    said = found(rules.store(), View().with_days(rules.first, last), now=now)
    assert said.reason.startswith("Ranges of more than 92 days are not checked")


def test_a_country_of_a_few_people_is_not_told() -> None:
    """A hundred visits, but of three people."""
    usual = [
        Visit(start_of(day, 8 + n % 12), 100 + n, country="GB")
        for day in Period(RULES.first, LAST).dates
        for n in range(30)
    ]
    few = [Visit(start_of(FIRST, n % 24), n % 3, country="IS") for n in range(150)]
    hours = hours_between(start_of(RULES.first), start_of(LAST + timedelta(days=1)))
    store = joined_store([*usual, *few], hours)
    assert "Iceland" not in texts(found(store, replace(WEEK, tab="places")))


def test_hostile_names_are_shown_as_text() -> None:
    hostile = '"><script>alert(1)</script>'
    hours = hours_between(start_of(RULES.first), start_of(LAST + timedelta(days=1)))
    made = [
        Visit(start_of(day, 8 + n % 12), n, channel="Direct")
        for day in Period(RULES.first, LAST).dates
        for n in range(20)
    ]
    made += [
        Visit(start_of(FIRST, n % 24), 500 + n, channel="Email", campaign=hostile)
        for n in range(180)
    ]
    store = joined_store(made, hours)
    with page_of(store, replace(WEEK, tab="marketing"), now=NEXT_DAY) as page:
        html = html_of(page)
    section = re.search(r'<section class="sentences".*?</section>', html, re.DOTALL)
    assert section
    assert "<script" not in section.group()
    assert "onerror" not in re.sub(r"<b>.*?</b>|href=\"[^\"]*\"", "", section.group())
    tags = set(re.findall(r"<(\w+)", section.group()))
    assert tags <= {"section", "ul", "li", "span", "a", "b", "p"}
    for href in re.findall(r'href="([^"]*)"', section.group()):
        _parse(unescape(href), "marketing")


def test_a_page_shows_its_sentences_with_links(store) -> None:
    with page_of(store, WEEK, now=NEXT_DAY) as page:
        html = html_of(page)
    section = re.search(r'<section class="sentences".*?</section>', html, re.DOTALL)
    assert section
    assert 'class="up good"' in section.group()
    assert html.index('class="trust') < section.start() < html.index('class="tiles')


def test_numbers_follow_the_locale(store) -> None:
    assert re.search(r"There were \d\.\d{3} visits", texts(found(store, language="en-DE")))


def test_server_errors_of_a_page_are_told_with_the_people() -> None:
    hours = hours_between(start_of(RULES.first), start_of(LAST + timedelta(days=1)))
    made = [
        Visit(start_of(day, 8 + n % 12), n, ("/", "/order"))
        for day in Period(RULES.first, LAST).dates
        for n in range(20)
    ]
    at = start_of(FIRST, 14)
    made += [
        Visit(at + timedelta(minutes=n), 900 + n // 2, ("/order",), errors=(("/order", 503),))
        for n in range(30)
    ]
    store = joined_store(made, hours)
    said = texts(found(store))
    assert re.search(
        r"The page /order answered 503 to 15 people on Mon,? 28 Feb from 14:00 to 14:29", said
    )


def test_a_number_without_a_sentence_of_its_own_is_not_called_usual() -> None:
    """A page that does not exist is met by many visits of the last day; nothing else changes."""
    last = FIRST + timedelta(days=21)
    made = [
        Visit(
            start_of(FIRST + timedelta(days=7 * week), 10),
            1000 * week + number,
            errors=(("/old", 404),) if number < (150 if week == 3 else 6) else (),
        )
        for week in range(4)
        for number in range(300)
    ]
    hours = hours_between(start_of(FIRST), start_of(last + timedelta(days=1)))
    settings = Settings(goals={"order": GoalSettings(page="/order")})
    now = start_of(last + timedelta(days=1), 3)
    view = View("orders").with_days(last, last)
    with page_of(joined_store(made, hours), view, now=now, settings=settings) as page:
        assert find_sentences(page).reason == "Some numbers below are more or less than usual."
        assert "higher than usual (2.0%)" in " ".join(texts_of(html_of(page)))
