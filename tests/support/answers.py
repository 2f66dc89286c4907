"""What readers of a lake see: every table and view as Athena answers, but for its history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def answers(lake: Lake) -> Answers:
    """The rows of every table and view, each as a text, in the order of these texts.

    Every difference in a value shows in its text: floats have as many digits as they need.
    """
    pipeline.refresh_views(lake)
    names = [*(table.name for table in TABLES), *VIEWS]
    return {name: sorted(map(repr, _rows(lake, name))) for name in names}


def _rows(lake: Lake, relation: str) -> list[list[Any]]:
    found = athena.query(lake, f"select * from {relation}")
    kept = [place for place, name in enumerate(found.columns) if name not in HISTORY]
    return [[row[place] for place in kept] for row in found.rows]


def assert_same_answers(one: Answers, other: Answers) -> None:
    """Relation by relation, so that a failure names the first that differs and its rows."""
    assert one.keys() == other.keys()
    for name, rows in one.items():
        assert rows == other[name], name
