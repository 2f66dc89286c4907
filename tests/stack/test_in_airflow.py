"""The dashboard inside a real Airflow: its navigation, its address bar, its colours, its tasks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect
from tests.browser.watched_pages import Watch
from tests.stack.airflow_server import VIEWER, day_of, local_time, server_below
from tests.stack.runs import HOURLY
from tests.support.airflow_server import AirflowServer
from tests.support.chromium import running_chromium

from clickstream.core.hours import Hour
from clickstream.demo.demo import Demo
from clickstream.demo.stack import AirflowApi, Stack
from clickstream.demo.stack.layout import LOGIN

pytestmark = pytest.mark.usefixtures("outage")

WAIT_SECONDS = 60
OF_AIRFLOW = ("allow-scripts and allow-same-origin", "status of 404")
"""What Chromium says of Airflow's own pages: the frame's sandbox, and logs that do not exist."""

LogIn = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium for this module only: Playwright's event loop would stop pulls in other tests."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def hour(demo: Demo) -> Hour:
    """The hour before the last one of the demo: its run, and the hour after it, are there."""
    return demo.plan.all.last.previous


@pytest.fixture(scope="module")
def day(hour: Hour) -> str:
    return day_of(hour)


@pytest.fixture(scope="module")
def airflow(stack: Stack, api: AirflowApi, hour: Hour) -> AirflowServer:
    passwords = json.loads(stack.layout.passwords_file.read_text())
    run_id = api.run_ids(HOURLY, hour, hour)[hour]
    return AirflowServer(stack.ports.airflow_url, hour, run_id, passwords)


@pytest.fixture(scope="module")
def airflow_below(
    stack: Stack, airflow: AirflowServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirflowServer]:
    """Airflow below a path, as a proxy for several programs serves it."""
    home = tmp_path_factory.mktemp("airflow-below")
    with server_below(stack, home, "/tools/airflow") as url:
        yield replace(airflow, url=url)


@pytest.fixture(params=["airflow", pytest.param("airflow_below", marks=pytest.mark.deep)])
def any_airflow(request: pytest.FixtureRequest) -> AirflowServer:
    server: AirflowServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def log_in(chromium: Browser) -> Iterator[LogIn]:
    """Opens pages of Airflow as one of its users, and watches them like all others."""
    watches: list[Watch] = []

    def open_page(server: AirflowServer, user: str = LOGIN, **options: Any) -> Page:
        defaults = {"viewport": {"width": 1440, "height": 900}}
        context = chromium.new_context(**{**defaults, **options})
        context.set_default_timeout(WAIT_SECONDS * 1000)
        watches.append(Watch(context, "/".join(server.url.split("/")[:3])))
        server.log_in(context, user)
        return context.new_page()

    yield open_page
    for watch in watches:
        watch.context.close()
    complaints = [one for watch in watches for one in watch.complaints]
    assert [one for one in complaints if not any(text in one for text in OF_AIRFLOW)] == []


def frame_of(page: Page) -> Frame:
    """The dashboard's frame, when it has loaded."""
    element = page.locator("iframe").element_handle()
    frame = element.content_frame()
    assert frame is not None
    frame.wait_for_selector("main")
    frame.wait_for_load_state("load")
    return frame


def wait_for(page: Page, address: str) -> Frame:
    """Wait until the address bar and the frame have an address below the dashboard's."""
    expected = address.replace("?&", "?")
    deadline = time.monotonic() + WAIT_SECONDS
    while not page.url.endswith(expected) or not frame_of(page).url.endswith(expected):
        assert time.monotonic() < deadline, (expected, page.url, frame_of(page).url)
        page.wait_for_timeout(50)
    return frame_of(page)


def show(frame: Frame, tab: str) -> None:
    frame.get_by_role("link", name=tab, exact=True).click()


def test_the_address_bar_follows_navigation_tabs_and_history(
    log_in: LogIn, any_airflow: AirflowServer, day: str
) -> None:
    page = log_in(any_airflow)
    page.goto(f"{any_airflow.url}/")
    page.get_by_label("Dashboard", exact=True).click()
    frame = wait_for(page, "/clickstream-dashboard/")
    expect(frame.locator("h2").first).to_be_visible()
    assert page.url == f"{any_airflow.dashboard}/"
    assert frame.locator(".brand").is_hidden()
    page.goto(f"{any_airflow.dashboard}/visitors?{day}")
    frame = wait_for(page, f"/visitors?{day}")
    frame.evaluate("window.isTheFirst = true")
    for tab in ("Trust", "Orders"):
        show(frame, tab)
        wait_for(page, f"/{tab.lower()}?{day}")
    assert frame.evaluate("window.isTheFirst === true")
    page.go_back()
    wait_for(page, f"/trust?{day}")
    page.go_back()
    wait_for(page, f"/visitors?{day}")
    page.go_forward()
    wait_for(page, f"/trust?{day}")
    page.reload()
    frame = wait_for(page, f"/trust?{day}")
    expect(frame.get_by_role("heading", name="Lines per hour")).to_be_visible()


def test_filters_panels_notes_and_files_work_in_the_frame_until_the_login_ends(
    log_in: LogIn, airflow: AirflowServer, hour: Hour, day: str
) -> None:
    page = log_in(airflow)
    page.goto(f"{airflow.dashboard}/?{day}")
    frame = wait_for(page, f"/?{day}")
    frame.get_by_text("Add a note").click()
    frame.locator(".add input[name=text]").fill("Free cake")
    frame.locator(".add button").click()
    expect(frame.locator("#trend .notes")).to_contain_text(f"Free cake · {LOGIN}")
    page.goto(f"{airflow.dashboard}/?{day}")
    frame = wait_for(page, f"/?{day}")
    frame.locator("#sources").get_by_role("link", name="Direct", exact=True).click()
    wait_for(page, f"/?{day}&channel=Direct")
    frame.locator("#sources summary").first.click()
    frame.get_by_role("link", name="Table, SQL and ask Athena").first.click()
    wait_for(page, f"/panels/sources?{day}&channel=Direct")
    page.goto(f"{airflow.dashboard}/panels/hour?{day}&hour={hour}")
    frame = wait_for(page, f"/panels/hour?{day}&hour={hour}")
    with page.expect_download() as download:
        frame.get_by_role("link", name="CSV, all rows").click()
    assert download.value.path().read_text().startswith("published_hours,lines")
    page.goto(f"{airflow.dashboard}/trust?{day}")
    frame = wait_for(page, f"/trust?{day}")
    page.context.clear_cookies()
    show(frame, "Orders")
    expect(frame.get_by_text("Log in to Airflow in this browser")).to_be_visible()
    assert frame.get_by_text("null", exact=True).count() == 0


def test_a_link_on_the_page_of_a_task_leads_to_its_hour(
    log_in: LogIn, any_airflow: AirflowServer, hour: Hour, day: str
) -> None:
    page = log_in(any_airflow)
    page.goto(f"{any_airflow.task_page}/details")
    page.get_by_role("link", name="Hour on the dashboard").click()
    frame = wait_for(page, f"/trust?{day}&hour={hour}#hour")
    begins, ends = (local_time(moment) for moment in (hour.start, hour.end))
    expect(frame.locator("#hour h2")).to_contain_text(f", {begins:%H:%M} – {ends:%H:%M}")
    expect(frame.locator("#hour .statement")).to_contain_text("lines are accounted for")
    frame.get_by_role("link", name="Hour after").click()
    wait_for(page, f"/trust?{day_of(hour.next)}&hour={hour.next}#hour")
    expect(page.get_by_label("Dashboard", exact=True)).to_be_visible()


def test_the_page_has_the_colours_of_airflow_and_fits_beside_its_navigation(
    log_in: LogIn, airflow: AirflowServer, day: str
) -> None:
    page = log_in(airflow, color_scheme="light")
    page.add_init_script("localStorage.setItem('theme', localStorage.getItem('theme') ?? 'dark')")
    page.goto(f"{airflow.dashboard}/?{day}")
    frame = wait_for(page, f"/?{day}")
    background = "getComputedStyle(document.body).backgroundColor"
    assert frame.evaluate(background) == "rgb(22, 19, 15)"
    # What Airflow's own switch does; the observer in the frame sees it.
    page.evaluate("document.documentElement.classList.replace('dark', 'light')")
    deadline = time.monotonic() + WAIT_SECONDS
    while frame.evaluate(background) != "rgb(251, 250, 247)":
        assert time.monotonic() < deadline, frame.evaluate(background)
        page.wait_for_timeout(50)
    scrolled = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width in (1440, 768, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert frame.evaluate(scrolled) == 0
        assert page.evaluate(scrolled) == 0
        if width == 1440:
            assert frame.locator(".top").bounding_box()["height"] < 70  # type: ignore[index]


def test_a_viewer_reads_and_finds_nothing_to_write_with(
    log_in: LogIn, airflow: AirflowServer, day: str
) -> None:
    page = log_in(airflow, VIEWER)
    page.goto(f"{airflow.dashboard}/?{day}")
    frame = wait_for(page, f"/?{day}")
    expect(frame.get_by_text("Add a note")).to_have_count(0)
    expect(frame.get_by_role("button", name="Log out")).to_have_count(0)
