"""A dashboard on three days of the café, and Chromium, which may load nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.cafe_dashboard import (
    RunningDashboard,
    build_cafe_lake,
    running_dashboard,
    settings_of_the_cafe,
)
from tests.browser.watched_pages import NewPage, Watch
from tests.support.chromium import running_chromium
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from clickstream.lake import Lake
from clickstream.settings import Settings

PATIENCE_MS = 120_000
"""Limit of each wait for a page, which only ends a test that hangs; pages take milliseconds."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def cafe_settings(
    local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield settings_of_the_cafe(local_aws.endpoint, tmp_path_factory.mktemp("cafe"))


@pytest.fixture(scope="session")
def cafe_lake(cafe_settings: Settings) -> Lake:
    return build_cafe_lake(cafe_settings)


@pytest.fixture(scope="session")
def cafe(cafe_lake: Lake) -> Iterator[RunningDashboard]:
    with running_dashboard(cafe_lake.settings) as dashboard:
        yield dashboard


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def logged_in(chromium: Browser, cafe: RunningDashboard) -> Any:
    """The cookie of an owner who opened the one-time link."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(cafe.new_link())
    assert page.url == f"{cafe.url}/"
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def new_page(chromium: Browser, cafe: RunningDashboard, logged_in: Any) -> Iterator[NewPage]:
    """Open pages of a logged-in owner; options are those of Playwright's contexts.

    At the end no page may have asked for anything elsewhere, shown a dialog, or failed a script.
    """
    watches: list[Watch] = []

    def open_page(path: str | None = "/", **options: Any) -> Page:
        defaults = {"storage_state": logged_in, "viewport": {"width": 1280, "height": 900}}
        context = chromium.new_context(base_url=cafe.url, **{**defaults, **options})
        context.set_default_timeout(PATIENCE_MS)
        watches.append(Watch(context, cafe.url))
        page = context.new_page()
        if path is not None:
            page.goto(path)
        return page

    yield open_page
    for watch in watches:
        watch.context.close()
    assert [complaint for watch in watches for complaint in watch.complaints] == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """The Overview of 7 days, the default of a log of less than twelve weeks."""
    return new_page("/")
