"""The dashboard on an empty lake, with a note and a saved view, for the tests of share links."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.clickstream.dashboard.access.builders import (
    NOW,
    PAGE,
    Moment,
    browser,
    hash_weakly,
    logged_in,
    with_account,
)
from tests.clickstream.dashboard.builders import engine_of_one_hour
from tests.support.lakes import settings_of_a_lake
from tests.support.localaws_process import CREDENTIALS
from tests.support.sales_files import with_sales

from clickstream import settings
from clickstream.dashboard.access.shares import Shares
from clickstream.dashboard.entries.own_notes import OwnNote
from clickstream.dashboard.entries.store import NoteStore
from clickstream.dashboard.web.app import build_app


@pytest.fixture(autouse=True)
def weak_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each hash of a password take less than a millisecond."""
    monkeypatch.setattr(hashlib, "scrypt", hash_weakly)


@pytest.fixture(scope="module")
def app(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The application on a lake with one hour, with a note and a saved view."""
    directory = tmp_path_factory.mktemp("shared")
    (directory / "logs").mkdir()
    kept = directory / "dashboard"
    kept.mkdir()
    with_account(kept)
    chosen = settings_of_a_lake(local_aws.endpoint, directory / "logs")
    chosen = with_sales(chosen, directory, ("web",))
    own = settings.DashboardSettings(directory=str(kept))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        engine = engine_of_one_hour(NOW.replace(hour=10, minute=0, tzinfo=None))
        chosen = chosen.model_copy(update={"dashboard": own})
        app = build_app(chosen, clock=lambda: Moment.now, engine=engine)
        app.state.dashboard.refresher.look()
        app.state.directory = kept
        entries = NoteStore(kept)
        entries.notes.add(OwnNote.write("2026-11-20", "", "Secret rain", "ben", NOW), NOW)
        yield app


@pytest.fixture
def shares(app: Any) -> Iterator[Shares]:
    """The links of the application; there are none afterwards, and its clock is right again."""
    yield Shares(app.state.directory, lambda: NOW)
    (app.state.directory / "shares.json").unlink(missing_ok=True)
    Moment.now = NOW


@pytest.fixture
def reader(app: Any) -> TestClient:
    """A browser without a login."""
    return browser(app, headers=PAGE)


@pytest.fixture
def ana(app: Any) -> TestClient:
    return logged_in(app, app.state.directory)
