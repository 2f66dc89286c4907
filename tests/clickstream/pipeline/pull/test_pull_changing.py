"""A log that changes its format on the way lands in the lake once, each line in its own format."""

from __future__ import annotations

import uuid
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.faults import Killed, dying

from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, raw
from clickstream.parse import parse
from clickstream.parse.format_changes import SWITCH_AFTER
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings

FORMATS = ("common", "combined", "json")
START = datetime(2026, 11, 20, 5, 50, tzinfo=UTC)


def line(log_format: str, number: int) -> bytes:
    """A line that tells its number, seven minutes after the one before."""
    at = START + timedelta(minutes=7 * number)
    if log_format == "json":
        text = f'{{"ts": {at.timestamp()}, "ip": "192.0.2.1", "status": 200, "path": "/{number}"}}'
    else:
        text = f'192.0.2.1 - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET /{number} HTTP/1.1" 200 1'
    return f'{text} "-" "UA"\n'.encode() if log_format == "combined" else f"{text}\n".encode()


def raw_objects(lake: Lake, host: str) -> list[tuple[Hour, raw.RawObject]]:
    found = []
    for key, size in objects.listing(lake, raw.RAW):
        _, hour, name = key.split("/")
        if name.startswith(f"{host}-"):
            found.append((Hour.parse(hour), raw.RawObject(key, size)))
    return found


ACTIONS = st.one_of(
    st.sampled_from([*FORMATS, "pull"]), st.tuples(st.integers(0, 8), st.booleans())
)


@given(actions=st.lists(ACTIONS, max_size=15))
def test_every_line_lands_once_in_its_hour(lake: Lake, tmp_path: Path, actions: Any) -> None:
    name = uuid.uuid4().hex
    log = tmp_path / name / "access.log"
    log.parent.mkdir()
    source = SourceSettings(name=f"host-{name}", path=str(log.parent))
    written: list[bytes] = []
    for action in [*actions, "combined", "pull"]:
        if action == "pull":
            pull_source(lake, source)
        elif isinstance(action, str):
            lines = [line(action, len(written) + n) for n in range(SWITCH_AFTER)]
            written += lines
            with log.open("ab") as file:
                file.writelines(lines)
        else:
            with suppress(Killed):
                pull_source(dying(lake, *action), source)
    landed: Counter[bytes] = Counter()
    read: set[str] = set()
    for hour, stored in raw_objects(lake, source.name):
        text = raw.read(lake, stored)
        landed.update(text.splitlines(keepends=True))
        parsed = parse(text, stored.log_format)
        assert parsed.rejects.empty
        assert (parsed.requests["at"].dt.floor("h") == hour.start.replace(tzinfo=None)).all()
        read |= set(parsed.requests["target"])
    assert landed == Counter(written)
    assert read == {f"/{n}" for n in range(len(written))}


def test_common_becomes_combined_becomes_json(lake: Lake, tmp_path: Path) -> None:
    names = [name for name in FORMATS for _ in range(10)]
    text = b"".join(line(name, number) for number, name in enumerate(names))
    (tmp_path / "logs" / "access.log").write_bytes(text)
    pulled = pull_source(lake, lake.settings.sources[0])
    assert pulled.lines == 30
    by_format: Counter[str] = Counter()
    for _, stored in raw_objects(lake, "web-1"):
        parsed = parse(raw.read(lake, stored), stored.log_format)
        by_format[stored.log_format] += len(parsed.requests)
    assert by_format == dict.fromkeys(FORMATS, 10)


@pytest.mark.parametrize("lines", [SWITCH_AFTER - 1, SWITCH_AFTER + 2])
def test_lines_that_come_one_by_one_add_up(lake: Lake, tmp_path: Path, lines: int) -> None:
    log = tmp_path / "logs" / "access.log"
    log.write_bytes(line("combined", 0))
    source = lake.settings.sources[0]
    pull_source(lake, source)
    for number in range(1, lines + 1):
        with log.open("ab") as file:
            file.write(line("json", number))
        assert pull_source(lake, source).lines == 1
    formats = Counter(stored.log_format for _, stored in raw_objects(lake, "web-1"))
    assert formats["json"] == max(lines - SWITCH_AFTER + 1, 0)


def test_a_log_of_a_named_format_keeps_it_whatever_its_lines_are(
    lake: Lake, tmp_path: Path
) -> None:
    text = b"".join(line(name, n) for n, name in enumerate(["combined", *["json"] * 5]))
    (tmp_path / "logs" / "access.log").write_bytes(text)
    source = SourceSettings(name="web-9", path=str(tmp_path / "logs"), format="combined")
    assert pull_source(lake, source).lines == 6
    assert {stored.log_format for _, stored in raw_objects(lake, "web-9")} == {"combined"}
