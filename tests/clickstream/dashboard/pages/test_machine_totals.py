"""Every total of the Machines page equals a count of the log's lines in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.dashboard.machine_log import (
    CRAWLER_NETWORK,
    FIRST,
    HOURS,
    ROBOTS,
    ZONE,
    MachineLog,
    sorted_lines,
    write_machine_log,
)
from tests.support.lakes import built, settings_of_a_lake

from clickstream.core.hours import Hour
from clickstream.dashboard.ask.answers import Answers
from clickstream.dashboard.ask.engines import LocalEngine, ask_athena
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.pages.machines.obedience import report_obedience
from clickstream.dashboard.pages.machines.operator_rows import operator_questions, return_questions
from clickstream.dashboard.pages.machines.panels import MACHINE_PAGES, PURPOSES
from clickstream.dashboard.web.rendering import Renderer
from clickstream.dashboard.widgets.page import PageContext
from clickstream.lake import Lake
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.settings.labels import BotSettings
from clickstream.settings.sections import GoalSettings, SiteSettings

REQUESTS = 40_000
VIEW = View("machines", compare="none").with_days(
    *(FIRST.astimezone(ZONE).date(), datetime(2026, 11, 21).date())
)


@dataclass(frozen=True)
class Machines:
    """The log, its lake, and the local copy of its facts."""

    log: MachineLog
    lake: Lake
    copy: LocalEngine

    @contextmanager
    def page(self, view: View = VIEW) -> Iterator[PageContext]:
        with self.copy.reader() as reader:
            yield PageContext(
                view,
                Answers(self.copy).asker(reader),
                Formats(parse_locale("en-GB")),
                datetime(2026, 11, 21, 12),
                self.lake.settings,
                ZONE,
                reader.state,
            )


@pytest.fixture(scope="module")
def machines(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    directory: Path = tmp_path_factory.mktemp("machines")
    log = write_machine_log(REQUESTS)
    (directory / "logs").mkdir()
    (directory / "logs" / "access.log").write_text("\n".join(sorted_lines(log)) + "\n")
    (directory / "googlebot.txt").write_text(f"{CRAWLER_NETWORK}\n")
    (directory / "robots.txt").write_text(ROBOTS)
    own = {
        "site": SiteSettings(name="site", domains=("site",), time_zone=ZONE.key),
        "bots": BotSettings(crawlers={"Googlebot": "googlebot.txt"}, robots_file="robots.txt"),
        "goals": {"order": GoalSettings(page="/thanks")},
        "directory": directory,
    }
    first = Hour.at(FIRST)
    settings = settings_of_a_lake(local_aws.endpoint, directory / "logs")
    lake = built(settings.model_copy(update=own), first, first.plus(HOURS - 1))
    refresh_facts(lake)
    copy = LocalEngine(lake, directory / "copy")
    assert copy.refresh()
    yield Machines(log, lake, copy)
    copy.close()


def rows_by(page: PageContext, question: Any) -> Mapping[Any, dict[str, Any]]:
    size = len(question.dimensions)
    return {
        row[:size]: dict(zip(question.metrics, row[size:], strict=True))
        for row in page.ask(question).rows
    }


def test_the_totals_of_operators_are_those_of_the_lines(machines: Machines) -> None:
    with machines.page() as page:
        whole, pages = (rows_by(page, one) for one in operator_questions(page))
    assert whole.keys() == machines.log.kinds.keys() == pages.keys()
    for kind, true in machines.log.kinds.items():
        found, read = whole[kind], pages[kind]
        assert found["bot_requests"] == true.requests
        assert found["bot_bytes"] == true.bytes
        assert found["bot_errors"] == true.errors
        assert found["bot_error_share"] == pytest.approx(true.errors / true.requests)
        assert found["bot_confirmed"] == true.confirmed
        assert found["bot_newest"] == true.newest.replace(minute=0, second=0, tzinfo=None)
        assert read["crawl_robots"] == true.pages["/robots.txt"]
        assert read["crawl_pages"] <= len(true.pages)
        if not read["crawl_other_pages"]:
            assert read["crawl_pages"] == len(true.pages)
    assert [kind for kind, read in pages.items() if read["crawl_other_pages"]] == [
        ("unknown operator", "scanner")
    ]


def test_requests_by_date_and_purpose_are_those_of_the_lines(machines: Machines) -> None:
    with machines.page() as page:
        rows = page.ask(page.questions(PURPOSES)[-1]).rows
    found: Counter[Any] = Counter()
    for bot_class, day, *_, requests in rows:
        found[day, bot_class] += requests
    assert found == machines.log.by_date


@pytest.mark.parametrize("operator", ["", "OpenAI", "unknown operator"])
def test_pages_of_machines_are_those_of_the_lines(machines: Machines, operator: str) -> None:
    with machines.page(VIEW.of_operator(operator)) as page:
        (question,) = page.questions(MACHINE_PAGES)
        found = {row[0]: row[1] for row in page.ask(question).rows}
    true: Counter[str | None] = Counter()
    for (name, _), one in machines.log.kinds.items():
        if operator in ("", name):
            true += one.pages
    assert sum(found.values()) == true.total()
    others = found.pop(None, 0)
    assert bool(others) == (operator != "OpenAI")
    scanned = {page for page in found if page.endswith(".cgi")}
    assert {page: n for page, n in found.items() if page not in scanned} == {
        page: n for page, n in true.items() if not str(page).endswith(".cgi")
    }


def test_disallowed_requests_are_those_of_another_parser(machines: Machines) -> None:
    with machines.page() as page:
        report = report_obedience(page)
    assert report.by_kind.keys() == machines.log.kinds.keys()
    for kind, one in report.by_kind.items():
        true = machines.log.kinds[kind]
        assert one.disallowed.total() == true.disallowed, kind
        is_checked = one.requests == true.requests
        assert is_checked == (kind != ("unknown operator", "scanner"))
    assert report.disobedient


def test_visits_and_orders_are_those_of_the_lines(machines: Machines) -> None:
    with machines.page() as page:
        sent, asked, read = (rows_by(page, one) for one in return_questions(page))
    del sent[(None,)]
    assert {key[0]: one["visits"] for key, one in sent.items()} == machines.log.visits
    orders = {key[0]: one["conversions"] for key, one in sent.items() if one["conversions"]}
    assert orders == {name: n for name, n in machines.log.orders.items() if n}
    requests: Counter[str] = Counter()
    pages: dict[str, set[str]] = {}
    for (name, _), one in machines.log.kinds.items():
        requests[name] += one.requests
        pages.setdefault(name, set()).update(one.pages)
    assert {key[0]: one["bot_requests"] for key, one in asked.items()} == requests
    for (name,), one in read.items():
        if not one["crawl_other_pages"]:
            assert one["crawl_pages"] == len(pages[name])


def test_athena_gives_the_answers_of_the_copy(machines: Machines) -> None:
    with machines.page() as page:
        asked = [*operator_questions(page), *return_questions(page), *page.questions(PURPOSES)]
        ours = [page.ask(one).rows for one in asked]
    for question, rows in zip(asked, ours, strict=True):
        assert sorted(rows, key=repr) == sorted(ask_athena(machines.lake, question), key=repr)


def test_the_page_shows_the_numbers(machines: Machines) -> None:
    with machines.page() as page:
        html = Renderer.create(page.formats, "Café").tab(page)
    training = machines.log.kinds["OpenAI", "ai training"]
    assert f"disobeyed {training.disallowed:,} of {training.requests:,}" in html
    assert "at least" in html
