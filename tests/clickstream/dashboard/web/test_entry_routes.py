"""Notes over HTTP: who may write, where a form leads, and what pages show after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.clickstream.dashboard.access.builders import (
    OWN_PAGE,
    PAGE,
    browser,
    logged_in,
    with_account,
)
from tests.support.cases import each_case
from tests.support.lakes import settings_of_a_lake
from tests.support.localaws_process import CREDENTIALS

from clickstream import settings
from clickstream.dashboard.entries.own_notes import LONGEST_TEXT, OwnNote
from clickstream.dashboard.entries.store import NoteStore
from clickstream.dashboard.web.app import build_app
from clickstream.dashboard.web.entry_routes import MAX_FORM_BYTES

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
DAY = "from=2026-11-20&to=2026-11-20"
NOTE = {"day": "2026-11-20", "hour": "", "text": "Rain", "tab": "overview", "query": f"?{DAY}"}
PATHS = ("/notes", "/notes/x/delete")


@pytest.fixture(scope="module")
def app(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The application on an empty lake."""
    directory = tmp_path_factory.mktemp("entries")
    (directory / "logs").mkdir()
    (directory / "dashboard").mkdir()
    with_account(directory / "dashboard")
    kept = settings.DashboardSettings(directory=str(directory / "dashboard"))
    chosen = settings_of_a_lake(local_aws.endpoint, directory / "logs")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        app = build_app(chosen.model_copy(update={"dashboard": kept}), clock=lambda: NOW)
        app.state.dashboard.refresher.look()
        app.state.directory = directory / "dashboard"
        yield app


@pytest.fixture
def directory(app: Any) -> Iterator[Path]:
    """The dashboard's directory, without notes afterwards."""
    yield app.state.directory
    (app.state.directory / "notes.json").unlink(missing_ok=True)


@pytest.fixture
def ana(app: Any, directory: Path) -> TestClient:
    return logged_in(app, directory)


def send(client: TestClient, path: str, form: dict[str, str], **headers: str) -> Any:
    return client.post(path, data=form, headers={**OWN_PAGE, **headers})


def only_note(directory: Path) -> Any:
    [note] = NoteStore(directory).notes.read().entries
    return note


@pytest.mark.parametrize("path", PATHS)
def test_nobody_writes_without_a_login(app, directory, path) -> None:
    refused = send(browser(app), path, NOTE)
    assert refused.status_code == 401
    assert "Log in" in refused.text
    assert [*directory.glob("*s.json")] == [directory / "accounts.json"]


@each_case("path", PATHS)
@each_case(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_another_site_writes_nothing(ana, directory, path, headers) -> None:
    refused = ana.post(path, data=NOTE, headers={**PAGE, **headers})
    assert refused.status_code == 403
    assert [*directory.glob("*s.json")] == [directory / "accounts.json"]


@pytest.mark.parametrize("path", PATHS)
def test_a_link_changes_nothing(ana, directory, path) -> None:
    assert ana.get(path, headers=OWN_PAGE).status_code in (404, 405)


def test_a_note_has_the_account_that_wrote_it_and_leads_back_to_the_chart(ana, directory) -> None:
    answer = send(ana, "/notes", {**NOTE, "account": "owner"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"./?{DAY}#trend"
    assert answer.headers["cache-control"] == "no-store"
    note = only_note(directory)
    assert (note.account, note.text, note.hour, note.written_at) == ("ana", "Rain", None, NOW)
    page = ana.get(f"/?{DAY}")
    assert "Rain" in page.text
    assert page.headers["cache-control"] == "private, no-cache"


def test_an_account_may_delete_the_note_of_another(ana, directory) -> None:
    ben = OwnNote.write("2026-11-20", "", "Snow", "ben", NOW)
    NoteStore(directory).notes.add(ben, NOW)
    answer = send(ana, f"/notes/{ben.id}/delete", NOTE)
    assert (answer.status_code, answer.headers["location"]) == (303, f"../../?{DAY}")
    assert NoteStore(directory).notes.read().entries == []


@pytest.mark.parametrize(
    ("path", "changed", "sentence"),
    [
        ("/notes", {"text": "x" * (LONGEST_TEXT + 1)}, "has 141 characters"),
        ("/notes", {"text": ""}, "The note is empty"),
        ("/notes", {"day": "soon"}, "is not a date"),
        ("/notes", {"tab": "https://evil.example"}, "which tab"),
        ("/notes", {"query": "?range=decade"}, "range=decade is not known"),
        ("/notes/nothing/delete", {}, "There is no note"),
    ],
)
def test_a_form_that_is_wrong_says_what_to_do(ana, directory, path, changed, sentence) -> None:
    answer = send(ana, path, {**NOTE, **changed})
    assert answer.status_code == 400
    assert sentence in answer.text
    assert not (directory / "notes.json").exists()
    base = "../" * (path.count("/") - 1)
    assert f'href="{base}./"' in answer.text


def test_a_form_leads_to_no_other_site(ana, directory) -> None:
    for query in ("?//evil.example", "//evil.example", "?x=1\r\nSet-Cookie: a=b", "?%0d%0aa: b"):
        answer = send(ana, "/notes", {**NOTE, "query": query})
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "a" not in answer.cookies
    answer = send(ana, "/notes", {**NOTE, "query": "?page=//evil.example%0d%0aa: b"})
    assert answer.headers["location"].startswith("./?page=%2F%2Fevil.example%0D%0A")


def test_a_large_form_is_refused(ana, directory) -> None:
    assert send(ana, "/notes", {**NOTE, "text": "x" * MAX_FORM_BYTES}).status_code == 413
    many = {f"field{number}": "x" for number in range(20)}
    assert send(ana, "/notes", {**NOTE, **many}).status_code == 400


def test_a_page_is_sent_again_after_a_change_of_notes(ana, directory) -> None:
    seen = []

    def look() -> None:
        answer = ana.get(f"/?{DAY}", headers={"If-None-Match": seen[-1] if seen else ""})
        assert answer.status_code == 200
        version = ana.get("/version").text
        assert f'data-version="{version}"' in answer.text
        seen.append(answer.headers["etag"])

    look()
    assert ana.get(f"/?{DAY}", headers={"If-None-Match": seen[-1]}).status_code == 304
    send(ana, "/notes", NOTE)
    look()
    send(ana, f"/notes/{only_note(directory).id}/delete", NOTE)
    look()
    assert len({*seen}) == 3


def test_another_process_s_note_is_shown(ana, directory) -> None:
    before = ana.get("/version").text
    NoteStore(directory).notes.add(OwnNote.write("2026-11-20", "", "Snow", "ben", NOW), NOW)
    assert ana.get("/version").text != before
    assert "Snow" in ana.get(f"/?{DAY}").text


def test_a_damaged_file_takes_no_figures_away_and_no_note_is_lost(ana, directory) -> None:
    (directory / "notes.json").write_text('{"notes": [')
    page = ana.get(f"/?{DAY}")
    assert page.status_code == 200
    assert "Can&#39;t read the notes in" in page.text
    answer = send(ana, "/notes", NOTE)
    assert answer.status_code == 400
    assert "Restore the file from a backup" in answer.text
    assert (directory / "notes.json").read_text() == '{"notes": ['
