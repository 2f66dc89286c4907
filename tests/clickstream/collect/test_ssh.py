"""Logging in: only to a host whose key is trusted, and an error says what to do."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from tests.support.ssh_server import SshServer, make_key, ssh_server

from clickstream.collect import Host, HostLogin, sftp, ssh
from clickstream.collect.sftp import SftpSource
from clickstream.core.errors import HostKeyRefused, HostUnreachable, InputError


@contextmanager
def connected(
    server: SshServer, logs: Path, login: HostLogin | None = None, **changes: object
) -> Iterator[SftpSource]:
    host = replace(server.host(logs), **changes)  # type: ignore[arg-type]
    with sftp.connect(host, login or server.login, server.known_hosts, 5) as source:
        yield source


def test_an_unknown_host_is_refused_before_anything_is_sent(server: SshServer, logs: Path) -> None:
    server.known_hosts.unlink()
    with (
        pytest.raises(HostKeyRefused, match=r"No key is trusted for .* sources trust web\."),
        connected(server, logs),
    ):
        pass
    assert server.connections == []


def test_a_host_with_another_key_is_refused(server: SshServer, logs: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    trusted, shown = other.get_fingerprint(), server.host_key.get_fingerprint()
    server.host_key = other
    server.trust()
    with pytest.raises(HostKeyRefused) as error, connected(server, logs):
        pass
    assert f"it has {shown}, trusted is {trusted}" in str(error.value)
    assert f"clickstream sources trust web.127.0.0.1_{server.port} --replace" in str(error.value)
    assert error.value.is_permanent


def test_a_host_without_a_key_of_the_trusted_type_is_refused(server: SshServer, logs: Path) -> None:
    shown = server.host_key.get_fingerprint()
    server.host_key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    server.trust()
    with pytest.raises(HostKeyRefused, match=re.escape(f"it has {shown}")), connected(server, logs):
        pass


def test_a_revoked_key_is_refused(server: SshServer, logs: Path) -> None:
    with server.known_hosts.open("a") as lines:
        lines.write(f"@revoked * {server.key_line}\n")
    with pytest.raises(HostKeyRefused), connected(server, logs):
        pass


def test_an_instance_is_known_by_its_id_whatever_its_address(server: SshServer, logs: Path) -> None:
    server.known_hosts.write_text(f"i-0abc {server.key_line}\n")
    with connected(server, logs, name="web.i-0abc", key_name="i-0abc") as source:
        assert source.list() == []
    with (
        pytest.raises(HostKeyRefused, match="No key is trusted"),
        connected(server, logs, name="web.i-0def", key_name="i-0def"),
    ):
        pass


def test_the_key_of_the_connection_is_trusted_besides(server: SshServer, logs: Path) -> None:
    server.known_hosts.unlink()
    with connected(server, logs, replace(server.login, host_key=server.key_line)) as source:
        assert source.list() == []
    with (
        pytest.raises(InputError, match="is no public key"),
        connected(server, logs, replace(server.login, host_key="ssh-ed25519 nonsense")),
    ):
        pass


def test_a_connection_gives_the_address_of_a_host_without_one(
    server: SshServer, logs: Path
) -> None:
    login = replace(server.login, address="127.0.0.1", port=server.port)
    with connected(server, logs, login, name="web.shop", address="", key_name="") as source:
        assert source.list() == []
    with (
        pytest.raises(InputError, match="has no address"),
        connected(server, logs, name="web.shop", address="", key_name=""),
    ):
        pass


def test_a_certificate_of_a_trusted_authority_is_a_host_key(tmp_path: Path, logs: Path) -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    key = asyncssh.generate_private_key("ssh-ed25519")
    principals = ["127.0.0.1"]
    certificate = authority.generate_host_certificate(key, "web", principals=principals)
    with ssh_server(tmp_path / "ssh", host_keys=[(key, certificate)]) as server:
        line = authority.export_public_key().decode().strip()
        server.known_hosts.write_text(f"@cert-authority [127.0.0.1]:{server.port} {line}\n")
        with connected(server, logs) as source:
            assert source.list() == []
        server.known_hosts.write_text(f"@cert-authority i-0abc {line}\n")
        with (
            pytest.raises(HostKeyRefused),
            connected(server, logs, name="web.i-0abc", key_name="i-0abc"),
        ):
            pass


def test_a_login_that_is_refused_says_where_the_key_belongs(
    server: SshServer, logs: Path, tmp_path: Path
) -> None:
    make_key(tmp_path / "other")
    login = HostLogin("logs", key_file=str(tmp_path / "other"))
    with (
        pytest.raises(InputError, match=r"refuses the login of logs .* ~logs/.ssh/authorized_keys"),
        connected(server, logs, login),
    ):
        pass


def test_a_key_in_a_connection_logs_in(server: SshServer, logs: Path, tmp_path: Path) -> None:
    login = HostLogin("logs", private_key=server.user_key.read_text())
    with connected(server, logs, login) as source:
        assert source.list() == []


def test_a_key_with_a_passphrase_needs_it(server: SshServer, logs: Path, tmp_path: Path) -> None:
    key = asyncssh.read_private_key(server.user_key)
    for form in ("openssh", "pkcs8-pem"):
        data = key.export_private_key(form, "tiger-5", rounds=1, ignore_few_rounds=True).decode()
        login = HostLogin("logs", private_key=data, passphrase="tiger-5")
        with connected(server, logs, login) as source:
            assert source.list() == []
        with pytest.raises(InputError, match="its passphrase is wrong") as error:
            ssh.client_key(replace(login, passphrase="lion-7"))
        assert "lion-7" not in str(error.value)
        with pytest.raises(InputError, match=r"A passphrase protects .* an Airflow connection"):
            ssh.client_key(replace(login, passphrase=""))


def test_no_secret_is_in_the_representation_of_a_login(server: SshServer) -> None:
    login = HostLogin("logs", private_key=server.user_key.read_text(), passphrase="tiger-5")
    assert "tiger" not in repr(login)
    assert "PRIVATE" not in repr(login)


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        (None, 0o600, r"Can't read the key file .* \(No such file or directory\): set key_file"),
        ("ssh-ed25519 AAAA a public key", 0o600, "it is not a private key"),
        ("", 0o600, "it is not a private key"),
        ("x", 0o640, "can be read by others: chmod 600 "),
    ],
)
def test_a_key_file_that_can_not_be_used_is_named(
    tmp_path: Path, text: str | None, mode: int, complaint: str
) -> None:
    path = tmp_path / "id"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(InputError, match=complaint) as error:
        ssh.client_key(HostLogin("logs", key_file=str(path)))
    assert str(path) in str(error.value)


def test_a_host_that_does_not_listen_is_unreachable(server: SshServer, logs: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with (
        pytest.raises(HostUnreachable, match=r"\(Connection refused\)\. Nothing is lost") as error,
        connected(server, logs, port=port),
    ):
        pass
    assert not error.value.is_permanent


def test_a_host_that_accepts_and_says_nothing_is_given_up(server: SshServer, logs: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        host = replace(server.host(logs), port=silent.getsockname()[1])
        with (
            pytest.raises(HostUnreachable),
            sftp.connect(host, server.login, server.known_hosts, 1),
        ):
            pass


def test_a_name_without_an_address_is_unreachable(server: SshServer, logs: Path) -> None:
    with (
        pytest.raises(HostUnreachable, match=r"shop\.invalid"),
        connected(server, logs, name="web.shop.invalid", address="shop.invalid"),
    ):
        pass


def test_a_connection_that_breaks_in_the_middle_is_no_error_of_the_file(
    server: SshServer, logs: Path
) -> None:
    (logs / "access.log").write_bytes(b"x" * (8 << 20))
    server.behaviour.break_after = 10
    with (
        pytest.raises(HostUnreachable, match="Nothing is lost"),
        connected(server, logs) as source,
        source.open("access.log") as file,
    ):
        file.read(0, 8 << 20)


def test_a_host_without_sftp_says_so(tmp_path: Path, logs: Path) -> None:
    with (
        ssh_server(tmp_path / "ssh", sftp_factory=None) as server,
        pytest.raises(InputError, match="offers logs no SFTP"),
        connected(server, logs),
    ):
        pass


def test_a_host_is_named_once_with_its_address() -> None:
    host = Host("web.shop-1.example", None, "shop-1.example")  # type: ignore[arg-type]
    assert ssh.describe_host(host) == "web.shop-1.example"
    instance = replace(host, name="web.i-0abc", address="10.0.0.7")
    assert ssh.describe_host(instance) == "web.i-0abc (10.0.0.7)"
    assert ssh.describe_host(replace(instance, port=2222)) == "web.i-0abc (10.0.0.7:2222)"
    by_port = replace(host, name="web.10.0.0.7_2222", address="10.0.0.7", port=2222)
    assert ssh.describe_host(by_port) == "web.10.0.0.7_2222"
