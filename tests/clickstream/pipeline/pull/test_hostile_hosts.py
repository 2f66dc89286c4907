"""Whatever an SFTP server answers, its pull ends, and an honest host beside it is pulled whole."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.support import hostile_server
from tests.support.hostile_server import CASES, Case, check_pulls, write_honest_log
from tests.support.ssh_server import SshServer, ssh_server
from tests.support.web_server import WebServer, raw_lines

from clickstream.collect import limits, sftp
from clickstream.collect.limits import Budget, PullLimits
from clickstream.core.errors import PullLimitReached
from clickstream.lake import Lake
from clickstream.pipeline.hosts.check import check_host
from clickstream.pipeline.pull.host import pull_host
from clickstream.settings.sources import CollectSettings

NOW = time.time
MOST_PULLS = 30


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.server.__name__)
def test_a_hostile_host_ends_and_an_honest_one_is_pulled_whole(
    lake: Lake, tmp_path: Path, case: Case
) -> None:
    logs = write_honest_log(tmp_path / "logs")
    with ssh_server(tmp_path / "honest") as server:
        source = server.source(logs, key_file=str(server.user_key))
        honest = source.model_copy(update={"name": "honest"})
        check_pulls(lake, tmp_path / "hostile", case, honest, server.known_hosts.read_text())


def of_server(lake: Lake, server: SshServer, pull_minutes: int = 30) -> Lake:
    """A lake that trusts this server's key."""
    collect = CollectSettings(known_hosts=str(server.known_hosts), pull_minutes=pull_minutes)
    return replace(lake, settings=lake.settings.model_copy(update={"collect": collect}))


@pytest.mark.parametrize(
    "name", ["EmptyRealPath", "ConstantRealPath", "NeverThere", "NoSizeWhenOpen"]
)
def test_a_check_names_a_file_that_is_listed_and_never_opens(
    lake: Lake, tmp_path: Path, name: str
) -> None:
    with ssh_server(tmp_path / "ssh", sftp_factory=getattr(hostile_server, name)) as server:
        host = server.host(Path(hostile_server.ROOT), key_file=str(server.user_key))
        [problem] = check_host(of_server(lake, server).settings, host).problems
    assert problem.startswith("access.log ")


@pytest.mark.parametrize(
    ("file_bytes", "pull_minutes"), [(160_000, 30), (1 << 40, 3)], ids=["bytes", "time"]
)
def test_a_backlog_beyond_a_limit_is_pulled_whole_by_several_pulls(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_bytes: int, pull_minutes: int
) -> None:
    """Each request takes a second here, and pulls are hourly.

    Several files are read at once, and a file that is unfinished at the limit is read again. So a
    limit must allow more than these files.
    """
    logs = WebServer(tmp_path / "logs")
    for _ in range(40):
        for _ in range(20):
            logs.write()
        logs.rename()
    with ssh_server(tmp_path / "ssh") as server:
        monkeypatch.setattr(
            sftp, "Budget", partial(Budget, clock=lambda: float(len(server.behaviour.reads)))
        )
        monkeypatch.setattr(limits, "LIMITS", PullLimits(file_bytes=file_bytes))
        host = server.host(tmp_path / "logs", key_file=str(server.user_key))
        far, limited = of_server(lake, server, pull_minutes), 0
        for number in range(MOST_PULLS):
            monkeypatch.setattr(time, "time", lambda number=number: NOW() + 3600 * number)
            try:
                pull_host(far, host)
                break
            except PullLimitReached:
                limited += 1
    assert 1 <= limited < MOST_PULLS, limited
    assert raw_lines(lake, host.name) == logs.lines_by_hour()
