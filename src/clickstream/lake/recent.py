"""Objects that a process has just put into the lake, or got, and will soon want again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

MOST_BYTES = 64 << 20


class Recent:
    """Bytes by key, of the last objects that together are no more than so many bytes."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def keep(self, key: str, body: bytes) -> None:
        """Keep an object in place of the oldest ones; one that is too large is not kept."""
        with self._lock:
            self._size -= len(self._bodies.pop(key, b""))
            if len(body) > self._most_bytes:
                return
            self._bodies[key] = body
            self._size += len(body)
            while self._size > self._most_bytes:
                self._size -= len(self._bodies.popitem(last=False)[1])

    def get(self, key: str) -> bytes | None:
        """The object, if it is kept."""
        return self._bodies.get(key)
