"""The files of Iceberg tables in S3; small files that describe a table are cached.

A table's metadata, manifest lists and manifests are small, each has its own name, and none is ever
changed. Yet pyiceberg requests the size of each file that it has written, and reads it again for
the next commit; and Arrow checks that a file exists before it reads or writes it. So these files
are read and written whole, in one request each, and cached in the process. Data files are read by
Arrow, which reads parts of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Any

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem
from pyiceberg.io import (
    AWS_REGION,
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

    def __init__(self, properties: Properties, s3: Any, credentials: Credentials) -> None:
        """`s3` is boto3's client, and `credentials` those of its session."""
        super().__init__(properties)
        self._s3, self._credentials = s3, credentials
        self._arrow_s3 = lru_cache(maxsize=1)(self._build_arrow_s3)
        self.fs_by_scheme = self._current_arrow_s3
        self._cache = ObjectCache(_MAX_CACHED_BYTES)

    def new_input(self, location: str) -> Any:
        """Return a file to read."""
        return self._file(location, super().new_input)

    def new_output(self, location: str) -> Any:
        """Return a file to write."""
        return self._file(location, super().new_output)

    def _file(self, location: str, open_file: Callable[[str], Any]) -> Any:
        if location.endswith(_DESCRIBES_A_TABLE):
            return Description(location, self._s3, self._cache)
        return open_file(location)

    def read_whole(self, location: str) -> bytes | None:
        """Read all bytes of a file by boto3, whose errors include S3's message; None if missing."""
        stored = s3_get.get(self._s3, *_parts_of(location))
        return stored.body if stored else None

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file; a missing file is no error. Raises OSError if S3 refuses.

        Arrow makes three requests: it checks the file before, and keeps its directory after.
        """
        uri = location if isinstance(location, str) else location.location
        bucket, key = _parts_of(uri)
        try:
            self._s3.delete_object(Bucket=bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise OSError(f"Can't delete {uri}: {error}") from error

    def _current_arrow_s3(self, scheme: str, netloc: str | None = None) -> S3FileSystem:  # noqa: ARG002
        """Return Arrow's file system with the current key; pyiceberg calls this for each file.

        boto3 renews a role's key at least ten minutes before it expires, but Arrow keeps the key
        that it was built with. A file that is open at that moment is read or written to its end
        with the old key.
        """
        return self._arrow_s3(self._credentials.get_frozen_credentials())

    def _build_arrow_s3(self, key: ReadOnlyCredentials) -> S3FileSystem:
        """Build Arrow's file system, which writes a small file in one request.

        pyiceberg's would start a multipart upload for each file.
        """
        given = self.properties
        return S3FileSystem(
            access_key=key.access_key,
            secret_key=key.secret_key,
            session_token=key.token,
            region=given[AWS_REGION],
            endpoint_override=given.get(S3_ENDPOINT),
            connect_timeout=float(given[S3_CONNECT_TIMEOUT]),
            request_timeout=float(given[S3_REQUEST_TIMEOUT]),
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=s3_get.ATTEMPTS),
            allow_delayed_open=True,
        )


class Description(InputFile, OutputFile):
    """A file that describes a table: read and written whole, and cached."""

    def __init__(self, location: str, s3: Any, cache: ObjectCache) -> None:
        """`s3` is boto3's client; `cache` has the files that the process used most recently."""
        super().__init__(location)
        self._s3, self._cache = s3, cache

    def __len__(self) -> int:
        """Return its length in bytes."""
        return len(self._body())

    def exists(self) -> bool:
        """Return whether it exists."""
        return self._found() is not None

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002
        """Return its bytes. Raises FileNotFoundError if it does not exist."""
        return BytesIO(self._body())

    def to_input_file(self) -> InputFile:
        """Return the same file, to be read."""
        return self

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: ARG002
        """Return a stream that stores the file when it is closed; file names are unique."""
        return _Written(self._put)

    def _put(self, body: bytes) -> None:
        bucket, key = _parts_of(self.location)
        self._s3.put_object(Bucket=bucket, Key=key, Body=body)
        self._cache.put(self.location, body)

    def _body(self) -> bytes:
        body = self._found()
        if body is None:
            raise FileNotFoundError(f"{self.location} does not exist.")
        return body

    def _found(self) -> bytes | None:
        body = self._cache.get(self.location)
        if body is None and (stored := s3_get.get(self._s3, *_parts_of(self.location))):
            body = stored.body
            self._cache.put(self.location, body)
        return body


class _Written:
    """A stream whose bytes are stored when it is closed; after an error they are discarded."""

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
    """Return bucket and key of an s3:// address."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
