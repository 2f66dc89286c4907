"""Recognize a compressed file without reading it: by its size and its last bytes.

The last bytes hold a checksum of the content and its size, for gzip (RFC 1952, 2.3.1), bzip2, xz
and, as logrotate calls it, Zstandard.
"""

from __future__ import annotations

from clickstream.collect.compression import HEAD, is_compressed
from clickstream.collect.file_identity import digest
from clickstream.collect.source import FileHandle

TRAILER_BYTES = 64


def read_trailer(handle: FileHandle) -> str:
    """Return a text that identifies the content of a compressed file; empty for any other file.

    It takes two reads of a few bytes. Raises OSError if the handle does.
    """
    if not is_compressed(handle.read(0, HEAD)):
        return ""
    size = handle.stat().size
    begin = max(0, size - TRAILER_BYTES)
    return f"{size}-{digest(handle.read(begin, size - begin))}"
