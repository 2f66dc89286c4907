"""The content of a week's mail, as plain values for its HTML, text, picture and subject.

Every figure comes from the functions of the dashboard's pages, called with a view of exactly this
week, so mail and page agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from clickstream.core.errors import EmptyWeek
from clickstream.core.wording import shown_name
from clickstream.dashboard.ask.coverage import missing_servers
from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.formats import NO_VALUE, Change, Formats
from clickstream.dashboard.mail.week import Week
from clickstream.dashboard.pages.overview.panels import PAGES, SOURCES
from clickstream.dashboard.pages.overview.tiles import Tile, build_tiles
from clickstream.dashboard.sentences import Findings, Sentence, SentencePart, find_sentences
from clickstream.dashboard.widgets.course import Course, ask_course
from clickstream.dashboard.widgets.goals import goal_rows, pace_text, sales_pace
from clickstream.dashboard.widgets.lists import ListPanel, list_panel
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.trust_line import describe_lines, trust_line

LISTED = 5
"""Maximum number of rows of each list."""


@dataclass(frozen=True)
class DigestRow:
    """A key figure: its values in the week and in the week before, and the change between them.

    `step` has a sign. `change` is the one to the usual value, and `note` states it.
    """

    name: str
    label: str
    value: str
    before: str
    step: str
    change: Change | None
    note: str = ""


@dataclass(frozen=True)
class Day:
    """The visits of a day, and of the same weekday a week before, as numbers and as text.

    A number is None for a day without a published hour, or if nothing is compared.
    """

    name: str
    day: str
    visits: float | None
    visits_before: float | None
    value: str
    before: str


@dataclass(frozen=True)
class Item:
    """A row of a list. `kind` is the kind of the name, if the list has several.

    `href` is the view that shows it, empty without links.
    """

    name: str
    values: Sequence[str]
    href: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Listing:
    """A list: its title, the header of its names, the headers of its values, and its rows."""

    title: str
    head: str
    columns: Sequence[str]
    rows: Sequence[Item]


@dataclass(frozen=True)
class Digest:
    """The content of a week's mail in one language.

    `warnings` state at the top what is incomplete or not compared. `link` is
    the dashboard's view of the week, empty if its address is not set.
    """

    week: Week
    formats: Formats
    site: str
    title: str
    compared: str
    warnings: Sequence[str]
    is_complete: bool
    figures: Sequence[DigestRow]
    days: Sequence[Day]
    findings: Findings
    goals: Sequence[str]
    lists: Sequence[Listing]
    trust: Sequence[str]
    link: str

    @property
    def language(self) -> str:
        """The language in the form of HTML and mail headers."""
        return self.formats.language

    @property
    def hero(self) -> DigestRow:
        """The main figure: net sales, or visits without sales."""
        return next(row for row in self.figures if row.name in ("net_sales", "visits"))


def build_content(page: PageContext, week: Week) -> Digest:
    """Ask for everything that the mail shows. Raises EmptyWeek if no hour is published."""
    if page.coverage.newest is None:
        raise EmptyWeek(
            f"No hour of {week} ({week.first} to {week.last}, {page.zone.key}) is published, so "
            "there is nothing to mail. See `clickstream status`, and build its hours."
        )
    course = ask_course(page, "day")
    compared = page.compared_dates if page.compared else None
    settings, formats = page.settings, page.formats
    return Digest(
        week,
        formats,
        shown_name(settings.site.title or settings.site.name),
        week.label(formats),
        page.days(compared) if compared else "",
        find_warnings(page),
        is_complete=not (page.coverage.incomplete or page.coverage.missing),
        figures=_figures(page, course),
        days=_days(page, course),
        findings=_with_links(page, find_sentences(page)),
        goals=[*_targets(page)],
        lists=[_listing(page, PAGES, "views"), _listing(page, SOURCES, "visits")],
        trust=describe_trust(page),
        link=_link(page, page.view.query),
    )


def _targets(page: PageContext) -> Iterator[str]:
    """Yield the pace towards each target of the month."""
    formats = page.formats
    if pace := sales_pace(page):
        label = page.metric("net_sales").label
        yield f"{label}: {pace_text(formats, pace, formats.whole_units)}"
    for row in goal_rows(page):
        if row.pace:
            yield f"{shown_name(row.name)}: {pace_text(formats, row.pace)}"


def _figures(page: PageContext, course: Course) -> list[DigestRow]:
    """Build the key figures, which are the Overview's tiles."""
    return [_row_of_tile(tile) for tile in build_tiles(page, course)]


def _row_of_tile(tile: Tile) -> DigestRow:
    value, before = f"{tile.prefix} {tile.value}".strip(), tile.before or NO_VALUE
    label, step = tile.metric.label, tile.step or NO_VALUE
    return DigestRow(tile.metric.name, label, value, before, step, tile.change, tile.hint)


def _days(page: PageContext, course: Course) -> list[Day]:
    formats = page.formats
    days = []
    for bucket, visits in zip(course.buckets, course.values("visits"), strict=True):
        before = None
        if page.compared:
            figures = course.then.get(bucket.shifted(page.shift).key)
            before = float(figures.get("visits", 0)) if figures else 0.0
        days.append(
            Day(
                formats.weekday(bucket.start.isoweekday()),
                formats.day(bucket.start.date(), with_weekday=True),
                visits,
                before,
                NO_VALUE if visits is None else formats.count(visits),
                NO_VALUE if before is None else formats.count(before),
            )
        )
    return days


def _with_links(page: PageContext, findings: Findings) -> Findings:
    """Make names in the sentences safe to show, and the addresses in their links absolute."""
    sentences = [
        Sentence(
            [
                SentencePart(
                    shown_name(part.text) if part.is_name else part.text,
                    _link(page, part.href),
                    part.is_name,
                )
                for part in sentence.parts
            ],
            sentence.direction,
            sentence.is_good,
        )
        for sentence in findings.sentences
    ]
    return Findings(sentences, findings.reason, findings.basis)


def _link(page: PageContext, href: str) -> str:
    """Return the absolute address of a page; empty if the dashboard's address is not set."""
    base = page.settings.dashboard.url
    return urljoin(f"{base.rstrip('/')}/", href) if base and href else ""


def _listing(page: PageContext, definition: Panel, metric: str) -> Listing:
    """Build a list of the largest rows, with one metric."""
    panel: ListPanel = list_panel(page, definition)
    index = [column.name for column in panel.columns].index(metric)
    return Listing(
        panel.title,
        panel.head,
        [panel.columns[index].label],
        [
            Item(shown_name(row.name), [row.cells[index]], _link(page, row.only))
            for row in panel.rows[:LISTED]
        ],
    )


def find_warnings(page: PageContext) -> list[str]:
    """Return the warnings to show before the numbers; none if the period is complete."""
    return [*_missing(page), *_without_servers(page), *_not_compared(page)]


def _missing(page: PageContext) -> list[str]:
    number = page.coverage.missing
    if not number:
        return []
    hours = page.formats.count(page.coverage.expected)
    return [
        page.formats.plural(
            "{number} of the {hours} hours of this week is missing, so the numbers are too low.",
            "{number} of the {hours} hours of this week are missing, so the numbers are too low.",
            number,
            hours=hours,
        )
    ]


def _without_servers(page: PageContext) -> list[str]:
    """Write a sentence for each server whose lines are missing in published hours."""
    if not page.coverage.incomplete:
        return []
    return [
        page.formats.plural(
            "{number} hour lacks the log of server {name}: visits may be missing.",
            "{number} hours lack the log of server {name}: visits may be missing.",
            server.hours,
            name=shown_name(server.name),
        )
        for server in missing_servers(page.ask, page.period)
    ]


def _not_compared(page: PageContext) -> list[str]:
    whole = page.compared_dates
    if page.compared is not None or whole is None:
        return []
    return [f"This week or {page.days(whole)} has too few complete hours to compare them."]


def describe_trust(page: PageContext) -> list[str]:
    """Describe the published hours, and the parts of the trust line."""
    formats = page.formats
    expected, missing = page.coverage.expected, page.coverage.missing
    published = f"{formats.count(expected - missing)} of {formats.count(expected)} hours published"
    parts = [*trust_line(page).parts, *describe_lines(page)]
    return [published, *(part.text for part in parts)]
