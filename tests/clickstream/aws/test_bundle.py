"""The bundle has the tracked files of a checkout, with the same bytes everywhere."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.clickstream.aws.builders import git

from clickstream.aws.bundle import build_bundle, checkout_of
from clickstream.errors import InputError


def test_a_commit_has_the_same_bundle_at_other_times_places_and_modes(
    checkout: Path, tmp_path: Path
) -> None:
    first = build_bundle(checkout)
    other = tmp_path / "a deeper" / "directory"
    shutil.copytree(checkout, other, symlinks=True)
    for path in other.iterdir():
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1, 1))
            path.chmod(path.stat().st_mode & 0o700)
    assert build_bundle(other) == first
    assert first.digest == hashlib.sha256(first.body).hexdigest()


def test_a_bundle_unpacks_to_the_tracked_files(checkout: Path) -> None:
    (checkout / "var").mkdir()
    (checkout / "var" / "ignored").write_text("x" * 200_000)
    body = gzip.decompress(build_bundle(checkout).body)
    with tarfile.open(fileobj=BytesIO(body)) as tar:
        found = {one.name: one for one in tar.getmembers()}
        text = tar.extractfile("größe.txt")
        assert text
        assert text.read() == b"5 kg\n"
    assert [*found] == sorted(found)
    assert "var/ignored" not in found
    assert (found["run.sh"].mode, found["größe.txt"].mode) == (0o755, 0o644)
    assert (found["link"].issym(), found["link"].linkname) == (True, "run.sh")
    assert {(one.mtime, one.uid, one.uname) for one in found.values()} == {(0, 0, "")}


def test_uncommitted_files_are_named_and_refused_unless_they_are_allowed(checkout: Path) -> None:
    clean = build_bundle(checkout)
    (checkout / "run.sh").write_text("#!/bin/sh\nexit 1\n")
    (checkout / "new").write_text("")
    (checkout / "größe.txt").unlink()
    with pytest.raises(InputError, match=r"3 uncommitted files: .*--allow-dirty") as error:
        build_bundle(checkout)
    assert all(name in str(error.value) for name in ("run.sh", "new", "größe.txt"))
    dirty = gzip.decompress(build_bundle(checkout, allow_dirty=True).body)
    with tarfile.open(fileobj=BytesIO(dirty)) as tar:
        assert {*tar.getnames()}.isdisjoint({"new", "größe.txt"})
    git(checkout, "stash", "--include-untracked")
    assert build_bundle(checkout) == clean


def test_a_directory_without_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="checkout"):
        checkout_of(tmp_path)
