"""Reads the bytes of an upload: removes ``aws-chunked`` framing and verifies all sent digests.

Framing and trailers follow the SigV4 documentation ("Transferring payload in multiple chunks").
Chunk signatures are not checked, like all signatures.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from localaws.errors import AwsError
from localaws.s3.request import S3Request
from localaws.store import BlobWriter

_BLOCK = 1 << 20
_CHECKSUM_PREFIX = "x-amz-checksum-"
_MAX_LINE = 8192


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


# Other algorithms, such as CRC32C and CRC64NVME, are accepted unchecked and not stored: the
# standard library can't compute them, and Python code for them would be slower than the upload.
_ALGORITHMS: Mapping[str, Callable[[], _Hash]] = {
    "crc32": _Crc32,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}


class Payload:
    """Iterable over an upload's bytes; call ``verify`` after the iteration."""

    def __init__(self, request: S3Request) -> None:
        self._headers = request.headers
        self._blocks = request.body
        self._trailers: dict[str, str] = {}
        self._size = 0
        self._content_sha256 = self._headers.get("x-amz-content-sha256", "")
        self._hashes = {name: _ALGORITHMS[name]() for name in self._announced_algorithms()}

    def save(self, blob: BlobWriter) -> dict[str, str]:
        """Write the bytes to a blob, check them, and bring them to disk; see ``verify``."""
        for block in self:
            blob.write(block)
        checksums = self.verify(blob.md5())
        blob.finish()
        return checksums

    def __iter__(self) -> Iterator[bytes]:
        for block in self._unframed():
            for digest in self._hashes.values():
                digest.update(block)
            self._size += len(block)
            yield block

    def verify(self, md5: bytes) -> dict[str, str]:
        """Verify length and digests, and return the checksum headers that were sent.

        ``md5`` is the digest of the received bytes. Raises AwsError (IncompleteBody, BadDigest,
        XAmzContentSHA256Mismatch, InvalidDigest, InvalidRequest).
        """
        self._verify_length()
        self._verify_content_md5(md5)
        self._verify_content_sha256()
        return dict(self._verified_checksums())

    def _announced_algorithms(self) -> set[str]:
        trailers = self._headers.get("x-amz-trailer", "").lower().split(",")
        names = [*self._headers.keys(), *(name.strip() for name in trailers)]
        wanted = {name.removeprefix(_CHECKSUM_PREFIX) for name in names}
        if re.fullmatch("[0-9a-f]{64}", self._content_sha256):
            wanted.add("sha256")
        return wanted & _ALGORITHMS.keys()

    def _unframed(self) -> Iterator[bytes]:
        framed = self._content_sha256.startswith("STREAMING-") or "aws-chunked" in (
            self._headers.get("content-encoding", "")
        )
        return _read_chunks(self._blocks, self._trailers) if framed else self._blocks

    def _verify_length(self) -> None:
        expected = self._headers.get("x-amz-decoded-content-length")
        if expected is not None and expected != str(self._size):
            raise _incomplete_body()

    def _verify_content_md5(self, md5: bytes) -> None:
        sent = self._headers.get("content-md5")
        if sent is None:
            return
        if len(_decode_base64(sent)) != len(md5):
            raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.")
        if _decode_base64(sent) != md5:
            raise AwsError(
                "BadDigest", "The Content-MD5 you specified did not match what we received."
            )

    def _verify_content_sha256(self) -> None:
        digest = self._hashes.get("sha256")
        if digest is None or not re.fullmatch("[0-9a-f]{64}", self._content_sha256):
            return
        if digest.digest().hex() != self._content_sha256:
            raise AwsError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )

    def _verified_checksums(self) -> Iterator[tuple[str, str]]:
        for name, digest in self._hashes.items():
            header = _CHECKSUM_PREFIX + name
            sent = self._trailers.get(header) or self._headers.get(header)
            if sent is None:
                continue
            if len(_decode_base64(sent)) != len(digest.digest()):
                raise AwsError("InvalidRequest", f"Value for {header} header is invalid.")
            if _decode_base64(sent) != digest.digest():
                raise AwsError(
                    "BadDigest",
                    f"The {name.upper()} you specified did not match the calculated checksum.",
                )
            yield header, sent


class _Reader:
    """Reads lines and numbers of bytes from a stream of blocks."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._buffer = b""

    def line(self) -> bytes:
        """Next line without its line end; empty at the end of the stream."""
        while b"\n" not in self._buffer and len(self._buffer) < _MAX_LINE:
            block = next(self._blocks, b"")
            if not block:
                break
            self._buffer += block
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def run(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes, in pieces. Raises AwsError (IncompleteBody)."""
        while size:
            if not self._buffer:
                self._buffer = next(self._blocks, b"")
                if not self._buffer:
                    raise _incomplete_body()
            piece = self._buffer[: min(size, _BLOCK)]
            self._buffer = self._buffer[len(piece) :]
            size -= len(piece)
            yield piece


def _read_chunks(blocks: Iterator[bytes], trailers: dict[str, str]) -> Iterator[bytes]:
    """Yield the data of an ``aws-chunked`` body, then fill ``trailers``."""
    reader = _Reader(blocks)
    while size := _chunk_size(reader.line()):
        yield from reader.run(size)
        reader.line()
    while line := reader.line():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()


def _chunk_size(line: bytes) -> int:
    """Parse a chunk's first line: its size in hexadecimal, then optionally a signature."""
    digits = line.partition(b";")[0].strip()
    if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", digits):
        raise _incomplete_body()
    return int(digits, 16)


def _incomplete_body() -> AwsError:
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )


def _decode_base64(text: str) -> bytes:
    """Decode base64; return no bytes if the text is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
