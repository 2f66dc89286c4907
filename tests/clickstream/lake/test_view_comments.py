"""Comments of views in Glue: added after Athena wrote the view, and never at its cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from clickstream.lake import Lake, athena, views
from clickstream.lake.views import ViewComments

CHANGED_BY_AN_UPDATE = {"VersionId", "UpdateTime"}
DESCRIPTION = {
    "one_row_per": "number",
    "filter_by": {"column": "session_date", "days_before": 0, "days_after": 0},
    "reads": [],
    "columns": {"n": "A number.", "session_date": "Its date."},
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with one view and its description."""
    (tmp_path / "numbers.sql").write_text("select 1 as n, date '2026-11-20' as session_date\n")
    write(tmp_path, DESCRIPTION)
    return tmp_path


def write(directory: Path, description: dict[str, Any]) -> None:
    (directory / "numbers.yml").write_text(yaml.safe_dump(description))


def entry(lake: Lake) -> dict[str, Any]:
    return dict(lake.glue.get_table(DatabaseName=lake.database, Name="numbers")["Table"])


def comments(lake: Lake) -> tuple[str | None, list[str | None]]:
    found = entry(lake)
    columns = found["StorageDescriptor"]["Columns"]
    return found.get("Description"), [column.get("Comment") for column in columns]


COMMENTS = ("One row per number. Filter by session_date to read less.", ["A number.", "Its date."])


@contextmanager
def requests_of(lake: Lake) -> Iterator[list[str]]:
    """The names of all requests in the block."""
    asked: list[str] = []
    clients = (lake.glue, lake.athena, lake.s3)

    def record(model: Any, **_: Any) -> None:
        asked.append(model.name)

    for client in clients:
        client.meta.events.register("before-call", record)
    yield asked
    for client in clients:
        client.meta.events.unregister("before-call", record)


def test_a_new_view_has_comments(lake: Lake, directory: Path) -> None:
    assert views.refresh(lake, directory).created == ["numbers"]
    assert comments(lake) == COMMENTS


def test_a_refresh_without_a_change_is_one_listing(lake: Lake, directory: Path) -> None:
    views.refresh(lake, directory)
    with requests_of(lake) as asked:
        assert views.refresh(lake, directory).unchanged == ["numbers"]
    assert asked == ["GetTables"]


def test_a_changed_comment_replaces_no_view(lake: Lake, directory: Path) -> None:
    views.refresh(lake, directory)
    write(directory, DESCRIPTION | {"columns": {"n": "The number."}})
    assert views.outdated(lake, directory) == []
    with requests_of(lake) as asked:
        refreshed = views.refresh(lake, directory)
    assert (refreshed.created, refreshed.described) == ([], ["numbers"])
    assert refreshed.sentence.startswith("Views: none created or replaced; comments of 1 updated;")
    assert asked == ["GetTables", "UpdateTable"]
    assert comments(lake) == (COMMENTS[0], ["The number.", "Its date."])


def test_a_view_that_was_replaced_gets_its_comments_back(lake: Lake, directory: Path) -> None:
    """Also after a crash between the two steps, and after a release without comments."""
    views.refresh(lake, directory)
    (sql,) = (view.sql for view in views.views_of(lake.settings, directory))
    athena.query(lake, f"create or replace view numbers as\n{sql}")
    assert comments(lake) == (None, [None, None])
    assert views.refresh(lake, directory).described == ["numbers"]
    assert comments(lake) == COMMENTS
    (directory / "numbers.sql").write_text("select 2 as n, date '2026-11-20' as session_date\n")
    refreshed = views.refresh(lake, directory)
    assert (refreshed.created, refreshed.described) == (["numbers"], [])
    assert comments(lake) == COMMENTS


def test_everything_else_of_the_entry_stays(lake: Lake, directory: Path) -> None:
    """dbt-athena once left out the view's definition, and no engine could read the view."""
    views.refresh(lake, directory)
    read_only = {"DatabaseName", "CreateTime", "UpdateTime", "CreatedBy", "VersionId", "CatalogId"}
    read_only |= {"IsRegisteredWithLakeFormation"}
    own = {"Owner": "trino", "Parameters": {"team": "web", **entry(lake)["Parameters"]}}
    table = {name: value for name, value in entry(lake).items() if name not in read_only} | own
    lake.glue.update_table(DatabaseName=lake.database, TableInput=table)
    before = entry(lake)
    write(directory, DESCRIPTION | {"one_row_per": "integer"})
    views.refresh(lake, directory)
    after = entry(lake)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= {"Description", *CHANGED_BY_AN_UPDATE}
    assert after["Description"].startswith("One row per integer.")
    assert athena.query(lake, "select n from numbers").rows == [(1,)]


def test_a_view_that_another_process_has_just_replaced_is_left_to_it(
    lake: Lake, directory: Path
) -> None:
    views.refresh(lake, directory)
    read = entry(lake)
    (directory / "numbers.sql").write_text("select 2 as n, date '2026-11-20' as session_date\n")
    views.refresh(lake, directory)
    views.update_comments(lake, read, ViewComments("Comment of an older release."))
    assert comments(lake) == COMMENTS
    assert athena.query(lake, "select n from numbers").rows == [(2,)]


def test_a_view_without_descriptions_needs_no_update(lake: Lake, directory: Path) -> None:
    write(directory, {"reads": []})
    with requests_of(lake) as asked:
        views.refresh(lake, directory)
    assert "UpdateTable" not in asked
    assert comments(lake) == (None, [None, None])
