"""Every page on a phone and in wider windows, on paper, in a file and as a mail."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.cafe_dashboard import ATTACKED, NOW, RunningDashboard
from tests.browser.hostile_lines import CAMPAIGNS
from tests.browser.hostile_lines import PATHS as HOSTILE_PATHS
from tests.browser.watched_pages import (
    PHONE,
    NewPage,
    check_menus,
    check_widths,
    figures,
    grave_faults,
    pages_of_pdf,
    scrolls_sideways,
    shown,
    wait_for_parameters,
)
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables
from tests.clickstream.dashboard.mail.mails import digest_of
from tests.clickstream.dashboard.mail.test_mail import MONDAY, TWO_WEEKS, WEEK, two_weeks

from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.mail import render_preview
from clickstream.dashboard.web import single_page
from clickstream.dashboard.web.single_page import READER, render_single_page

DAY = f"from={ATTACKED.date()}&to={ATTACKED.date()}"
PATHS = (
    "/?range=7d&by=hour&metric=conversion_rate",
    "/visitors?range=7d",
    f"/?{DAY}&sources=campaign&channel=Direct&device=mobile",
    "/marketing?acquisition=campaign",
    "/?range=7d&campaign=no-such-campaign",
    "/orders",
    "/places?places=city",
    "/places?country=US&map=conversion_rate",
    "/machines?range=7d&bots=bot_reason",
    "/trust?range=7d",
    "/panels/balance?range=7d",
    f"/panels/sources?{DAY}&sources=campaign&search=cake",
    f"/visits?{DAY}",
    "/?range=forever",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_has_no_fault_and_fits_all_widths(new_page: NewPage, scheme: str) -> None:
    """Each page is opened in one of the schemes."""
    page = new_page(None, **PHONE, color_scheme=scheme)
    for path in PATHS[scheme == "dark" :: 2]:
        page.goto(path)
        assert grave_faults(page) == [], path
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(page.get_by_role("main")).to_have_count(1)
        check_widths(page)
        page.set_viewport_size(PHONE["viewport"])


def test_a_phone_has_its_own_charts_and_links_for_fingers(new_page: NewPage) -> None:
    page = new_page("/?range=7d", **PHONE)
    expect(page.locator(".tile").first).to_be_in_viewport(ratio=1)
    expect(page.locator(".narrow-chart").first).to_be_visible()
    expect(page.locator(".wide-chart").first).to_be_hidden()
    check_menus(page, ["details.own", "details.compare", "#trend .about", "#sources .about"])
    page.get_by_role("link", name="Exclude Direct").tap()
    wait_for_parameters(page, range="7d", **{"not.channel": "Direct"})
    small = page.locator("nav a, summary, .list a, .chips a, .trust a, .tile").evaluate_all(
        """all => all.filter((one) => one.checkVisibility())
            .map((one) => [one.textContent.trim().slice(0, 20), one.getBoundingClientRect()])
            .filter(([, box]) => box.height < 24 && box.width > 0).map(([text]) => text)"""
    )
    assert small == []


LONGEST = HOSTILE_PATHS[-1]
"""A path of 906 characters: a stranger chooses the length of a name by an address."""

TALL_NAMES = """limit => [...document.querySelectorAll(
    ".list tbody tr, .figures tbody tr, .chips li, .from, .movers li, .message, .lead, .says")]
    .filter((one) => one.getBoundingClientRect().height > limit)
    .map((one) => `${one.getBoundingClientRect().height}: ${one.textContent.slice(0, 60)}`)"""


def test_a_name_of_900_characters_takes_few_lines(new_page: NewPage) -> None:
    page = new_page(None, **PHONE)
    for path in ("/", "/visitors", "/panels/pages"):
        page.goto(f"{path}?{DAY}&pages=page&page={LONGEST}&not.landing_page={LONGEST}x")
        expect(page.locator("main")).to_contain_text(LONGEST)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(TALL_NAMES, 125) == []
            assert not scrolls_sideways(page)


def test_paper_has_the_figures_on_a_few_light_pages_and_no_navigation(new_page: NewPage) -> None:
    page = new_page("/?range=7d&channel=Direct", color_scheme="dark")
    values = page.locator(".tile .value").all_inner_texts()
    sheets = pages_of_pdf(page)
    assert 1 <= len(sheets) <= 4
    text = "\n".join(sheets)
    assert [value for value in values if value not in text] == []
    assert "Where visits come from" in text
    assert "90 days" not in text
    page.emulate_media(media="print", color_scheme="dark")
    ground = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    for path in ("/?range=7d&channel=Direct", "/orders?range=7d", "/trust?range=7d"):
        page.goto(path)
        on_screen = page.locator(
            "nav.tabs, nav.range, .about, .as-table, button.keys, .chips a"
        ).evaluate_all("all => all.filter((one) => one.checkVisibility()).length")
        assert on_screen == 0, path
        expect(page.locator(".trust")).to_be_visible()
        expect(page.locator("main")).to_be_visible()


LOOKS = """() => {
    const all = [...document.querySelectorAll("body, body *")], kinds = new Map();
    for (const one of all) kinds.set(`${one.tagName} ${one.getAttribute("class")}`, one);
    const boxes = all.map((one) => Object.values(one.getBoundingClientRect().toJSON()).join());
    const styles = [...kinds].map(([kind, one]) => [kind, ...[...getComputedStyle(one)].map(
        (name) => name.startsWith("--") ? "" : getComputedStyle(one)[name])].join());
    return [...boxes, ...styles];
}"""
"""Where all elements are, and the computed styles of one of each tag and class."""


def html_of_file(cafe: RunningDashboard) -> str:
    """Return the Overview of the day with hostile lines, in one file."""
    view = parse_view("overview", parse_qsl(f"{DAY}&sources=campaign"))
    with cafe.dashboard.page(view, READER) as page:
        return render_single_page(cafe.dashboard.renderer, page, "access.log", NOW)


def test_the_overview_in_a_file_loads_nothing_and_has_the_figures_of_the_page(
    cafe: RunningDashboard, chromium: Browser, new_page: NewPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    html, looks = html_of_file(cafe), []
    monkeypatch.setattr(single_page, "used_rules", lambda css, names: css)
    with_all_rules = html_of_file(cafe)
    for text in (with_all_rules, html):
        with shown(chromium, text) as page:
            page.locator("#trend .as-table > summary").click()
            expect(page.locator("#trend .as-table > div")).to_be_visible()
            looks.append(page.evaluate(LOOKS))
            assert text != html or grave_faults(page) == []
            assert not scrolls_sideways(page)
            assert page.locator("a[href], script, form, button, input").count() == 0
            of_file = figures(page)
    assert looks[0] == looks[1]
    of_page = figures(new_page(f"/?{DAY}&sources=campaign"))
    assert of_file == [figure.replace("≠", "") for figure in of_page]


def test_a_mail_fits_all_widths_in_light_and_dark_and_runs_no_name_of_the_log(
    chromium: Browser,
) -> None:
    hostile = [Visit(MONDAY, n, ("/menu",), "Email", campaign=CAMPAIGNS[0]) for n in range(40)]
    digest = digest_of(FactStore(fact_tables(two_weeks(hostile), TWO_WEEKS)), WEEK)
    with shown(chromium, render_preview(digest), is_mobile=False) as page:
        for scheme, expected in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(30, 26, 21)")):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert grave_faults(page) == [], scheme
            expect(page.locator(".card")).to_have_css("background-color", expected)
        cells = page.locator("img + table tr").first.locator("td")
        expect(cells).to_have_count(7)
        for width in (360, 600, 768):
            page.set_viewport_size({"width": width, "height": 900})
            assert not scrolls_sideways(page), width
            assert page.locator(".card").evaluate("one => one.offsetWidth") <= 602
            picture = page.locator("img").bounding_box()
            assert picture
            for place, cell in enumerate(cells.all()):
                box = cell.bounding_box()
                assert box
                middle = picture["x"] + picture["width"] * (place + 0.5) / 7
                assert abs(box["x"] + box["width"] / 2 - middle) < 1.5
