"""The log of a long pull shows how far it is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.support.web_server import WebServer

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.pipeline.pull.context import PullProgress, PullTotals
from clickstream.pipeline.pull.host import pull_source

HOUR = Hour.parse("2026-11-20T05")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the clock shows; a test sets them."""
    shown = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: shown[0])
    return shown


def test_a_pull_reports_every_ten_seconds_with_its_rate(clock: list[float]) -> None:
    said: list[str] = []
    stored = PullTotals()
    progress = PullProgress("web.shop-1", stored, said.append, started=100.0, reported=100.0)
    progress.files = 12
    for seconds in (104.0, 109.9, 110.0, 115.0, 120.0):
        clock[0] = seconds
        stored.add({HOUR: 1000}, 4_000_000, None, 0)
        progress.file_done()
    assert said == [
        "web.shop-1: 3 of 12 files read, 3,000 new lines so far, 12.0 MB at 1.2 MB/s.",
        "web.shop-1: 5 of 12 files read, 5,000 new lines so far, 20.0 MB at 1.0 MB/s.",
    ]


def test_a_range_of_a_long_file_is_reported_before_the_file_is_done(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clickstream.pipeline.pull.context.REPORT_SECONDS", 0)
    server = WebServer(tmp_path / "logs")
    server.write()
    said: list[str] = []
    pull_source(lake, lake.settings.sources[0], progress=said.append)
    assert [sentence.partition(",")[0] for sentence in said] == [
        "web-1: 0 of 1 file read",
        "web-1: 1 of 1 file read",
    ]
