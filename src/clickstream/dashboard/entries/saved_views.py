"""Saved views: a name for a tab and the query of its URL."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickstream.dashboard.entries.entry_file import Kind, parse_line
from clickstream.dashboard.questions.view import View
from clickstream.errors import InputError

LONGEST_NAME = 40
LONGEST_QUERY = 4000
MOST_VIEWS = 50


@dataclass(frozen=True)
class SavedView:
    """A view with a name. `query` begins with a question mark, as `View.query` does."""

    id: str
    name: str
    tab: str
    query: str
    account: str
    saved_at: datetime

    @classmethod
    def save(cls, name: str, view: View, account: str, now: datetime) -> SavedView:
        """Build a saved view. Raises InputError if the name is not allowed or the URL too long."""
        line = parse_line(name, "The name of the view", LONGEST_NAME)
        if len(view.query) > LONGEST_QUERY:
            raise InputError(
                f"The view's URL has {len(view.query):,} characters; {LONGEST_QUERY:,} can be "
                "saved. Remove some filters."
            )
        return cls(secrets.token_hex(8), line, view.tab, view.query, account, now)

    def as_json(self) -> dict[str, Any]:
        """Return the view as it is stored."""
        return {
            "id": self.id,
            "name": self.name,
            "tab": self.tab,
            "query": self.query,
            "account": self.account,
            "saved_at": self.saved_at.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> SavedView:
        """Parse a stored view."""
        query = str(stored["query"])
        if not query.startswith("?"):
            raise ValueError(f"the query {query[:40]!r} does not begin with a question mark")
        return cls(
            str(stored["id"]),
            parse_line(stored["name"], "The name of the view", LONGEST_NAME),
            str(stored["tab"]),
            query,
            str(stored["account"]),
            datetime.fromisoformat(stored["saved_at"]),
        )


def _find_equal(views: Sequence[SavedView], view: SavedView) -> SavedView | None:
    """Find the same view with this name. Raises InputError if the name has another view."""
    name = view.name.casefold()
    found = next((one for one in views if one.name.casefold() == name), None)
    if found and (found.tab, found.query) != (view.tab, view.query):
        raise InputError(
            f"There is a view named {found.name!r} already. Choose another name, or remove that "
            "view first."
        )
    return found


SAVED_VIEWS = Kind("views.json", "view", "views", MOST_VIEWS, SavedView.from_json, _find_equal)
