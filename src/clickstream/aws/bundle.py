"""The bundle: all tracked files of a checkout in one file, named after its SHA-256.

The same commit gives the same bytes on every machine. Names are sorted, times and owners are zero,
and modes are those of git. The gzip stream is stored and not compressed, because versions of zlib
compress to different bytes.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from clickstream.errors import InputError
from clickstream.lake import Lake, objects
from clickstream.wording import quantity, shorten

BUNDLES = "bundles/"
_LINK, _EXECUTABLE = "120000", "100755"
_BLOCK_BYTES = 65535
"""Largest stored block of a deflate stream."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that is built; `digest` is the SHA-256 of its bytes."""

    digest: str
    body: bytes


def key_of(digest: str) -> str:
    """Return the key of a bundle in the bucket of the lake."""
    return f"{BUNDLES}{digest}.tar.gz"


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
    dirty = list_dirty(checkout)
    if dirty and not allow_dirty:
        raise InputError(
            f"The checkout {checkout} has {quantity(len(dirty), 'uncommitted file')}: "
            f"{shorten(dirty)}. Commit or stash them, so that the bundle can be built again from "
            "its commit, or add --allow-dirty."
        )
    body = _gzip(_tar(checkout))
    return Bundle(hashlib.sha256(body).hexdigest(), body)


def list_dirty(checkout: Path) -> list[str]:
    """Return the names of files that differ from the last commit, or are new and not ignored."""
    entries = _git(checkout, "status", "--porcelain", "-z", "--no-renames").decode().split("\0")
    return [entry[3:] for entry in entries if entry]


def _tar(checkout: Path) -> bytes:
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for mode, name in _tracked_files(checkout):
            path = checkout / name
            if not os.path.lexists(path):  # deleted, and allowed to be
                continue
            entry = tarfile.TarInfo(name)
            if mode == _LINK:
                entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)  # noqa: PTH115
                tar.addfile(entry)
            else:
                body = path.read_bytes()
                entry.size, entry.mode = len(body), 0o755 if mode == _EXECUTABLE else 0o644
                tar.addfile(entry, BytesIO(body))
    return file.getvalue()


def _tracked_files(checkout: Path) -> list[tuple[str, str]]:
    """Return git's modes and the names of the tracked files, by name."""
    listing = _git(checkout, "ls-files", "--stage", "-z").decode("utf-8", "surrogateescape")
    rows = [row.split("\t", 1) for row in listing.split("\0") if row]
    return sorted(
        ((row.split()[0], name) for row, name in rows), key=lambda one: os.fsencode(one[1])
    )


def _gzip(data: bytes) -> bytes:
    """Return a gzip file (RFC 1952) with stored blocks (RFC 1951) and without a time."""
    header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    end = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return header + b"".join(_stored_blocks(data)) + end


def _stored_blocks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _BLOCK_BYTES):
        block = data[start : start + _BLOCK_BYTES]
        is_last = start + _BLOCK_BYTES >= len(data)
        yield struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF) + block


def _git(directory: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(directory), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise InputError("git is not installed; it lists the files of the bundle.") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip()
        raise InputError(f"git fails in {directory}: {reason}. Run it in a checkout.") from None


def upload(lake: Lake, bundle: Bundle) -> bool:
    """Upload a bundle to the lake's bucket; return False if the bucket has it already."""
    if objects.etag_of(lake, key_of(bundle.digest)):
        return False
    objects.put(lake, key_of(bundle.digest), bundle.body)
    return True


def find_uploaded(lake: Lake, digest: str) -> str:
    """Return the digest of an uploaded bundle from its first characters.

    Raises InputError, which names the uploaded bundles, if none or several begin with them.
    """
    listed = sorted(objects.listed(lake, BUNDLES), key=lambda one: one.modified_at, reverse=True)
    digests = [Path(one.key).name.removesuffix(".tar.gz") for one in listed]
    found = [one for one in digests if one.startswith(digest)]
    if digest and len(found) == 1:
        return found[0]
    what = "several bundles begin" if found else "no bundle begins"
    raise InputError(
        f"In s3://{lake.bucket}/{BUNDLES}, {what} with {digest!r}. Bundles, newest first: "
        f"{shorten(digests) or 'none'}."
    )
