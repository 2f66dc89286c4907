"""The facts of log files are those of a lake that is built from the same lines."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from io import StringIO
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from benchmarks.people.lines import DAY, combined
from benchmarks.people.machines import without_assets
from benchmarks.people.sites import SHOP, simulated_log
from rich.console import Console
from tests.clickstream.logs.builders import FIRST, LAST, lines_of_visitors
from tests.clickstream.parse.builders import Record, log_of
from tests.clickstream.pipeline.builders import write
from tests.support.lakes import aws_session, built
from tests.support.shared_data import shared
from tests.support.tiers import first_in_make_test

from clickstream.core.hours import Hour, hour_range
from clickstream.dashboard.ask.fact_copy import COPIED_DAY
from clickstream.lake import Lake, fact_files, open_lake
from clickstream.lake.fact_files import FACT_VIEWS, read_manifest
from clickstream.lake.visitor_keys import periods_of
from clickstream.logs import facts
from clickstream.logs.log_set import LogSet
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.settings import AUTO, Settings
from clickstream.settings.sections import PrivacySettings, SiteSettings

SECRET = b"secret of the keys of both, long"
OF_PUBLICATIONS = {
    *("published_at", "published_by", "visitor_key", "last_arrived_at", "raw_objects", "source"),
    "settings_digest",
}
"""Columns that log files can't have, or not in the same form."""

Facts = dict[tuple[str, date], Counter[str]]
"""The rows of each view and date, as texts."""


def give_keys(settings: Settings, hours: Iterable[Hour]) -> None:
    """Give the lake the visitor keys that log files get from SECRET."""
    lake = open_lake(settings, aws_session())
    for period in {one for hour in hours for one in periods_of(settings, hour) if one}:
        key = blake2b(period.name.encode(), key=SECRET, digest_size=32)
        name = f"{settings.lake.key_secret}/{period.name}"
        lake.secrets.create_secret(Name=name, SecretString=key.hexdigest())


def plain(rows: pa.Table) -> Counter[str]:
    names = sorted({*rows.column_names} - OF_PUBLICATIONS)
    return Counter(map(str, rows.select(names).to_pylist()))


def of_lake(settings: Settings, first: Hour, last: Hour) -> Facts:
    """Build the lake of the first source's logs, and return its facts."""
    give_keys(settings, hour_range(first, last))
    lake: Lake = built(settings, first, last)
    refresh_views(lake)
    find_suspects(lake, now=last.end)
    refresh_facts(lake, now=last.end)
    stored = read_manifest(lake)
    assert stored
    return {
        (view, day): plain(fact_files.read_file(lake, file))
        for view, files in stored.value.files.items()
        for day, file in files.items()
        if file.rows
    }


def of_logs(settings: Settings, logs: Sequence[str], log_format: str = AUTO) -> Facts:
    log_set, console = LogSet(logs, settings, log_format), Console(file=StringIO())
    facts: dict[tuple[str, date], Counter[str]] = defaultdict(Counter)
    with closing(log_set.read_changes(console)) as found:
        for rows_of_views in log_set.compute(found, SECRET, console):
            for view, rows in rows_of_views.items():
                for day in pc.unique(rows[COPIED_DAY]).to_pylist():
                    of_day = rows.filter(pc.field(COPIED_DAY) == day).drop_columns(COPIED_DAY)
                    facts[view, day] += plain(of_day)
    return facts


def assert_same(found: Facts, expected: Facts) -> None:
    assert found.keys() == expected.keys()
    for key, rows in expected.items():
        missing, added = [*(rows - found[key])][:3], [*(found[key] - rows)][:3]
        assert (missing, added) == ([], []), key


def directory_of(settings: Settings) -> Path:
    return settings.resolve(settings.sources[0].path)


def test_all_fact_views_have_the_same_rows(
    lake_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = directory_of(lake_settings)
    write(directory, [*lines_of_visitors(1), "no line of a log\n"])
    expected = of_lake(lake_settings, FIRST, LAST)
    assert {view for view, _ in expected} > {*FACT_VIEWS[:2], "reject_facts"}
    assert_same(of_logs(lake_settings, [str(directory / "access.log")]), expected)
    monkeypatch.setattr(facts, "AT_ONCE", 1)  # each date is a batch
    assert_same(of_logs(lake_settings, [str(directory / "access.log")]), expected)


COMBINED = re.compile(r'(\S+) - (\S+) \[(.*)\] "(\S+) (\S+) (\S+)" (\d+) (\d+) "(.*)" "(.*)"\n')
OWN_FORMAT = "$http_referer|$msec|$status|$remote_addr|$body_bytes_sent|$request|$http_user_agent"


def record_of(line: str) -> Record:
    """Return the record of a combined line."""
    found = COMBINED.fullmatch(line)
    assert found
    client, user, time, method, target, protocol, status, size, *rest = found.groups()
    at = datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z")
    return Record(client, user, at, method, target, protocol, int(status), int(size), *rest)


def own_line(record: Record) -> str:
    request = f"{record.method} {record.target} {record.protocol}"
    before = f"{record.referrer}|{record.at.timestamp():.3f}|{record.status}|{record.client}"
    return f"{before}|{record.size}|{request}|{record.user_agent}\n"


@pytest.mark.lake
@pytest.mark.parametrize("name", first_in_make_test(["own", "w3c", "json"], 1))
def test_all_fact_views_have_the_same_rows_in_other_formats(
    lake_settings: Settings, name: str
) -> None:
    records = [*map(record_of, lines_of_visitors(1))]
    text = "".join(map(own_line, records)) if name == "own" else log_of(name, records).decode()
    directory, log_format = directory_of(lake_settings), "own" if name == "own" else AUTO
    write(directory, [text, "no line of a log\n"])
    (source,) = lake_settings.sources
    settings = lake_settings.model_copy(
        update={
            "formats": {"own": OWN_FORMAT},
            "sources": (source.model_copy(update={"format": log_format}),),
        }
    )
    expected = of_lake(settings, FIRST, LAST)
    assert {view for view, _ in expected} > {*FACT_VIEWS[:2], "reject_facts"}
    assert_same(of_logs(settings, [str(directory / "access.log")], log_format), expected)


@pytest.mark.lake
def test_days_of_a_shop_with_a_fleet_and_changing_keys(lake_settings: Settings) -> None:
    """In three files whose edges are within a day."""
    days, start = 4, datetime(2026, 11, 2, tzinfo=UTC)
    second = int(start.timestamp())
    log = b"".join(simulated_log(SHOP, 3, second + n * DAY, 60) for n in range(days))
    log += combined(without_assets(Random(4), SHOP, second + (days - 1) * DAY, 80))
    after = f"[{start + timedelta(days=days):%d/%b}".encode()
    lines = [line for line in log.splitlines(keepends=True) if after not in line]
    directory = directory_of(lake_settings)
    directory.mkdir(parents=True, exist_ok=True)
    for number, begin in enumerate(range(0, len(lines), len(lines) // 3 + 1)):
        part = lines[begin : begin + len(lines) // 3 + 1]
        (directory / f"access.log.{9 - number}").write_bytes(b"".join(part))
    settings = lake_settings.model_copy(
        update={
            "site": SiteSettings(name="shop", domains=(SHOP.domain,), time_zone="Asia/Tokyo"),
            "privacy": PrivacySettings(key_days=2, confirm_cost=True),
        }
    )
    read = LogSet([str(directory)], settings).read(Console(file=StringIO()))
    hours = (Hour.of_epoch(hour * 3600) for hour in read.lines.first_and_last_hour)
    expected = of_lake(settings, *hours)
    assert {view for view, _ in expected} > {"cohort_facts", "people_facts"}
    assert_same(of_logs(settings, [str(directory)]), expected)


@pytest.mark.lake
@pytest.mark.shared_data
def test_a_real_log_in_shuffled_order(lake_settings: Settings) -> None:
    log = shared("elastic-apache-5000", "access.log")
    directory = directory_of(lake_settings)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "access.log").write_bytes(log.read_bytes())
    first, last = Hour.parse("2015-05-17T10"), Hour.parse("2015-05-19T03")
    expected = of_lake(lake_settings, first, last)
    assert_same(of_logs(lake_settings, [str(directory / "access.log")]), expected)
