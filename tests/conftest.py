"""What all tests may use: a running local AWS, and a lake of their own on it.

Fixtures import what they need themselves, because each worker and tier imports this module.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tests.support.examples  # noqa: F401, sets the profile of all properties
from tests.support.parent import end_with_parent
from tests.support.required import (  # noqa: F401, pytest finds its hooks by these names
    pytest_sessionfinish,
    pytest_terminal_summary,
)

if TYPE_CHECKING:
    from tests.support.engines import Engine, TrinoOfLake
    from tests.support.localaws_process import LocalAwsProcess

    from clickstream.lake import Lake
    from clickstream.settings import Settings


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist, whose parent is the run
        end_with_parent(os.getppid())


def pytest_collection_finish() -> None:
    """Keep the objects of imports out of each garbage collection of the tests."""
    gc.freeze()


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsProcess]:
    from tests.support.localaws_process import LocalAwsProcess
    from tests.support.memory_directory import directory_in_memory

    with (
        directory_in_memory(tmp_path_factory.mktemp("aws")) as root,
        LocalAwsProcess(root) as process,
    ):
        yield process


@pytest.fixture(scope="session")
def trino(
    local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrinoOfLake]:
    """A real Trino on the local AWS; skips where it is absent, and names what to install."""
    from tests.support.engines import TrinoOfLake
    from tests.support.trino_client import Trino
    from tests.support.trino_install import DownloadFailed, ToolMissing
    from tests.support.trino_server import TrinoServer

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
    from tests.support.engines import LocalAthena

    return LocalAthena() if request.param == "athena" else request.getfixturevalue("trino")


@pytest.fixture
def lake_settings(local_aws: LocalAwsProcess, tmp_path: Path) -> Settings:
    """Settings of an empty lake, with one source whose logs lie in tmp_path/logs."""
    from tests.support.lakes import settings_of_a_lake

    (tmp_path / "logs").mkdir()
    return settings_of_a_lake(local_aws.endpoint, tmp_path / "logs")


@pytest.fixture
def reopen(lake_settings: Settings) -> Callable[[], Lake]:
    """Opens the test's lake with new clients, as another process would."""
    from tests.support.lakes import aws_session

    from clickstream.lake import open_lake

    def open_again() -> Lake:
        return open_lake(lake_settings, aws_session())

    return open_again


@pytest.fixture
def lake(reopen: Callable[[], Lake]) -> Lake:
    return reopen()


@pytest.fixture
def make_lake(lake_settings: Settings, reopen: Callable[[], Lake]) -> Callable[[str], Lake]:
    """Opens lakes side by side: one database and bucket each, the same visitor keys and logs."""
    from tests.support.lakes import beside

    from clickstream.lake import open_lake

    session = reopen().session

    def make(name: str) -> Lake:
        return open_lake(beside(lake_settings, name), session)

    return make


@pytest.fixture(scope="session")
def finished_cafe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the finished café, which tests clone and never change."""
    from tests.support import clones

    cache = getattr(request.config, "cache", None)  # absent with `-p no:cacheprovider`
    return clones.finished_cafe(cache.mkdir("cafe") if cache else tmp_path_factory.mktemp("cafe"))


@pytest.fixture(scope="session")
def read_cafe(finished_cafe: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A clone of the finished café for all tests of a process that only read."""
    from tests.support import clones

    with clones.cloned_cafe(finished_cafe, tmp_path_factory.mktemp("read") / "cafe") as lake:
        yield lake
