"""What readers of a lake see: every table and view as Athena answers, but for its history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clickstream.lake import Lake, athena
from clickstream.lake.views import views_of
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.settings import Settings
from clickstream.tables import RAW_OBJECTS, SESSION_CHANGES, TABLES

SQL = Path(__file__).parents[2] / "include" / "sql"
OF_HISTORY = {RAW_OBJECTS.name, SESSION_CHANGES.name, "late_lines"}
"""What tells how lines came, and nothing of what is in them."""

TABLES_READ = [table.name for table in TABLES if table.name not in OF_HISTORY]
ALL_VIEWS = sorted(view.name for view in views_of(Settings(), SQL))
"""The views of a lake without sales."""

VIEWS = [name for name in ALL_VIEWS if name not in OF_HISTORY]
HISTORY = (
    *("published_at", "published_by", "late_lines", "late_by_seconds"),
    *("raw_objects", "raw_digest", "raw_object", "line_number", "last_arrived_at"),
)
"""Columns that tell how lines came and when hours were published, not what is in them."""

Answers = dict[str, list[str]]


def answers(lake: Lake) -> Iterator[tuple[str, list[str]]]:
    """The rows of every table, then of every view, each as a text, in the order of these texts.

    Every difference in a value shows in its text: floats have as many digits as they need.
    """
    for table in TABLES_READ:
        yield table, _rows(lake, table)
    refresh_views(lake)
    for view in VIEWS:
        yield view, _rows(lake, view)


def assert_answers(lake: Lake, expected: Answers) -> None:
    """Relation by relation, so that a failure names the first that differs, and its rows."""
    for name, rows in answers(lake):
        assert rows == expected[name], name


def _rows(lake: Lake, relation: str) -> list[str]:
    found = athena.query(lake, f"select * from {relation}")
    kept = [place for place, name in enumerate(found.columns) if name not in HISTORY]
    return sorted(repr([row[place] for place in kept]) for row in found.rows)
