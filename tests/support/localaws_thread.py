"""The local AWS in a thread of this process: quicker to start than a process, with its clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from starlette.types import ASGIApp
from tests.support.app_thread import serving
from tests.support.recorder import Recorder

from localaws.server import build_app
from localaws.store import lock_root


@contextmanager
def local_aws_in_thread(
    root: Path, workgroups: Mapping[str, str] = MappingProxyType({}), record: Path | None = None
) -> Iterator[str]:
    """Serve a directory on a free port of 127.0.0.1, and yield the address.

    ``workgroups`` has the output location of each workgroup. ``record`` is the recorder's file.
    """
    with lock_root(root):
        app: ASGIApp = build_app(root, workgroups=workgroups)
        with serving(Recorder(app, record) if record else app) as address:
            yield address
