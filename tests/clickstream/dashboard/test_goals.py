"""Sites without a goal, with a goal that no visit met, with one set later, and with another name.

A number of conversions is shown only if a goal exists.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard import strategies
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of
from tests.support.cases import each_case
from tests.support.examples import examples

from clickstream.cli.open_logs import _with_goals
from clickstream.core.expressions import Expression
from clickstream.dashboard.ask.view import CHOICES, TABS, View
from clickstream.dashboard.mail.content import build_content
from clickstream.dashboard.mail.week import Week
from clickstream.dashboard.pages.orders.values import orders_values
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.web.details import csv_lines
from clickstream.dashboard.widgets.goal_proposals import propose_goals
from clickstream.dashboard.widgets.goals import goal_rows
from clickstream.settings import FILE_NAME, DashboardSettings, GoalSettings, Settings

SETTINGS_FILE = Path(__file__).parents[3] / FILE_NAME
START = datetime(2026, 11, 2)
END = datetime(2026, 11, 16, 15)
HOUR = timedelta(hours=1)
HOURS = hours_between(START, END)
NO_GOALS = re.compile(r'<section class="panel wide no-goals".*?</section>', re.DOTALL)
OF_GOALS = re.compile(r"conver(?:sion|ted)|\border", re.IGNORECASE)


def visits(goal: str = "", pages: tuple[str, ...] = ("/", "/thank-you")) -> list[Visit]:
    """Visits of each third hour; with a goal, every fifth of them met it."""
    return [
        Visit(
            START + number * 3 * HOUR,
            number,
            pages,
            goals=(goal,) if goal and not number % 5 else (),
        )
        for number in range(115)
    ]


WITHOUT = FactStore(fact_tables(visits(), HOURS))
SIGNUP = Settings(goals={"signup": GoalSettings(page="/welcome")})


def shown(store: FactStore, view: View, settings: Settings | None = None) -> str:
    """The text of a page, without the panel on how to set a goal."""
    with page_of(store, view, settings=settings) as page:
        return " ".join(texts_of(NO_GOALS.sub("", html_of(page))))


@each_case("tab", [tab for tab in TABS if tab != "orders"])
def test_a_site_without_a_goal_shows_no_number_of_conversions(tab) -> None:
    text = shown(WITHOUT, View(tab, range="7d"))
    assert OF_GOALS.findall(text.replace("in their order", "")) == []


def test_the_page_of_conversions_of_a_site_without_a_goal_says_how_to_set_one() -> None:
    with page_of(WITHOUT, View("orders", range="7d")) as page:
        html = html_of(page)
    assert NO_GOALS.search(html)
    assert 'class="tile"' not in html


@each_case("name", sorted({*PANELS} - {"goals"}))
def test_no_csv_file_of_a_site_without_a_goal_has_conversions(name) -> None:
    with page_of(WITHOUT, View(PANELS[name].tab, range="7d")) as page:
        assert "conversion" not in "".join(csv_lines(page, name))


@given(strategies.views())
def test_any_address_is_a_page_of_a_site_without_a_goal(view: View) -> None:
    with page_of(WITHOUT, view) as page:
        assert not {page.view.metric, *page.view.choices.values()} & page.hidden
        assert html_of(page)


def test_every_choice_of_conversions_is_hidden() -> None:
    """A new choice that is a metric of goals must be one that `hidden` has."""
    with page_of(WITHOUT) as page:
        chosen = {one for some in CHOICES.values() for one in some if "conver" in one}
        assert chosen <= page.hidden


def test_the_mail_of_a_site_without_a_goal_has_no_conversions() -> None:
    week = Week.parse("2026-W46")
    view = View().with_days(week.first, week.last)
    with page_of(WITHOUT, view) as page:
        labels = [row.label for row in build_content(page, week).figures]
    assert labels == ["Visitors", "Visits", "Page views", "Engaged"]


def test_a_goal_that_nobody_met_is_zero() -> None:
    text = shown(WITHOUT, View(range="7d"), SIGNUP)
    assert re.search(r"Visits with signup (= )?\D*0 ", text)
    assert "Rate of signup" in text
    assert "signup 0 visits · 0.0%" in text
    with page_of(WITHOUT, View(range="7d"), settings=SIGNUP) as page:
        assert "No goal is set" not in html_of(page)
        assert [row.since for row in goal_rows(page)] == [""]


def test_hours_that_were_built_before_a_goal_was_set_are_named() -> None:
    changed = datetime(2026, 11, 12, 9)
    hours = [
        *hours_between(START, changed, settings="before"),
        *hours_between(changed, END, settings="after"),
    ]
    met = [one for one in visits("signup") if one.started_at > changed]
    earlier = [one for one in visits() if one.started_at < changed]
    with page_of(
        FactStore(fact_tables([*earlier, *met], hours)), View(range="7d"), settings=SIGNUP
    ) as page:
        assert goal_rows(page)[0].since == (
            "No visit met it in 57 hours before 12 Nov, 09:00, which were built with other "
            "settings: perhaps it was not set yet."
        )
    with page_of(
        FactStore(fact_tables(visits("signup"), hours)), View(range="7d"), settings=SIGNUP
    ) as page:
        assert goal_rows(page)[0].since == ""


def test_a_goal_of_another_name_gives_its_name_to_the_page() -> None:
    store = FactStore(fact_tables(visits("signup"), HOURS))
    text = shown(store, View("orders", range="7d"), SIGNUP)
    assert "Overview Visitors Marketing Conversions Places" in text
    assert "Visits with signup" in text
    assert re.findall(r"\border", text.replace("in their order", "")) == []
    assert "Orders are counted from" not in text


def test_pages_that_look_like_a_goal_are_proposed_with_their_visits() -> None:
    pages = (
        "/",
        "/Danke.html",
        "/shop/order-confirmation",
        "/thanksgiving",
        "/accounts/register/complete",
    )
    store = FactStore(fact_tables(visits(pages=pages)[:30], HOURS))
    with page_of(store, View(range="28d")) as page:
        found = propose_goals(page)
        html = html_of(page)
    assert [(one.name, one.page, one.visits) for one in found.pages] == [
        ("thanks", "/Danke.html", 30),
        ("signup", "/accounts/register/complete", 30),
        ("order", "/shop/order-confirmation", 30),
    ]
    assert "No goal is set" in html
    assert "clickstream build 2026-11-02T00 2026-11-16T14 --outdated" in html
    assert "[goals.signup]\npage = &#39;/accounts/register/complete&#39;" in html


@given(st.lists(strategies.values.map("/thanks/{}".format), min_size=1, max_size=4))
def test_proposed_lines_are_valid_settings_that_match_the_page(pages: list[str]) -> None:
    store = FactStore(fact_tables([Visit(START + HOUR, pages=pages)], HOURS[:3]))
    with page_of(store, View(range="28d")) as page:
        found, of_open = propose_goals(page), propose_goals(replace(page, engine="DuckDB"))
    by_file = Settings.model_validate(tomllib.loads(SETTINGS_FILE.read_text() + found.code)).goals
    options = shlex.split(of_open.code)
    assert {*options[::2]} == {"--goal"}
    assert _with_goals(Settings(), options[1::2]).goals == by_file
    assert by_file
    assert {one.page for one in found.pages} <= {*pages}
    first_of_name = {one.name: one.page for one in reversed(found.pages)}
    for name, proposed in first_of_name.items():
        assert Expression(by_file[name].page).matches(proposed)


def test_a_site_without_such_pages_gets_an_example() -> None:
    store = FactStore(fact_tables([Visit(START)], HOURS))
    with page_of(store, View(range="28d")) as page:
        found = propose_goals(page)
    assert (found.pages, found.code) == ([], "[goals.order]\npage = '/thank-you'")


@given(
    st.lists(strategies.visits, min_size=1, max_size=12), st.sampled_from(["order", "newsletter"])
)
@examples(times=0.5)
def test_every_page_and_the_mail_count_the_visits_with_the_main_goal(rows, goal: str) -> None:
    """A site with two goals has one number, of the visits with the goal that `order_goal` names."""
    goals = {name: GoalSettings(page=f"/{name}") for name in ("order", "newsletter")}
    own = Settings(goals=goals, dashboard=DashboardSettings(order_goal=goal))
    first, last = (pick(one.started_at.date() for one in rows) for pick in (min, max))
    met = str(sum(goal in visit.goals for visit in rows))
    week = Week.of(last)
    start = datetime(first.year, first.month, first.day)
    store = FactStore(fact_tables(rows, hours_between(start, datetime(2026, 12, 1))))
    view = View().with_days(first, last)
    with page_of(store, view, now=datetime(2026, 12, 1), settings=own) as page:
        tiles = {row.label: row.value for row in build_content(page, week).figures}
        sums = [
            sum(row[-1] for row in page.answer(("conversions",), (by,)).rows)
            for by in ("channel", "day", "landing_page")
        ]
    with page_of(store, view.on_tab("orders"), now=datetime(2026, 12, 1), settings=own) as page:
        figure = orders_values(page)["figures"][0]
    assert tiles["Orders"] == figure.value == met
    assert sums == [int(met)] * 3
