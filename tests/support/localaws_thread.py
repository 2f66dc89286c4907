"""The local AWS in a thread of this process: quicker to start than a process, with its clock."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from localaws.server import build_app
from localaws.store import lock_root

START_SECONDS = 60


@contextmanager
def local_aws_in_thread(root: Path) -> Iterator[str]:
    """Serve a directory on a free port of 127.0.0.1, and yield the address."""
    with lock_root(root), socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            build_app(root), log_level="warning", access_log=False, proxy_headers=False, ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        if not server.started:
            raise RuntimeError(f"The local AWS of {root} did not start.")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)
