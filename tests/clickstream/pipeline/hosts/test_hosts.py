"""Hosts of the settings: named ones, EC2 instances by their tags, and what a failing one leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.support.ssh_server import SshServer, ssh_server

from clickstream.collect import limits
from clickstream.core.errors import HostKeyRefused, HostUnreachable, InputError, MissingDirectory
from clickstream.lake import Lake, pull_states
from clickstream.lake.pull_states import PULL_STATES, PullState
from clickstream.pipeline.hosts.access import login_of
from clickstream.pipeline.hosts.listing import find_host, list_hosts
from clickstream.pipeline.pull.host import pull_all, pull_host
from clickstream.settings import SourceSettings
from clickstream.settings.sources import CollectSettings, InstanceSettings


def line_at(number: int) -> bytes:
    asked = f'[25/Nov/2026:08:00:{number % 60:02d} +0000] "GET /{number} HTTP/1.1"'
    return f'203.0.113.7 - - {asked} 200 5 "-" "Mozilla/5.0"\n'.encode()


LOGIN = {"user": "logs", "key_file": "id"}
IMAGE = "ami-12c6146b"
"""One of the images of moto, which describes all of them in 0.5 s of CPU time."""


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """EC2 of moto, in this process."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("ec2", region_name="eu-central-1")


def started(ec2: Any, tags: dict[str, str], number: int = 1) -> list[str]:
    """Start instances with tags; return their ids in order."""
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    specification = [{"ResourceType": "instance", "Tags": pairs}]
    instances = ec2.run_instances(
        ImageId=IMAGE, MinCount=number, MaxCount=number, TagSpecifications=specification
    )["Instances"]
    return sorted(one["InstanceId"] for one in instances)


def by_tag(**values: Any) -> SourceSettings:
    given = {"instances": InstanceSettings(tags={"Role": "web"}), **LOGIN} | values
    return SourceSettings(name="web", kind="sftp", path="/var/log/nginx", **given)


def with_sources(lake: Lake, *sources: SourceSettings, ec2: Any = None, **collect: Any) -> Lake:
    changes = {"sources": sources, "collect": CollectSettings(**collect)}
    changed = replace(lake, settings=lake.settings.model_copy(update=changes))
    if ec2:
        changed.__dict__["ec2"] = ec2
    return changed


def known(lake: Lake, name: str, **fields: Any) -> None:
    """Store a state as an earlier pull of the host left it."""
    PULL_STATES.put(lake, name, PullState(name, **{"pulled_at": 1, **fields}))


def test_hosts_are_named_by_source_and_address(lake: Lake) -> None:
    sources = (
        SourceSettings(name="here", path="/logs"),
        SourceSettings(
            name="shop",
            kind="sftp",
            path="/logs",
            hosts=("Shop-1.example", "10.0.0.7:2222"),
            **LOGIN,
        ),
        SourceSettings(name="cafe", kind="sftp", path="/logs", connection="cafe ssh/1"),
    )
    found = list_hosts(with_sources(lake, *sources))
    assert [host.name for host in found] == [
        *("here", "shop.shop-1.example", "shop.10.0.0.7_2222", "cafe.cafe-ssh-1")
    ]


def test_instances_are_found_by_all_their_tags(lake: Lake, ec2: Any) -> None:
    wanted = started(ec2, {"Role": "web", "Stage": "live"}, 3)
    started(ec2, {"Role": "web", "Stage": "test"})
    started(ec2, {"Role": "database", "Stage": "live"})
    source = by_tag(instances=InstanceSettings(tags={"Role": "web", "Stage": "live"}))
    hosts = list_hosts(with_sources(lake, source, ec2=ec2))
    assert [host.name for host in hosts] == [f"web.{one}" for one in wanted]
    assert [host.key_name for host in hosts] == wanted
    assert all(host.address and not host.problem for host in hosts)


@pytest.mark.parametrize("kind", ["private", "public"])
def test_either_address_of_an_instance_is_used(lake: Lake, ec2: Any, kind: Any) -> None:
    [instance] = started(ec2, {"Role": "web"})
    source = by_tag(instances=InstanceSettings(tags={"Role": "web"}, address=kind))
    [host] = list_hosts(with_sources(lake, source, ec2=ec2))
    described = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert host.address == described[f"{kind.title()}IpAddress"]


def test_more_instances_than_a_page_are_found(
    lake: Lake, ec2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(ec2, {"Role": "web"}, 12)
    paginator = ec2.get_paginator
    small = lambda name: _Small(paginator(name))  # noqa: E731
    monkeypatch.setattr(ec2, "get_paginator", small)
    assert len(list_hosts(with_sources(lake, by_tag(), ec2=ec2))) == 12


class _Small:
    def __init__(self, paginator: Any) -> None:
        self._paginator = paginator

    def paginate(self, **given: Any) -> Any:
        return self._paginator.paginate(**given, PaginationConfig={"PageSize": 5})


def test_an_instance_that_is_stopped_is_listed_with_that_problem(lake: Lake, ec2: Any) -> None:
    [instance] = started(ec2, {"Role": "web"})
    ec2.stop_instances(InstanceIds=[instance])
    lake = with_sources(lake, by_tag(), ec2=ec2)
    [host] = list_hosts(lake)
    assert host.problem == (
        f"web.{instance} is stopped. Nothing is lost: it is pulled when it runs again."
    )
    with pytest.raises(HostUnreachable, match="is stopped"):
        pull_host(lake, host)


def test_a_terminated_instance_is_listed_until_it_is_retired_if_it_was_pulled(
    lake: Lake, ec2: Any
) -> None:
    pulled, new = started(ec2, {"Role": "web"}, 2)
    lake = with_sources(lake, by_tag(), ec2=ec2)
    known(lake, f"web.{pulled}")
    known(lake, "web.i-0123")
    ec2.terminate_instances(InstanceIds=[pulled, new])
    hosts = list_hosts(lake)
    assert [host.name for host in hosts] == sorted(["web.i-0123", f"web.{pulled}"])
    assert all("sources retire" in host.problem and host.needs_person for host in hosts)
    with pytest.raises(InputError, match="If it will not come back: clickstream sources retire"):
        pull_host(lake, hosts[0])
    known(lake, "web.i-0123", retired_at=2)
    assert [host.name for host in list_hosts(lake)] == [f"web.{pulled}"]
    assert len(list_hosts(lake, with_retired=True)) == 2


def refused(ec2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let EC2 refuse each request as it does for an account without the permission."""
    from botocore.exceptions import ClientError

    def paginate(self: Any, **given: Any) -> Any:
        raise ClientError(
            {"Error": {"Code": "UnauthorizedOperation", "Message": "You are not authorized"}},
            "DescribeInstances",
        )

    monkeypatch.setattr(ec2, "get_paginator", lambda name: type("P", (), {"paginate": paginate})())


def test_a_refusal_of_aws_names_the_permission_and_leaves_other_hosts_alone(
    lake: Lake, ec2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(ec2, monkeypatch)
    static = SourceSettings(name="here", path="/logs")
    lake = with_sources(lake, by_tag(), static, ec2=ec2)
    unknown, here = list_hosts(lake)
    assert (here.name, here.problem) == ("here", "")
    assert unknown.name == "web.instances"
    with pytest.raises(InputError, match=r"needs the permission ec2:DescribeInstances"):
        pull_host(lake, unknown)
    assert pull_states.pull_states(lake) == []
    known(lake, "web.i-0abc")
    first, _ = list_hosts(lake)
    assert first.name == "web.i-0abc"
    assert "ec2:DescribeInstances" in first.problem


def test_an_unknown_host_is_answered_with_those_there_are(lake: Lake) -> None:
    sources = SourceSettings(name="here", path="/a"), SourceSettings(name="there", path="/b")
    with pytest.raises(InputError, match="no host nowhere in the settings; there are: here, there"):
        find_host(with_sources(lake, *sources), "nowhere")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "ssh") as running:
        yield running


@pytest.fixture
def remote(lake: Lake, server: SshServer, tmp_path: Path) -> Lake:
    """A lake whose one source is the directory `logs` of a host."""
    source = server.source(tmp_path / "logs", key_file=str(server.user_key))
    return with_sources(lake, source, known_hosts=str(server.known_hosts))


def test_a_host_is_pulled_over_sftp_once(remote: Lake, tmp_path: Path) -> None:
    (tmp_path / "logs" / "access.log").write_bytes(b"".join(line_at(n) for n in range(100)))
    [host] = list_hosts(remote)
    assert pull_host(remote, host).lines == 100
    assert pull_host(remote, host).lines == 0


def test_a_failure_is_stored_until_a_pull_succeeds(
    remote: Lake, server: SshServer, tmp_path: Path
) -> None:
    (tmp_path / "logs" / "access.log").write_bytes(line_at(1))
    [host] = list_hosts(remote)
    pull_host(remote, host)
    pulled = pull_states.pull_state(remote, host.name)
    server.known_hosts.write_text("")
    with pytest.raises(HostKeyRefused):
        pull_host(remote, host)
    failed = pull_states.pull_state(remote, host.name)
    assert failed.failure.startswith("No key is trusted for")
    assert failed.failed_at
    assert failed.failed_at >= time.time() - 60
    assert (failed.pulled_at, failed.files) == (pulled.pulled_at, pulled.files)
    server.trust()
    pull_host(remote, host)
    state = pull_states.pull_state(remote, host.name)
    assert (state.failed_at, state.failure) == (None, "")


def test_a_directory_that_vanished_says_when_it_was_read(lake: Lake, tmp_path: Path) -> None:
    logs = tmp_path / "disk" / "logs"
    lake = with_sources(lake, SourceSettings(name="here", path=str(logs)))
    [host] = list_hosts(lake)
    with pytest.raises(MissingDirectory, match=r"/logs does not exist: mount its disk, or set"):
        pull_host(lake, host)
    logs.mkdir(parents=True)
    pull_host(lake, host)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    read_at = rf"{datetime.now(UTC):%Y-%m-%d} \d\d:\d\d UTC"
    sentence = rf"/logs does not exist; it was read at {read_at}: mount its disk"
    with pytest.raises(MissingDirectory, match=sentence):
        pull_host(lake, host)
    assert "it was read at" in pull_states.pull_state(lake, "here").failure


def test_a_remote_directory_that_vanished_says_when_it_was_read(
    remote: Lake, tmp_path: Path
) -> None:
    [host] = list_hosts(remote)
    (tmp_path / "logs").mkdir(exist_ok=True)
    pull_host(remote, host)
    (tmp_path / "logs").rename(tmp_path / "unmounted")
    with pytest.raises(MissingDirectory, match=r"has no directory .*; it was read at 20.*: mount"):
        pull_host(remote, host)


def test_hosts_that_failed_before_are_pulled_last(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    names = ("slow", "there")
    lake = with_sources(
        lake, *(SourceSettings(name=name, path=str(tmp_path / name)) for name in names)
    )
    for expected in (names, names[::-1]):
        found = pull_all(lake, list_hosts(lake), at_once=1)
        assert tuple(host.name for host, _ in found) == expected


def test_a_source_with_a_connection_is_left_to_airflow(lake: Lake) -> None:
    source = SourceSettings(name="cafe", kind="sftp", path="/logs", connection="cafe_ssh")
    lake = with_sources(lake, source)
    [host] = list_hosts(lake)
    with pytest.raises(InputError, match="in the Airflow connection cafe_ssh, which only Airflow"):
        pull_host(lake, host)


def test_one_dead_host_does_not_stop_the_others(
    lake: Lake, server: SshServer, tmp_path: Path, reopen: Callable[[], Lake]
) -> None:
    logs = tmp_path / "logs"
    sources = []
    for number in range(4):
        (logs / str(number)).mkdir(parents=True)
        (logs / str(number) / "access.log").write_bytes(line_at(number))
        port = server.port if number != 3 else 1
        sources.append(
            server.source(
                logs / str(number), hosts=(f"127.0.0.1:{port}",), key_file=str(server.user_key)
            ).model_copy(update={"name": f"web{number}"})
        )
    with server.known_hosts.open("a") as lines:
        lines.write(f"[127.0.0.1]:1 {server.key_line}\n")
    lake = with_sources(lake, *sources, known_hosts=str(server.known_hosts))
    found = {
        host.source.name: outcome for host, outcome in pull_all(lake, list_hosts(lake), at_once=3)
    }
    assert isinstance(found.pop("web3"), HostUnreachable)
    assert {name: one.lines for name, one in found.items()} == dict.fromkeys(found, 1)  # type: ignore[union-attr]
    assert len(found) == 3
    assert login_of(lake.settings, sources[0]).user == "logs"


def test_any_listed_host_is_found_by_its_name(lake: Lake, ec2: Any) -> None:
    running, gone = started(ec2, {"Role": "web"}, 2)
    sources = by_tag(), SourceSettings(name="here", path="/logs")
    lake = with_sources(lake, *sources, ec2=ec2)
    known(lake, f"web.{gone}")
    ec2.terminate_instances(InstanceIds=[gone])
    hosts = list_hosts(lake)
    assert sorted(host.name for host in hosts) == sorted(["here", f"web.{gone}", f"web.{running}"])
    assert [find_host(lake, host.name) for host in hosts] == hosts
    with pytest.raises(InputError, match=r"no host web\.i-0 in the settings"):
        find_host(lake, "web.i-0")


def test_a_caller_that_stops_early_waits_for_no_host(
    remote: Lake, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ctrl-C does: the pull that waits for a host that hangs is cancelled."""
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 7200)  # it does not end by itself
    (tmp_path / "logs" / "access.log").write_bytes(line_at(1))
    server.behaviour.hang = True
    sources = SourceSettings(name="here", path=str(tmp_path / "logs")), *remote.settings.sources
    lake = with_sources(remote, *sources, known_hosts=str(server.known_hosts))
    pulls = pull_all(lake, list_hosts(lake), at_once=2)
    host, _ = next(pulls)
    assert host.name == "here"
    pulls.close()  # type: ignore[attr-defined]
    server.behaviour.hang = False
