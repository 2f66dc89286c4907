"""Renders a tab as one file that needs no server: without links and scripts, with its style sheet.

`clickstream open --html` writes it, for a mail or to keep.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from datetime import datetime
from html import escape
from html.parser import HTMLParser

from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.web.rendering import Renderer, read_static
from clickstream.dashboard.widgets.page import PageContext

READER = Identity("", is_read_only=True, tabs=("overview",), sees_entries=False)
"""The identity of the file's readers, who see what the reader of a share link sees."""

_VOID = frozenset(("br", "hr", "img", "input", "link", "meta"))
"""Elements without an end tag."""

_DROPPED_TAGS = frozenset(("button", "dialog", "form", "h1", "link", "script"))
"""Elements that need a server or a script, and the heading, which the file has in its header."""

_DROPPED_CLASSES = frozenset(("filters", "links", "no-goals", "rest", "without"))
"""Elements that have nothing without their links, and the panel about the settings."""

_DROPPED_ATTRIBUTES = frozenset(("action", "download", "href", "src", "style", "target"))

_HEADER_CLASSES = frozenset(("top", "brand"))
"""The classes of page.css that the file's header uses."""

_NAMES = re.compile(r' (?:class|id)="([^"]*)"')
_RULE = re.compile(r"([^{}]+)\{[^{}]*\}")
"""A rule of a style sheet, also inside an `@media`."""
_ALTERNATIVES = re.compile(r":(?:is|not|where)\([^)]*\)")

Attributes = dict[str, str | None]


def render_single_page(renderer: Renderer, page: PageContext, logs: str, made: datetime) -> str:
    """Render a page of READER; `logs` names the logs, `made` (aware) is the current moment."""
    content = strip_links(renderer.tab(page))
    names = {name for value in _NAMES.findall(content) for name in value.split()}
    icon = read_static(f"{page.settings.dashboard.icon}.svg")
    return renderer.environment.get_template("single_page.html").render(
        dates=_dates(page),
        made=_moment(page, made),
        logs=logs,
        icon=base64.b64encode(icon).decode(),
        styles=used_rules(read_static("page.css").decode(), names | _HEADER_CLASSES),
        own_styles=read_static("single_page.css").decode(),
        content=content,
    )


def _dates(page: PageContext) -> str:
    """Format the dates of the page with the year, which a reader of next year needs."""
    formats, first, last = page.formats, page.period.first, page.period.last
    if first == last:
        return formats.day(last, with_weekday=True, with_year=True)
    begin = formats.day(first, with_year=first.year != last.year)
    return f"{begin} – {formats.day(last, with_year=True)}"


def _moment(page: PageContext, made: datetime) -> str:
    formats, local = page.formats, made.astimezone(page.zone)
    day = formats.day(local.date(), with_year=True)
    return f"Made on {day}, {formats.time(local)}"


def strip_links(html: str) -> str:
    """Return the content of a page's `<main>` without all that needs a server or a script.

    A link becomes an `<a>` without an address: plain text with the look of the page.
    """
    copy = _Copy()
    copy.feed(html)
    copy.close()
    return "".join(copy.parts)


def used_rules(css: str, names: Collection[str]) -> str:
    """Return the rules of a style sheet that can match: a third of page.css, 25 kB less."""
    return _RULE.sub(lambda rule: rule[0] if _can_match(rule[1], names) else "", css)


def _can_match(selectors: str, names: Collection[str]) -> bool:
    """Whether all classes and ids of one of the selectors are among the names."""
    needed = _ALTERNATIVES.sub("", selectors).split(",")
    return any(
        all(name in names for name in re.findall(r"[.#]([\w-]+)", selector)) for selector in needed
    )


class _Copy(HTMLParser):
    """Copies what `<main>` contains into `parts`.

    `_open` has for each open element whether its content is copied.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._open: list[bool] = []

    @property
    def _is_copying(self) -> bool:
        return bool(self._open) and self._open[-1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        is_copied = self._is_copying and not _is_dropped(tag, attributes)
        if is_copied:
            self.parts.append(f"<{tag}{_attributes(attributes)}>")
        if tag not in _VOID:
            self._open.append(is_copied or tag == "main")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if self._is_copying and not _is_dropped(tag, attributes):
            self.parts.append(f"<{tag}{_attributes(attributes)}/>")

    def handle_endtag(self, tag: str) -> None:
        if self._open.pop() and tag != "main":
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._is_copying:
            self.parts.append(escape(data, quote=False) if data.strip() else data[:1])


def _is_dropped(tag: str, attributes: Attributes) -> bool:
    classes = (attributes.get("class") or "").split()
    return tag in _DROPPED_TAGS or not _DROPPED_CLASSES.isdisjoint(classes)


def _attributes(attributes: Attributes) -> str:
    return "".join(
        f' {name}="{escape(value or "")}"'
        for name, value in attributes.items()
        if name not in _DROPPED_ATTRIBUTES and not name.startswith(("data-", "on"))
    )
