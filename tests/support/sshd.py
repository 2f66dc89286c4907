"""A real OpenSSH server on 127.0.0.1, started by a test with keys of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

import psutil
from tests.support.required import require_program

from clickstream.demo.stack.stack import ends_with_caller
from clickstream.lake import Lake
from clickstream.settings import SourceSettings

CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host_key
AuthorizedKeysFile {root}/authorized_keys
PidFile none
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 500
LogLevel VERBOSE
Subsystem sftp internal-sftp
"""
NO_PENALTIES = "PerSourcePenalties no"
"""A setting of OpenSSH 9.8 and later, which refuses clients whose connections broke."""

SEPARATION = Path("/run/sshd")
"""Where sshd of root wants an empty directory; the service of the package makes it at its start."""

ANSWER_SECONDS = 120


@dataclass
class Sshd:
    """A server: its port, the account that may log in, and the files of the keys.

    `known_hosts` trusts the server's first host key. `key_file` is the private key of the client,
    without a passphrase. `log` is what the server writes about connections.
    """

    root: Path
    port: int
    user: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Address and port, as the setting `hosts` of a source has them."""
        return f"127.0.0.1:{self.port}"

    @property
    def key_file(self) -> Path:
        return self.root / "client_key"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def log(self) -> Path:
        return self.root / "sshd.log"

    @property
    def host_key_line(self) -> str:
        """Type and key of the host key that the server has now, as `ssh-ed25519 AAAA…`."""
        return " ".join((self.root / "host_key.pub").read_text().split()[:2])

    def source(self, name: str, path: Path, **values: Any) -> SourceSettings:
        """A source whose one host this server is."""
        given = {"hosts": (self.address,), "user": self.user, "key_file": str(self.key_file)}
        return SourceSettings(name=name, kind="sftp", path=str(path), **(given | values))

    def lake(self, lake: Lake) -> Lake:
        """The same lake, with this server among the known hosts."""
        collect = lake.settings.collect.model_copy(update={"known_hosts": str(self.known_hosts)})
        return Lake(lake.settings.model_copy(update={"collect": collect}), lake.session)

    def start(self) -> None:
        """Start unless it runs, on the port that it had before; return when it answers."""
        if self.process is not None:
            return
        program = require_program("sshd", "openssh-server")
        command = [program, "-D", "-f", str(self.root / "sshd_config"), "-E", str(self.log)]
        self.process = subprocess.Popen(ends_with_caller(command))
        _wait_for(self.port, self.log)

    def stop(self) -> None:
        """Stop as a machine does that loses its power: also every connection ends."""
        if self.process is None:
            return
        connections = self._children()
        self.process.kill()
        self.process.wait(30)
        _kill(connections)
        self.process = None

    def kill_connections(self) -> int:
        """End every connection at once, and return their number; new ones are accepted."""
        return _kill(self._children())

    def replace_host_key(self) -> None:
        """Give the server another host key, as a machine that was installed anew has."""
        self.stop()
        _make_key(self.root / "host_key")
        self.start()

    def make_client_key(self, name: str, passphrase: str = "") -> Path:
        """Make another key, and let it log in."""
        path = _make_key(self.root / name, passphrase)
        with (self.root / "authorized_keys").open("a") as keys:
            keys.write(path.with_name(f"{name}.pub").read_text())
        return path

    def _children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True) if self.process else []


@contextmanager
def running_sshd(root: Path) -> Iterator[Sshd]:
    """Start a server whose keys and settings are in `root`; skip the test if there is none."""
    program = require_program("sshd", "openssh-server")
    require_program("ssh-keygen", "openssh-client")
    root.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        SEPARATION.mkdir(mode=0o755, exist_ok=True)
    server = Sshd(root, _free_port(), getuser())
    _make_key(root / "host_key")
    server.make_client_key("client_key")
    _configure(program, server)
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {server.host_key_line}\n")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _configure(program: str, server: Sshd) -> None:
    path = server.root / "sshd_config"
    settings = CONFIGURATION.format(root=server.root, port=server.port)
    path.write_text(settings + NO_PENALTIES + "\n")
    test = [program, "-t", "-f", str(path)]
    if subprocess.run(test, check=False, capture_output=True).returncode:
        path.write_text(settings)


def _make_key(path: Path, passphrase: str = "") -> Path:
    path.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def _kill(processes: list[psutil.Process]) -> int:
    for process in processes:
        if process.is_running():
            process.kill()
    psutil.wait_procs(processes, 30)
    return len(processes)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(port: int, log: Path) -> None:
    for _ in range(ANSWER_SECONDS * 20):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"sshd does not answer: {log.read_text() if log.exists() else ''}")
