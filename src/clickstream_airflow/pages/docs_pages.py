"""The documentation as HTML, from the Markdown files of docs/, which the wheel contains."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_PACKAGE = Path(__file__).parents[1]
_IN_WHEEL, _IN_SOURCES = _PACKAGE / "docs", _PACKAGE.parents[1] / "docs"

# Raw HTML stays text, and the parser refuses links such as javascript:.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class DocsPage:
    """A rendered page; `title` is its first heading."""

    title: str
    html: str


def read(name: str) -> str | None:
    """Return the Markdown of a page such as `runbook.md`; None if docs/ has no such page."""
    directory = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_SOURCES
    pages = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*.md")}
    return pages[name].read_text(encoding="utf-8") if name in pages else None


def render(text: str) -> DocsPage:
    """Convert Markdown to HTML; headings get the same anchors as on GitHub."""
    tokens = _markdown.parse(text)
    headings = [
        (token, tokens[place + 1].content)
        for place, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    for token, heading in headings:
        token.attrSet("id", anchor(heading))
    title = headings[0][1] if headings else "Documentation"
    return DocsPage(title, _markdown.renderer.render(tokens, _markdown.options, {}))


def anchor(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
