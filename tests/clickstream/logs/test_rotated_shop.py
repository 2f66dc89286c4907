"""A shop's log directory has exact figures, and the statements of the page about SQL run on it."""

from __future__ import annotations

import re
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from rich.console import Console
from tests.support.cases import each_case
from tests.support.rotated_shop import DAYS, PROXY, RotatedShop, write_rotated_shop

from clickstream.dashboard.log_notes import LogNotes
from clickstream.logs.log_set import LogSet
from clickstream.logs.open_engine import LogEngine
from clickstream.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs" / "sql-on-log-files.md").read_text(encoding="utf-8")
QUESTIONS = {
    question: (sql, table)
    for question, sql, table in re.findall(
        r"^([^\n]+)\n\n```sql\n(.*?)^```\n\n((?:\|[^\n]*\n)+)", PAGE, re.MULTILINE | re.DOTALL
    )
}


class Exported(NamedTuple):
    directory: Path
    shop: RotatedShop
    notes: LogNotes

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.relation(sql).fetchall()

    def relation(self, sql: str) -> Any:
        return duckdb.sql(sql.replace("'exp/", f"'{self.directory}/"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    logs, cache, directory = (tmp_path_factory.mktemp(name) for name in ("log", "cache", "exp"))
    shop = write_rotated_shop(logs)
    settings = Settings.model_validate({"goals": {"order": {"page": "/kasse/danke"}}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        engine = LogEngine(LogSet([str(logs)], settings), cache, Console(file=StringIO()))
        with closing(engine):
            engine.refresh()
            engine.export(directory)
            return Exported(directory, shop, engine.notes)


def test_people_are_counted_behind_the_proxy_by_days_of_the_log_s_clock(exported: Exported) -> None:
    shop = exported.shop
    sql = """select local_date, count(*), sum(conversions) from 'exp/session_facts.parquet'
        where not is_suspected group by 1 order by 1"""
    assert exported.rows(sql) == [
        (day, visits, shop.orders[day]) for day, visits in sorted(shop.visits.items())
    ]
    by_channel = "select channel, count(*) from 'exp/session_facts.parquet' group by 1"
    assert dict(exported.rows(by_channel)) == shop.channels
    people = "select count(distinct visitor_id) from 'exp/session_facts.parquet'"
    assert exported.rows(people) == [(shop.visitors,)]


def test_page_views_of_the_statement_on_the_page_are_those_of_each_day(exported: Exported) -> None:
    [sql] = [sql for sql, _ in QUESTIONS.values() if "viewed_on" in sql]
    rows = exported.rows(re.sub(r"limit \d+", "", sql))
    assert {day: views for day, views, _ in rows} == exported.shop.views
    assert sum(late for _, _, late in rows) >= 9, "visits read on past midnight"


def test_every_line_has_its_kind(exported: Exported) -> None:
    shop = exported.shop
    columns = "lines page_requests assets bots health_checks client_errors rejected".split()
    sums = ", ".join(f"sum({column})" for column in columns)
    views, bots, missing = shop.views.total(), shop.bots.total(), shop.missing.total()
    assert exported.rows(f"select {sums} from 'exp/hour_facts.parquet'") == [
        (shop.lines, views, views, bots, shop.checks, missing, 0)
    ]
    by_bot = "select agent, sum(requests) from 'exp/bot_facts.parquet' group by 1"
    assert dict(exported.rows(by_bot)) == shop.bots
    by_page = "select page, sum(requests) from 'exp/error_facts.parquet' group by 1"
    assert dict(exported.rows(by_page)) == shop.missing


def test_the_proxy_and_the_clock_are_named_though_half_of_the_lines_are_own_checks(
    exported: Exported,
) -> None:
    shop = exported.shop
    behind = f"{shop.lines - shop.checks:,}"
    assert shop.checks > 0.4 * shop.lines
    assert exported.notes.proxy.startswith(
        "A proxy is in front of the site, so visitors are counted by the forwarded address: "
        f"{behind} of the first {behind} requests have a forwarded address and come from {PROXY}."
    )
    assert "UTC+01:00" in exported.notes.zone
    assert exported.notes.warning == ""
    assert len(shop.visits) == DAYS


def test_the_page_has_ten_questions_with_results(exported: Exported) -> None:
    assert len(QUESTIONS) == PAGE.count("```sql") == 10
    assert f"has {exported.shop.lines:,} lines" in PAGE
    files = {path.stem for path in exported.directory.glob("*.parquet")}
    assert set(re.findall(r"`(\w+_facts)`", PAGE)) == files


@each_case("question", [*QUESTIONS])
def test_a_question_has_the_answer_of_the_page(exported: Exported, question: str) -> None:
    sql, table = QUESTIONS[question]
    found = exported.relation(sql)
    header, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
    )
    printed = [["" if one is None else str(one) for one in row] for row in found.fetchall()]
    assert (found.columns, printed) == (header, rows)
