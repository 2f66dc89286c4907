"""A line of 32 MB needs no more memory than a log without it: in a trial, a pull and a build."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from tests.support.lakes import settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.long_lines import FILLINGS, combined_line, write_log
from tests.support.tiers import first_in_make_test

from clickstream.settings import Settings

MEGABYTE = 1 << 20
LONG = 32 * MEGABYTE
MARGIN = 50 * MEGABYTE
LINES = 21

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")

PEAK = """
import sys
from pathlib import Path

def peak():  # the one of getrusage is at least that of the process that started this one
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

"""
TRIAL = f"""{PEAK}
from clickstream.cli import app
app(["try", "--json", *sys.argv[1:]], standalone_mode=False)
print(peak(), file=sys.stderr)
"""
LAKE = f"""{PEAK}
import json
from clickstream.core.hours import Hour
from clickstream.lake import hour_ledger, open_lake
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings
from tests.support.lakes import aws_session, build_all

settings = Settings.model_validate_json(sys.argv[1])
lake = open_lake(settings, aws_session())
pulled = pull_source(lake, settings.sources[0])
hour = Hour.parse("2026-11-20T17")
build_all(lake, hour, hour, "tests")
row = hour_ledger.ledger(lake).iloc[0]
print(json.dumps([pulled.lines, int(row["lines"]), int(row["rejected"])]))
print(peak(), file=sys.stderr)
"""


def run(code: str, argument: str) -> tuple[object, int]:
    """What a child process prints, and its peak memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", code, argument], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout), int(done.stderr.split()[-1])


def ordinary_log(path: Path) -> Path:
    path.write_bytes(b"".join(map(combined_line, range(LINES - 1))))
    return path


def long_log(path: Path, filling: str, packs: bool) -> Path:
    """A log with a line of 32 MB."""
    write_log(path, FILLINGS[filling], LONG)
    if not packs:
        return path
    packed = path.with_name(f"{path.name}.1.gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), compresslevel=1))
    path.unlink()
    return packed


@pytest.fixture(scope="module")
def trial_without(tmp_path_factory: pytest.TempPathFactory) -> int:
    return run(TRIAL, str(ordinary_log(tmp_path_factory.mktemp("trial") / "access.log")))[1]


@pytest.fixture(scope="module")
def lake_without(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> int:
    logs = tmp_path_factory.mktemp("lake")
    ordinary_log(logs / "access.log")
    return run(LAKE, settings_of_a_lake(local_aws.endpoint, logs).model_dump_json())[1]


every_case = pytest.mark.parametrize(
    ("filling", "packs"), first_in_make_test([*product(FILLINGS, (False, True))], 1)
)


@pytest.mark.lake
@every_case
def test_a_trial_needs_no_more_memory(
    tmp_path: Path, trial_without: int, filling: str, packs: bool
) -> None:
    log = long_log(tmp_path / "access.log", filling, packs)
    report, peak = run(TRIAL, str(log))
    assert isinstance(report, dict)
    assert (report["lines"], report["rejected"]["by_reason"]) == (LINES, {"line too long": 1})
    assert peak < trial_without + MARGIN


@pytest.mark.lake
@every_case
def test_a_pull_and_a_build_need_no_more_memory(
    lake_settings: Settings, tmp_path: Path, lake_without: int, filling: str, packs: bool
) -> None:
    long_log(tmp_path / "logs" / "access.log", filling, packs)
    counted, peak = run(LAKE, lake_settings.model_dump_json())
    assert counted == [LINES, LINES, 1]
    assert peak < lake_without + MARGIN
