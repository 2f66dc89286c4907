"""A publication of any kind that is killed at any write is completed or overtaken by the next run.

The test does not kill a process at each write. It records the state that each write leaves, which
is the state after a kill, and lets an ordinary run start from it. So each write costs one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.aws.versioned_copy import entries_of
from tests.support.access_log import Client, append
from tests.support.lake_settings import ROOT
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.sales_files import with_sales, write_rows
from tests.support.tiers import first_in_make_test

from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, open_lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.publication import (
    Subject,
    interrupted_hours,
    is_unfinished,
    listings_of,
    matches_of,
    sales_of,
    version_of,
)
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.publish.publish import hours_to_build
from clickstream.pipeline.pull.host import pull_source
from clickstream.pipeline.sales.listings import pull_listings
from clickstream.pipeline.sales.matches import match_orders
from clickstream.pipeline.sales.pull import plan_pull, pull_dates
from clickstream.sales.touches import CreditCell, credits_of
from clickstream.settings import load
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    RAW_OBJECTS,
    REJECTS,
    SESSION_CHANGES,
    SESSION_PARTS,
    Table,
)
from clickstream.tables.sales_matches import ATTRIBUTION_CHANGES, ORDER_TOUCHES

HOUR = Hour.parse("2026-11-20T10")
DAY = date(2026, 11, 20)
NOON = f"{DAY}T12:00Z"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANA = Client("192.0.2.1")
CONFIRMATION = "/cafe/orderConfirmation.php?order="

FILES = ("warehouse/", "staging/")
"""Prefixes of objects that no reader finds before another write refers to them."""

OF_ONE_RUN = (
    *("published_at", "published_by", "changed_at", "changed_by"),
    *("arrived_at", "late_by_seconds"),
)
"""Columns with the time or the id of a run, which differ between two publications of a row."""

State = Mapping[str, Any]
"""The entry of each table in Glue by its name, and the body of each object by its key."""


class RecordingClient:
    """A client of S3 or Glue that reports what each write has changed."""

    def __init__(self, client: Any, record: Callable[[State], None]) -> None:
        self._client, self._record = client, record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **request: Any) -> Any:
        body = request["Body"]
        request["Body"] = body if isinstance(body, bytes) else body.read()
        answer = self._client.put_object(**request)
        self._record({request["Key"]: request["Body"]})
        return answer

    def delete_objects(self, **request: Any) -> Any:
        answer = self._client.delete_objects(**request)
        self._record({entry["Key"]: None for entry in request["Delete"]["Objects"]})
        return answer

    def delete_object(self, **request: Any) -> Any:
        answer = self._client.delete_object(**request)
        self._record({request["Key"]: None})
        return answer

    def update_table(self, **request: Any) -> Any:
        answer = self._client.update_table(**request)
        self._record({request["TableInput"]["Name"]: request["TableInput"]})
        return answer


class RecordedLake:
    """A lake with the states that its writes have left, and which can be put back to any state.

    The files of the tables have unique names and stay, so a state needs only the tables' entries.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = Lake(lake.settings, lake.session)
        self.states: list[State] = [entries_of(lake)]
        self._rows: dict[str, list[str]] = {}
        for service in ("s3", "glue"):
            client = RecordingClient(getattr(lake, service), self._record)
            self.lake.__dict__[service] = client

    def _record(self, change: State) -> None:
        if not all(name.startswith(FILES) for name in change):
            self.states.append({**self.states[-1], **change})

    @property
    def state(self) -> State:
        return self.states[-1]

    def put_back(self, state: State) -> None:
        """Write what differs from a state, and forget the states so far."""
        now = self.state
        self.states = [now]
        for name in sorted(now.keys() | state.keys()):
            if now.get(name) == (value := state.get(name)):
                continue
            if "/" not in name:
                self.lake.glue.update_table(DatabaseName=self.lake.database, TableInput=value)
            elif value is None:
                objects.delete(self.lake, [name])
            else:
                objects.put(self.lake, name, value)
        self.states = [state]

    def rows(self, tables: Sequence[Table]) -> dict[str, list[str]]:
        """Return the rows of tables, in order; each state of a table is read once."""
        found = {}
        for table in tables:
            file = self.state[table.name]["Parameters"]["metadata_location"]
            if file not in self._rows:
                rows = iceberg_tables.load(self.lake, table).read_between(None, None)
                kept = [name for name in rows.column_names if name not in OF_ONE_RUN]
                self._rows[file] = sorted(map(repr, rows.select(kept).to_pylist()))
            found[table.name] = self._rows[file]
        return found


@dataclass(frozen=True)
class Kind:
    """A kind of publication.

    `tables` are those that it replaces, the ledger last. `arrive` gives the lake a version of the
    rows to publish, and `run` publishes them with a run's id. `other` is the version that
    overtakes version 1.
    """

    tables: Sequence[Table]
    arrive: Callable[[Lake, int], None]
    run: Callable[[Lake, str], object]
    is_unfinished: Callable[[Lake], bool]
    other: int


def write_shop(lake: Lake, version: int) -> None:
    """Write the files of a shop; each version has other rows of each table, and of two dates."""
    amount, stamp = f"{version + 3}.50", {"ordered_at": NOON, "total": f"{version + 3}.50"}
    rows: dict[str, list[dict[str, object]]] = {
        "orders": [
            *({"order_id": number, **stamp} for number in range(1, version + 3)),
            {"order_id": 9, **stamp, "total": f"{version}?"},
            {"order_id": 8, "ordered_at": f"{DAY - timedelta(days=1)}T12:00Z", "total": amount},
        ],
        "order_items": [{"order_id": 1, "line": 1, "quantity": 1, "amount": amount}],
        "refunds": [{"refund_id": 1, "order_id": 1, "refunded_at": NOON, "amount": amount}],
        "campaign_spend": [
            {"event_date": DAY, "platform": "mail", "campaign_id": "a", "spend": amount}
        ],
        "consents": [
            {"customer": amount, "purpose": "mail", "recorded_at": NOON, "state": "granted"}
        ],
        "menu_items": [
            *({"item_id": number, "price": amount} for number in range(1, version + 3)),
            {"item_id": 9, "price": f"{version}?"},
        ],
        "stores": [{"store_id": 1, "kind": "online", "city": amount}],
        "demographics": [
            {"name": "Ely", "country": "GB", "year": 2021, "measure": "people", "value": amount}
        ],
    }
    for table, some in rows.items():
        write_rows(lake.settings.directory / "shop" / f"{table}.csv", table, some)


def pull_lines(lake: Lake, version: int) -> None:
    """Pull a log of HOUR, whose later versions also have a line of the next hour."""
    path = Path(lake.settings.sources[0].path) / f"access-{version}.log"
    lines = [ANA.get(f"{HOUR}:{12 - version}:00", f"/{version}"), "no line"]
    if version:
        lines.append(ANA.get(f"{HOUR.next}:0{version}:00", f"/{version}"))
    else:
        lines += [ANA.get(f"{HOUR}:20:0{n}", f"{CONFIRMATION}{n}") for n in (1, 2, 3)]
    if not path.exists():
        append(path, lines)
    pull_source(lake, lake.settings.sources[0])


def build(lake: Lake, run_id: str) -> None:
    [*rebuild(lake, hours_to_build(lake, HOUR.next).hours, run_id)]


def pull_sales(lake: Lake, run_id: str) -> None:
    for source in lake.settings.sales:
        [*pull_dates(lake, plan_pull(lake, source, NOW), run_id)]


def pull_all_listings(lake: Lake, run_id: str) -> None:
    for source in lake.settings.sales:
        pull_listings(lake, source, NOW.date(), run_id)


def match(lake: Lake, run_id: str) -> None:
    [*match_orders(lake, NOW, run_id)]


def pull_shop(lake: Lake, version: int) -> None:
    write_shop(lake, version)
    pull_sales(lake, "pull")


def kind_of(
    subject: Subject, arrive: Callable[[Lake, int], None], run: Callable[[Lake, str], object]
) -> Kind:
    """Return a kind with a mark. Version 0 overtakes: only the mark shows that a run must write."""
    return Kind(
        subject.tables,
        arrive,
        run,
        is_unfinished=lambda lake: is_unfinished(version_of(lake, subject)),
        other=0,
    )


KINDS = {
    "hours": Kind(
        (HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES, HOUR_LEDGER),
        pull_lines,
        build,
        is_unfinished=lambda lake: bool(interrupted_hours(lake)),
        other=2,
    ),
    "sales": kind_of(sales_of("shop", DAY), write_shop, pull_sales),
    "listings": kind_of(listings_of("shop"), write_shop, pull_all_listings),
    "matches": kind_of(matches_of(DAY), pull_shop, match),
}


@pytest.fixture(scope="module")
def published(
    local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RecordedLake, State]:
    """A lake in which version 0 of each kind is published, beside the rows of another shop."""
    directory = tmp_path_factory.mktemp("published")
    for name in ("logs", "shop", "till"):
        (directory / name).mkdir()
    given = settings_of_a_lake(local_aws.endpoint, directory / "logs")
    orders = load(ROOT / "cafe.toml", {}).orders
    orders = orders.model_copy(update={"window_hours": 2, "attribution_days": 1})
    settings = with_sales(given, directory, ("shop", "till"))
    settings = settings.model_copy(update={"orders": orders, "directory": directory})
    recorded = RecordedLake(open_lake(settings, aws_session()))
    lake = recorded.lake
    till = {
        "orders": {"order_id": 7, "ordered_at": NOON, "total": 1},
        "menu_items": {"item_id": 7, "price": 1},
    }
    for table, row in till.items():
        write_rows(directory / "till" / f"{table}.csv", table, [row])
    pull_lines(lake, 0)
    [*rebuild(lake, [HOUR], "first")]
    pull_shop(lake, 0)
    pull_all_listings(lake, "first")
    match(lake, "first")
    return recorded, recorded.state


@pytest.mark.parametrize("phase", first_in_make_test((3, 0, 1, 2), 1))
@pytest.mark.parametrize("name", KINDS)
def test_a_publication_that_is_killed_at_any_write_is_completed_or_overtaken(
    published: tuple[RecordedLake, State], name: str, phase: int
) -> None:
    """A reader looks at each state. Of four states, a phase completes one and overtakes one."""
    (recorded, at_first), kind = published, KINDS[name]
    lake, ledger = recorded.lake, kind.tables[-1].name
    recorded.put_back(at_first)
    before, credits_before = recorded.rows(kind.tables), credits_in(lake)
    kind.arrive(lake, 1)
    start = recorded.state
    recorded.put_back(start)
    kind.run(lake, "killed")
    states, after, end = recorded.states, recorded.rows(kind.tables), objects_of(recorded.state)
    assert len(states) >= len(kind.tables) + 3
    assert {table for table in after if after[table] != before[table]} >= {ledger}

    unfinished = []
    for number, killed in enumerate(states):
        recorded.put_back(killed)
        rows = recorded.rows(kind.tables)
        assert rows in (before, after) or kind.is_unfinished(lake), number
        assert rows[ledger] == before[ledger] or rows == after, number
        if rows != after and number:
            unfinished.append(number)
        if number % 4 == phase:
            kind.run(lake, "next")
            assert recorded.rows(kind.tables) == after, number
            assert objects_of(recorded.state) == end, number

    recorded.put_back(start)
    kind.arrive(lake, kind.other)
    arrived = {key: value for key, value in recorded.state.items() if value != start.get(key)}
    kind.run(lake, "next")
    other, end = recorded.rows(kind.tables), objects_of(recorded.state)
    other.pop(ATTRIBUTION_CHANGES.name, None)
    for number in unfinished:
        if number % 4 == (phase + 2) % 4:
            recorded.put_back({**states[number], **arrived})
            kind.run(lake, "next")
            assert recorded.rows(kind.tables).items() >= other.items(), number
            assert objects_of(recorded.state) == end, number
            assert_changes_lead_to_the_credits(lake, credits_before)


def objects_of(state: State) -> State:
    """Return the objects that are equal after a kill: a comparison has the versions of before."""
    return {
        name: value
        for name, value in state.items()
        if "/" in name and value is not None and not name.startswith("sales/compared_dates/")
    }


def credits_in(lake: Lake) -> dict[CreditCell, int]:
    return credits_of(iceberg_tables.load(lake, ORDER_TOUCHES).read_between(None, None).to_pylist())


def assert_changes_lead_to_the_credits(
    lake: Lake, credits_before: Mapping[CreditCell, int]
) -> None:
    """Assert that each change begins where the one before it ended, and the last at the credit.

    A reader may have seen rows of a killed publication. So the changes may lead to its credits, and
    back from them.
    """
    rows = iceberg_tables.load(lake, ATTRIBUTION_CHANGES).read_between(None, None).to_pylist()
    credits, last = credits_in(lake), dict(credits_before)
    for row in sorted(rows, key=lambda row: row["changed_at"]):
        cell = CreditCell(*(row[name] for name in CreditCell._fields))
        assert last.get(cell, row["cents_before"]) == row["cents_before"], cell
        last[cell] = row["cents_after"]
    assert {cell: credits.get(cell, 0) for cell in last} == last
