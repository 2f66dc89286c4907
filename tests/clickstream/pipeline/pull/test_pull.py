"""Whatever a web server and logrotate do to its files, every line lands once, in its own hour."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.faults import Killed, dying
from tests.support.web_server import START, WebServer, raw_lines

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.lake import Lake, raw
from clickstream.pipeline.publish.publish import Due, build_hour, hours_to_build
from clickstream.pipeline.pull.host import Pulled, pull_source
from clickstream.settings import SourceSettings

ACTIONS = st.one_of(
    st.sampled_from(["write", "write", "write_half", "rename", "copy_and_truncate", "compress"]),
    st.just("pull"),
    st.tuples(st.integers(0, 8), st.booleans()),
)


@given(actions=st.lists(ACTIONS, max_size=20))
def test_every_line_lands_once_in_its_hour(lake: Lake, tmp_path: Path, actions) -> None:
    name = uuid.uuid4().hex  # every example has a host and a directory of its own
    directory = tmp_path / name
    server = WebServer(directory)
    source = SourceSettings(name=f"host-{name}", path=str(directory))
    for action in actions:
        if action == "pull":
            pull_source(lake, source)
        elif isinstance(action, str):
            getattr(server, action)()
        else:
            with suppress(Killed):
                pull_source(dying(lake, *action), source)
    server.write()
    pull_source(lake, source)
    assert raw_lines(lake, source.name) == server.lines_by_hour()


def test_pulls_at_once_share_the_files(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second pull runs while the first one is in the middle of its first file."""
    server = WebServer(tmp_path / "logs")
    for _ in range(3):
        server.write()
        server.rename()
    source, store = lake.settings.sources[0], raw.store
    second: list[Pulled] = []
    stored: list[bytes] = []

    def meanwhile(lake: Lake, hour: Hour, span: raw.RawRange, text: bytes) -> None:
        stored.append(text)
        if len(stored) == 1:
            second.append(pull_source(lake, source))
        store(lake, hour, span, text)

    monkeypatch.setattr(raw, "store", meanwhile)
    first = pull_source(lake, source)
    begun = server.lines[0]
    assert stored == [begun, *server.lines[1:], begun], "what the first has begun comes last"
    assert (first.lines, second[0].lines) == (1, 3)
    assert raw_lines(lake) == server.lines_by_hour()


def test_an_unfinished_line_waits_and_is_named(lake: Lake, tmp_path: Path) -> None:
    server = WebServer(tmp_path / "logs")
    server.write()
    server.write_half()
    source = lake.settings.sources[0]
    pulled = pull_source(lake, source)
    assert (pulled.lines, pulled.unfinished) == (1, ["access.log"])
    assert "unfinished last line of access.log waits" in pulled.sentence
    server.write()
    assert pull_source(lake, source).lines == 2


def test_a_file_in_an_unknown_format_is_named_and_the_others_are_pulled(
    lake: Lake, tmp_path: Path
) -> None:
    WebServer(tmp_path / "logs").write()
    (tmp_path / "logs" / "other-access.log").write_bytes(b"what is this\nand this\n")
    pulled = pull_source(lake, lake.settings.sources[0])
    assert pulled.lines == 1
    assert "other-access.log" in pulled.refused[0]


def test_lines_without_a_time_stay_beside_their_neighbours(lake: Lake, tmp_path: Path) -> None:
    server = WebServer(tmp_path / "elsewhere")
    good = [server.line() for _ in range(3)]
    text = b"broken at the start\n" + good[0] + b"broken\n" + good[1] + good[2] + b"broken too\n"
    (tmp_path / "logs" / "access.log").write_bytes(text)
    pull_source(lake, SourceSettings(name="web-1", path=str(tmp_path / "logs"), format="combined"))
    by_hour = {str(hour): lines.total() for hour, lines in raw_lines(lake).items()}
    assert by_hour == {"2026-11-20T05": 4, "2026-11-20T06": 2}


def test_two_files_that_begin_alike_are_told_apart(lake: Lake, tmp_path: Path) -> None:
    server = WebServer(tmp_path / "elsewhere")
    first, second, third = (server.line() for _ in range(3))
    (tmp_path / "logs" / "access.log").write_bytes(first + second)
    source = lake.settings.sources[0]
    assert pull_source(lake, source).lines == 2
    (tmp_path / "logs" / "access.log").write_bytes(first + third)
    assert pull_source(lake, source).lines == 2


def test_files_pulled_to_their_end_are_known_by_whatever_name(lake: Lake, tmp_path: Path) -> None:
    server = WebServer(tmp_path / "logs")
    for _ in range(5):
        server.write()
        server.rename()
    for path in server.directory.iterdir():
        os.utime(path, (time.time() - 60, time.time() - 60))
    source = SourceSettings(name=f"host-{uuid.uuid4().hex}", path=str(server.directory))
    assert pull_source(lake, source).lines == 5
    for path in server.directory.iterdir():
        path.rename(path.with_name(f"{path.name}.old"))
    asked: list[str] = []
    heard = {"event_name": "before-call.s3", "handler": lambda model, **_: asked.append(model.name)}
    lake.s3.meta.events.register(**heard)
    again = pull_source(lake, source)
    lake.s3.meta.events.unregister(**heard)
    of_any_directory = [
        "GetObject",
        "GetObject",
        "PutObject",
    ]  # finished files; source state, twice
    assert (again.files, again.lines, asked) == (5, 0, of_any_directory)


def test_a_directory_that_is_none_is_named(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere does not exist: mount its disk, or set"):
        pull_source(lake, SourceSettings(name="web-1", path=str(tmp_path / "nowhere")))


def test_hours_wait_until_they_are_built(
    lake: Lake, reopen: Callable[[], Lake], tmp_path: Path
) -> None:
    server = WebServer(tmp_path / "logs")
    server.write()
    with suppress(Killed):
        pull_source(dying(lake, 3, after=True), lake.settings.sources[0])
    pull_source(reopen(), lake.settings.sources[0])
    hour = Hour.of(START)
    assert raw.pending_hours(lake) == [hour]
    assert hours_to_build(lake, hour.next).hours == [hour, hour.next]
    alone = hours_to_build(lake, hour.next, catch_up=False)
    assert alone == Due([hour.next], left_waiting=[hour])
    build_hour(lake, hour, "test")
    assert raw.pending_hours(lake) == []
