"""The files of Iceberg tables in S3: those that describe a table are remembered, rows are not.

A table's metadata, manifest lists and manifests are small, each has a name of its own, and none is
ever changed. Yet pyiceberg asks S3 how long each has become that it writes, and reads it again for
the next commit; and Arrow asks whether a file is there before it reads or writes it. So those files
are put and got whole, in one request each, and what a process has last put or got it need not ask
for again. Data files go through Arrow, which reads parts of them.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem
from pyiceberg.io import (
    AWS_ACCESS_KEY_ID,
    AWS_REGION,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    S3_CONNECT_TIMEOUT,
    S3_ENDPOINT,
    S3_REQUEST_TIMEOUT,
    InputFile,
    InputStream,
    OutputFile,
    OutputStream,
)
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.typedef import Properties

from clickstream.lake import s3_get
from clickstream.lake.s3_get import ObjectCache

_DESCRIBES_A_TABLE = (".metadata.json", ".avro")
_MAX_CACHED_BYTES = 16 << 20


class LakeFiles(PyArrowFileIO):
    """The files of all tables. Each request is tried several times."""

    def __init__(self, properties: Properties, s3: Any) -> None:
        """`s3` is boto3's client."""
        super().__init__(properties)
        self._s3 = s3
        self._cache = ObjectCache(_MAX_CACHED_BYTES)

    def new_input(self, location: str) -> Any:
        """A file to read."""
        return self._file(location, super().new_input)

    def new_output(self, location: str) -> Any:
        """A file to write."""
        return self._file(location, super().new_output)

    def _file(self, location: str, other: Callable[[str], Any]) -> Any:
        if location.endswith(_DESCRIBES_A_TABLE):
            return Description(location, self._s3, self._cache)
        return other(location)

    def read_whole(self, location: str) -> bytes | None:
        """All bytes of a file, by boto3, whose errors say what S3 says; None if it is not there."""
        stored = s3_get.get(self._s3, *_parts_of(location))
        return stored.body if stored else None

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file; one that is gone already is no error. Raises OSError if S3 refuses.

        Arrow makes three requests of it: it looks for the file before, and keeps up its directory
        after.
        """
        uri = location if isinstance(location, str) else location.location
        bucket, key = _parts_of(uri)
        try:
            self._s3.delete_object(Bucket=bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise OSError(f"Can't delete {uri}: {error}") from error

    def _initialize_s3_fs(self, netloc: str | None) -> S3FileSystem:  # noqa: ARG002
        """Arrow's files. A small one is one request, where pyiceberg opens an upload for each."""
        given = self.properties
        return S3FileSystem(
            access_key=given.get(AWS_ACCESS_KEY_ID),
            secret_key=given.get(AWS_SECRET_ACCESS_KEY),
            session_token=given.get(AWS_SESSION_TOKEN),
            region=given[AWS_REGION],
            endpoint_override=given.get(S3_ENDPOINT),
            connect_timeout=float(given[S3_CONNECT_TIMEOUT]),
            request_timeout=float(given[S3_REQUEST_TIMEOUT]),
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=s3_get.ATTEMPTS),
            allow_delayed_open=True,
        )


class Description(InputFile, OutputFile):
    """A file that describes a table: read and written whole, and remembered."""

    def __init__(self, location: str, s3: Any, cache: ObjectCache) -> None:
        """`s3` is boto3's client; `cache` has the files that the process used last."""
        super().__init__(location)
        self._s3, self._cache = s3, cache

    def __len__(self) -> int:
        """Its length in bytes."""
        return len(self._body())

    def exists(self) -> bool:
        """Whether it is there."""
        return self._found() is not None

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002
        """Its bytes. Raises FileNotFoundError if it is not there."""
        return BytesIO(self._body())

    def to_input_file(self) -> InputFile:
        """The same file, to be read."""
        return self

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: ARG002
        """Takes its bytes, and puts them when it is closed; no other file has its name."""
        return _Written(self._put)

    def _put(self, body: bytes) -> None:
        bucket, key = _parts_of(self.location)
        self._s3.put_object(Bucket=bucket, Key=key, Body=body)
        self._cache.put(self.location, body)

    def _body(self) -> bytes:
        body = self._found()
        if body is None:
            raise FileNotFoundError(f"{self.location} is not there.")
        return body

    def _found(self) -> bytes | None:
        body = self._cache.get(self.location)
        if body is None and (stored := s3_get.get(self._s3, *_parts_of(self.location))):
            body = stored.body
            self._cache.put(self.location, body)
        return body


class _Written:
    """Bytes that are put where they belong once they are complete; those of a failure never are."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._bytes, self._put = BytesIO(), put

    def write(self, b: bytes) -> int:
        return self._bytes.write(b)

    def tell(self) -> int:
        return self._bytes.tell()

    def close(self) -> None:
        if not self._bytes.closed:
            body = self._bytes.getvalue()
            self._bytes.close()
            self._put(body)

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind:
            self._bytes.close()
        self.close()


def _parts_of(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// address."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
