"""Clones of the finished café: a test gets a separate lake in a second instead of building one.

The café is built once for each version of the code, in pytest's cache. A clone is a copy of its
directory with a local AWS, so a test may change anything.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from tests.support.finished_cafe import build_cafe, settings_of_the_cafe
from tests.support.lake_settings import ROOT
from tests.support.lakes import aws_session
from tests.support.localaws_thread import local_aws_in_thread

from clickstream.lake import Lake, open_lake

AWS = "aws"
"""The directory of the local AWS in that of a café."""


def finished_cafe(cache: Path) -> Path:
    """Return the directory of the finished café; build it if the cache has none of this code."""
    directory = cache / _digest_of_code()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # processes of one run share it
        if not directory.exists():
            for old in [path for path in cache.iterdir() if path.is_dir()]:
                shutil.rmtree(old)
            unfinished = cache / "unfinished"
            (unfinished / AWS).mkdir(parents=True)
            with local_aws_in_thread(unfinished / AWS) as endpoint:
                build_cafe(settings_of_the_cafe(endpoint, unfinished), unfinished)
            unfinished.rename(directory)
    return directory


@contextmanager
def cloned_cafe(finished: Path, directory: Path) -> Iterator[Lake]:
    """Copy the finished café to a directory that does not exist yet, and open its lake."""
    shutil.copytree(finished, directory)
    with local_aws_in_thread(directory / AWS) as endpoint:
        yield open_lake(settings_of_the_cafe(endpoint, directory), aws_session())


def _digest_of_code() -> str:
    files = [ROOT / "requirements.txt", *(ROOT / "tests" / "support").glob("*.py")]
    for folder in ("src", "include"):
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix not in ("", ".pyc")]
    digest = blake2b(digest_size=8)
    for path in sorted(files):
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
