"""Rendered pages and static files in compressed form, so that later readers get them at once."""

from __future__ import annotations

import gzip
import threading
from functools import lru_cache
from http import HTTPStatus

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

MOST_BYTES = 16_000_000
"""Limit of the compressed pages: about a thousand."""

LEVEL = 5
"""The gzip level of pages."""

FILE_LEVEL = 9
"""The gzip level of static files, which are compressed once: 0.3 kB less than at LEVEL."""


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


@lru_cache(maxsize=16)
def compress_file(content: bytes) -> bytes:
    """Compress a static file."""
    return gzip.compress(content, FILE_LEVEL, mtime=0)


def compressed_response(
    request: Request, content: bytes, headers: dict[str, str], media_type: str = "text/html"
) -> Response:
    """Send a compressed page or file, decompressed if the browser asks for that."""
    if "gzip" in request.headers.get("accept-encoding", ""):
        encoded = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(content, HTTPStatus.OK, {**headers, **encoded}, media_type)
    return Response(gzip.decompress(content), HTTPStatus.OK, headers, media_type)
