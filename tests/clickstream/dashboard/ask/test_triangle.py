"""Every panel three times: the local copy, Athena, and the truth of the simulated café.

`make test` asks each panel once; `make test-deep` asks 3 ranges with 5 filters in 2 time zones,
over the night in which the clocks change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.clickstream.dashboard.cafe_truth import CafeTruth
from tests.clickstream.dashboard.sold_orders import pairs_beyond_chance, sold_orders
from tests.support.engines import TrinoOfLake
from tests.support.lakes import built, settings_of_a_lake
from tests.support.sales_files import break_sales, pull_sales, with_sales, write_rows, write_sales
from tests.support.tiers import first_in_make_test, one_of_each

from clickstream import settings
from clickstream.cli.sales import describe_tags
from clickstream.core.hours import Hour
from clickstream.dashboard.ask.answers import Answer, Answers
from clickstream.dashboard.ask.engines import AthenaEngine, LocalEngine, Reader, ask_athena
from clickstream.dashboard.ask.fact_views import MONEY
from clickstream.dashboard.ask.folding import fold
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import Trend
from clickstream.dashboard.ask.periods import Period, start_of
from clickstream.dashboard.ask.question import Question, build_question
from clickstream.dashboard.ask.view import GRAINS, TABS, Filter, Tab, View
from clickstream.dashboard.changes.days import Days, daily_question
from clickstream.dashboard.changes.failures import FAILED
from clickstream.dashboard.changes.looks import LOOKS
from clickstream.dashboard.charts.maps import frames
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.pages import panels
from clickstream.dashboard.pages.marketing.values import build_costs_without_visits
from clickstream.dashboard.pages.orders.panels import CUSTOMERS, MENU_SALES, PAIRS
from clickstream.dashboard.pages.orders.questions import item_pages, order_filter
from clickstream.dashboard.pages.orders.values import build_funnel
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.pages.trust.sales import build_sales
from clickstream.dashboard.visits.log_lines import LoggedVisit, read_log_lines
from clickstream.dashboard.visits.questions import (
    VISIT_COLUMNS,
    id_text,
    page_views_question,
    visits_question,
)
from clickstream.dashboard.visits.sample import logged
from clickstream.dashboard.web.details import is_same
from clickstream.dashboard.web.rendering import Renderer
from clickstream.dashboard.widgets.page import PageContext
from clickstream.demo.cafe import CafeRules, Truth, write_history
from clickstream.demo.cafe.places import write_demo_database
from clickstream.lake import Lake, athena
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.sales.check import check_source
from clickstream.pipeline.sales.status import newest_dates
from clickstream.pipeline.sales.tags import compare_stored_tags

ROOT = Path(__file__).parents[4]
CLOCKS_CHANGE = date(2026, 10, 25)
"""In Europe; in New York a week later."""

RULES = CafeRules(seed=7, visitors_per_hour=25, bots_per_hour=4, story_begins=date(2026, 10, 5))
FIRST, HOURS, DEEP_HOURS = Hour.parse("2026-10-24T18"), 14, 60
FAILURE = Hour.parse("2026-10-23T11")
"""The hour of the story in which the order form answers 500."""

WHOLE = Period(date(2026, 10, 24), date(2026, 10, 27))
HOSTILE = ("/'; drop table visits; --", "'", '"><script>alert(1)</script>')

PERIODS = (
    WHOLE,
    Period(CLOCKS_CHANGE, CLOCKS_CHANGE),
    Period(date(2026, 10, 24), CLOCKS_CHANGE, until_hour=3),
)
PEOPLE = [
    {"country": country, "region": region, "name": name, "year": 2020}
    | {"measure": "people", "value": value}
    for country, region, name, value in (
        *(("GB", "England", "London", 8_800_000), ("GB", "", "England", 57_000_000)),
        ("US", "NY", "New York", 8_500_000),
    )
]
UNKNOWN = ("time_on_page",)
"""Metrics that the truth does not know beside those that it knows."""

FILTERS: Sequence[Sequence[Filter]] = (
    (),
    (Filter("country", ("GB",)),),
    (Filter("city", ("London, England, GB", None)),),
    (Filter("device", ("mobile",)), Filter("channel", ("Email", "Direct"), is_excluded=True)),
    (Filter("page", ("/cafe/menu.php",)),),
    (Filter("landing_page", (*HOSTILE, "/", "/cafe/menu.php")), Filter("campaign", (None,))),
)


@dataclass(frozen=True)
class Cafe:
    """A lake with a café's hours in one time zone, its truth, and a copy of its facts."""

    lake: Lake
    truth: CafeTruth
    copy: LocalEngine


def build_cafe(
    endpoint: str,
    directory: Path,
    hours: int,
    zone: str,
    stack: ExitStack,
    first: Hour = FIRST,
    sells: bool = True,
) -> Cafe:
    last = first.plus(hours - 1)
    truth = write_history(directory / "logs", first, last, RULES)
    write_demo_database(directory / "places.mmdb")
    hopes = settings.load(ROOT / "cafe.toml", {})
    own = {
        "site": settings.SiteSettings(name="cafe", domains=RULES.domains, time_zone=zone),
        "goals": hopes.goals,
        "funnel": hopes.funnel,
        "dashboard": hopes.dashboard,
        "geoip": settings.GeoIpSettings(database=str(directory / "places.mmdb")),
        "directory": ROOT,
    }
    settled = settings_of_a_lake(endpoint, directory / "logs").model_copy(update=own)
    if not sells:
        return with_copy(built(settled, first, last), truth, zone, directory, stack)
    lake = built(with_sales(settled, directory, ("till", "web")), first, last)
    for source, orders in zip(lake.settings.sales, (24, 8), strict=True):
        write_sales(Path(source.path), WHOLE.dates[:3], orders)
    break_sales(directory / "till", *WHOLE.dates[1:3])
    write_rows(directory / "till/demographics.csv", "demographics", PEOPLE)
    pull_sales(lake, last.end)
    return with_copy(lake, truth, zone, directory, stack)


def with_copy(lake: Lake, truth: Truth, zone: str, directory: Path, stack: ExitStack) -> Cafe:
    refresh_facts(lake)
    copy = LocalEngine(lake, directory / f"copy-{zone.replace('/', '-')}")
    stack.callback(copy.close)
    assert copy.refresh()
    shops = [Path(source.path) for source in lake.settings.sales]
    return Cafe(lake, CafeTruth(truth, ZoneInfo(zone), shops), copy)


@pytest.fixture(scope="module")
def cafe(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cafe]:
    with ExitStack() as stack:
        directory = tmp_path_factory.mktemp("cafe")
        yield build_cafe(local_aws.endpoint, directory, HOURS, "Europe/London", stack)


@pytest.fixture(scope="module")
def failing_cafe(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cafe]:
    """The three hours around the one in which the order form fails."""
    with ExitStack() as stack:
        directory = tmp_path_factory.mktemp("cafe")
        first = FAILURE.minus(1)
        yield build_cafe(
            local_aws.endpoint, directory, 3, "Europe/London", stack, first, sells=False
        )


@pytest.fixture(scope="module", params=["Europe/London", "America/New_York"])
def deep_cafe(
    request: pytest.FixtureRequest, local_aws: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cafe]:
    with ExitStack() as stack:
        directory = tmp_path_factory.mktemp("cafe")
        yield build_cafe(local_aws.endpoint, directory, DEEP_HOURS, request.param, stack)


def assert_same_rows(ours: Sequence[Any], theirs: Sequence[Any], what: str) -> None:
    ours, theirs = (sorted(rows, key=repr) for rows in (ours, theirs))
    assert len(ours) == len(theirs), what
    for one, other in zip(ours, theirs, strict=True):
        assert all(map(is_same, one, other)), (what, one, other)


def check(cafe: Cafe, question: Question, period: Period, filters: Sequence[Filter]) -> None:
    """Ask the copy and Athena, and hold both against the truth where it knows."""
    with cafe.copy.reader() as reader:
        ours = reader.rows(question)
    assert_same_rows(ours, ask_athena(cafe.lake, question), question.sql)
    known = [name for name in question.metrics if name not in UNKNOWN]
    expected = cafe.truth.rows(known, question.dimensions, period, filters)
    if expected is not None and known:
        names = (*question.dimensions, *question.metrics)
        kept = [place for place, name in enumerate(names) if name not in UNKNOWN]
        shown = [tuple(row[place] for place in kept) for row in ours]
        assert_same_rows(shown, expected, question.sql)
    elif question.metrics[0] == "page_visits":
        seen = [row[:3] for row in ours]
        assert_same_rows(seen, cafe.truth.items(period, filters), question.sql)


def questions_of(
    cafe: Cafe, panel_name: str, view: View, period: Period
) -> Iterator[tuple[Question, Sequence[Filter]]]:
    """What a panel asks, each question with the filters that hold for it."""
    panel = PANELS[panel_name]
    grains = GRAINS if isinstance(panel, Trend) or panel.is_over_time else (None,)
    for grain in grains:
        with cafe.copy.reader() as reader:
            page = page_in(cafe, reader, replace(view, grain=grain))
            page.__dict__["period"] = period
            asked = panels.questions_of(page, panel)
        for question in asked:
            yield question, filters_of(question, panel_name, page)


def filters_of(question: Question, panel_name: str, page: PageContext) -> Sequence[Filter]:
    """The view's filters, and those that a panel of the Orders page adds."""
    chosen = PANELS[panel_name].filters(page.view)
    ordered = (order_filter(page),) if order_filter(page) in question.filters else ()
    if panel_name == "items":
        return (*chosen, Filter("page", item_pages(page)), *ordered)
    return (*chosen, *ordered)


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_shows_what_athena_says_and_what_is_true(cafe: Cafe, name: str) -> None:
    filters = FILTERS[3] if PANELS[name].is_filtered else ()
    view = View(PANELS[name].tab, filters=tuple(filters))
    for question, chosen in questions_of(cafe, name, view, WHOLE):
        check(cafe, question, question.period, chosen)


def test_orders_and_amounts_are_what_athena_says_and_what_is_true(cafe: Cafe) -> None:
    for name in ("totals", "trend", "acquisition", "sales_matches"):
        for question, _ in questions_of(cafe, name, View(PANELS[name].tab), WHOLE):
            if METRICS[question.metrics[0]].facts is MONEY:
                check(cafe, question, question.period, ())


def test_sales_are_those_of_the_status_and_of_the_files(cafe: Cafe) -> None:
    """The page, the facts, the view and the command have the same sums to the cent."""
    with cafe.copy.reader() as reader:
        page = page_in(cafe, reader, View("trust", range="own", first=WHOLE.first, last=WHOLE.last))
        shown = {row.name: row.cells for row in build_sales(page).rows}
    today = WHOLE.last
    dates = newest_dates(cafe.lake, list(shown), 400, today)
    view = "select sales_source, sum(net_cents), sum(orders) from reconciliation group by 1"
    answered = {name: sums for name, *sums in athena.query(cafe.lake, view).rows}
    for source in cafe.lake.settings.sales:
        some = [one.ledger for one in dates if one.source == source.name]
        net = sum(one["gross_cents"] - one["refunded_cents"] for one in some)
        assert answered[source.name] == [net, sum(one["orders"] for one in some)]
        totals = check_source(cafe.lake.settings, source, 400, datetime(2027, 1, 1)).totals
        assert totals.net_cents == net
        cells = shown[source.name]
        assert cells[0] == str(len(some)) == "3"
        assert cells[2] == str(answered[source.name][1])
        assert cells[-1] == f"€{net / 100:,.2f}"


def test_costs_without_visits_are_those_of_the_command(cafe: Cafe) -> None:
    """The café's sources have the cost of a campaign whose tag differs from that of its links."""
    view = View("marketing").with_days(WHOLE.first, WHOLE.last)
    with cafe.copy.reader() as reader:
        shown = build_costs_without_visits(page_in(cafe, reader, view))
    found = compare_stored_tags(cafe.lake, WHOLE.first, WHOLE.last)
    assert shown
    assert [row.name for row in shown.costs] == ["cakes-near-me · google", "(none) · google"]
    assert [one.campaign_id for one in found.without_visits] == ["cakes", "coffee"]
    [pair] = found.proposals
    sentence = f"cakes-near-me · google may be {pair.visited.tag.campaign} · google: only case"
    assert shown.costs[0].proposal.startswith(sentence)
    assert shown.visits == [
        (f"{one.tag.campaign} · {one.tag.source}", one.visits) for one in found.without_cost
    ]
    assert pair.visited.tag.campaign == "cakes near me"
    text = "\n".join(describe_tags(found))
    assert "cakes,google,cakes near me" in text
    assert "Costs without visits:\n  google cakes  cakes-near-me from google  75.00 EUR" in text


def test_items_pairs_and_customers_are_those_of_the_files(cafe: Cafe) -> None:
    sold = sold_orders([Path(one.path) for one in cafe.lake.settings.sales])
    view = View("orders").with_days(WHOLE.first, WHOLE.last)
    with cafe.copy.reader() as reader:
        page = page_in(cafe, reader, view)
        items, pairs, customers = (
            {row[:size]: row[size:] for row in page.ask(page.questions(panel)[0]).rows}
            for panel, size in ((MENU_SALES, 1), (PAIRS, 2), (CUSTOMERS, 1))
        )
        shown, zone = page.until_complete(page.period), cafe.truth.zone
    assert shown.until_hour
    end = start_of(shown.last, shown.until_hour)
    known = [one for one in sold if one.at.astimezone(zone).replace(tzinfo=None) < end]
    of_dates = [one for one in sold if one.day(zone) <= shown.last]  # items have no hour
    counts = Counter(name for one in of_dates for name in {*one.names})
    assert {name: n for (name,), (n, *_) in items.items()} == counts
    lifts = {frozenset(pair): lift for pair, (_, lift) in pairs.items()}
    assert lifts == pytest.approx(pairs_beyond_chance([one.names for one in of_dates]))
    kinds = Counter(one.kind(sold, zone) for one in known)
    assert {kind: orders for (kind,), (orders, _) in customers.items()} == kinds
    assert len(kinds) == 3


@pytest.mark.parametrize("by", ["country", "region", "city"])
def test_places_of_few_visitors_are_folded_alike(cafe: Cafe, by: str) -> None:
    """On the copy and on Athena, and so that they add up to the true total."""
    metrics = ("visits", "visitors", "conversions")
    question = build_question(metrics, (by,), WHOLE, goal="order")
    check(cafe, question, WHOLE, ())
    with cafe.copy.reader() as reader:
        ours = fold(Answers(cafe.copy).asker(reader), question)
    theirs = fold(lambda one: Answer(one, ask_athena(cafe.lake, one)), question)
    assert ours.rows == theirs.rows
    total = cafe.truth.rows(metrics, (), WHOLE, ())
    assert total is not None
    assert sum(row[1] for row in ours.rows) == total[0][0]
    assert all(row[2] >= 10 for row in ours.rows)


def searches() -> Iterator[Question]:
    """Searches of texts that careless SQL would read as patterns, quotes or other letters."""
    for text in ("CAFE", "'", "%", "_", "<ScRiPt>"):
        for metrics, by in ((("visits",), ("landing_page",)), (("views",), ("page",))):
            named: list[str | None] = [None, "/"] if text == "CAFE" else []
            yield build_question(metrics, by, WHOLE).containing(text, {by[0]: named}, 50)


def test_a_search_finds_what_athena_finds(cafe: Cafe) -> None:
    for question in searches():
        with cafe.copy.reader() as reader:
            ours = reader.rows(question)
        assert_same_rows(ours, ask_athena(cafe.lake, question), question.sql)


@pytest.mark.deep
@pytest.mark.trino
def test_a_search_finds_what_a_real_trino_finds(cafe: Cafe, trino: TrinoOfLake) -> None:
    for question in searches():
        with cafe.copy.reader() as reader:
            ours = reader.rows(question)
        theirs = trino.query(cafe.lake, question.sql_with_values()).rows
        assert_same_rows(ours, theirs, question.sql)


def test_cities_lie_where_the_visitors_of_the_cafe_are(cafe: Cafe) -> None:
    """In the frame of their country's outline."""
    question = build_question(
        ("place_longitude", "place_latitude"), ("place_country", "place_city"), WHOLE
    )
    with cafe.copy.reader() as reader:
        ours = reader.rows(question)
    assert_same_rows(ours, ask_athena(cafe.lake, question), question.sql)
    cities = [row for row in ours if row[1] is not None]
    assert len(cities) > 10
    for country, city, longitude, latitude in cities:
        assert any(frame.holds(longitude, latitude) for frame in frames(country)), city


def test_the_sums_of_bots_errors_and_rejects_are_those_of_the_hours(cafe: Cafe) -> None:
    with cafe.copy.reader() as reader:
        (hours,) = reader.rows(build_question(("bots", "rejected"), (), WHOLE))
        (bots,) = reader.rows(build_question(("bot_requests",), (), WHOLE))
        (rejects,) = reader.rows(build_question(("rejected_lines",), (), WHOLE))
        (errors,) = reader.rows(build_question(("errors",), (), WHOLE))
    assert (bots[0], rejects[0]) == hours
    total = cafe.truth.truth.total
    assert errors[0] == total.client_errors + total.server_errors


def page_in(cafe: Cafe, reader: Reader, view: View, answers: Answers | None = None) -> PageContext:
    currency = cafe.lake.settings.sales_currency
    formats = Formats(parse_locale("en-GB"), currency)
    now = datetime(2026, 10, 26, 12, tzinfo=UTC).replace(tzinfo=None)
    ask = (answers or Answers(cafe.copy)).asker(reader)
    return PageContext(view, ask, formats, now, cafe.lake.settings, cafe.truth.zone, reader.state)


def rendered(cafe: Cafe, reader: Reader, answers: Answers, view: View) -> str:
    page = page_in(cafe, reader, view, answers)
    return Renderer.create(page.formats, "Café").tab(page)


@pytest.mark.parametrize("tabs", first_in_make_test([[*TABS[::2]], [*TABS[1::2]]], 1))
def test_pages_from_athena_are_those_from_the_copy(cafe: Cafe, tabs: Sequence[Tab]) -> None:
    """Pages have questions in common, which each engine answers once, as for readers."""
    engine = AthenaEngine(cafe.lake)
    assert engine.refresh()
    ours, theirs = Answers(cafe.copy), Answers(engine)
    with cafe.copy.reader() as local, engine.reader() as athena:
        for tab in tabs:
            view = View(tab, range="7d", compare="none", filters=(Filter("device", ("mobile",)),))
            page = rendered(cafe, local, ours, view)
            assert page == rendered(cafe, athena, theirs, view), tab


COMPARED = Days(Period(date(2026, 10, 18), CLOCKS_CHANGE, until_hour=5))
"""Eight days to a cut hour, of which the days before have early and late hours."""


def questions_of_sentences(tab: Tab, filters: Sequence[Filter]) -> Iterator[Question]:
    """What the sentences of a tab ask, errors included."""
    for look in LOOKS[tab]:
        chosen = filters if METRICS[look.asked[0]].facts.has_sessions else ()
        yield daily_question(COMPARED, look.asked, look.by, chosen, goal="order")
    yield daily_question(COMPARED, ("visits",), ("channel", "device"), filters)
    yield daily_question(COMPARED, ("visitors",), (), filters)
    yield daily_question(COMPARED, (FAILED,), ("failed_page",), filters)
    yield daily_question(COMPARED, ("published_hours", "incomplete_hours"))
    morning = Days(Period(CLOCKS_CHANGE, CLOCKS_CHANGE, until_hour=5))
    yield daily_question(morning, ("visits",), ("channel",), filters)


@pytest.mark.parametrize("tabs", first_in_make_test([[*TABS[:1]], [*TABS[1:]]], 1))
def test_the_days_of_sentences_are_what_athena_says(cafe: Cafe, tabs: Sequence[Tab]) -> None:
    """Tabs have questions in common, which are asked once."""
    for question in {one for tab in tabs for one in questions_of_sentences(tab, FILTERS[2])}:
        with cafe.copy.reader() as reader:
            ours = reader.rows(question)
        assert_same_rows(ours, ask_athena(cafe.lake, question), question.sql)


@pytest.mark.deep
@pytest.mark.trino
def test_a_real_trino_gives_the_days_of_sentences(cafe: Cafe, trino: TrinoOfLake) -> None:
    for question in questions_of_sentences("overview", FILTERS[2]):
        with cafe.copy.reader() as reader:
            ours = reader.rows(question)
        theirs = trino.query(cafe.lake, question.sql_with_values()).rows
        assert_same_rows(ours, theirs, question.sql)


@pytest.mark.trino
@pytest.mark.parametrize("name", one_of_each(3, PANELS))
def test_a_real_trino_gives_the_answers_of_the_copy(
    cafe: Cafe, trino: TrinoOfLake, name: str
) -> None:
    panel = PANELS[name]
    for filters in FILTERS if name == "totals" else FILTERS[3:4] if panel.is_filtered else [()]:
        for view in views_of(name, View(panel.tab, filters=tuple(filters))):
            for question, _ in questions_of(cafe, name, view, WHOLE):
                with cafe.copy.reader() as reader:
                    ours = reader.rows(question)
                theirs = trino.query(cafe.lake, question.sql_with_values()).rows
                assert_same_rows(ours, theirs, question.sql)


@pytest.mark.deep
@pytest.mark.parametrize(
    "filters", FILTERS, ids=["none", "country", "city", "two", "page", "hostile"]
)
@pytest.mark.parametrize("period", PERIODS, ids=["four days", "clocks change", "cut"])
def test_every_panel_range_filter_and_time_zone_agree(
    deep_cafe: Cafe, period: Period, filters: Sequence[Filter]
) -> None:
    for name, panel in PANELS.items():
        chosen = tuple(filters) if panel.is_filtered else ()
        for view in views_of(name, View(panel.tab, filters=chosen)):
            for question, filters_held in questions_of(deep_cafe, name, view, period):
                check(deep_cafe, question, question.period, filters_held)


def views_of(name: str, view: View) -> Iterator[View]:
    """The view with each choice of a panel."""
    for choice in PANELS[name].asks or {"": ()}:
        yield view.with_choice(name, choice) if choice else view


@pytest.mark.parametrize("filters", FILTERS[:5])
def test_the_list_of_visits_is_what_athena_says_and_what_is_true(
    cafe: Cafe, filters: Sequence[Filter]
) -> None:
    question = visits_question(WHOLE, filters, 100_000)
    columns = [*question.metrics]
    with cafe.copy.reader() as reader:
        ours = [with_ids(dict(zip(columns, row, strict=True))) for row in reader.rows(question)]
    theirs = [dict(zip(columns, row, strict=True)) for row in ask_athena(cafe.lake, question)]
    assert ours == theirs
    shown = ("channel", "landing_page", "exit_page", "page_views", "conversions", "errors")
    true = [
        (one.started_at.replace(tzinfo=None), *(getattr(one, name) for name in shown))
        for one in cafe.truth.chosen(WHOLE, filters)
    ]
    found = [(row["started_at"], *(row[name] for name in shown)) for row in ours]
    assert sorted(found, key=repr) == sorted(true, key=repr)


def with_ids(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: id_text(row[name]) for name in ("session_id", "visitor_id")}


def test_page_views_of_a_visit_have_their_true_times(cafe: Cafe) -> None:
    true = {
        (one.started_at.replace(tzinfo=None), one.landing_page, len(one.pages)): one
        for one in cafe.truth.chosen(WHOLE, ())
    }
    with cafe.copy.reader() as reader:
        listed = reader.rows(visits_question(WHOLE, (), 40))
        for row in listed:
            visit = with_ids(dict(zip(VISIT_COLUMNS, row, strict=True)))
            one = true[visit["started_at"], visit["landing_page"], visit["page_views"]]
            question = page_views_question(visit["session_id"], visit["local_date"])
            records = Answer(question, reader.rows(question)).records()
            found = [
                (view["page"], one.started_at + timedelta(seconds=view["seconds_in_visit"]))
                for view in records
            ]
            assert found == [(view.page, view.viewed_at) for view in one.pages]


OF_ID = "substr(session_id, 1, 16) = '{}'"


def test_log_lines_of_a_visit_are_all_its_requests_and_of_its_dates_only(cafe: Cafe) -> None:
    """The café's log is of two UTC dates."""
    true = {
        (one.started_at.replace(tzinfo=None), one.landing_page, len(one.pages)): one
        for one in cafe.truth.chosen(WHOLE, ())
    }
    with cafe.copy.reader() as reader:
        first = reader.rows(visits_question(Period(WHOLE.first, WHOLE.first), (), 3))
    for row in first:
        visit = with_ids(dict(zip(VISIT_COLUMNS, row, strict=True)))
        one = true[visit["started_at"], visit["landing_page"], visit["page_views"]]
        found = read_log_lines(cafe.lake, logged([visit]))
        sql = f"select sum(requests - assets) from session_parts where {OF_ID}"
        counted = athena.query(cafe.lake, sql.format(visit["session_id"])).rows
        assert counted == [(len(found.lines),)]
        viewed = {view.viewed_at.replace(tzinfo=None) for view in one.pages}
        assert viewed <= {line.at for line in found.lines}
        assert not found.are_deleted
    some = (visit["session_id"], datetime(2026, 10, 24, 19))
    of_date, of_both = (
        read_log_lines(cafe.lake, [LoggedVisit(*some, hours * 3600)]) for hours in (1, 10)
    )
    assert 0 < of_date.scanned_bytes < of_both.scanned_bytes


def test_sample_lines_are_the_first_of_each_visit(cafe: Cafe) -> None:
    with cafe.copy.reader() as reader:
        rows = reader.rows(visits_question(Period(WHOLE.first, WHOLE.first), (), 5))
    visits = logged([with_ids(dict(zip(VISIT_COLUMNS, row, strict=True))) for row in rows])
    whole = read_log_lines(cafe.lake, visits).lines
    sample = read_log_lines(cafe.lake, visits, 3)
    assert sample.has_more
    of_each = [[one for one in whole if one.session_id == visit.session_id] for visit in visits]
    assert all(of_each)
    assert {*sample.lines} == {line for lines in of_each for line in lines[:3]}


def test_errors_of_the_funnel_are_those_of_the_hits(failing_cafe: Cafe) -> None:
    """Counted by SQL over the hits, with the expressions of the settings in the SQL."""
    day = FAILURE.event_date
    with failing_cafe.copy.reader() as reader:
        page = page_in(failing_cafe, reader, View("orders").with_days(day, day))
        found = {step.name: step.errors for step in build_funnel(page).steps}
    form = found["order form"]
    assert form
    assert form.statuses == [(500, form.visits)]
    assert form.stopped > 0
    for number, step in enumerate(failing_cafe.lake.settings.funnel):
        errors = found[step.name]
        shown = (errors.visits, errors.requests, errors.stopped) if errors else (0, 0, 0)
        assert shown == errors_in_hits(failing_cafe, step.page, number), step.name


def errors_in_hits(cafe: Cafe, expression: str, steps_before: int) -> tuple[int, ...]:
    """Visits, requests and visits that got no further, of errors on pages of an expression."""
    sql = f"""
        select count(distinct s.session_id), count(*),
            count(distinct s.session_id)
                filter (where coalesce(s.funnel_steps, 0) <= {steps_before})
        from sessions s, session_parts p, hits h
        where s.session_id = p.session_id and p.part_id = h.part_id
            and h.status >= 400 and h.kind <> 'asset'
            and regexp_like(h.page, '^({expression})$')
    """
    (row,) = athena.query(cafe.lake, sql).rows
    return row


def test_a_new_time_zone_moves_the_days_of_the_same_visits(cafe: Cafe, tmp_path: Path) -> None:
    """Last, because it changes the lake's views."""
    zone = "Pacific/Auckland"
    site = cafe.lake.settings.site.model_copy(update={"time_zone": zone})
    moved = Lake(cafe.lake.settings.model_copy(update={"site": site}), cafe.lake.session)
    with ExitStack() as stack:
        auckland = with_copy(moved, cafe.truth.truth, zone, tmp_path, stack)
        question = build_question(("visits", "visitors"), ("day", "hour"), WHOLE)
        check(auckland, question, WHOLE, ())
