"""Read the City database: files in the MaxMind DB format, with a record of a place per network.

https://maxmind.github.io/MaxMind-DB/ describes the format. Several files form one database, because
some publishers have separate files for IPv4 and IPv6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import maxminddb

from clickstream.core.errors import UnusablePlaces

Record = Mapping[str, Any]

NO_DATABASE = (
    "No database of places is set, so countries and cities stay empty: "
    "`make geoip` downloads a free one and prints what to set."
)
_CITY_TYPES = ("city", "enterprise")


class PlaceDatabase:
    """Records of places by address. The files stay open and are read on demand."""

    def __init__(self, readers: Sequence[maxminddb.Reader] = ()) -> None:
        """Build a database from open files; without readers, no address has a record."""
        by_version = sorted(readers, key=lambda reader: reader.metadata().ip_version)
        self._ipv4 = [*by_version]
        self._ipv6 = [reader for reader in by_version if reader.metadata().ip_version == 6]

    @classmethod
    def open(cls, paths: Sequence[Path]) -> PlaceDatabase:
        """Open database files, or the `*.mmdb` files of directories.

        Without paths, the database has no records. Raises SettingsError if a file is missing,
        damaged, or not a City database.
        """
        return cls([_reader(file) for path in paths for file in _files(path)])

    @property
    def missing(self) -> str | None:
        """A message for users if there is no database; None if there is one."""
        return None if self._ipv4 else NO_DATABASE

    @property
    def identity(self) -> str:
        """Type and build time of each file; lookups in equal databases have equal results."""
        built = [reader.metadata() for reader in self._ipv4]
        return ", ".join(f"{meta.database_type} {meta.build_epoch}" for meta in built)

    def record(self, address: str) -> Record | None:
        """Return the record of the network that contains an address; None if there is none.

        The result is also None for a host name. Raises UnusablePlaces if a file is damaged.
        """
        for reader in self._ipv6 if ":" in address else self._ipv4:
            try:
                record = reader.get(address)
            except ValueError:
                return None
            except maxminddb.InvalidDatabaseError as error:
                raise UnusablePlaces(
                    f"The database of places ({reader.metadata().database_type}) is damaged: "
                    f"{error}. Download it again; `make geoip` downloads the free one."
                ) from None
            if isinstance(record, dict):
                return record
        return None


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.mmdb")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise UnusablePlaces(
            f"There is no database of places at {path}: `make geoip` downloads the free one, or "
            f"set the path of your own (a .mmdb file, or a directory of them)."
        )
    return files


def _reader(file: Path) -> maxminddb.Reader:
    try:
        reader = maxminddb.open_database(file)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise UnusablePlaces(
            f"{file} can't be read as a database of places: {error}. "
            f"Download it again, or set the path of another one."
        ) from None
    kind = reader.metadata().database_type
    if not any(name in kind.lower() for name in _CITY_TYPES):
        raise UnusablePlaces(
            f"{file} is a {kind!r} database, which has no places: set a City database."
        )
    return reader
