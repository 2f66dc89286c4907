"""The dashboard's web server, one process on one port.

`clickstream dashboard` and `clickstream open` call this.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn

from clickstream.core.errors import DashboardNotStarted, InputError

if TYPE_CHECKING:
    from fastapi import FastAPI

STOP_SECONDS = 5
"""Seconds that open requests may take after the server is asked to stop."""


class _AnnouncingServer(uvicorn.Server):
    """A server that calls a function when it accepts connections."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def serve(app: FastAPI, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve the application until Ctrl-C or SIGTERM; call `announce` when it answers.

    Raises ClickstreamError if the application can't start.
    """
    config = uvicorn.Config(
        app,
        # access.peers reads X-Forwarded-* instead, and trusts only known proxies.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    # Ctrl-C is the normal end; uvicorn raises it again once everything is shut down.
    with contextlib.suppress(KeyboardInterrupt):
        server = _AnnouncingServer(config, announce)
        server.run([listener])
        if not server.started:
            raise DashboardNotStarted("The dashboard could not start; the reason is logged above.")


@contextlib.contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """Reserve a port for `serve`. Raises InputError if it is in use."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # until then, another process could bind the port as well
        except OSError as error:
            raise InputError(
                f"Can't listen on port {port} of {host}: {error.strerror}. Stop the other program, "
                "or choose another port with --port."
            ) from None
        yield listener
