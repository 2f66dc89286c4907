"""Rendered pages, kept in compressed form, so that readers of the same page get it at once."""

from __future__ import annotations

import gzip
import threading
from http import HTTPStatus

from cachetools import LRUCache
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

MOST_BYTES = 16_000_000
"""Limit of the compressed pages: about a thousand."""

LEVEL = 5


class RenderedPages:
    """The latest pages by their ETag, which names all inputs of a page."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._kept: LRUCache[str, bytes] = LRUCache(most_bytes, getsizeof=len)
        self._lock = threading.Lock()

    def find(self, etag: str) -> bytes | None:
        """Return the compressed page, None if it is not kept."""
        with self._lock:
            return self._kept.get(etag)

    def keep(self, etag: str, page: bytes) -> None:
        """Keep a compressed page; one that is larger than the limit is not kept."""
        if len(page) <= self._kept.maxsize:
            with self._lock:
                self._kept[etag] = page


def compress(html: str) -> bytes:
    """Compress a page; equal pages give equal bytes."""
    return gzip.compress(html.encode(), LEVEL, mtime=0)


def page_response(request: Request, page: bytes, headers: dict[str, str]) -> Response:
    """Send a compressed page, decompressed if the browser asks for that."""
    if "gzip" in request.headers.get("accept-encoding", ""):
        encoded = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return HTMLResponse(page, HTTPStatus.OK, {**headers, **encoded})
    return HTMLResponse(gzip.decompress(page), HTTPStatus.OK, headers)
