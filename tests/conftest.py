"""What every room's tests may use: a running local AWS, and a lake of their own on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from tests.support.engines import Engine, LocalAthena, TrinoOfLake
from tests.support.examples import TIMES
from tests.support.lakes import aws_session, beside, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess
from tests.support.required import (  # noqa: F401, pytest finds its hooks by these names
    pytest_sessionfinish,
    pytest_terminal_summary,
)
from tests.support.trino_client import Trino
from tests.support.trino_install import DownloadFailed, ToolMissing
from tests.support.trino_server import TrinoServer

from clickstream.lake import Lake, open_lake
from clickstream.settings import Settings

# No test asserts wall-clock time: a busy machine must not fail a property. Nor may chance: all runs
# have the same examples, unless EXAMPLES asks for more.
hypothesis.settings.register_profile("project", deadline=None, derandomize=TIMES == 1)
hypothesis.settings.load_profile("project")

SLOW_FIRST = (
    *("tests/real_logs/test_lake.py", "tests/real_logs/test_iis_any_order.py"),
    "tests/dags/test_end_to_end.py",
    "tests/clickstream/pipeline/test_any_",
    *("tests/clickstream/pipeline/test_faults_", "tests/clickstream/pipeline/test_concurrency.py"),
    "tests/clickstream/pipeline/test_facts",
    *("tests/real_logs/test_command.py", "tests/clickstream/test_cli.py"),
    "tests/clickstream/pipeline/test_maintenance.py",
    "tests/clickstream/lake/test_transactions.py",
)
"""Begun last, these would keep one processor waiting while the other works them off."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW_FIRST))


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsProcess]:
    with LocalAwsProcess(tmp_path_factory.mktemp("aws")) as process:
        yield process


@pytest.fixture(scope="session")
def trino(
    local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrinoOfLake]:
    """A real Trino on the local AWS; skips where it is absent, and names what to install."""
    try:
        server = TrinoServer(tmp_path_factory.mktemp("trino"), local_aws.endpoint)
    except (ToolMissing, DownloadFailed) as error:
        pytest.skip(str(error))
    with server:
        yield TrinoOfLake(Trino(server.url))


ENGINES = [pytest.param("athena", id="local"), pytest.param("trino", marks=pytest.mark.trino)]


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn: the local Athena in `make test`, Trino in `make test-trino`."""
    return LocalAthena() if request.param == "athena" else request.getfixturevalue("trino")


@pytest.fixture
def lake_settings(local_aws: LocalAwsProcess, tmp_path: Path) -> Settings:
    """Settings of an empty lake, with one source whose logs lie in tmp_path/logs."""
    (tmp_path / "logs").mkdir()
    return settings_of_a_lake(local_aws.endpoint, tmp_path / "logs")


@pytest.fixture
def reopen(lake_settings: Settings) -> Callable[[], Lake]:
    """Opens the test's lake with new clients, as another process would."""

    def open_again() -> Lake:
        return open_lake(lake_settings, aws_session())

    return open_again


@pytest.fixture
def lake(reopen: Callable[[], Lake]) -> Lake:
    return reopen()


@pytest.fixture
def make_lake(lake_settings: Settings, reopen: Callable[[], Lake]) -> Callable[[str], Lake]:
    """Opens lakes side by side: one database and bucket each, the same visitor keys and logs."""
    session = reopen().session

    def make(name: str) -> Lake:
        return open_lake(beside(lake_settings, name), session)

    return make
