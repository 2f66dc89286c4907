"""FileIO of pyiceberg that reads metadata directly from the files of the local S3."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile

from localaws.service import Blobs


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of ``s3://bucket/key``. Raises ValueError for any other URI."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme not in ("s3", "s3a", "s3n") or not parts.netloc:
        raise ValueError(f"{uri} is not an s3:// URI")
    return parts.netloc, uri.split("/", 3)[3] if uri.count("/") > 2 else ""


class BlobInputFile(InputFile):
    """An object of the local S3 for pyiceberg to read."""

    def __init__(self, location: str, path: Path | None) -> None:
        super().__init__(location)
        self._path = path

    def __len__(self) -> int:
        return self._existing().stat().st_size

    def exists(self) -> bool:
        """Whether the object exists."""
        return self._path is not None and self._path.exists()

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002 (pyiceberg names it)
        """Open the object. Raises FileNotFoundError."""
        return self._existing().open("rb")

    def _existing(self) -> Path:
        if self._path is None:
            raise FileNotFoundError(self.location)
        return self._path


class BlobFileIO(FileIO):
    """Read-only FileIO of pyiceberg for the local S3."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__()
        self._blobs = blobs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BlobFileIO) and other._blobs is self._blobs

    def __hash__(self) -> int:
        return hash(id(self._blobs))

    def new_input(self, location: str) -> BlobInputFile:
        """Return an object to read."""
        return BlobInputFile(location, self._blobs.path(*split_uri(location)))

    def new_output(self, location: str) -> OutputFile:
        """Raise PermissionError, because queries do not write tables."""
        return self._refuse(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Raise PermissionError, because queries do not delete files."""
        self._refuse(str(location))

    def _refuse(self, location: str) -> NoReturn:
        raise PermissionError(f"Athena only reads {location}")
