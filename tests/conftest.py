"""What every room's tests may use: a running local AWS, and a lake of their own on it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from clickstream.lake import Lake, open_lake
from clickstream.settings import Aws, Build, Settings, Source
from clickstream.settings import Lake as LakeSettings

ROOT = Path(__file__).parents[1]
ALLOWED_SKIPS = ("the shared data is not here", "the real logs are not here")
"""Why a test may be skipped in CI; any other skip there hides a missing installation step."""


SLOW_FIRST = (
    *("tests/real_logs/test_lake.py", "tests/dags/test_end_to_end.py"),
    *("tests/clickstream/pipeline/test_any_order.py", "tests/clickstream/local/stack"),
    *("tests/real_logs/test_command.py", "tests/clickstream/test_cli.py"),
)
"""Begun last, these would keep one processor waiting while the other works them off."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW_FIRST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for skipped in _unexpected_skips(terminalreporter):
        terminalreporter.write_line(f"UNEXPECTED SKIP in CI: {skipped}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and session.exitstatus == pytest.ExitCode.OK and _unexpected_skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unexpected_skips(reporter: pytest.TerminalReporter) -> list[str]:
    if not os.environ.get("CI"):
        return []
    skips = [f"{r.nodeid}: {r.longrepr[2]}" for r in reporter.stats.get("skipped", [])]
    return [skip for skip in skips if not any(reason in skip for reason in ALLOWED_SKIPS)]


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsProcess]:
    with LocalAwsProcess(tmp_path_factory.mktemp("aws")) as process:
        yield process


@pytest.fixture
def lake_settings(local_aws: LocalAwsProcess, tmp_path: Path) -> Settings:
    """Settings of an empty lake, with one source whose logs lie in tmp_path/logs."""
    (tmp_path / "logs").mkdir()
    name = uuid.uuid4().hex[:12]
    return Settings(
        sources=(Source(name="web-1", path=str(tmp_path / "logs")),),
        lake=LakeSettings(
            bucket=f"lake-{name}", database=f"lake_{name}", key_secret=f"keys-{name}"
        ),
        aws=Aws(endpoint_url=local_aws.endpoint, region=CREDENTIALS["AWS_DEFAULT_REGION"]),
        build=Build(sql_directory=str(ROOT / "include" / "sql")),
    )


@pytest.fixture
def reopen(lake_settings: Settings) -> Callable[[], Lake]:
    """Opens the test's lake with new clients, as another process would."""

    def open_again() -> Lake:
        session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        return open_lake(lake_settings, session)

    return open_again


@pytest.fixture
def lake(reopen: Callable[[], Lake]) -> Lake:
    return reopen()


@pytest.fixture
def make_lake(lake_settings: Settings, reopen: Callable[[], Lake]) -> Callable[[str], Lake]:
    """Opens lakes side by side: one database and bucket each, the same visitor keys and logs."""
    session = reopen().session

    def make(name: str) -> Lake:
        base = lake_settings.lake
        own = {"bucket": f"{base.bucket}-{name}", "database": f"{base.database}_{name}"}
        settings = lake_settings.model_copy(update={"lake": base.model_copy(update=own)})
        return open_lake(settings, session)

    return make
