"""The line at the top of every page that states how complete and clean the numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clickstream.completeness import LAG
from clickstream.dashboard.ask.log_metrics import bot_share
from clickstream.dashboard.ask.view import Tab
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.people import suspected_visitors


@dataclass(frozen=True)
class TrustPart:
    """A part of the line: its text, and the panel that it links to, mostly of the Trust tab."""

    text: str
    anchor: str
    tab: Tab = "trust"


@dataclass(frozen=True)
class TrustLine:
    """The parts, and whether the first is good news, bad news, or a doubt."""

    state: Literal["good", "doubt", "bad"]
    parts: Sequence[TrustPart]


def trust_line(page: PageContext) -> TrustLine:
    """State how far the numbers go, and what is not well; the Trust tab has the other figures."""
    coverage = page.coverage
    if coverage.newest is None:
        nothing = "No hour of this range is published"
        parts = [TrustPart(nothing, "hours"), *_start(page), *_age(page), *_problems(page)]
        return TrustLine("bad", parts)
    parts = [_complete(page), *_incomplete(page), *_problems(page), *_start(page), *_age(page)]
    parts += [*_waiting(page), *_suspected(page)]
    is_bad = coverage.missing or coverage.incomplete or page.lake_state.open or page.problem
    if is_bad or not _is_up_to_date(page):
        return TrustLine("bad", parts)
    is_doubtful = page.low_hours or page.lake_state.doubts
    return TrustLine("doubt" if is_doubtful else "good", parts)


def _is_up_to_date(page: PageContext) -> bool:
    """Whether the newest hour is recent, or the range ended before it."""
    end = page.coverage.complete_to
    if end is None:
        return False
    return end >= min(page.period.end, page.now - LAG)


def _complete(page: PageContext) -> TrustPart:
    formats, coverage = page.formats, page.coverage
    end = coverage.complete_to
    assert end is not None  # noqa: S101  only asked with published hours
    if end == page.period.end:
        when = formats.day(page.period.last)
    elif end.date() == page.now.date():
        when = formats.hour(end.hour)
    else:
        when = formats.moment(end)
    if coverage.incomplete and not coverage.missing:
        return TrustPart(f"Up to {when}", "hours")
    if not coverage.missing and page.low_hours:
        return TrustPart(f"Up to {when}, perhaps incomplete", "hours")
    if not coverage.missing:
        return TrustPart(f"Complete to {when}", "hours")
    gap = formats.plural("{number} hour missing", "{number} hours missing", coverage.missing)
    return TrustPart(f"Up to {when}, {gap}", "hours")


def _incomplete(page: PageContext) -> list[TrustPart]:
    """State how many hours lack the lines of a server that could not be read."""
    number = page.coverage.incomplete
    if not number:
        return []
    text = page.formats.plural(
        "{number} hour lacks a server's log: visits may be missing",
        "{number} hours lack a server's log: visits may be missing",
        number,
    )
    return [TrustPart(text, "hours")]


def _problems(page: PageContext) -> list[TrustPart]:
    """State how many problems are open or not known, as `status` does; the Trust tab names them."""
    return [TrustPart(text, "incidents") for text in page.lake_state.summary]


def _start(page: PageContext) -> list[TrustPart]:
    """State when the log begins, if that is after the range's start."""
    start = page.starts_at
    if start is None:
        return []
    when = page.formats.moment(start)
    return [TrustPart(f"the log begins {when}", "hours")]


def _age(page: PageContext) -> list[TrustPart]:
    """State the age of the facts, if they can't be refreshed."""
    state = page.state
    if not page.problem:
        return []
    if state.changed_at is None:
        return [TrustPart("data can't be read", "facts")]
    local = state.changed_at.astimezone(page.zone).replace(tzinfo=None)
    when = page.formats.moment(local)
    return [TrustPart(f"data of {when}; it can't be refreshed", "facts")]


def describe_lines(page: PageContext) -> list[TrustPart]:
    """State how many lines were rejected, removed and late."""
    formats, coverage = page.formats, page.coverage
    lines = coverage.total["lines"]
    if not lines:
        return []
    rejected = formats.plural(
        "{rejected} of {number} line rejected",
        "{rejected} of {number} lines rejected",
        lines,
        rejected=formats.count(coverage.total["rejected"]),
    )
    removed = (
        f"bots removed: {formats.share(bot_share(coverage.total) or 0, 0)} of the "
        "requests without images and scripts"
    )
    return [
        TrustPart(rejected, "rejects"),
        TrustPart(removed, "operators", "machines"),
        TrustPart(_late(page), "hours"),
    ]


def _late(page: PageContext) -> str:
    formats, share = page.formats, page.coverage.share("late_lines")
    if not share:
        return "no late lines"
    least = 0.001
    if share < least:
        return f"under {formats.share(least)} arrived late"
    return f"{formats.share(share)} arrived late"


def _suspected(page: PageContext) -> list[TrustPart]:
    """State how many visitors are left out as suspected machines."""
    number = suspected_visitors(page)
    if not number:
        return []
    text = page.formats.plural(
        "{number} suspected machine left out", "{number} suspected machines left out", number
    )
    return [TrustPart(text, "suspects")]


def _waiting(page: PageContext) -> list[TrustPart]:
    """State how many lines wait, or that the published hours have none."""
    waiting, formats = page.coverage.total["waiting_lines"], page.formats
    if not page.coverage.total["lines"]:
        return [TrustPart("no line was logged", "balance")]
    if not waiting:
        return []
    text = formats.plural("{number} line waits", "{number} lines wait", waiting)
    return [TrustPart(text, "balance")]
