"""Every link works without JavaScript and leads to the figures that are shown with it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urljoin, urlsplit

from playwright.sync_api import Page, expect
from tests.browser.watched_pages import (
    NewPage,
    figures,
    is_first_document,
    mark_document,
    wait_for_url,
)

TABS = ("/", "/visitors", "/marketing", "/orders", "/places", "/machines", "/trust")
Kind = tuple[str, ...]
"""What links have in common: a path or the names of parameters."""


def kind_of(url: str) -> Kind:
    """The kind of a link. Panels' own pages and the pages of visits are one kind each."""
    parts = urlsplit(url)
    if parts.path not in TABS:
        return (parts.path.split("/")[1],)
    names = {name for name, _ in parse_qsl(parts.query)} - {"range"}
    return tuple(sorted(names)) or (parts.path, "range" if parts.query else "")


def links_of(page: Page) -> dict[Kind, str]:
    """The links of a page, one of each kind, as they are written; no files, no other sites."""
    written = page.locator("a[href]:not([download])").evaluate_all(
        "all => all.map((one) => one.getAttribute('href'))"
    )
    links: dict[Kind, str] = {}
    for href in written:
        target = urljoin(page.url, href)
        if urlsplit(target).netloc == urlsplit(page.url).netloc:
            links.setdefault(kind_of(target), href)
    return links


def follow(page: Page, url: str, href: str) -> list[str]:
    """The figures after a click on a link, with JavaScript, which loads no tab again."""
    if page.url != url:
        page.goto(url)
    mark_document(page)
    link = page.locator(f'a[href="{href}"]').first
    target = link.evaluate("link => new URL(link.getAttribute('href'), document.baseURI).href")
    link.dispatch_event("click")
    wait_for_url(page, target)
    assert is_first_document(page) or urlsplit(target).path not in TABS, target
    return figures(page)


def test_every_link_leads_to_the_same_figures_with_and_without_it(new_page: NewPage) -> None:
    plain, scripted = new_page(None, java_script_enabled=False), new_page("/")
    seen: set[Kind] = set()
    for tab in TABS:
        plain.goto(f"{tab}?range=7d")
        url = plain.url
        for kind, href in links_of(plain).items():
            if kind in seen:
                continue
            seen.add(kind)
            answer = plain.goto(urljoin(url, href))
            assert answer is None or answer.status == 200, href
            assert follow(scripted, url, href) == figures(plain), f"{href} on {url}"
    assert len(seen) > 40, seen


def test_forms_charts_and_questions_to_athena_work_without_it(new_page: NewPage) -> None:
    page = new_page("/?channel=Direct", java_script_enabled=False)
    expect(page.get_by_role("button", name="Shortcuts: press ?")).to_be_hidden()
    assert page.locator("#trend .wide-chart .places rect > title").count() == 3
    page.locator("details.own > summary").click()
    page.get_by_label("From", exact=True).fill("2026-11-22")
    page.get_by_label("To", exact=True).fill("2026-11-23")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("details.own > summary")).to_have_text("22 Nov – 23 Nov")
    expect(page.locator(".chips")).to_contain_text("Direct")
    page.goto("/panels/totals?range=yesterday")
    page.get_by_role("button", name="Ask Athena now").click()
    expect(page.locator("#athena p")).to_contain_text("all equal")
