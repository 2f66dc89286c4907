"""The bundle: all tracked files of a checkout in one file, named after its SHA-256.

`git archive` writes the same bytes for the same commit on every machine. The file is not
compressed, because versions of zlib compress to different bytes.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from clickstream.core.errors import InputError
from clickstream.core.wording import quantity, shorten
from clickstream.lake import Lake, objects

BUNDLES = "bundles/"


@dataclass(frozen=True)
class Bundle:
    """A bundle that is built; `digest` is the SHA-256 of its bytes."""

    digest: str
    body: bytes


def checkout_of(directory: Path) -> Path:
    """Return the top directory of the checkout. Raises InputError outside of a checkout."""
    top = Path(_git(directory, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    if not (top / "infra" / "lake.yaml").exists():
        raise InputError(
            f"{top} is not a checkout of clickstream: it has no infra/lake.yaml. Run the command "
            "in a checkout."
        )
    return top


def build_bundle(checkout: Path, allow_dirty: bool = False) -> Bundle:
    """Build the bundle of a checkout.

    Raises InputError for files that are changed, deleted or not tracked. With `allow_dirty`,
    changed files are included as they are, and files that are not tracked are left out.
    """
    status = _git(checkout, "status", "--porcelain", "-z", "--no-renames").decode()
    dirty = [entry[3:] for entry in status.split("\0") if entry]
    if dirty and not allow_dirty:
        raise InputError(
            f"The checkout {checkout} has {quantity(len(dirty), 'uncommitted file')}: "
            f"{shorten(dirty)}. Commit or stash them, so that the bundle can be built again from "
            "its commit, or add --allow-dirty."
        )
    # `stash create` commits the tracked files as they are, and changes neither files nor branches.
    commit = _git(checkout, "stash", "create").decode().strip() if dirty else ""
    same_everywhere = ("-c", "tar.umask=0022", "-c", "core.autocrlf=false")
    body = _git(checkout, *same_everywhere, "archive", "--format=tar", commit or "HEAD")
    return Bundle(hashlib.sha256(body).hexdigest(), body)


def _git(directory: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(directory), *arguments]
    # The commit of uncommitted changes has a fixed date, so the same changes give the same bundle.
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "946684800 +0000")
    try:
        return subprocess.run(
            command, capture_output=True, check=True, env=os.environ | dates
        ).stdout
    except FileNotFoundError:
        raise InputError("git is not installed; it writes the bundle.") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip()
        raise InputError(f"git fails in {directory}: {reason}. Run it in a checkout.") from None


def upload(lake: Lake, bundle: Bundle) -> bool:
    """Upload a bundle to the lake's bucket; return False if the bucket has it already."""
    key = f"{BUNDLES}{bundle.digest}.tar"
    if objects.etag_of(lake, key):
        return False
    objects.put(lake, key, bundle.body)
    return True


def find_uploaded(lake: Lake, digest: str) -> str:
    """Return the digest of an uploaded bundle from its first characters.

    Raises InputError, which names the uploaded bundles, if none or several begin with them.
    """
    newest_first = sorted(objects.listed(lake, BUNDLES), key=lambda b: b.modified_at, reverse=True)
    digests = [Path(bundle.key).stem for bundle in newest_first]
    matches = [candidate for candidate in digests if candidate.startswith(digest)]
    if digest and len(matches) == 1:
        return matches[0]
    problem = "several bundles begin" if matches else "no bundle begins"
    raise InputError(
        f"In s3://{lake.bucket}/{BUNDLES}, {problem} with {digest!r}. Bundles, newest first: "
        f"{shorten(digests) or 'none'}."
    )
