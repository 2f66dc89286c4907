from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.access.builders import PASSWORD, Clock, with_account

from clickstream.dashboard.access.accounts import Account, Accounts
from clickstream.dashboard.access.sessions import RENEW_AFTER_SECONDS, VALID_SECONDS, SessionCookies

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return with_account(tmp_path)


@pytest.fixture
def ana(accounts: Accounts) -> Account:
    return accounts.list()[0]


def test_a_cookie_names_the_account_it_was_made_for(
    tmp_path: Path, accounts: Accounts, ana: Account
) -> None:
    sessions = SessionCookies(tmp_path, accounts)
    session = sessions.read(sessions.start(ana))
    assert session is not None
    assert session.account == ana
    assert not session.is_due_for_renewal


def test_a_session_outlives_a_restart_of_the_dashboard(
    tmp_path: Path, accounts: Accounts, ana: Account
) -> None:
    value = SessionCookies(tmp_path, accounts).start(ana)
    assert SessionCookies(tmp_path, Accounts(tmp_path)).read(value)


@given(data=st.data())
def test_a_cookie_with_any_changed_character_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    sessions, value = one_cookie(tmp_path_factory)
    place = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda letter: letter != value[place]))
    forged = value[:place] + other + value[place + 1 :]
    # The last letter of base64 has two or four bits that carry nothing.
    if place < len(value) - 1:
        assert sessions.read(forged) is None
    assert sessions.read(value[:place]) is None
    assert sessions.read(value + other) is None


@given(st.one_of(st.none(), st.text(max_size=200), st.text(ALPHABET, max_size=200)))
def test_any_text_as_a_cookie_is_refused_without_an_error(
    tmp_path_factory: pytest.TempPathFactory, value: str | None
) -> None:
    sessions, _ = one_cookie(tmp_path_factory)
    assert sessions.read(value) is None


_MADE: list[tuple[SessionCookies, str]] = []


def one_cookie(directories: pytest.TempPathFactory) -> tuple[SessionCookies, str]:
    """Sessions and a valid cookie, made once: scrypt is slow on purpose."""
    if not _MADE:
        directory = directories.mktemp("sessions")
        accounts = with_account(directory)
        sessions = SessionCookies(directory, accounts)
        _MADE.append((sessions, sessions.start(accounts.list()[0])))
    return _MADE[0]


def test_a_cookie_of_another_secret_is_refused(tmp_path: Path, accounts: Accounts) -> None:
    ana = accounts.list()[0]
    foreign = SessionCookies(tmp_path / "other", accounts)
    own = SessionCookies(tmp_path, accounts)
    assert foreign.read(foreign.start(ana))
    assert own.read(foreign.start(ana)) is None
    assert foreign.cookie_name != own.cookie_name


def test_a_payload_of_another_shape_is_refused(tmp_path: Path, accounts: Accounts) -> None:
    sessions = SessionCookies(tmp_path, accounts)
    for payload in ("ana", ["ana"], ["ana", "", ""], [["ana"], "x"], {"ana": "x"}, None, 1):
        assert sessions.read(str(sessions._signer.dumps(payload))) is None


def test_a_session_ends_14_days_after_its_last_use(
    tmp_path: Path, accounts: Accounts, ana: Account
) -> None:
    clock = Clock()
    sessions = SessionCookies(tmp_path, accounts, clock)
    value = sessions.start(ana)
    clock.now += VALID_SECONDS
    assert sessions.read(value)
    clock.now += 1
    assert sessions.read(value) is None


def test_a_session_is_due_for_renewal_after_a_day(
    tmp_path: Path, accounts: Accounts, ana: Account
) -> None:
    clock = Clock()
    sessions = SessionCookies(tmp_path, accounts, clock)
    value = sessions.start(ana)
    for seconds, is_due in ((RENEW_AFTER_SECONDS, False), (1, True)):
        clock.now += seconds
        session = sessions.read(value)
        assert session is not None
        assert session.is_due_for_renewal == is_due


def test_a_cookie_from_the_future_is_refused(
    tmp_path: Path, accounts: Accounts, ana: Account
) -> None:
    clock = Clock()
    sessions = SessionCookies(tmp_path, accounts, clock)
    value = sessions.start(ana)
    clock.now -= 3600
    assert sessions.read(value) is None


@pytest.mark.parametrize("change", ["password", "log out", "remove", "replace"])
def test_a_change_of_the_account_ends_its_sessions(
    tmp_path: Path, accounts: Accounts, ana: Account, change: str
) -> None:
    sessions = SessionCookies(tmp_path, accounts)
    accounts.add("ben", PASSWORD)
    ben = accounts.get("ben")
    assert ben is not None
    value, of_ben = sessions.start(ana), sessions.start(ben)
    others = Accounts(tmp_path)
    if change == "password":
        others.set_password("ana", "another long password")
    elif change == "log out":
        others.end_sessions("ana")
    else:
        others.remove("ana")
    if change == "replace":
        others.add("ana", PASSWORD)
    assert sessions.read(value) is None
    assert sessions.read(of_ben)


def test_cookies_are_out_of_reach_of_scripts_other_sites_and_plain_http(
    tmp_path: Path, accounts: Accounts, ana: Account
) -> None:
    sessions = SessionCookies(tmp_path, accounts)
    plain = "Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax"
    assert sessions.set_cookie(ana, is_https=False).split("; ", 1)[1] == plain
    assert sessions.set_cookie(ana, is_https=True).split("; ", 1)[1] == f"{plain}; Secure"
    name = sessions.cookie_name
    deleted = f"{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    assert sessions.delete_cookie(is_https=False) == deleted
