"""`clickstream digest` in another process, on a real lake with facts."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.support.command_line import clean_environment, run_command
from tests.support.fact_lake import store_facts, weeks_of_visits
from tests.support.lakes import aws_session, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.dashboard.mail import Week
from clickstream.lake import Lake, open_lake

WEEK = Week.last_complete(datetime.now(UTC), ZoneInfo("UTC"))
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def lake(local_aws: LocalAwsProcess) -> Lake:
    """A lake with the facts of two weeks."""
    lake = open_lake(settings_of_a_lake(local_aws.endpoint, Path("no-logs")), aws_session())
    store_facts(lake, weeks_of_visits(WEEK))
    return lake


@pytest.fixture
def run(lake: Lake, local_aws: LocalAwsProcess, tmp_path: Path) -> Run:
    """Runs the command in an empty directory."""
    chosen = lake.settings.lake
    environment = {
        **clean_environment(),
        **local_aws.environment(),
        "CLICKSTREAM_LAKE__BUCKET": chosen.bucket,
        "CLICKSTREAM_LAKE__DATABASE": chosen.database,
        "CLICKSTREAM_LAKE__KEY_SECRET": chosen.key_secret,
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_command(("digest", *arguments), tmp_path, environment)

    return run


def test_the_text_part_of_the_last_complete_week_is_printed(run: Run) -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].startswith(f"Week {WEEK.number}, ")
    assert any(line.startswith("Visits ") and line.split()[1:2] == ["40"] for line in lines)


def test_a_preview_is_written_by_its_suffix(run: Run, tmp_path: Path) -> None:
    for suffix in ("html", "png"):
        done = run("--week", str(WEEK), "--preview", f"week.{suffix}")
        assert done.returncode == 0, done.stderr
        assert done.stderr == f"The mail of {WEEK} is written to week.{suffix}.\n"
    html = (tmp_path / "week.html").read_text()
    assert '<img src="data:image/png;base64,iVBOR' in html
    assert struct.unpack(">II", (tmp_path / "week.png").read_bytes()[16:24])[0] == 2 * 544


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--week", "last"], "'last' is not a week; write it like 2026-W47."),
        (["--week", str(Week.of(WEEK.last + timedelta(days=1)))], "is not over yet. Name a week"),
        (["--preview", "week.pdf"], "Can't write a preview to week.pdf: name it .html, .txt"),
        (["--week", "2001-W10"], "No hour of 2001-W10 (2001-03-05 to 2001-03-11, UTC)"),
    ],
)
def test_what_can_not_be_shown_is_said_in_a_sentence(run: Run, arguments, says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
