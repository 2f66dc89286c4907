"""Addresses of the tabs, for links from one page to another."""

from __future__ import annotations

from clickstream.dashboard.ask.view import TABS, Tab, View
from clickstream.dashboard.widgets.page import PageContext

PATHS: dict[Tab, str] = {tab: "./" if tab == "overview" else tab for tab in TABS}


def address_on(page: PageContext, tab: Tab, view: View) -> str | None:
    """Return the address of a view on a tab; None if the page's reader may not open the tab."""
    if not page.identity.opens(tab):
        return None
    query = view.on_tab(tab).query
    return query if tab == page.view.tab else PATHS[tab] + query
