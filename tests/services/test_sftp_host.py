"""A real sshd: hostile names, a changed host key, and secrets that stay secret."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.support.hostile_names import line, make_hostile_directory
from tests.support.sshd import Sshd, running_sshd
from tests.support.web_server import raw_lines

from clickstream.collect import Host, HostLogin, hosts_of
from clickstream.core.errors import ClickstreamError, HostKeyRefused
from clickstream.lake import Lake, pull_states
from clickstream.pipeline.pull.host import pull_host


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with running_sshd(tmp_path / "sshd") as server:
        yield server


def host_of(sshd: Sshd, logs: Path, **values: str) -> Host:
    logs.mkdir(exist_ok=True)
    [host] = hosts_of(sshd.source("web", logs, **values))
    return host


@pytest.mark.parametrize("pattern", ["*access*log*", "**/*access*log*"])
def test_every_regular_file_is_collected_and_nothing_outside(
    lake: Lake, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = make_hostile_directory(tmp_path / "host")
    host = host_of(sshd, tmp_path / "host" / "logs", pattern=pattern)
    for _ in range(3):
        pulled = pull_host(sshd.lake(lake), host)
        assert pulled.sentence.isprintable()
        told = [*pulled.refused, *pulled.waiting, *pulled.unfinished, *pulled.set_aside]
        assert [text for text in told if not text.isprintable()] == []
    assert pulled.lines == 0
    assert (len(pulled.refused), len(pulled.unfinished), pulled.waiting) == (1, 1, [])
    assert sum(raw_lines(lake, host.name).values(), Counter()) == Counter(expected)
    homes = [tmp_path, Path.home(), Path.cwd()]
    assert [home for home in homes if (home / "PWNED").exists()] == []
    assert [*(tmp_path / "host").rglob("PWNED")] == []


def test_a_changed_host_key_stops_the_host_before_any_line_is_read(
    lake: Lake, sshd: Sshd, tmp_path: Path
) -> None:
    far, host = sshd.lake(lake), host_of(sshd, tmp_path / "logs")
    log = tmp_path / "logs" / "access.log"
    log.write_bytes(line("before"))
    assert pull_host(far, host).lines == 1
    log.write_bytes(line("before") + line("after"))
    sshd.replace_host_key()
    sessions = sshd.log.read_text().count("subsystem 'sftp'")
    for _ in range(2):
        with pytest.raises(HostKeyRefused, match="not the trusted one"):
            pull_host(far, host)
    assert sshd.log.read_text().count("subsystem 'sftp'") == sessions
    assert sum(raw_lines(lake, host.name).values(), Counter()) == Counter([line("before")])
    state = pull_states.pull_state(lake, host.name)
    assert "not the trusted one" in state.failure
    assert state.failed_at is not None


PASSPHRASE = "correct horse battery staple"


def secrets_of(key: Path) -> list[str]:
    """The passphrase, and each line of a key's text but those that every key has."""
    lines = key.read_text().splitlines()
    return [PASSPHRASE, *(text for text in lines[2:] if len(text) > 20 and "KEY" not in text)]


@pytest.mark.parametrize("problem", ["none", "passphrase", "login", "host key", "connection"])
def test_no_secret_is_in_logs_states_or_messages(
    lake: Lake,
    sshd: Sshd,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    problem: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    far, host = sshd.lake(lake), host_of(sshd, tmp_path / "logs")
    (tmp_path / "logs" / "access.log").write_bytes(line("one"))
    key = sshd.make_client_key("secret_key", PASSPHRASE)
    secrets = secrets_of(key)
    phrase = PASSPHRASE + "r" if problem == "passphrase" else PASSPHRASE
    login = HostLogin(sshd.user, private_key=key.read_text(), passphrase=phrase)
    if problem == "login":
        (sshd.root / "authorized_keys").write_text("")
    elif problem == "host key":
        sshd.replace_host_key()
    elif problem == "connection":
        sshd.stop()
    messages = [repr(login), str(host)]
    try:
        messages.append(json.dumps(pull_host(far, host, login).as_dict()))
        assert problem == "none"
    except ClickstreamError as error:
        assert problem != "none"
        messages += [str(error), repr(error), repr(error.__cause__)]
    messages.append(json.dumps(asdict(pull_states.pull_state(lake, host.name))))
    messages += [caplog.text, *capfd.readouterr()]
    assert [one for one in secrets if any(one in text for text in messages)] == []
    assert len(secrets) > 2
