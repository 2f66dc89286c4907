"""Files that are no access logs are set aside; an access log that can't be read fails once."""

from __future__ import annotations

import gzip
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.web_server import RacingSource, WebServer

from clickstream.collect import DirectorySource, FileHandle
from clickstream.collect.source import LeftOut
from clickstream.core.errors import InputError
from clickstream.lake import Lake, pull_states
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings

ERRORS = b"2026/11/20 05:50:00 [error] 7#7: *1 open() failed (2: No such file)\n"
ODD = b"what is this\nand this\n"


@pytest.fixture
def source(lake: Lake) -> SourceSettings:
    """Every file of the directory, as `make demo LOGS=` sets it."""
    return lake.settings.sources[0].model_copy(update={"pattern": "*"})


@pytest.fixture
def server(tmp_path: Path) -> WebServer:
    return WebServer(tmp_path / "logs")


def test_an_error_log_is_set_aside_and_named(
    lake: Lake, server: WebServer, source: SourceSettings
) -> None:
    server.write()
    for name in ("error.log", "error.log.1"):
        (server.directory / name).write_bytes(ERRORS + name.encode() + b"\n")
    (server.directory / "error.log.2.gz").write_bytes(gzip.compress(ERRORS))
    names = ["error.log", "error.log.1", "error.log.2.gz"]
    for lines in (1, 0):
        pulled = pull_source(lake, source)
        assert (pulled.lines, pulled.set_aside, pulled.refused) == (lines, names, [])
        said = "3 files set aside, not access logs: error.log, error.log.1, error.log.2.gz."
        assert pulled.sentence.endswith(said)
        [state] = pull_states.pull_states(lake)
        assert (state.host, [one.name for one in state.set_aside]) == ("web-1", names)


def test_only_some_of_many_names_are_in_the_sentence(
    lake: Lake, server: WebServer, source: SourceSettings
) -> None:
    for number in range(20):
        (server.directory / f"error-{number:02}.log").write_bytes(b"%d\n" % number)
    assert pull_source(lake, source).sentence.endswith(
        "error-00.log, error-01.log, error-02.log, error-03.log, error-04.log and 15 more."
    )


def test_a_file_that_is_set_aside_is_read_once_it_holds_requests(
    lake: Lake, server: WebServer, source: SourceSettings
) -> None:
    server.log = server.directory / "example.com.log"
    server.log.write_bytes(b"begun\n")
    assert pull_source(lake, source).set_aside == ["example.com.log"]
    server.write()
    pulled = pull_source(lake, source)
    assert (pulled.lines, pulled.set_aside) == (2, [])


@pytest.mark.parametrize(("before", "lines"), [(999, 1_000), (1_000, 0)])
def test_a_thousand_lines_are_tried(
    lake: Lake, server: WebServer, source: SourceSettings, before: int, lines: int
) -> None:
    long = b"x" * 200 + b"\n"
    (server.directory / "site.log").write_bytes(long * before + server.line())
    pulled = pull_source(lake, source)
    assert (pulled.lines, bool(pulled.set_aside)) == (lines, not lines)


def test_an_access_log_in_an_unknown_format_fails_once_until_it_changes(
    lake: Lake, server: WebServer, source: SourceSettings
) -> None:
    server.write()
    odd = server.directory / "Odd-Access.log"
    odd.write_bytes(ODD)
    first = pull_source(lake, source)
    [reason] = first.refused
    assert reason.startswith("Odd-Access.log: No line of the log has a known format")
    assert first.newly_refused == first.refused
    assert "; 1 file REFUSED." in first.sentence
    [state] = pull_states.pull_states(lake)
    assert [f"{one.name}: {one.reason}" for one in state.refused] == first.refused
    odd = odd.rename(server.directory / "Odd-Access.log.1")
    again = pull_source(lake, source)
    assert (len(again.refused), again.newly_refused) == (1, [])
    assert again.sentence.endswith("; 1 file refused before and unchanged since.")
    odd.write_bytes(ODD + b"more\n")
    assert len(pull_source(lake, source).newly_refused) == 1
    odd.unlink()
    assert pull_source(lake, source).refused == []
    assert pull_states.pull_state(lake, "web-1").refused == ()


def test_a_file_that_can_not_be_opened_is_refused_and_the_others_are_pulled(
    lake: Lake, server: WebServer, source: SourceSettings
) -> None:
    server.write()
    (server.directory / "other-access.log").write_bytes(server.log.read_bytes())

    class Locked(RacingSource):
        def open(self, name: str) -> AbstractContextManager[FileHandle]:
            if name == "access.log":
                raise InputError("can't be opened (Permission denied)")
            return super().open(name)

    pulled = pull_source(lake, source, Locked(DirectorySource(server.directory, "*")))
    assert pulled.lines == 1
    assert pulled.newly_refused == ["access.log: can't be opened (Permission denied)"]


def test_a_directory_below_that_may_not_be_listed_is_refused_and_the_others_are_pulled(
    lake: Lake, server: WebServer, source: SourceSettings
) -> None:
    server.write()

    class PartlyLocked(RacingSource):
        def list_left_out(self) -> Sequence[LeftOut]:
            return [LeftOut("old", "can't be read: locked", is_refused=True)]

    logs = PartlyLocked(DirectorySource(server.directory, "*"))
    pulled = pull_source(lake, source, logs)
    assert (pulled.lines, pulled.newly_refused) == (1, ["old: can't be read: locked"])
    [refused] = pull_states.pull_state(lake, "web-1").refused
    assert refused.name == "old"
    assert pull_source(lake, source, logs).newly_refused == []


def test_the_state_tells_the_newest_line_but_for_lines_of_the_future(
    lake: Lake, server: WebServer, source: SourceSettings
) -> None:
    now = int(time.time())
    for at in (now - 60, now - 4_000, now + 86_400):
        stamp = datetime.fromtimestamp(at, UTC)
        line = server.line().replace(b"20/Nov/2026:05:50:00", f"{stamp:%d/%b/%Y:%H:%M:%S}".encode())
        (server.directory / f"{at}-access.log").write_bytes(line)
        server.lines.clear()
        pull_source(lake, source)
    state = pull_states.pull_state(lake, "web-1")
    assert state.newest_line_at == now - 60
    assert state.pulled_at is not None
    assert now <= state.pulled_at <= time.time()


def test_a_file_that_vanished_after_the_listing_is_no_error(
    lake: Lake, server: WebServer, source: SourceSettings
) -> None:
    """A file that is listed again and never opens is refused: see test_hostile_hosts.py."""
    server.write()
    deleted = server.directory / "access.log.1"
    deleted.write_bytes(server.line())
    logs = RacingSource(DirectorySource(server.directory, "*"), [(1, deleted.unlink)])
    pulled = pull_source(lake, source, logs)
    assert (pulled.lines, pulled.files, pulled.refused) == (1, 1, [])
