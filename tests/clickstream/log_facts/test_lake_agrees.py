"""The facts of log files are those of a lake that is built from the same lines."""

from __future__ import annotations

from collections import Counter
from datetime import date
from hashlib import blake2b
from io import StringIO
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console
from tests.clickstream.pipeline.builders import write
from tests.clickstream.report.test_lake_agrees import FIRST, LAST, lines_of_visitors
from tests.support.lakes import aws_session, built

from clickstream.lake import Lake, fact_files, open_lake
from clickstream.lake.fact_files import FACT_VIEWS, read_manifest
from clickstream.lake.visitor_keys import periods_of
from clickstream.log_facts.log_set import LogSet
from clickstream.pipeline.publish.readers import refresh_readers
from clickstream.settings import Settings

SECRET = b"secret of the keys of both, long"
OF_PUBLICATIONS = {
    *("published_at", "published_by", "visitor_key", "last_arrived_at", "raw_objects", "source"),
    "settings_digest",
}
"""Columns that log files can't have, or not in the same form."""

Rows = dict[str, Counter[str]]


def give_keys(settings: Settings) -> None:
    """Give the lake the visitor keys that log files get from SECRET."""
    lake = open_lake(settings, aws_session())
    for period in filter(None, periods_of(settings, FIRST)):
        key = blake2b(period.name.encode(), key=SECRET, digest_size=32)
        name = f"{settings.lake.key_secret}/{period.name}"
        lake.secrets.create_secret(Name=name, SecretString=key.hexdigest())


def plain(rows: pa.Table) -> Counter[str]:
    """The rows as texts, in no order."""
    names = sorted({*rows.column_names} - OF_PUBLICATIONS)
    return Counter(map(str, rows.select(names).to_pylist()))


def of_lake(lake: Lake) -> dict[tuple[str, date], Counter[str]]:
    stored = read_manifest(lake)
    assert stored
    return {
        (view, day): plain(fact_files.read_file(lake, file))
        for view, files in stored.manifest.files.items()
        for day, file in files.items()
        if file.rows
    }


def of_logs(settings: Settings, *logs: str) -> dict[tuple[str, date], Counter[str]]:
    found = LogSet(logs, settings).compute(SECRET, Console(file=StringIO()))
    return {
        (view, day): plain(rows)
        for view, by_date in found.rows.items()
        for day, rows in by_date.items()
        if len(rows)
    }


def assert_same(found: Any, expected: Any) -> None:
    assert found.keys() == expected.keys()
    for key, rows in expected.items():
        assert found[key] == rows, key


@pytest.mark.parametrize("seed", [1, 2])
def test_all_fact_views_have_the_same_rows(seed: int, lake_settings: Settings) -> None:
    directory = lake_settings.resolve(lake_settings.sources[0].path)
    write(directory, [*lines_of_visitors(seed), "no line of a log\n"])
    give_keys(lake_settings)
    lake = built(lake_settings, FIRST, LAST)
    [*refresh_readers(lake, lambda _: None)]
    expected = of_lake(lake)
    assert {view for view, _ in expected} > {*FACT_VIEWS[:2]}
    assert_same(of_logs(lake_settings, str(directory / "access.log")), expected)
