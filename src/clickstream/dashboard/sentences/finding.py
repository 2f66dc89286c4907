"""Finds the events of a page's range: the sentences, or the reason why there are none."""

from __future__ import annotations

from clickstream.dashboard.changes.history import describe_basis, describe_too_few
from clickstream.dashboard.changes.verdicts import WITH_ERRORS, Changes, find_changes
from clickstream.dashboard.changes.weeks import Weeks
from clickstream.dashboard.questions.coverage import to_local
from clickstream.dashboard.questions.question import build_question
from clickstream.dashboard.sentences.parts import Findings
from clickstream.dashboard.sentences.selection import select
from clickstream.dashboard.sentences.words import put_in_words
from clickstream.dashboard.widgets.notes import find_bursts
from clickstream.dashboard.widgets.page import PageContext


def find_sentences(page: PageContext) -> Findings:
    """Describe the events of the page's range and filters in at most three sentences."""
    changes = page.once(find_changes)
    if changes.weeks is None:
        return Findings([], changes.reason)
    if all(one.is_beside_others for one in changes.candidates):
        return Findings([], describe_too_few(page))
    events = select(page, changes)
    sentences = [put_in_words(page, changes.weeks, one) for one in events]
    basis = describe_basis(page, changes.weeks)
    if not sentences:
        return Findings([], f"{_no_event(page, changes)}{_errors_anyway(page)}", basis)
    rule_change = _rule_change(page, changes.weeks)
    return Findings(sentences, "", " ".join(filter(None, (basis, rule_change))))


def _no_event(page: PageContext, changes: Changes) -> str:
    """State that no change is clear, or that only numbers without their own sentence changed."""
    if any(not one.is_beside_others for one in changes.unusual):
        return "Some numbers below are more or less than usual."
    return _nothing(page)


def _nothing(page: PageContext) -> str:
    formats, days = page.formats, page.period.days
    if page.view.range == "today":
        return "No clear change so far today."
    if page.view.range == "yesterday":
        return "No clear change yesterday."
    if days == 1:
        return "No clear change this day."
    if days == 7:
        return "No clear change this week."
    return formats.plural(
        "No clear change in this {number} day.", "No clear change in these {number} days.", days
    )


def _errors_anyway(page: PageContext) -> str:
    """Report hours with many server errors that may affect too few visits to change a number."""
    bursts = find_bursts(page) if page.view.tab in WITH_ERRORS else ()
    return "".join(
        f" Yet the log has {note.text} on {page.formats.day(note.at.date())}." for note in bursts
    )


def _rule_change(page: PageContext, weeks: Weeks) -> str:
    """State since when hours are built by another version or other settings than before."""
    question = build_question(("first_hour",), ("library", "settings"), weeks.span)
    rules = sorted(page.ask(question).rows, key=lambda row: row[-1])
    if len(rules) < 2:
        return ""
    when = page.formats.moment(to_local(rules[-1][-1], page.zone))
    return f"Hours since {when} were built with other settings, which may be the reason."
