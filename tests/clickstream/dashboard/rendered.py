"""Pages rendered from fact files in memory, and their text as a reader sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

from tests.clickstream.dashboard.builders import FactStore

from clickstream.alerts.lake_state import UNSEEN, LakeState
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.entries.store import NO_NOTES, ShownNotes
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.web.rendering import Renderer, read_static
from clickstream.dashboard.widgets.page import PageContext
from clickstream.settings import Settings

NOW = datetime(2026, 11, 16, 15, 20)
SILENT = {"script", "style", "title", "head"}


@contextmanager
def page_of(
    store: FactStore,
    view: View | None = None,
    now: datetime = NOW,
    settings: Settings | None = None,
    language: str = "en-GB",
    entries: ShownNotes = NO_NOTES,
    zone: str = "UTC",
    problem: str = "",
    lake_state: LakeState = UNSEEN,
) -> Iterator[PageContext]:
    """A page in the making."""
    settings = settings or Settings()
    formats = Formats(parse_locale(language), settings.sales_currency)
    with store.copy.snapshot() as snapshot:
        page = PageContext(
            view or View(),
            store.answers.asker(snapshot),
            formats,
            now,
            settings,
            ZoneInfo(zone),
            snapshot.state,
            problem,
            entries=entries,
            lake_state=lake_state,
            identity=Identity("ana", can_log_out=True),
        )
        yield page.without_hidden_metrics()


def html_of(page: PageContext) -> str:
    """The HTML of a page's tab."""
    return Renderer.create(page.formats, "Café").tab(page)


def with_styles(html: str) -> str:
    """A page with its style sheets inside, for a browser without a server."""
    link = re.compile(r'<link rel="stylesheet" href="[^"]*static/([^?]*)[^>]*>')
    return link.sub(lambda found: f"<style>{read_static(found[1]).decode()}</style>", html)


class _Reader(HTMLParser):
    """Collects the texts of a page, and those of attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "input", "br", "rect", "line", "circle", "path"):
            self._inside.append(tag)
        self.texts += [
            value for name, value in attrs if name in ("aria-label", "title", "alt") and value
        ]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not SILENT & set(self._inside):
            self.texts.append(data.strip())


def placeholders_of(html: str) -> list[str]:
    """Return the placeholders of texts that got no value, such as {number}."""
    return re.findall(r"\{\w*\}|%\(\w+\)", " ".join(texts_of(html)))


def texts_of(html: str) -> list[str]:
    """All texts that a reader of a page meets."""
    reader = _Reader()
    reader.feed(html)
    return reader.texts


class _Claims(HTMLParser):
    """Collects what a page or a mail states to be more, less, better or worse than usual."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: list[str] = []
        self._in_sentences = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = set((dict(attrs).get("class") or "").split())
        if tag == "section":
            self._in_sentences = "sentences" in classes
        is_sentence = tag == "li" and self._in_sentences
        is_rate = "rate" in classes and bool(classes & {"above", "below"})
        is_coloured = tag in ("b", "td") and bool(classes & {"good", "bad"})
        is_delta = "delta" in classes and "unclear" not in classes
        if is_sentence or is_rate or is_coloured or is_delta or "movers" in classes:
            self.claims.append(f"{tag}.{'.'.join(sorted(classes))}")


def claims_of(html: str) -> list[str]:
    """Everything on a page or in a mail that claims a change or a difference."""
    reader = _Claims()
    reader.feed(html)
    return reader.claims
