"""Tokens and records of share links: what opens a link, and everything that does not."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer
from tests.support.examples import many_examples

from clickstream.core.errors import InputError
from clickstream.dashboard.access.accounts import Accounts
from clickstream.dashboard.access.sessions import SessionCookies
from clickstream.dashboard.access.shares import (
    LONGEST_NAME,
    MOST_DAYS,
    PREFIX,
    UNDO_DAYS,
    Share,
    ShareEnd,
    Shares,
)
from clickstream.dashboard.ask.view import TABS, View

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class MovingClock:
    """A clock that shows what it is set to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def shares(tmp_path: Path, clock: MovingClock) -> Shares:
    return Shares(tmp_path, clock)


def new_share(name: str = "Bean & Co", days: int = 30, *tabs: str, **more: Any) -> Share:
    view = more.get("view", View("marketing", "7d"))
    return Share.create(name, days, tabs or ("marketing",), view, "ana", more.get("now", NOW))


def token_of(shares: Shares, share: Share) -> str:
    return shares.path(share).removeprefix(PREFIX)


def test_a_link_opens_what_it_was_made_for_until_it_expires(
    shares: Shares, clock: MovingClock
) -> None:
    share = shares.add(new_share("Bean & Co", 30, "trust", "marketing"))
    token = token_of(shares, share)
    assert shares.find(token) == share
    assert (share.tabs, share.start, share.query) == (
        ("marketing", "trust"),
        "marketing",
        "?range=7d",
    )
    clock.now = NOW + timedelta(days=30, seconds=-1)
    assert shares.find(token) == share
    clock.now = NOW + timedelta(days=30)
    assert shares.find(token) is ShareEnd.EXPIRED


def test_a_link_that_does_not_open_the_view_s_tab_begins_on_its_first_page() -> None:
    share = new_share("Bean & Co", 30, "trust", "orders", view=View("overview", "7d"))
    assert (share.start, share.query) == ("orders", "?")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shares, str]:
    """Shares with one link, and its token."""
    shares = Shares(tmp_path_factory.mktemp("shares"), lambda: NOW)
    return shares, token_of(shares, shares.add(new_share()))


def test_no_character_of_a_token_can_be_another(known: tuple[Shares, str]) -> None:
    """Not the last one either: of its six bits, base64 needs four."""
    shares, token = known
    for place, character in enumerate(token):
        for other in {*ALPHABET, "."} - {character}:
            forged = token[:place] + other + token[place + 1 :]
            assert shares.find(forged) is None, forged


@given(st.data())
@many_examples
def test_no_change_of_a_token_opens_anything(known: tuple[Shares, str], data: Any) -> None:
    shares, token = known
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    forged = token[:start] + data.draw(st.text(max_size=8)) + token[end:]
    assert forged == token or shares.find(forged) is None


@given(st.text(max_size=200))
def test_no_text_is_a_token(known: tuple[Shares, str], text: str) -> None:
    assert known[0].find(text) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token.upper(),
        lambda token: token * 2,
        lambda token: token + "." + token,
        lambda token: token.replace(".", "%2e"),
        lambda token: token[:17] + "９" + token[18:],
        lambda token: "x" * 1_000_000,
    ],
)
def test_odd_tokens_are_unknown(known: tuple[Shares, str], change: Any) -> None:
    shares, token = known
    assert shares.find(change(token)) is None


def test_a_token_of_another_directory_opens_nothing(
    known: tuple[Shares, str], tmp_path: Path
) -> None:
    shares, token = known
    other = Shares(tmp_path, lambda: NOW)
    (tmp_path / "shares.json").write_bytes(shares.file.path.read_bytes())
    assert other.find(token) is None


@pytest.mark.parametrize("salt", ["clickstream.dashboard.session", "", "itsdangerous.Signer"])
def test_a_signature_for_another_purpose_opens_nothing(
    known: tuple[Shares, str], salt: str
) -> None:
    shares, token = known
    secret = (shares.file.path.parent / "session_secret").read_text()
    for derivation in ("hmac", "django-concat", "concat"):
        signer = Signer(secret, salt, key_derivation=derivation, digest_method=hashlib.sha256)
        assert shares.find(signer.sign(token.rpartition(".")[0]).decode()) is None


def test_a_session_is_no_link_and_a_link_no_session(shares: Shares, tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.ensure_owner()
    sessions = SessionCookies(tmp_path, accounts)
    cookie = sessions.start(accounts.list()[0])
    assert sessions.read(cookie)
    assert shares.find(cookie) is None
    assert sessions.read(token_of(shares, shares.add(new_share()))) is None


def test_a_withdrawn_link_ends_at_once_in_another_process(shares: Shares, tmp_path: Path) -> None:
    share = shares.add(new_share())
    token = token_of(shares, share)
    assert shares.find(token) == share
    code = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path;"
        "from clickstream.dashboard.access.shares import Shares;"
        "Shares(Path(sys.argv[1]), lambda: datetime.now(UTC)).withdraw(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path), share.id], check=True)
    assert shares.find(token) is ShareEnd.WITHDRAWN
    shares.restore(share.id)
    assert shares.find(token) == share


def test_a_link_without_a_record_opens_nothing(shares: Shares, clock: MovingClock) -> None:
    """Its record was removed some days after its withdrawal, or by hand."""
    share = shares.add(new_share())
    token = token_of(shares, share)
    shares.withdraw(share.id)
    clock.now = NOW + timedelta(days=UNDO_DAYS + 1)
    shares.add(new_share("Others", now=clock.now))
    assert share.id not in shares.file.path.read_text()
    assert shares.find(token) is ShareEnd.WITHDRAWN
    shares.file.path.unlink()
    assert shares.find(token) is ShareEnd.WITHDRAWN


def test_neither_the_record_nor_the_token_alone_makes_a_link_longer(
    shares: Shares, clock: MovingClock
) -> None:
    share = shares.add(new_share())
    token = token_of(shares, share)
    until = share.expires_at.isoformat()
    text = shares.file.path.read_text()
    clock.now = share.expires_at
    shares.file.path.write_text(text.replace(until, "2099-01-01T00:00:00+00:00"))
    assert shares.find(token) is ShareEnd.EXPIRED
    clock.now = NOW + timedelta(days=1)
    shares.file.path.write_text(text.replace(until, NOW.isoformat()))
    assert shares.find(token) is ShareEnd.EXPIRED


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ('"marketing"', '"settings"'),
        ('"tabs": [', '"tabs": ["accounts", '),
        ('"start": "marketing"', '"start": "trust"'),
        ('"query": "?', '"query": "//evil.example?'),
        ('+00:00"', '"'),
        ('"id"', '"other"'),
        ('"links"', '"others"'),
        ("{", "["),
    ],
)
def test_a_damaged_file_opens_no_link_and_is_not_replaced(
    shares: Shares, part: str, instead: str
) -> None:
    token = token_of(shares, shares.add(new_share()))
    damaged = shares.file.path.read_text().replace(part, instead)
    shares.file.path.write_text(damaged)
    for ask in (lambda: shares.find(token), lambda: shares.add(new_share("Other"))):
        with pytest.raises(InputError, match=r"Can't read the links in .*shares\.json"):
            ask()
    assert shares.file.path.read_text() == damaged


def test_only_the_owner_of_the_directory_can_read_links_and_no_token_is_stored(
    shares: Shares,
) -> None:
    share = shares.add(new_share())
    assert shares.file.path.stat().st_mode & 0o777 == 0o600
    assert token_of(shares, share).rpartition(".")[2] not in shares.file.path.read_text()
    assert json.loads(shares.file.path.read_text())["links"][0]["name"] == "Bean & Co"


def test_a_double_click_makes_one_link_and_a_second_one_later_another(shares: Shares) -> None:
    first = shares.add(new_share())
    assert shares.add(new_share(now=NOW + timedelta(seconds=2))) == first
    assert shares.add(new_share(days=7)) != first
    assert shares.add(new_share(now=NOW + timedelta(minutes=5))) != first
    assert len(shares.file.read().entries) == 3


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (("", 30), "The name of the link is empty"),
        (("x" * (LONGEST_NAME + 1), 30), "has 41 characters"),
        (("a\nb", 30), "hidden character"),
        (("a", 0), "1 to 366 days"),
        (("a", MOST_DAYS + 1), "1 to 366 days"),
        (("a", 30, "accounts"), "one or more of these pages: overview"),
    ],
)
def test_a_link_with_a_wrong_value_is_refused(values: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        new_share(*values)


@given(name=st.text(min_size=1, max_size=LONGEST_NAME), tabs=st.sets(st.sampled_from(TABS)))
def test_a_stored_link_is_read_back_as_it_was(name: str, tabs: set[str]) -> None:
    try:
        share = new_share(name, 30, *tabs)
    except InputError:
        return
    assert Share.from_json(json.loads(json.dumps(share.as_json()))) == share
