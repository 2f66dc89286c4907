"""The bundle has the tracked files of a checkout, with the same bytes everywhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.clickstream.aws.builders import git

from clickstream.aws.bundle import build_bundle, checkout_of
from clickstream.core.errors import InputError


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
    with tarfile.open(fileobj=BytesIO(build_bundle(checkout).body)) as tar:
        files = {file.name: file for file in tar.getmembers()}
        text = tar.extractfile("größe.txt")
        assert text
        assert text.read() == b"5 kg\n"
    assert "var/ignored" not in files
    assert (files["run.sh"].mode, files["größe.txt"].mode) == (0o755, 0o644)
    assert (files["link"].issym(), files["link"].linkname) == (True, "run.sh")


def test_uncommitted_files_are_named_and_refused_unless_they_are_allowed(checkout: Path) -> None:
    clean = build_bundle(checkout)
    (checkout / "run.sh").write_text("#!/bin/sh\nexit 1\n")
    (checkout / "new").write_text("")
    (checkout / "größe.txt").unlink()
    with pytest.raises(InputError, match=r"3 uncommitted files: .*--allow-dirty") as error:
        build_bundle(checkout)
    assert all(name in str(error.value) for name in ("run.sh", "new", "größe.txt"))
    dirty = build_bundle(checkout, allow_dirty=True)
    with tarfile.open(fileobj=BytesIO(dirty.body)) as tar:
        assert {*tar.getnames()}.isdisjoint({"new", "größe.txt"})
        assert {file.mtime for file in tar.getmembers()} == {946684800}  # the same changes, later
        script = tar.extractfile("run.sh")
        assert script
        assert script.read() == b"#!/bin/sh\nexit 1\n"
    git(checkout, "stash", "--include-untracked")
    assert build_bundle(checkout) == clean


def test_a_directory_without_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="checkout"):
        checkout_of(tmp_path)
