"""Where people go next: the pages viewed after a page, and how often it is the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clickstream.dashboard.questions.intervals import known_share
from clickstream.dashboard.questions.panel import ROWS
from clickstream.dashboard.questions.view import Filter
from clickstream.dashboard.widgets.lists import value_name, value_title
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class NextRow:
    """A next page. `query` shows the pages after it; empty for visits that left."""

    name: str
    title: str
    width: float
    views: int
    share: str
    query: str


@dataclass(frozen=True)
class NextPages:
    """The pages after `page`, with the name `title` in tooltips. `query` chooses `page`."""

    page: str
    title: str
    query: str
    views: int
    rows: Sequence[NextRow]
    has_more: bool


def build_next_pages(page: PageContext) -> NextPages | None:
    """Find the pages after the page that the filters choose, by default the top page.

    Returns None without a page view.
    """
    others = [one for one in page.view.filters if one.dimension != "page" or one.is_excluded]
    chosen = [one for one in page.view.filters if one not in others]
    if not chosen:
        most_viewed = page.answer(("views",), ("page",), limit=1).rows
        chosen = [Filter("page", (row[0],)) for row in most_viewed]
    if not chosen:
        return None
    filters = (*others, *chosen)
    total = page.answer(("views",), filters=filters).single()["views"]
    found = page.answer(("views",), ("next_page",), limit=ROWS + 1, filters=filters).rows
    if not total:
        return None
    pages = [value for one in chosen for value in one.values]
    return NextPages(
        ", ".join(value_name(page, "page", value) for value in pages),
        ", ".join(value_title(page, "page", value) for value in pages),
        replace(page.view, filters=filters).query,
        total,
        [_row(page, others, name, views, total) for name, views in found[:ROWS]],
        len(found) > ROWS,
    )


def _row(
    page: PageContext, others: Sequence[Filter], name: str | None, views: int, total: int
) -> NextRow:
    following = (*others, Filter("page", (name,)))
    return NextRow(
        value_name(page, "next_page", name),
        value_title(page, "next_page", name),
        round(100 * views / total, 1),
        views,
        page.formats.share(known_share(views, total)),
        "" if name is None else replace(page.view, filters=following).query,
    )
