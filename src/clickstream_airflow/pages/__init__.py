"""The pages that the links on task instances open. Airflow's API server serves them.

Every process of Airflow loads the plugin, so importing this package imports no web framework.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]


class Pages:
    """ASGI application that is built at its first request.

    If Airflow's login check can't be imported, the build fails and no page is served.
    """

    def __init__(self) -> None:
        self._app: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._app is None:
            from clickstream_airflow.pages.app import build_app

            self._app = build_app()
        await self._app(scope, receive, send)
