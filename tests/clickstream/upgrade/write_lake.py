"""Write the lake of a release as an archive, with hours published and hours between two tasks.

    PYTHONPATH=RELEASE/src:. python tests/clickstream/upgrade/write_lake.py ARCHIVE

RELEASE is a working tree of the release; the README beside this script has the whole procedure.
"""

from __future__ import annotations

import io
import json
import lzma
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tests.clickstream.upgrade.stored_lake import (
    GLUE,
    OBJECTS,
    SECRETS,
    TABLE_FIELDS,
    TASKS,
    settings_of_the_lake,
)
from tests.support.lakes import aws_session, build_all
from tests.support.localaws_process import LocalAwsProcess

from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, objects, open_lake
from clickstream.pipeline.hour.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.pull.host import pull_source

FIRST, LAST = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-20T23")
"""The published hours."""

STITCHED, CLEANED = LAST.next, LAST.next.next
"""The hours whose next tasks are register_tables and build_sessions."""

PEOPLE = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"'
BOT = 'Googlebot/2.1 (+http://www.google.com/bot.html)"'
LONG_LINE_BYTES = 70_000


def lines_of_hour(hour: Hour) -> list[str]:
    """A visitor who stays over all hours, a buyer, an error, a bot, and a rejected line."""
    return [
        *(_line(hour, minute, 1, "/menu", PEOPLE) for minute in range(1, 60, 20)),
        *(_line(hour, 50 + n, 2, f"/{page}", PEOPLE) for n, page in enumerate(["", "order"])),
        *(_line(hour, 55, 3, "/gone", PEOPLE), _line(hour, 56, 4, "/menu", BOT)),
        "cut in the mid\n",
    ]


def log_lines() -> str:
    """The lines of all hours; the first hour also has one that is too long."""
    lines = [line for hour in hour_range(FIRST, CLEANED) for line in lines_of_hour(hour)]
    lines.insert(3, "x" * LONG_LINE_BYTES + "\n")
    return "".join(lines)


def _line(hour: Hour, minute: int, visitor: int, path: str, agent: str) -> str:
    at = f"{hour.start + timedelta(minutes=minute):%d/%b/%Y:%H:%M:%S +0000}"
    status = 404 if path == "/gone" else 200
    return f'192.0.2.{visitor} - - [{at}] "GET {path} HTTP/1.1" {status} 512 "-" "{agent}\n'


def build(lake: Lake, logs: Path) -> dict[str, object]:
    """Build the lake; return what the tasks of the unpublished hours returned."""
    logs.mkdir()
    (logs / "access.log").write_text(log_lines(), encoding="utf-8")
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, FIRST, LAST, "the older release")
    refresh_views(lake)
    refresh_facts(lake, now=CLEANED.start)
    stitched = build_sessions(lake, clean_hits(lake, STITCHED))
    return {
        "check_hour": check_hour(lake, stitched).as_dict(),
        "clean_hits": clean_hits(lake, CLEANED).as_dict(),
    }


def files_of(lake: Lake, tasks: dict[str, object]) -> Iterator[tuple[str, bytes]]:
    """Yield the names and bytes of the archive's files."""
    tables = lake.glue.get_tables(DatabaseName=lake.database)["TableList"]
    entries = [{name: one[name] for name in TABLE_FIELDS if name in one} for one in tables]
    names = [one["Name"] for one in lake.secrets.list_secrets()["SecretList"]]
    values = {name: lake.secrets.get_secret_value(SecretId=name)["SecretString"] for name in names}
    for name, value in ((GLUE, entries), (SECRETS, values), (TASKS, tasks)):
        yield name, json.dumps(value, indent=1, sort_keys=True).encode()
    for key, _ in objects.listing(lake, ""):
        if not key.startswith("athena/"):
            stored = objects.get(lake, key)
            assert stored is not None
            yield OBJECTS + key, stored.body


def pack(files: Iterator[tuple[str, bytes]]) -> bytes:
    """Return a compressed archive of files; equal files give equal bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, body in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return lzma.compress(plain.getvalue(), preset=9)


def main(path: Path) -> None:
    """Start a local AWS, build the lake on it, and write its archive."""
    with tempfile.TemporaryDirectory() as folder, LocalAwsProcess(Path(folder) / "aws") as aws:
        logs = Path(folder) / "logs"
        lake = open_lake(settings_of_the_lake(aws.endpoint, logs), aws_session())
        path.write_bytes(pack(files_of(lake, build(lake, logs))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
