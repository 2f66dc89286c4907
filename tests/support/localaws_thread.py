"""The local AWS in a thread of this process: quicker to start than a process, with its clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.app_thread import serving

from localaws.server import build_app
from localaws.store import lock_root


@contextmanager
def local_aws_in_thread(root: Path) -> Iterator[str]:
    """Serve a directory on a free port of 127.0.0.1, and yield the address."""
    with lock_root(root), serving(build_app(root)) as address:
        yield address
