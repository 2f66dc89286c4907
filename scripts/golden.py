"""Check that a change keeps all rows, pages and texts: build the café, and compare digests.

python -m scripts.golden                compare with tests/golden.json
python -m scripts.golden --write        replace tests/golden.json; say why in the commit message
python -m scripts.golden --keep DIR     write what is digested to DIR, for a diff of two versions

The café is the finished lake of the tests: two days with fixed seed, dates and keys
(`tests.support.finished_cafe`). There is one digest for the sorted rows of each table and view, for
each page, and for the texts of the mail, of alerts, `status` and `try`. The clock
stands still. Durations and digests of random names are left out. The exit status is 1 if a digest
differs.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from zoneinfo import ZoneInfo

import time_machine
import typer
from rich.console import Console
from starlette.testclient import TestClient
from tests.support.finished_cafe import LAST, NOW, build_cafe, settings_of_the_cafe
from tests.support.localaws_process import CREDENTIALS
from tests.support.localaws_thread import local_aws_in_thread

from clickstream.alerts.check import find_verdicts
from clickstream.alerts.incidents import ALERT, Incidents
from clickstream.alerts.lake_state import LakeState
from clickstream.alerts.machine import observe_machine
from clickstream.alerts.observations import Observations, observe_lake
from clickstream.alerts.texts import build_alert
from clickstream.cli.status_output import show_status
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.mail import Week, build_digest, render_preview, render_text
from clickstream.dashboard.web.app import build_app
from clickstream.lake import Lake, athena
from clickstream.logs.trial import run_trial
from clickstream.pipeline.proof.freshness import FreshnessLimits, lake_freshness

DIGESTS = Path(__file__).parents[1] / "tests" / "golden.json"
FILTERS = (("", ""), ("channel", "Direct"), ("page", "/cafe/menu.php"), ("country", "GB"))
DURATION = re.compile(r"read in .*|(?<=\"cpu_seconds\": )[\d.]+|[\d.,]+ lines per second")
RANDOM_COLUMNS = frozenset(("parts_version", "inputs_digest"))
"""Digests of the random names of data files."""


def texts_of(lake: Lake, directory: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each part of the check."""
    yield from _rows(lake)
    yield from _pages(lake)
    yield from _messages(lake)
    for name, as_json in (("try", False), ("try --json", True)):
        with chdir(directory), redirect_stderr(io.StringIO()):  # progress bars
            console = Console(file=io.StringIO(), width=100)
            run_trial(["logs"], "auto", as_json, console, lake.settings)
        yield name, DURATION.sub("DURATION", console.file.getvalue())  # type: ignore[attr-defined]


def _rows(lake: Lake) -> Iterator[tuple[str, str]]:
    views = sorted(path.stem for path in (DIGESTS.parents[1] / "include" / "sql").glob("*.sql"))
    for name in [*sorted(table.name for table in lake.tables), *views]:
        result = athena.query(lake, f"select * from {name}")  # noqa: S608 - a name of ours
        lines = sorted(
            json.dumps(
                {
                    column: float(f"{value:.9g}") if isinstance(value, float) else value
                    for column, value in zip(result.columns, row, strict=True)
                    if column not in RANDOM_COLUMNS
                },
                default=str,
                sort_keys=True,
            )
            for row in result.rows
        )
        yield f"rows/{name}", "\n".join([", ".join(result.columns), *lines])


def _pages(lake: Lake) -> Iterator[tuple[str, str]]:
    def protect(app: object, _dashboard: object) -> None:
        app.middleware("http")(_as_owner)  # type: ignore[attr-defined]

    app = build_app(lake.settings, lambda: NOW, lake=lake, protect=protect)
    app.state.dashboard.refresher.look()
    client = TestClient(app)
    for tab in TABS:
        for dimension, value in FILTERS:
            view = View(tab=tab, range="7d")
            view = view.with_filter(dimension, value) if dimension else view
            path = "/" if tab == "overview" else f"/{tab}"
            yield f"pages/{tab} {dimension}".strip(), _page(client, path + view.query)
    for path in ("/locations", "/holdouts", "/visits?range=7d", f"/hours/{LAST.minus(24)}"):
        yield f"pages{path}".replace("?", " "), _page(client, path)
    app.state.dashboard.stop()


def _page(client: TestClient, path: str) -> str:
    answer = client.get(path)
    return f"{answer.status_code}\n{answer.text}"


async def _as_owner(request, call_next):  # type: ignore[no-untyped-def]
    request.state.identity = Identity("owner")
    return await call_next(request)


def _messages(lake: Lake) -> Iterator[tuple[str, str]]:
    zone = ZoneInfo(lake.settings.site.time_zone)
    digest = build_digest(lake, Week.last_complete(NOW, zone), NOW)
    yield "mail.txt", render_text(digest)
    yield "mail.html", render_preview(digest)
    for name, moment in (("now", NOW), ("two days later", NOW + timedelta(days=2))):
        observations = Observations(
            moment, observe_lake(lake, moment), observe_machine(lake.settings)
        )
        verdicts = find_verdicts(observations, lake.settings.alerts)
        incidents = Incidents().observe(verdicts, moment, {})
        alerts = [
            build_alert(lake.settings, incident, ALERT, moment) for incident in incidents.open
        ]
        yield f"alerts {name}", "\n\n".join(f"{alert.title}\n{alert.text}" for alert in alerts)
        console = Console(file=io.StringIO(), width=100)
        limits = FreshnessLimits(timedelta(hours=2), timedelta(hours=2))
        freshness = lake_freshness(lake, moment, None, limits)
        show_status(LakeState(freshness, incidents), console)
        yield f"status {name}", console.file.getvalue()  # type: ignore[attr-defined]


def main(
    write: Annotated[bool, typer.Option(help="Replace the stored digests.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Write the digested texts there.")] = None,
) -> None:
    """Build the café, and compare the digests of its rows, pages and texts with the stored ones."""
    os.environ.update(CREDENTIALS)
    digests = {}
    with TemporaryDirectory(prefix="golden-") as top, time_machine.travel(NOW, tick=False) as clock:
        directory = Path(top)
        with local_aws_in_thread(directory / "aws") as endpoint:
            settings = settings_of_the_cafe(endpoint, directory)
            lake = build_cafe(settings, directory, clock.move_to)
            for name, raw in texts_of(lake, directory):
                text = raw.replace(top, "DIRECTORY").replace(endpoint, "ENDPOINT")
                digests[name] = blake2b(text.encode(), digest_size=8).hexdigest()
                if keep:
                    path = keep / name.replace("/", "_")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text, encoding="utf-8")
    if write:
        DIGESTS.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
        return
    stored = json.loads(DIGESTS.read_text(encoding="utf-8"))
    names = sorted({*digests, *stored})
    differing = [name for name in names if digests.get(name) != stored.get(name)]
    typer.echo(f"{len(names) - len(differing)} of {len(names)} digests are equal.")
    for name in differing:
        typer.echo(f"Not equal: {name}")
    raise typer.Exit(bool(differing))


if __name__ == "__main__":
    typer.run(main)
