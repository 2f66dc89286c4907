"""What readers of a lake see: every table and view as Athena answers, but for its history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clickstream import pipeline
from clickstream.lake import Lake, athena
from clickstream.tables import TABLES

VIEWS = sorted(path.stem for path in (Path(__file__).parents[2] / "include/sql").glob("*.sql"))
HISTORY = (
    *("published_at", "published_by", "late_lines"),
    *("raw_objects", "raw_digest", "raw_object", "line_number"),
)
"""Columns that tell how lines came and when hours were published, not what is in them."""

Answers = dict[str, list[str]]


def answers(lake: Lake) -> Iterator[tuple[str, list[str]]]:
    """The rows of every table, then of every view, each as a text, in the order of these texts.

    Every difference in a value shows in its text: floats have as many digits as they need.
    """
    for table in TABLES:
        yield table.name, _rows(lake, table.name)
    pipeline.refresh_views(lake)
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
