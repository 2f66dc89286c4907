"""A lake whose tables are of another version is refused; its raw lines build in a new database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.clickstream.pipeline.test_any_order import log_lines, write
from tests.support import faults_children as children
from tests.support.faults_lakes import through
from tests.support.faults_proxy import Exchange, Fault, FaultsProxy, passes
from tests.support.lakes import aws_session, build_all, contents
from tests.support.localaws_process import LocalAwsProcess

from clickstream import __version__
from clickstream.errors import OtherLayout
from clickstream.hours import Hour
from clickstream.lake import Lake, client, objects, open_lake, table_properties
from clickstream.lake.iceberg import iceberg_tables, table_schemas
from clickstream.lake.table_properties import LAYOUT_PROPERTY, PROPERTIES
from clickstream.pipeline.hour.build import clean_hits
from clickstream.pipeline.hour.states import CleanedHour
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings
from clickstream.tables import (
    COLUMNS_VERSION,
    FIRST_COLUMNS_VERSION,
    LAYOUT_VERSION,
    TABLES,
    Column,
    Table,
)
from clickstream.tables.sales import SALES_TABLES

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T00")
DIGESTS = {
    **{(3, 1): "576961a5ac1b27db", (3, 2): "6531d2a113608b34", (3, 3): "192904c9ab85b1e4"},
    **{(3, 4): "ce355aaea7e6be95", (3, 5): "920b44f12940922e"},
}
"""Digest of the columns of each version of layout and columns. Never edit an entry: a new optional
column is a new columns version, and any other change a new layout version."""

FORMER_NAMES = {"page_requests": "pages", "timeout_seconds": "gap_seconds"}
FORMER_TYPES = {"goals": "string", "funnel": "string"}


def columns_digest(version: int) -> str:
    """Digest of the tables and columns that a columns version has."""
    described = [
        (table.name, [(c.name, c.type, c.required) for c in table.columns if c.since <= version])
        for table in (*TABLES, *SALES_TABLES)
        if table.since <= version
    ]
    return hashlib.blake2b(repr(described).encode(), digest_size=8).hexdigest()


def former(table: Table) -> Table:
    """The table as version 1 had it."""

    def column(now: Column) -> Column:
        name = FORMER_NAMES.get(now.name, now.name)
        kind: Any = FORMER_TYPES.get(now.name, now.type)
        return replace(now, name=name, type=kind)

    return replace(table, columns=tuple(map(column, table.columns)))


def make_lake(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    version: int | None,
    tables: tuple[Table, ...] = TABLES,
) -> Lake:
    """Make a lake as a release of that version would; None is one that did not mark its tables."""
    unmarked = {n: value for n, value in PROPERTIES.items() if n != LAYOUT_PROPERTY}
    mark = {LAYOUT_PROPERTY: str(version)} if version else {}
    with monkeypatch.context() as patch:
        patch.setattr(table_properties, "PROPERTIES", unmarked | mark)
        patch.setattr(client, "TABLES", tables)
        return open_lake(settings, aws_session())


def in_database(settings: Settings, name: str) -> Settings:
    """The same lake, its tables in another database."""
    moved = settings.lake.model_copy(update={"database": name})
    return settings.model_copy(update={"lake": moved})


def stored_tables(lake: Lake) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.glue.get_tables(DatabaseName=lake.database)["TableList"]
    return found


def test_released_columns_stay_as_they_are_within_a_layout_version() -> None:
    digests = {(LAYOUT_VERSION, v): columns_digest(v) for v in range(1, COLUMNS_VERSION + 1)}
    assert digests == {version: d for version, d in DIGESTS.items() if version[0] == LAYOUT_VERSION}


def test_a_required_column_is_of_the_first_columns_version() -> None:
    with pytest.raises(ValueError, match="changes the layout"):
        Column("new", "long", "New.", required=True, since=FIRST_COLUMNS_VERSION + 1)


def test_tables_of_version_1_are_refused_at_once_and_left_alone(
    lake_settings: Settings, local_aws: LocalAwsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_lake(lake_settings, monkeypatch, None, tuple(map(former, TABLES)))
    before = stored_tables(lake)
    requests: list[str] = []

    def note(exchange: Exchange) -> Fault:
        requests.append(exchange.name)
        return passes

    with (
        FaultsProxy(local_aws.endpoint, note) as proxy,
        pytest.raises(OtherLayout) as refused,
    ):
        children.open_lake(through(lake_settings, proxy))
    assert str(refused.value) == (
        f"The tables of database {lake.database} are of layout version 1, and this release of "
        f"clickstream needs version {LAYOUT_VERSION}. Run `make clean-demo` if it is the demo. "
        f'Otherwise set [lake] database = "{lake.database}_{LAYOUT_VERSION}" and run `clickstream '
        "verify`: it prints the command `clickstream build FROM TO` that builds all hours with raw "
        "lines in that database. See docs/runbook.md, An older lake."
    )
    assert refused.value.is_permanent
    assert requests == ["GetTables"]
    assert stored_tables(lake) == before


def test_tables_of_a_newer_version_are_refused(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch, reopen: Callable[[], Lake]
) -> None:
    make_lake(lake_settings, monkeypatch, LAYOUT_VERSION + 1)
    with pytest.raises(OtherLayout, match="Install the release that made the tables"):
        reopen()


@pytest.mark.parametrize("place", [0, len(TABLES) - 1])
def test_a_table_with_columns_of_a_newer_release_is_refused_before_a_write(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch, reopen: Callable[[], Lake], place: int
) -> None:
    newer = [*TABLES]
    added = Column("new", "long", "New.", since=COLUMNS_VERSION + 1)
    newer[place] = replace(newer[place], columns=(*newer[place].columns, added))
    lake = make_lake(lake_settings, monkeypatch, LAYOUT_VERSION, tuple(newer))
    before = stored_tables(lake)
    with pytest.raises(OtherLayout, match=f"{newer[place].name} .* does not know: new"):
        reopen()
    assert stored_tables(lake) == before


def test_one_table_of_version_1_is_enough_to_refuse(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch, reopen: Callable[[], Lake]
) -> None:
    make_lake(lake_settings, monkeypatch, None, TABLES[:1])
    with pytest.raises(OtherLayout, match="are of layout version 1"):
        reopen()


def test_tables_that_are_missing_are_made(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch, reopen: Callable[[], Lake]
) -> None:
    make_lake(lake_settings, monkeypatch, LAYOUT_VERSION, TABLES[:2])
    assert {entry["Name"] for entry in stored_tables(reopen())} == {t.name for t in TABLES}


def test_raw_lines_and_bookmarks_of_a_refused_lake_build_into_a_new_database(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake_settings.resolve(lake_settings.sources[0].path), log_lines(12, FIRST, LAST))
    old = make_lake(lake_settings, monkeypatch, None)
    pull_source(old, old.settings.sources[0])
    build_all(old, FIRST, LAST, "old")
    expected = contents(old)
    leave_behind(old)
    with pytest.raises(OtherLayout):
        open_lake(lake_settings, aws_session())

    new = open_lake(in_database(lake_settings, f"{old.database}_2"), aws_session())
    assert pull_source(new, new.settings.sources[0]).lines == 0
    failures = verify(new).failures
    assert any(f"To build: clickstream build {FIRST} {LAST}" in each for each in failures)
    build_all(new, FIRST, LAST, "new")
    assert contents(new) == expected
    assert verify(new).is_proven
    assert not [*objects.listing(new, "publishing/")]


def leave_behind(lake: Lake) -> None:
    """Leave what a killed process of version 1 leaves: staged rows, a mark and parts beside it."""
    staged = clean_hits(lake, FIRST)
    for key in staged.cleaned_keys:
        former_key = key.replace(
            f"-{__version__}-{LAYOUT_VERSION}.{COLUMNS_VERSION}-", f"-{__version__}-"
        )
        assert former_key != key
        objects.put(lake, former_key, b"rows of version 1")
        objects.delete(lake, [key])
    objects.put(lake, f"publishing/{FIRST}/0123456789abcdef-fedcba9876543210", b"")
    objects.put(lake, f"publishing/{FIRST}/0123456789abcdef-parts", b"parts of version 1")


def test_staged_rows_of_version_1_are_refused_and_those_of_today_are_not(lake: Lake) -> None:
    staged = clean_hits(lake, FIRST)
    values = staged.as_dict()
    assert CleanedHour.from_dict(values) == staged
    del values["layout_version"]
    with pytest.raises(OtherLayout, match="Clear the run's task clean_hits with Downstream"):
        CleanedHour.from_dict(values)


def test_other_statistics_are_no_other_layout(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch, reopen: Callable[[], Lake]
) -> None:
    with monkeypatch.context() as patch:
        for module in (table_properties, table_schemas):
            patch.setattr(module, "properties_of", lambda _: PROPERTIES)
        make_lake(lake_settings, monkeypatch, LAYOUT_VERSION)
    lake = reopen()
    for table in TABLES:
        stored = iceberg_tables.load(lake, table).iceberg.properties
        assert table_properties.properties_of(table).items() <= stored.items()
