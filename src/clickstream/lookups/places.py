"""The City database: files in the MaxMind DB format, in which networks have records of places.

https://maxmind.github.io/MaxMind-DB/ describes the format. Several files count as one database,
as some publishers have one for IPv4 and one for IPv6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import maxminddb

from clickstream.errors import UnusablePlaces

Record = Mapping[str, Any]

NO_DATABASE = (
    "No database of places is set, so countries and cities stay empty: "
    "`make geoip` fetches a free one and says what to set."
)
_CITY_TYPES = ("city", "enterprise")


class PlaceDatabase:
    """Records of places by address. The files stay open and are read as they are needed."""

    def __init__(self, readers: Sequence[maxminddb.Reader] = ()) -> None:
        """Without readers it is a database in which no address has a record."""
        by_version = sorted(readers, key=lambda reader: reader.metadata().ip_version)
        self._ipv4 = [*by_version]
        self._ipv6 = [reader for reader in by_version if reader.metadata().ip_version == 6]

    @classmethod
    def open(cls, paths: Sequence[Path]) -> PlaceDatabase:
        """Open database files, or the `*.mmdb` files of directories; no paths, no records.

        Raises SettingsError when one is missing, damaged, or no City database.
        """
        return cls([_reader(file) for path in paths for file in _files(path)])

    @property
    def missing(self) -> str | None:
        """What to tell people when there is no database; None when there is one."""
        return None if self._ipv4 else NO_DATABASE

    @property
    def identity(self) -> str:
        """Type and build time of each file: results of equal databases are equal."""
        built = [reader.metadata() for reader in self._ipv4]
        return ", ".join(f"{meta.database_type} {meta.build_epoch}" for meta in built)

    def record(self, address: str) -> Record | None:
        """The record of the network that an address is in; None for none, and for host names.

        Raises UnusablePlaces when a file turns out to be damaged.
        """
        for reader in self._ipv6 if ":" in address else self._ipv4:
            try:
                found = reader.get(address)
            except ValueError:
                return None
            except maxminddb.InvalidDatabaseError as error:
                raise UnusablePlaces(
                    f"The database of places ({reader.metadata().database_type}) is damaged: "
                    f"{error}. Fetch it again; for the free one: make geoip."
                ) from None
            if isinstance(found, dict):
                return found
        return None


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.mmdb")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise UnusablePlaces(
            f"There is no database of places at {path}: `make geoip` fetches the free one, or set "
            f"the path of yours (a .mmdb file, or a directory of them)."
        )
    return files


def _reader(file: Path) -> maxminddb.Reader:
    try:
        reader = maxminddb.open_database(file)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise UnusablePlaces(
            f"{file} can't be read as a database of places: {error}. "
            f"Fetch it again, or set another."
        ) from None
    kind = reader.metadata().database_type
    if not any(name in kind.lower() for name in _CITY_TYPES):
        raise UnusablePlaces(
            f"{file} is a {kind!r} database, which has no places: set a City database."
        )
    return reader
