"""Renders the plain text part of a mail: the content of the HTML part, in 72 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.text import Text

from clickstream.core.terminal import rows_table, text_lines
from clickstream.core.wording import printable_lines
from clickstream.dashboard.mail.content import Digest, Item, Listing
from clickstream.dashboard.mail.wording import HEADINGS

COLUMNS = 72
"""Maximum length of a line, except addresses of links."""


def render_text(digest: Digest) -> str:
    """Render the text part."""
    blocks = [_head(digest), _change_lines(digest), _figures(digest), _days(digest)]
    blocks += [_section("goals", digest.goals)]
    blocks += [_list(listing) for listing in digest.lists]
    blocks += [_section("trust", digest.trust), _foot(digest)]
    text = "\n\n".join("\n".join(lines) for lines in map(list, blocks) if lines)
    return f"{printable_lines(text)}\n"


def _head(digest: Digest) -> Iterator[str]:
    yield from _wrap(digest.site)
    yield from _wrap(digest.title)
    for warning in digest.warnings:
        yield ""
        yield from _wrap(warning, "! ")


def _change_lines(digest: Digest) -> Iterator[str]:
    findings = digest.findings
    if not (findings.sentences or findings.reason):
        return
    yield from _heading("changed")
    for sentence in findings.sentences:
        yield from _wrap(sentence.text, "* ")
    if not findings.sentences:
        yield from _wrap(findings.reason)
    yield from _wrap(findings.basis)


def _figures(digest: Digest) -> Iterator[str]:
    yield from _heading("figures")
    head = [HEADINGS[name] for name in ("this_week", "week_before", "change")]
    rows = [(row.label, [row.value, row.before, row.step]) for row in digest.figures]
    notes = [row.note for row in digest.figures]
    if not digest.compared:
        head, rows = head[:1], [(label, values[:1]) for label, values in rows]
    for line, note in zip(_table("", head, rows), ["", *notes], strict=True):
        yield line
        yield from _wrap(note, "    ")


def _days(digest: Digest) -> Iterator[str]:
    yield from _heading("days")
    head = [HEADINGS[name] for name in ("this_week", "week_before")]
    rows = [(day.day, [day.value, day.before]) for day in digest.days]
    if not digest.compared:
        head, rows = head[:1], [(label, values[:1]) for label, values in rows]
    yield from _table("", head, rows)


def _list(listing: Listing) -> Iterator[str]:
    if listing.rows:
        yield listing.title
        yield "-" * len(listing.title)
        yield from _table(listing.head, listing.columns, _rows(listing.rows))


def _section(name: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield from _heading(name)
    for sentence in sentences:
        yield from _wrap(sentence, "* ")


def _foot(digest: Digest) -> Iterator[str]:
    if digest.link:
        yield "This week in the dashboard:"
        yield digest.link


def _heading(name: str) -> Iterator[str]:
    heading = HEADINGS[name]
    yield heading
    yield "-" * len(heading)


def _rows(items: Sequence[Item]) -> list[tuple[str, Sequence[str]]]:
    return [
        (f"{item.name} ({item.kind})" if item.kind else item.name, item.values) for item in items
    ]


def _table(
    head: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]
) -> Iterator[str]:
    """Align names left and values right; cut names that are too long."""
    headings = [head, *(f">{column}" for column in columns)]
    cells = ([Text(name), *map(Text, values)] for name, values in rows)
    yield from text_lines(rows_table(headings, cells), COLUMNS)


def _wrap(text: str, begins: str = "") -> list[str]:
    """Wrap a text; indent further lines by the length of `begins`."""
    return textwrap.wrap(text, COLUMNS, initial_indent=begins, subsequent_indent=" " * len(begins))
