"""W3C logs in the lake: each raw object can be read by itself, however the file was pulled."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.support.faults import Killed, dying

from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, raw
from clickstream.parse import parse
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings

NEEDED = ("date", "time", "c-ip", "cs-method", "cs-uri-stem", "sc-status")
ACTIONS = st.one_of(
    st.sampled_from(["write", "write", "write", "restart", "pull"]),
    st.tuples(st.integers(0, 8), st.booleans()),
)


class Iis:
    """Writes numbered entries, one every seven minutes; each restart turns the columns around."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.log = directory / "u_ex261120-access.log"
        self.columns = NEEDED
        self.written = 0
        self.restart()

    def restart(self) -> None:
        self.columns = (*self.columns[1:], self.columns[0])
        fields = " ".join(self.columns)
        with self.log.open("ab") as log:
            log.write(f"#Software: IIS\r\n#Date: now\r\n#Fields: {fields}\r\n".encode())

    def write(self) -> None:
        minutes = 7 * self.written
        values = ("2026-11-20", f"{minutes // 60:02}:{minutes % 60:02}:00", "192.0.2.7", "GET")
        entry = dict(zip(NEEDED, (*values, f"/{self.written}", "200"), strict=True))
        with self.log.open("ab") as log:
            log.write((" ".join(entry[c] for c in self.columns) + "\r\n").encode())
        self.written += 1


def targets_by_hour(lake: Lake, host: str) -> dict[int, list[str]]:
    """The targets that each raw object of a host gives when it is read alone, by hour of day."""
    found: dict[int, list[str]] = {}
    for key, size in objects.listing(lake, raw.RAW):
        _, hour, name = key.split("/")
        if name.startswith(f"{host}-"):
            stored = raw.RawObject(key, size)
            parsed = parse(raw.read(lake, stored), stored.log_format)
            assert parsed.rejects.empty
            assert (parsed.requests["at"].dt.hour == Hour.parse(hour).start.hour).all()
            found.setdefault(Hour.parse(hour).start.hour, []).extend(parsed.requests["target"])
    return found


@given(actions=st.lists(ACTIONS, max_size=25))
def test_every_entry_lands_once_and_can_be_read(lake: Lake, tmp_path: Path, actions) -> None:
    name = uuid.uuid4().hex
    server = Iis(tmp_path / name)
    source = SourceSettings(name=f"host-{name}", path=str(tmp_path / name))
    lines = 0
    for action in actions:
        if action == "pull":
            lines += pull_source(lake, source).lines
        elif isinstance(action, str):
            getattr(server, action)()
        else:
            with suppress(Killed):
                pull_source(dying(lake, *action), source)
    server.write()
    pull_source(lake, source)
    expected: dict[int, list[str]] = {}
    for number in range(server.written):
        expected.setdefault(7 * number // 60, []).append(f"/{number}")
    assert targets_by_hour(lake, source.name) == expected


def test_directives_alone_are_no_lines(lake: Lake, tmp_path: Path) -> None:
    server = Iis(tmp_path / "iis")
    source = SourceSettings(name="web-2", path=str(tmp_path / "iis"))
    assert pull_source(lake, source).lines == 0
    server.write()
    assert pull_source(lake, source).lines == 1
    server.restart()
    pulled = pull_source(lake, source)
    assert (pulled.lines, pulled.hours, pulled.unfinished) == (0, [], [])
    server.write()
    assert pull_source(lake, source).lines == 1
    assert targets_by_hour(lake, "web-2") == {0: ["/0", "/1"]}


def test_a_named_format_counts_rejects_without_a_header(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "logs" / "access.log").write_bytes(b"2026-11-20 05:00:00 192.0.2.7 GET / 200\n")
    source = SourceSettings(name="web-3", path=str(tmp_path / "logs"), format="w3c")
    assert pull_source(lake, source).lines == 1
    (stored,) = [
        raw.RawObject(key, size) for key, size in objects.listing(lake, raw.RAW) if "/web-3-" in key
    ]
    parsed = parse(raw.read(lake, stored), stored.log_format)
    assert parsed.rejects["reason"].tolist() == ["no #Fields line that fits before it"]
