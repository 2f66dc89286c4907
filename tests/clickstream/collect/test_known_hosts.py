"""The file of known hosts is read and written as OpenSSH does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import stat
from pathlib import Path

import asyncssh
import pytest

from clickstream.collect.known_hosts import read_trusted, replace_keys
from clickstream.core.errors import InputError


def new_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


def line(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    parts = salt, hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in parts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "known_hosts"


def trusted(path: Path, name: str) -> list[str]:
    return read_trusted(path, name).fingerprints


def test_a_file_that_does_not_exist_trusts_nothing(path: Path) -> None:
    assert not read_trusted(path, "shop")


def test_a_key_is_stored_under_the_name_of_its_host(path: Path) -> None:
    key = new_key()
    replace_keys(path, "Shop-1.example", key)
    replace_keys(path, "[10.0.0.7]:2222", new_key())
    assert trusted(path, "shop-1.EXAMPLE") == [key.get_fingerprint()]
    assert len(trusted(path, "[10.0.0.7]:2222")) == 1
    assert trusted(path, "10.0.0.7") == []
    assert path.read_text().splitlines()[0] == f"shop-1.example {line(key)}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_new_key_replaces_the_one_of_its_host_only(path: Path) -> None:
    old, other, new = new_key(), new_key(), new_key()
    path.parent.mkdir()
    path.write_text(
        f"# a comment\nshop,cafe {line(old)} written by ssh\nshop {line(other)}\n"
        f"{hashed('shop')} {line(old)}\n{hashed('bar')} {line(other)}\n"
        f"@cert-authority *.example {line(other)}"
    )
    path.chmod(0o600)
    replace_keys(path, "shop", new)
    assert trusted(path, "shop") == [new.get_fingerprint()]
    assert trusted(path, "cafe") == [old.get_fingerprint()]
    assert trusted(path, "bar") == [other.get_fingerprint()]
    assert read_trusted(path, "a.example").authorities
    assert path.read_text().startswith(f"# a comment\ncafe {line(old)} written by ssh\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["known_hosts"]


def test_a_file_that_is_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    (tmp_path / "real").write_text("")
    path.symlink_to("../real")
    replace_keys(path, "shop", new_key())
    assert path.is_symlink()
    assert len(trusted(tmp_path / "real", "shop")) == 1


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("@nonsense shop ssh-ed25519 AAAA\n")
    with pytest.raises(InputError, match="is not a file of known hosts"):
        read_trusted(path, "shop")


def test_a_directory_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Can't write .*/file/known_hosts"):
        replace_keys(tmp_path / "file" / "known_hosts", "shop", new_key())
