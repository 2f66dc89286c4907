"""Finds the events of a page's range: the sentences, or the reason why there are none."""

from __future__ import annotations

from datetime import date

from clickstream.dashboard.questions.coverage import to_local
from clickstream.dashboard.questions.periods import Period, cut_at
from clickstream.dashboard.questions.question import build_question
from clickstream.dashboard.sentences.candidates import LEAST_SIZE, Candidate, ask_candidates
from clickstream.dashboard.sentences.errors import error_candidates
from clickstream.dashboard.sentences.parts import Findings
from clickstream.dashboard.sentences.selection import select
from clickstream.dashboard.sentences.weeks import (
    LEAST_WEEKS,
    LONGEST_DAYS,
    WEEKS,
    Weeks,
    find_weeks,
)
from clickstream.dashboard.sentences.words import put_in_words
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.notes import find_bursts
from clickstream.dashboard.widgets.page import PageContext

_WITH_ERRORS = {"overview", "orders", "trust"}
"""The pages whose sentences report errors."""


def find_sentences(page: PageContext) -> Findings:
    """Describe the events of the page's range and filters in at most three sentences."""
    end = page.coverage.complete_to
    if end is None:
        return Findings([], "")
    checked = cut_at(page.period, end)
    if problem := _problem(page, checked):
        return Findings([], problem)
    weeks = find_weeks(page, checked)
    if len(weeks.numbers) < LEAST_WEEKS:
        return Findings([], _too_little_history(page, weeks))
    candidates = _candidates(page, weeks)
    if not candidates:
        return Findings([], _too_few(page))
    events = select(page, weeks, candidates)
    sentences = [put_in_words(page, weeks, one) for one in events]
    basis = _basis(page, weeks)
    if not sentences:
        return Findings([], f"{_nothing(page)}{_errors_anyway(page)}", basis)
    return Findings(sentences, "", " ".join(filter(None, (basis, _rule_change(page, weeks)))))


def _candidates(page: PageContext, weeks: Weeks) -> list[Candidate]:
    found = ask_candidates(page, weeks)
    if page.view.tab in _WITH_ERRORS:
        found += error_candidates(page, weeks)
    return found


def _problem(page: PageContext, checked: Period) -> str:
    """Return why a range can't be compared, empty if it can."""
    formats = page.formats
    if checked.days > LONGEST_DAYS:
        return formats.plural(
            "Ranges of more than %(number)s day are not checked for unusual changes.",
            "Ranges of more than %(number)s days are not checked for unusual changes.",
            LONGEST_DAYS,
        )
    coverage = page.coverage
    if coverage.is_nearly_complete(checked):
        return ""
    if page.starts_at and not coverage.is_mostly_missing:
        return _log_begins(page, page.starts_at.date())
    return formats.plural(
        "%(number)s of %(hours)s hours is missing or lacks a server's log, so "
        "unusual changes can't be found.",
        "%(number)s of %(hours)s hours are missing or lack a server's log, so "
        "unusual changes can't be found.",
        coverage.missing + coverage.incomplete,
        hours=formats.count(coverage.expected),
    )


def _log_begins(page: PageContext, begins: date) -> str:
    """State since when there are lines, and how much history sentences need."""
    return page.formats.plural(
        "The log begins on %(when)s. To find unusual changes, %(number)s week before the range is "
        "needed.",
        "The log begins on %(when)s. To find unusual changes, %(number)s weeks before the range "
        "are needed.",
        LEAST_WEEKS,
        when=page.formats.day(begins),
    )


def _too_little_history(page: PageContext, weeks: Weeks) -> str:
    begins = page.log_begins
    if begins and begins.date() > weeks.week_before(LEAST_WEEKS).first:
        return _log_begins(page, begins.date())
    return page.formats.plural(
        "Too little history to say what is unusual: of the %(weeks)s weeks before, %(number)s is "
        "complete, and %(least)s are needed.",
        "Too little history to say what is unusual: of the %(weeks)s weeks before, %(number)s are "
        "complete, and %(least)s are needed.",
        len(weeks.numbers),
        weeks=page.formats.count(WEEKS),
        least=page.formats.count(LEAST_WEEKS),
    )


def _too_few(page: PageContext) -> str:
    return page.formats.plural(
        "Too few visits to say what is unusual: %(number)s is needed.",
        "Too few visits to say what is unusual: %(number)s are needed.",
        LEAST_SIZE,
    )


def _nothing(page: PageContext) -> str:
    formats, days = page.formats, page.period.days
    if page.view.range == "today":
        return formats.text(mark("Nothing unusual so far today."))
    if page.view.range == "yesterday":
        return formats.text(mark("Nothing unusual yesterday."))
    if days == 1:
        return formats.text(mark("Nothing unusual this day."))
    if days == 7:
        return formats.text(mark("Nothing unusual this week."))
    return formats.plural(
        "Nothing unusual in this %(number)s day.", "Nothing unusual in these %(number)s days.", days
    )


def _errors_anyway(page: PageContext) -> str:
    """Report hours with many server errors that may affect too few visits to change a number."""
    bursts = find_bursts(page) if page.view.tab in _WITH_ERRORS else ()
    return "".join(
        " "
        + page.formats.text(
            mark("Yet the log has %(errors)s on %(day)s."),
            errors=note.text,
            day=page.formats.day(note.at.date()),
        )
        for note in bursts
    )


def _basis(page: PageContext, weeks: Weeks) -> str:
    """State what the range was compared with."""
    is_cut, is_whole = weeks.checked.until_hour is not None, len(weeks.numbers) == WEEKS
    texts = {
        (False, True): mark(
            "Usual is the average of the same weekdays in the %(all)s weeks before."
        ),
        (True, True): mark(
            "Usual is the average of the same weekdays and hours in the %(all)s weeks before."
        ),
        (False, False): mark(
            "Usual is the average of the same weekdays in %(number)s of the %(all)s weeks before."
        ),
        (True, False): mark(
            "Usual is the average of the same weekdays and hours in %(number)s of the %(all)s "
            "weeks before."
        ),
    }
    numbers = {"all": WEEKS, "number": len(weeks.numbers)}
    shown = {name: page.formats.count(number) for name, number in numbers.items()}
    return page.formats.text(texts[is_cut, is_whole], **shown)


def _rule_change(page: PageContext, weeks: Weeks) -> str:
    """State since when hours are built by another version or other settings than before."""
    question = build_question(("first_hour",), ("library", "settings"), weeks.span)
    rules = sorted(page.ask(question).rows, key=lambda row: row[-1])
    if len(rules) < 2:
        return ""
    when = page.formats.moment(to_local(rules[-1][-1], page.zone))
    return page.formats.text(
        mark("Hours since %(when)s were built with other settings, which may be the reason."),
        when=when,
    )
