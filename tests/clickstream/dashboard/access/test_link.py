from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.access.builders import PAGE, Clock, browser, build_app
from tests.support.examples import many_examples

from clickstream.dashboard.access.accounts import OWNER, Accounts
from clickstream.dashboard.access.link import VALID_SECONDS, login_link, use_token

BASE = "http://127.0.0.1:8095"
MAKE = """
import sys
from pathlib import Path
from clickstream.dashboard.access.link import login_link
print(login_link(Path(sys.argv[1]), "http://127.0.0.1:8095"))
"""
USE = """
import sys
from pathlib import Path
from clickstream.dashboard.access.link import use_token
print(sum(use_token(Path(sys.argv[1]), token) for token in sys.argv[2:]))
"""


def token_of(link: str) -> str:
    return link.rpartition("/")[2]


def path_of(link: str) -> str:
    return link.removeprefix(BASE)


def test_a_link_of_another_process_logs_the_owner_in_once(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    made = subprocess.run(
        [sys.executable, "-c", MAKE, str(tmp_path)], check=True, capture_output=True, text=True
    )
    link = made.stdout.strip()
    owner, thief = browser(app), browser(app)
    first = owner.get(path_of(link), headers=PAGE)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert owner.get("/").text == f"<p>{OWNER}"
    second = thief.get(path_of(link), headers=PAGE)
    assert second.status_code == 410
    assert "set-cookie" not in second.headers
    assert "used already" in second.text
    assert thief.get("/").status_code == 401


def test_processes_that_use_links_at_once_use_each_once(tmp_path: Path) -> None:
    tokens = [token_of(login_link(tmp_path, BASE)) for _ in range(100)]
    command = [sys.executable, "-c", USE, str(tmp_path), *tokens]
    users = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(user.communicate(timeout=300)[0]) for user in users) == 100


def test_a_second_click_of_the_same_browser_leads_to_the_same_page(tmp_path: Path) -> None:
    owner = browser(build_app(tmp_path))
    link = path_of(login_link(tmp_path, BASE))
    answers = [owner.get(link, headers=PAGE) for _ in range(2)]
    assert [answer.headers["location"] for answer in answers] == ["/", "/"]


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
@pytest.mark.parametrize("value", ["prefetch", "prefetch;prerender"])
def test_loading_a_link_ahead_does_not_use_it(tmp_path: Path, header: str, value: str) -> None:
    owner = browser(build_app(tmp_path))
    link = path_of(login_link(tmp_path, BASE))
    assert owner.get(link, headers={header: value}).status_code == 503
    assert owner.head(link).status_code == 405
    assert owner.get(link).status_code == 303


def test_a_link_is_valid_for_24_hours(tmp_path: Path) -> None:
    clock = Clock()
    in_time, late = (token_of(login_link(tmp_path, BASE, clock)) for _ in range(2))
    clock.now += VALID_SECONDS - 1
    assert use_token(tmp_path, in_time, clock)
    clock.now += 1
    assert not use_token(tmp_path, late, clock)


def test_expired_links_are_deleted_when_the_next_is_made(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(3):
        login_link(tmp_path, BASE, clock)
    clock.now += VALID_SECONDS
    login_link(tmp_path, BASE, clock)
    assert len(list((tmp_path / "links").iterdir())) == 1


def test_the_directory_holds_no_token(tmp_path: Path) -> None:
    token = token_of(login_link(tmp_path, BASE))
    [file] = (tmp_path / "links").iterdir()
    assert file.name == hashlib.sha256(token.encode()).hexdigest()
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(token in text for text in texts)


def test_a_link_fits_into_a_row_of_a_terminal(tmp_path: Path) -> None:
    assert len(login_link(tmp_path, "http://127.0.0.1:18095/")) <= 66


@many_examples
@given(st.text(st.characters(), max_size=80))
def test_any_other_token_is_refused_without_an_error(
    tmp_path_factory: pytest.TempPathFactory, token: str
) -> None:
    directory = tmp_path_factory.getbasetemp() / "hostile-tokens"
    if not directory.exists():
        login_link(directory, BASE)
    assert not use_token(directory, token)
    assert len(list((directory / "links").iterdir())) == 1


def test_links_end_with_the_owner_s_account(tmp_path: Path) -> None:
    owner = browser(build_app(tmp_path))
    link = path_of(login_link(tmp_path, BASE))
    Accounts(tmp_path).remove(OWNER)
    assert owner.get(link).status_code == 410
