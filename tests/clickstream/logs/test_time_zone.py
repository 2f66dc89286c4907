"""Times are those of the clock that wrote the lines, unless the user has set a time zone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.clickstream.parse.builders import WRAPPERS
from tests.support.examples import many_examples

from clickstream.core.zone_names import name_zone, sql_zone
from clickstream.logs import time_zone
from clickstream.logs.log_set import LogSet
from clickstream.logs.open_engine import LogEngine
from clickstream.logs.time_zone import (
    WrittenOffsets,
    choose_zone,
    merge_offsets,
    sample_offsets,
    with_zone,
)
from clickstream.logs.trial import run_trial
from clickstream.settings import Settings
from clickstream.settings.sections import SiteSettings

FORMS = ("%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%:z", "%Y-%m-%dT%H:%M:%S.123%z")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 365 * 24).map(lambda hours: FIRST + timedelta(hours=hours))
zones = st.sampled_from(
    [*time_zone.WELL_KNOWN, "UTC", "Asia/Kathmandu", "Pacific/Auckland", "America/St_Johns"]
)


def line(at: datetime, page: str = "/", form: str = FORMS[0], client: str = "192.0.2.7") -> str:
    # The format %:z is of Python 3.12.
    colon = f"{at:%z}"[:3] + ":" + f"{at:%z}"[3:]
    time = at.strftime(form.replace("%:z", colon))
    return f'{client} - - [{time}] "GET {page} HTTP/1.1" 200 1 "-" "{BROWSER}"\n'


def offsets_of(times: Iterable[datetime], form: str = FORMS[0]) -> WrittenOffsets:
    return merge_offsets(sample_offsets(line(at, form=form).encode()) for at in times)


@contextmanager
def machine_in(key: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", key)
        yield


@many_examples
@given(st.lists(moments, min_size=1, max_size=9), zones, zones, st.sampled_from(FORMS))
def test_each_line_gets_its_own_clock_time(
    times: list[datetime], server: str, machine: str, form: str
) -> None:
    written = [at.astimezone(ZoneInfo(server)) for at in times]
    with machine_in(machine):
        found = choose_zone(Settings(), offsets_of(written, form))
    shown = [at.astimezone(ZoneInfo(found.key)) for at in times]
    assert [at.utcoffset() for at in shown] == [at.utcoffset() for at in written]
    assert name_zone(found.key) in found.sentence
    offsets = {at.utcoffset() for at in written}
    if [at.astimezone(ZoneInfo(machine)).utcoffset() for at in times] == [
        at.utcoffset() for at in written
    ]:
        assert found.key == machine
    elif len(offsets) == 1 and not min(offsets).total_seconds() % 3600:
        assert name_zone(found.key).startswith("UTC")


def test_a_set_time_zone_applies_and_a_log_without_offsets_is_in_utc() -> None:
    berlin = Settings(site=SiteSettings(time_zone="Europe/Berlin"))
    of_tokyo = offsets_of([FIRST.astimezone(ZoneInfo("Asia/Tokyo"))])
    assert choose_zone(berlin, of_tokyo) == ("Europe/Berlin", "")
    iis = b"2009-10-22 00:00:01 GET /index.html 80 - 192.0.2.7 200\n"
    with machine_in("Asia/Tokyo"):
        assert choose_zone(Settings(), sample_offsets(iis)).key == "UTC"


def test_servers_with_several_clocks_get_the_most_frequent_offset() -> None:
    at = FIRST.astimezone(ZoneInfo("Asia/Tokyo"))
    hours = [FIRST + timedelta(hours=number) for number in range(3)]
    found = choose_zone(Settings(), offsets_of([at, *hours, at + timedelta(hours=1)]))
    assert found.key == "UTC"
    assert "which have several" in found.sentence


@pytest.mark.parametrize(
    ("key", "sql", "name"),
    [
        ("Etc/GMT-1", "+01:00", "UTC+01:00"),
        ("Etc/GMT+11", "-11:00", "UTC-11:00"),
        ("Etc/GMT", "Etc/GMT", "Etc/GMT"),
        ("UTC", "UTC", "UTC"),
        ("Europe/Isle_of_Man", "Europe/Isle_of_Man", "Europe/Isle of Man"),
    ],
)
def test_a_fixed_offset_has_the_sign_that_people_know(key: str, sql: str, name: str) -> None:
    assert (sql_zone(key), name_zone(key)) == (sql, name)


def test_the_first_and_last_line_of_a_block_are_sampled() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    between = [FIRST + timedelta(minutes=number) for number in range(1000)]
    lines = [FIRST.astimezone(tokyo), *between, (FIRST + timedelta(days=2)).astimezone(tokyo)]
    found = sample_offsets("".join(map(line, lines)).encode())
    assert [seen.lines for dated, seen in sorted(found.items()) if dated.offset == 9 * 3600] == [
        1,
        1,
    ]


def lines_of(days: range, zone: str) -> str:
    """One person a day reads two pages just after midnight of the server's clock."""
    first = datetime(2026, 3, 20, 0, 5, tzinfo=ZoneInfo(zone))
    return "".join(
        line(first + timedelta(days=day, minutes=minute), page, client=f"192.0.2.{day}")
        for day in days
        for minute, page in enumerate(("/", "/menu"))
    )


def dates_of(engine: LogEngine) -> list[tuple[str, int]]:
    with engine.reader() as snapshot:
        rows = snapshot.cursor.execute(
            "select cast(local_date as varchar), local_hour from session_facts order by 1"
        )
        return [*rows.fetchall()]


def test_days_are_cut_at_midnight_of_the_log_also_at_later_starts(tmp_path: Path) -> None:
    """The log grows by days of summer time: then the offset of winter is not that of all lines."""
    log, cache = tmp_path / "access.log", tmp_path / "cache"
    cache.mkdir()
    log.write_text(lines_of(range(5), "Europe/Berlin"))

    def start() -> tuple[list[tuple[str, int]], str, str]:
        with machine_in("America/Chicago"):
            logs = LogSet([str(log)], Settings())
            engine = LogEngine(logs, cache, Console(file=StringIO()))
            try:
                engine.refresh()
                with engine.reader() as reader:
                    zone = reader.state.time_zone
                return dates_of(engine), zone, engine.notes.zone
            finally:
                engine.close()

    winter = [(f"2026-03-{day}", 0) for day in range(20, 25)]
    first = start()
    assert first[0] == winter
    assert (first[1], "UTC+01:00" in first[2]) == ("Etc/GMT-1", True)
    assert start() == first
    with log.open("a") as file:
        file.write(lines_of(range(5, 15), "Europe/Berlin"))
    dates, zone, sentence = start()
    assert dates[:5] == winter
    assert [hour for _, hour in dates] == [0] * 15
    assert (zone, "Europe/Berlin" in sentence) == ("Europe/Berlin", True)


def test_try_has_the_zone_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(lines_of(range(2), "Asia/Tokyo"))
    with machine_in("UTC"):
        out = Console(file=StringIO(), width=200)
        run_trial([str(log)], "auto", False, out, Settings())
    page = out.file.getvalue()
    assert "20 Mar 2026 00:05 to 21 Mar 2026 00:06 UTC+09:00" in page
    assert "Times are those of UTC+09:00" in page


def test_an_inferred_zone_is_a_valid_setting() -> None:
    for key in ("Etc/GMT-14", "Etc/GMT+12", "Asia/Kolkata"):
        chosen = with_zone(Settings(), time_zone.LogZone(key, ""))
        assert SiteSettings.model_validate(chosen.site.model_dump()).time_zone == key


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_offset_is_that_of_the_server_inside_a_line_of_a_collector(name: str) -> None:
    line = '192.0.2.7 - - [20/Nov/2026:06:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "-"'
    wrapped = f"{WRAPPERS[name](line)}\n".encode()
    assert sample_offsets(wrapped) == sample_offsets(f"{line}\n".encode()) != {}
