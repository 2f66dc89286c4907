from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.clickstream.dashboard.access.builders import PASSWORD, SCRYPT, with_account

from clickstream.core.errors import InputError
from clickstream.dashboard.access.accounts import OWNER, Accounts, PasswordHash


def test_only_the_right_password_of_an_account_is_accepted(tmp_path: Path) -> None:
    accounts = with_account(tmp_path)
    found = accounts.verify("ana", PASSWORD)
    assert found is not None
    assert found.name == "ana"
    for name, password in [
        ("ana", "four words are lonG"),
        ("Ana", PASSWORD),
        ("", ""),
        ("ana", ""),
    ]:
        assert accounts.verify(name, password) is None


def test_a_wrong_login_takes_the_same_work_for_every_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(tmp_path)
    accounts.add("ana", PASSWORD)
    accounts.ensure_owner()  # without a password
    work: list[dict[str, int]] = []
    real = hashlib.scrypt

    def counting(text: bytes, salt: bytes, **cost: int) -> bytes:
        work.append(cost)
        return real(text, salt=salt, **cost)

    monkeypatch.setattr(hashlib, "scrypt", counting)
    for number, name in enumerate(("ana", OWNER, "nobody", "", "x" * 1000), 1):
        assert accounts.verify(name, "a wrong password") is None
        assert work == [work[0]] * number


def test_the_file_holds_scrypt_s_parameters_and_not_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashlib, "scrypt", SCRYPT)
    Accounts(tmp_path).add("ana", PASSWORD)
    file = tmp_path / "accounts.json"
    assert PASSWORD not in file.read_text()
    [stored] = json.loads(file.read_text())["accounts"]
    hashed = stored["password"]
    assert (hashed["n"], hashed["r"], hashed["p"]) == (2**15, 8, 1)
    read = PasswordHash.from_json(hashed)
    assert read.digest == SCRYPT(PASSWORD.encode(), salt=read.salt, n=2**15, r=8, p=1, maxmem=2**27)


def test_stored_parameters_outlive_a_change_of_the_defaults(tmp_path: Path) -> None:
    digest = hashlib.scrypt(PASSWORD.encode(), salt=b"salt", n=2**10, r=4, p=2)
    old = PasswordHash(b"salt", digest, n=2**10, r=4, p=2)
    assert PasswordHash.from_json(old.as_json()).matches(PASSWORD)


def test_all_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "dashboard"
    code = (
        "import os, sys; from pathlib import Path; os.umask(0)\n"
        "from clickstream.dashboard.access.accounts import Accounts\n"
        "from clickstream.dashboard.access.link import login_link\n"
        "from clickstream.dashboard.access.sessions import SessionCookies\n"
        "d = Path(sys.argv[1]); login_link(d, 'http://h'); SessionCookies(d, Accounts(d))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(directory)], check=True)
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert {path.name for path in files} > {"accounts.json", "session_secret", "access.lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / "links")} == {
        0o700
    }


def test_a_change_by_another_process_counts_at_once(tmp_path: Path) -> None:
    here = with_account(tmp_path)
    assert here.get("ben") is None
    Accounts(tmp_path).add("ben", PASSWORD)
    assert here.verify("ben", PASSWORD)
    Accounts(tmp_path).remove("ben")
    assert here.verify("ben", PASSWORD) is None


def test_writers_that_add_accounts_at_once_lose_none(tmp_path: Path) -> None:
    with_account(tmp_path)

    def add(name: str) -> None:
        Accounts(tmp_path).add(name, PASSWORD)

    with ThreadPoolExecutor(4) as pool:
        assert len([*pool.map(add, (f"x{number}" for number in range(16)))]) == 16
    stored = json.loads((tmp_path / "accounts.json").read_text())["accounts"]
    assert len(stored) == 1 + 16
    assert not list(tmp_path.glob(".accounts*"))


def test_keyboards_that_compose_letters_differently_type_the_same_password(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.add("ana", unicodedata.normalize("NFC", "café au lait"))
    assert accounts.verify("ana", unicodedata.normalize("NFD", "café au lait"))


def test_the_owner_has_no_password_until_one_is_set(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.ensure_owner()
    assert accounts.verify(OWNER, "") is None
    accounts.set_password(OWNER, PASSWORD)
    accounts.ensure_owner()
    assert accounts.verify(OWNER, PASSWORD)


@pytest.mark.parametrize("name", ["", "a b", "-x", "ana\n", "../ana", "a" * 65, "<b>", "ána"])
def test_a_name_with_other_characters_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is not a valid account name"):
        Accounts(tmp_path).add(name, PASSWORD)


@pytest.mark.parametrize("password", ["", "nine char", "x" * 1025])
def test_a_password_of_another_length_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(InputError, match="at least 10"):
        with_account(tmp_path).set_password("ana", password)


def test_an_account_is_added_once_and_only_known_ones_are_changed(tmp_path: Path) -> None:
    accounts = with_account(tmp_path)
    with pytest.raises(InputError, match="exists already"):
        accounts.add("ana", PASSWORD)
    for change in (accounts.remove, lambda name: accounts.set_password(name, PASSWORD)):
        with pytest.raises(InputError, match="the accounts are: ana"):
            change("ben")
    assert [account.name for account in accounts.list()] == ["ana"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"accounts": [{}]}', '{"accounts": [1]}'])
def test_a_damaged_file_lets_nobody_in_and_is_named(tmp_path: Path, text: str) -> None:
    accounts = with_account(tmp_path)
    (tmp_path / "accounts.json").write_text(text)
    with pytest.raises(InputError, match=r"accounts\.json"):
        accounts.verify("ana", PASSWORD)
    with pytest.raises(InputError, match=r"accounts\.json"):
        accounts.add("ben", PASSWORD)


def test_a_directory_that_can_t_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.*\[dashboard\]"):
        Accounts(tmp_path / "file" / "dashboard").add("ana", PASSWORD)
