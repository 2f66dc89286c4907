"""The menu of saved views, and the offer to undo the latest deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clickstream.dashboard.entries.own_notes import LONGEST_TEXT
from clickstream.dashboard.entries.saved_views import LONGEST_NAME, SavedView
from clickstream.dashboard.texts import mark
from clickstream.dashboard.web.navigation import RANGE_LABELS, TAB_LABELS
from clickstream.dashboard.widgets.addresses import PATHS
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.page import Page


@dataclass(frozen=True)
class ViewLink:
    """A saved view of the menu."""

    id: str
    name: str
    href: str
    is_shown: bool


@dataclass(frozen=True)
class Undo:
    """A sentence about a deletion, and the address of the form that restores it."""

    sentence: str
    action: str


def views_menu(page: Page) -> dict[str, Any]:
    """Build the values of the menu's template."""
    return {
        "saved_views": [_link(page, view) for view in page.entries.views],
        "suggested_name": suggest_name(page),
        "longest_name": LONGEST_NAME,
        "longest_text": LONGEST_TEXT,
        "undo": _undo(page),
        "entry_problems": page.entries.problems,
    }


def _link(page: Page, saved: SavedView) -> ViewLink:
    # A newer version of the dashboard may have saved a tab that this one does not know.
    path = next((path for tab, path in PATHS.items() if tab == saved.tab), "./")
    is_shown = (saved.tab, saved.query) == (page.view.tab, page.view.query)
    return ViewLink(saved.id, saved.name, path + saved.query, is_shown)


def suggest_name(page: Page) -> str:
    """Suggest a name from tab, range and filters, cut to the maximum length."""
    view, text = page.view, page.formats.text
    parts = [text(TAB_LABELS[view.tab])]
    if view.range in RANGE_LABELS:
        parts.append(text(RANGE_LABELS[view.range][0]))
    else:
        parts.append(page.days(page.period))
    for one in view.filters:
        names = [value_name(page, one.dimension, value) for value in one.values]
        parts.append(f"{'≠ ' if one.is_excluded else ''}{', '.join(names)}")
    name = "".join(filter(str.isprintable, " · ".join(parts)))
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"


def _undo(page: Page) -> Undo | None:
    text = page.formats.text
    if note := page.entries.deleted_note:
        sentence = text(mark("The note “%(text)s” is deleted."), text=note.text)
        return Undo(sentence, f"notes/{note.id}/restore")
    if view := page.entries.deleted_view:
        sentence = text(mark("The view “%(name)s” is removed."), name=view.name)
        return Undo(sentence, f"views/{view.id}/restore")
    return None
