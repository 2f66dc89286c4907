"""Every question of docs/trust.md is asked again, and has the answer that stands there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.support.late_cafe import build_late_cafe

from clickstream.lake import Lake, athena, raw
from clickstream.pipeline.proof.verify import verify

PAGE = Path(__file__).parents[4] / "docs" / "trust.md"
ANSWERED = re.compile(r"^```sql\n(.*?)^```\n\n^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MOMENT = re.compile(r"(?<=timestamp as of timestamp ')[^']*")
BY_CLOCK_OR_KEY = {
    *("late_by_an_hour", "late_by_a_day", "late_by_more", "late_by_seconds_at_most"),
    *("old_session_id", "new_session_id"),
}
"""Columns that are others whenever the lake is built: as many values are there, and that is all."""


def cells(text: str) -> list[list[str]]:
    """The cells of a table as `clickstream query` shows it, its header first."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" ─")]
    return [re.split(r" {2,}", line) for line in lines]


@pytest.fixture
def between(lake: Lake, tmp_path: Path) -> datetime:
    return build_late_cafe(lake, tmp_path / "logs")


@pytest.mark.lake
def test_the_answers_are_those_of_the_page(lake: Lake, between: datetime) -> None:
    questions = ANSWERED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(questions) == PAGE.read_text(encoding="utf-8").count("```sql")
    for sql, answer in questions:
        moment = f"{between:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
        found = athena.query(lake, MOMENT.sub(moment, sql))
        header, *rows = cells(answer)
        assert found.columns == header, sql
        assert [*masked(header, found.rows)] == [*masked(header, rows)], sql
    assert verify(lake).is_proven
    assert_the_number_leads_to_its_lines(lake)


def masked(header: list[str], rows: Iterable[Iterable[object]]) -> Iterator[dict[str, str]]:
    """Rows as the page shows them, without what differs from build to build."""
    for row in rows:
        shown = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in row)
        pairs = zip(header, shown, strict=True)
        yield {name: text for name, text in pairs if name not in BY_CLOCK_OR_KEY}


def assert_the_number_leads_to_its_lines(lake: Lake) -> None:
    sql = "select raw_object, line_number from page_views where page = '/'"
    for key, number in athena.query(lake, sql).rows:
        line = raw.read(lake, raw.RawObject(key, 0)).splitlines()[number - 1]
        assert re.search(rb'"GET /(\?\S*)? HTTP/[12][.][01]" 200 ', line)
