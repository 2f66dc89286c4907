"""Every link works without JavaScript and leads to the figures that are shown with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.browser.watched_pages import figures, wait_for_url

Kind = tuple[str, tuple[str, ...]]
"""What links have in common: a path, and the names of parameters."""


def kind_of(url: str) -> Kind:
    """The kind of a link. A panel's own page and Trust are one kind each, whatever the view.

    The pages of all visits are one kind.
    """
    parts = urlsplit(url)
    path = "/visits/" if parts.path.startswith("/visits/") else parts.path
    names = (name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return path, tuple(sorted({*names})) if path == "/" else ()


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


def crawl(page: Page, depth: int) -> Iterator[tuple[str, str, list[str]]]:
    """Each kind of link up to `depth` links from the page: where it is, the link, what it shows."""
    start = page.url
    seen = {kind_of(start)}
    waiting = deque([(start, 0)])
    while waiting:
        url, links_away = waiting.popleft()
        page.goto(url)
        links = links_of(page)
        for kind in links.keys() - seen if links_away < depth else ():
            target = urljoin(url, links[kind])
            answer = page.goto(target)
            assert answer is None or answer.status == 200, target
            seen.add(kind)
            waiting.append((target, links_away + 1))
            yield url, links[kind], figures(page)


def follow(page: Page, url: str, href: str) -> list[str]:
    """The figures after a click on a link, with JavaScript."""
    if page.url != url:
        page.goto(url)
    link = page.locator(f'a[href="{href}"]').first
    target = link.evaluate("link => link.href")
    link.evaluate("link => link.click()")
    wait_for_url(page, target)
    return figures(page)


@pytest.mark.parametrize(("depth", "least"), [(1, 20), pytest.param(2, 60, marks=pytest.mark.deep)])
def test_every_link_leads_to_the_same_figures_with_and_without_it(
    new_page: Callable[..., Page], depth: int, least: int
) -> None:
    plain, scripted = new_page("/", java_script_enabled=False), new_page("/")
    followed = 0
    for url, href, shown in crawl(plain, depth):
        assert follow(scripted, url, href) == shown, f"{href} on {url}"
        followed += 1
    assert followed > least


def test_the_form_of_dates_works_without_it(new_page: Callable[..., Page]) -> None:
    page = new_page("/?channel=Direct", java_script_enabled=False)
    page.locator("details.own > summary").click()
    page.get_by_label("From", exact=True).fill("2026-11-22")
    page.get_by_label("To", exact=True).fill("2026-11-23")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("details.own > summary")).to_have_text("22 Nov – 23 Nov")
    expect(page.locator(".chips")).to_contain_text("Direct")


def test_charts_name_their_values_without_it(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=7d", java_script_enabled=False)
    assert page.locator("#trend .wide-chart .places rect > title").count() == 7
    expect(page.get_by_role("button", name="Shortcuts: press ?")).to_be_hidden()


def test_athena_is_asked_without_it(new_page: Callable[..., Page]) -> None:
    page = new_page("/panels/totals?range=yesterday", java_script_enabled=False)
    page.get_by_role("button", name="Ask Athena now").click()
    expect(page.locator("#athena p")).to_contain_text("all equal")
