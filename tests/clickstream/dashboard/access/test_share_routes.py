"""Making, listing and withdrawing share links over HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fastapi import Depends, Request
from starlette.testclient import TestClient
from tests.clickstream.dashboard.access.builders import NOW, OWN_PAGE, PAGE, Moment, browser

from clickstream.dashboard.access.guard import install_embedded
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.access.shares import MOST_SHARES, Share, Shares
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.web.app import build_app

FORM = {
    **{"name": "Bean & Co", "days": "90", "pages": "this"},
    **{"tab": "marketing", "query": "?range=7d&campaign=a%26b"},
}
LIST_FORM = {"name": "Bean & Co", "days": "7", "page.orders": "on", "page.places": "on"}


def send(client: TestClient, path: str, form: dict[str, str], **headers: str) -> Any:
    return client.post(path, data=form, headers={**OWN_PAGE, **headers})


def only_share(shares: Shares) -> Share:
    [share] = shares.file.read().entries
    return share


def address_on(page: str) -> str:
    found = re.search(r'<input readonly value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_link_made_on_a_tab_opens_it_and_is_shown_once(ana, reader, shares) -> None:
    answer = send(ana, "/shares", FORM)
    share = only_share(shares)
    assert answer.status_code == 303
    shown = f"./marketing?range=7d&campaign=a%26b&shared={share.id}"
    assert answer.headers["location"] == shown
    assert answer.headers["cache-control"] == "no-store"
    assert (share.name, share.tabs, share.start) == ("Bean & Co", ("marketing",), "marketing")
    assert share.query == "?range=7d&campaign=a%26b"
    assert (share.created_by, (share.expires_at - share.created_at).days) == ("ana", 90)
    page = ana.get(f"/marketing?range=7d&campaign=a%26b&shared={share.id}")
    assert page.headers["cache-control"] == "no-store"
    address = address_on(page.text)
    assert address == f"http://127.0.0.1:8095{shares.path(share)}"
    assert address not in ana.get("/marketing?range=7d&campaign=a%26b").text
    assert reader.get(address).headers["location"].endswith("/marketing?range=7d&campaign=a%26b")


def test_a_link_for_all_pages_opens_all_of_them(ana, shares) -> None:
    send(ana, "/shares", {**FORM, "pages": "all"})
    assert only_share(shares).tabs == TABS


def test_a_link_made_on_the_list_opens_the_chosen_pages(ana, reader, shares) -> None:
    answer = send(ana, "/shares/new", LIST_FORM)
    share = only_share(shares)
    assert answer.headers["location"] == f"../shares?shared={share.id}"
    assert (share.tabs, share.start, share.query) == (("orders", "places"), "orders", "?")
    page = ana.get(f"/shares?shared={share.id}")
    assert page.headers["cache-control"] == "no-store"
    assert reader.get(address_on(page.text)).status_code == 303


def test_a_link_is_withdrawn_and_the_page_offers_to_undo_it(ana, reader, shares) -> None:
    send(ana, "/shares", FORM)
    share = only_share(shares)
    path = shares.path(share)
    seen = ana.get(f"/marketing?shared={share.id}").headers["etag"]
    answer = send(ana, f"/shares/{share.id}/withdraw", {})
    assert answer.headers["location"] == f"../../shares?withdrawn={share.id}"
    assert reader.get(path).status_code == 410
    again = ana.get(f"/marketing?shared={share.id}", headers={"If-None-Match": seen})
    assert again.status_code == 200
    assert "<input readonly" not in again.text
    page = ana.get(f"/shares?withdrawn={share.id}").text
    assert "The link for “Bean &amp; Co” is withdrawn." in page
    assert send(ana, f"/shares/{share.id}/restore", {}).status_code == 303
    assert reader.get(path).status_code == 303


@pytest.mark.parametrize(
    ("path", "changed", "sentence"),
    [
        ("/shares", {"name": " "}, "The name of the link is empty"),
        ("/shares", {"name": "a\nb"}, "hidden character"),
        ("/shares", {"name": "x" * 41}, "has 41 characters"),
        ("/shares", {"days": ""}, "is not a number of days"),
        ("/shares", {"days": "-7"}, "is not a number of days"),
        ("/shares", {"days": "٣"}, "is not a number of days"),
        ("/shares", {"days": "367"}, "1 to 366 days"),
        ("/shares", {"tab": "https://evil.example"}, "which tab"),
        ("/shares", {"query": "?range=decade"}, "range=decade is not known"),
        ("/shares/new", {}, "one or more of these pages"),
        ("/shares/new", {"page.accounts": "on"}, "one or more of these pages"),
        ("/shares/nothing/withdraw", {}, "There is no link"),
        ("/shares/nothing/restore", {}, "There is no link"),
    ],
)
def test_a_form_that_is_wrong_says_what_to_do(ana, shares, path, changed, sentence) -> None:
    answer = send(ana, path, {**FORM, **changed})
    assert answer.status_code == 400
    assert sentence in answer.text
    assert not shares.file.path.exists()


def test_the_number_of_links_is_limited(ana, shares) -> None:
    stored = [Share.create(f"n{n}", 7, TABS, View(), "ana", NOW) for n in range(MOST_SHARES)]
    shares.add(stored[0])
    text = shares.file.path.read_text()
    values = json.loads(text)
    values["links"] = [one.as_json() for one in stored]
    shares.file.path.write_text(json.dumps(values))
    assert "which is the limit" in send(ana, "/shares", FORM).text
    assert len(shares.file.read().entries) == MOST_SHARES


@pytest.mark.parametrize("path", ["/shares", "/shares/new", "/shares/x/withdraw"])
def test_another_site_and_a_stranger_make_no_links(app, ana, shares, path) -> None:
    for site in ("cross-site", "same-site"):
        answer = send(ana, path, {**FORM, **LIST_FORM}, **{"Sec-Fetch-Site": site})
        assert answer.status_code == 403
    assert send(browser(app), path, FORM).status_code == 401
    assert browser(app).get("/shares", headers=PAGE).status_code == 303
    assert not shares.file.path.exists()


def test_a_damaged_file_is_named_and_not_replaced(ana, shares) -> None:
    shares.file.path.write_text("[")
    assert "Can&#39;t read the links in" in ana.get("/shares").text
    assert send(ana, "/shares", FORM).status_code == 400
    assert ana.get("/?shared=0123456789abcdef").status_code == 200
    assert shares.file.path.read_text() == "["


def test_the_address_is_the_one_that_browsers_reach(app, ana, shares) -> None:
    send(ana, "/shares", FORM)
    share = only_share(shares)
    by_proxy = ana.get(
        f"/shares?shared={share.id}", headers={"Host": "localhost", "X-Forwarded-Proto": "https"}
    )
    assert address_on(by_proxy.text) == f"https://localhost{shares.path(share)}"


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        (Identity("ana"), 404),
        (Identity("ana", is_read_only=True), 403),
        (Identity("ana", is_read_only=True, shares_at="https://dashboard.example"), 403),
    ],
)
def test_where_no_link_opens_none_can_be_made(app, shares, identity, status) -> None:
    """As inside Airflow, and for readers."""

    def identify(request: Request) -> None:
        request.state.identity = identity

    embedded = build_app(
        app.state.dashboard.settings,
        clock=lambda: Moment.now,
        dependencies=[Depends(identify)],
        protect=lambda app, _dashboard: install_embedded(app),
    )
    embedded.state.dashboard.refresher.look()
    client = browser(embedded)
    assert "sharing" not in client.get("/").text
    assert client.get("/shares").status_code == status
    assert send(client, "/shares", FORM).status_code == status
    assert (
        client.get(shares.path(Share.create("A", 7, TABS, View(), "ana", NOW))).status_code == 404
    )
    assert not shares.file.path.exists()


def test_names_on_the_list_are_text(ana, shares) -> None:
    send(ana, "/shares", {**FORM, "name": "<img src=x onerror=alert(1)>"})
    page = ana.get("/shares").text
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
