"""The panel of one hour on the Trust tab: whether it is published, and how its lines were counted.

Links of Airflow's tasks open this panel, so it also states what to do about an unpublished hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from clickstream.completeness import LAG
from clickstream.core.hours import Hour
from clickstream.dashboard.ask.coverage import period_of_hour, to_local
from clickstream.dashboard.ask.log_metrics import PARTS, named_parts
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.trust.completeness import is_closed
from clickstream.dashboard.pages.trust.questions import hour_on, hour_questions, local_span
from clickstream.dashboard.widgets.page import PageContext


@dataclass(frozen=True)
class Statement:
    """A sentence about the hour, and whether it is good news."""

    text: str
    kind: Literal["good", "bad", "open"]


@dataclass(frozen=True)
class HourFigure:
    """A number of the hour; `sign` precedes it in the line balance."""

    metric: Metric
    value: str
    sign: str = ""


@dataclass(frozen=True)
class ShownHour:
    """One hour. `title` is its local time, `name` the UTC hour as the pipeline names it.

    `balance` has the lines and their parts, `late` has further figures; both are empty if the hour
    is not published. `built_by` has pairs of a label and a value. The queries link to other views.
    """

    title: str
    name: str
    statements: Sequence[Statement]
    balance: Sequence[HourFigure]
    late: Sequence[HourFigure]
    built_by: Sequence[tuple[str, str]]
    before: str
    after: str
    without: str


def build_hour(page: PageContext) -> ShownHour:
    """Ask for everything that the panel shows."""
    hour = hour_on(page)
    of_lines, of_builds = (page.ask(question) for question in hour_questions(page))
    figures, builds = of_lines.single(), of_builds.records()
    is_published = bool(figures["published_hours"])
    return ShownHour(
        local_span(page, hour),
        str(hour),
        _published(page, hour, figures, builds) if is_published else [_unpublished(page, hour)],
        _balance(page, figures) if is_published else (),
        [_figure(page, name, figures) for name in ("late_lines", "waiting_lines")]
        if is_published
        else (),
        _built_by(builds),
        _view_of(page, hour.previous).query,
        _view_of(page, hour.next).query,
        page.view.without_hour().query,
    )


def _view_of(page: PageContext, hour: Hour) -> View:
    return page.view.with_hour(hour, period_of_hour(hour, page.zone).first)


def _figure(page: PageContext, name: str, figures: Mapping[str, Any], sign: str = "") -> HourFigure:
    return HourFigure(METRICS[name], page.formats.count(figures[name]), sign)


def _balance(page: PageContext, figures: Mapping[str, Any]) -> list[HourFigure]:
    """Return the lines and their parts, with the signs of an equation that may not hold."""
    names = named_parts(PARTS, figures)
    signs = ("=" if is_closed(figures) else "≠", *"+" * (len(names) - 1))
    parts = zip(names, signs, strict=True)
    lines = _figure(page, "lines", figures)
    return [lines, *(_figure(page, name, figures, sign) for name, sign in parts)]


def _built_by(builds: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    labels = {"library": "version", "settings": "settings", "visitor_key": "visitor key"}
    return [(label, str(build[name])) for build in builds for name, label in labels.items()]


def _published(
    page: PageContext, hour: Hour, figures: Mapping[str, Any], builds: Sequence[Mapping[str, Any]]
) -> list[Statement]:
    """State what is wrong with a published hour, or that everything is counted."""
    statements: list[Statement] = []
    if not is_closed(figures):
        statements.append(
            Statement(
                "The parts do not match the number of lines: don't use these numbers, and run "
                f"clickstream verify {hour} {hour}.",
                "bad",
            )
        )
    statements += [
        Statement(
            f"This hour lacks the lines of {servers}, which could not be read, so visits may be "
            "missing. The next successful pull adds them.",
            "bad",
        )
        for build in builds
        if (servers := build["missing_sources"])
    ]
    if figures["waiting_lines"]:
        waiting = page.formats.plural(
            "{number} line arrived when the hour could not be built again, and is in no number.",
            "{number} lines arrived when the hour could not be built again, and are in no number.",
            figures["waiting_lines"],
        )
        statements.append(Statement(waiting, "bad"))
    if hour in {low_hour.hour for low_hour in page.low_hours}:
        few = "A server logged unusually few lines, so the hour is perhaps incomplete."
        statements.append(Statement(few, "open"))
    return [*(statements or [_all_well(page, figures["lines"])]), *_age(page)]


def _all_well(page: PageContext, lines: int) -> Statement:
    if not lines:
        empty = (
            "Published, but no line was logged. If the site was up, check the logs of its servers."
        )
        return Statement(empty, "open")
    all_lines = page.formats.plural(
        "Published: its {number} line is accounted for.",
        "Published: all of its {number} lines are accounted for.",
        lines,
    )
    return Statement(all_lines, "good")


def _age(page: PageContext) -> list[Statement]:
    """Warn while new facts can't be read."""
    if not page.problem:
        return []
    return [Statement("New data can't be read at present, so this may have changed since.", "bad")]


def _unpublished(page: PageContext, hour: Hour) -> Statement:
    """State why an hour is not in the numbers, and what to do about it."""
    start, end = (to_local(at, page.zone) for at in (hour.naive, hour.next.naive))
    if page.problem:
        unknown = (
            "The dashboard has no data for this hour, and can't read new data at "
            "present. The ledger in Airflow, or clickstream status, shows whether "
            "the hour is published."
        )
        return Statement(unknown, "bad")
    if end > page.now:
        ahead = "This hour is not over. It is built after its end, so no number includes it yet."
        return Statement(ahead, "open")
    keep_days = page.settings.dashboard.keep_days
    if start.date() < page.now.date() - timedelta(days=keep_days):
        return Statement(
            f"The dashboard goes back {page.formats.count(keep_days)} days, and this hour is "
            "older. If it is published, Ask Athena shows its numbers.",
            "open",
        )
    if page.now - end < LAG and not _has_later_hours(page, start.date()):
        due = (
            "This hour is not published yet, so no number includes it. It is built "
            "in the hour after its end, and shown here a minute later."
        )
        return Statement(due, "open")
    return Statement(
        "This hour is not published, so no number includes it. To build it, trigger "
        f"clickstream_hourly in Airflow with {hour} in “Hour to build”, or run clickstream build "
        f"{hour} {hour}.",
        "bad",
    )


def _has_later_hours(page: PageContext, day: date) -> bool:
    """Whether an hour of the date after this one is published."""
    period = Period(day, max(day, page.now.date()))
    newest = page.answer(("newest_hour",), (), period, filters=()).single()["newest_hour"]
    return newest is not None and newest > hour_on(page).naive
