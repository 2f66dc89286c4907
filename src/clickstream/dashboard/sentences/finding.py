"""Finds the events of a page's range: the sentences, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.fact_views import MONEY
from clickstream.dashboard.ask.question import build_question
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.changes.candidates import Candidate, is_shown
from clickstream.dashboard.changes.failures import FAILED, find_failure, step_of
from clickstream.dashboard.changes.history import describe_basis, describe_too_few
from clickstream.dashboard.changes.looks import WHOLE
from clickstream.dashboard.changes.sales_weeks import SALES
from clickstream.dashboard.changes.verdicts import WITH_ERRORS, Changes, find_changes
from clickstream.dashboard.changes.weeks import Weeks, ask_weeks
from clickstream.dashboard.sentences.causes import CLARITY, OF_SHOP, ORDERS, Event, explain
from clickstream.dashboard.sentences.parts import Findings
from clickstream.dashboard.sentences.words import put_in_words
from clickstream.dashboard.widgets.notes import find_bursts
from clickstream.dashboard.widgets.page import PageContext

# Selects events from candidates: changes beyond chance, in order of importance, each once.

MOST_SENTENCES = 3
MOST_RANKED = 12
"""Maximum number of changes to check, because the comparison of two may need a question."""

_FAMILIES = {
    **dict.fromkeys(("visits", "views", "page_views", "visitors"), "visits"),
    **dict.fromkeys(ORDERS | OF_SHOP, "orders"),
}
"""Metrics that move together."""

_WEIGHTS = {
    "visits": 1.0,
    "views": 0.3,
    "engaged_rate": 0.3,
    "bot_requests": 0.02,
    "late_lines": 0.05,
    "rejected": 0.1,
}
"""Weight of one unit of a metric, in visits; an order counts as the visits that it takes."""

MOST_VISITS_OF_AN_ORDER = 20.0

MONEY_FIRST = 1.2
"""Factor on the weight of amounts: of similar changes, the one of net sales becomes the event."""

REPAIR = 2.0
"""Errors weigh more than the visits they cost, because the owner can repair them."""

OWN_CHANGE = 3.0
"""A value changed on its own if its change is this many times that of the whole."""

STANDING_WEIGHT = 0.1
"""Weight of numbers that are unusual beside others, without a change; they rank after changes."""


def select(page: PageContext, changes: Changes) -> list[Event]:
    """Select at most three events from the changes of a page that has weeks to compare with."""
    weeks = changes.weeks
    assert weeks is not None  # noqa: S101  the caller's condition
    reported = [candidate for candidate in changes.unusual if candidate.is_reported]
    weights = dict(_WEIGHTS)
    if reported:
        weights |= _weights_of_orders(page, weeks, reported)
    ranked = sorted(
        reported,
        key=lambda candidate: (
            -_score(page, weights, candidate),
            candidate.metric,
            candidate.scope,
        ),
    )
    events: list[Event] = []
    for candidate in ranked[:MOST_RANKED]:
        if len(events) == MOST_SENTENCES:
            break
        is_covered = any(_covers(page, weeks, event, candidate) for event in events)
        if not is_covered and is_shown(page, candidate):
            events.append(explain(page, weeks, candidate, changes))
    return list(_without_causes(events))


def _weights_of_orders(
    page: PageContext, weeks: Weeks, reported: Sequence[Candidate]
) -> Mapping[str, float]:
    """Return the weights of orders and of a hundredth of the currency, in visits."""
    visits = _visits_of_an_order(page, weeks)
    weights = dict.fromkeys((*ORDERS, "orders"), visits)
    if any(candidate.metric == "net_sales" for candidate in reported):
        sold = ask_weeks(page, weeks, SALES)[()]
        orders, net = (sum(sold[name].before(weeks)) for name in ("orders", "net_sales"))
        weights["net_sales"] = MONEY_FIRST * visits * orders / net if net > 0 else 0.0
    return weights


def _visits_of_an_order(page: PageContext, weeks: Weeks) -> float:
    """Return how many visits an order usually takes."""
    series = ask_weeks(page, weeks, WHOLE)[()]
    visits, orders = (sum(series[name].before(weeks)) for name in ("visits", "conversions"))
    return min(visits / orders, MOST_VISITS_OF_AN_ORDER) if orders else 1.0


def _score(page: PageContext, weights: Mapping[str, float], candidate: Candidate) -> float:
    """Score a change by the equivalent number of visits."""
    weight = weights.get(candidate.metric, 1.0)
    if candidate.metric == FAILED:
        lost = weights["conversions"] if step_of(page.settings, candidate.value) else 1.0
        weight = REPAIR * lost
    if candidate.is_beside_others:
        weight *= STANDING_WEIGHT
    return abs(candidate.excess) * weight * CLARITY.get(candidate.dimension, 1.0)


def _covers(page: PageContext, weeks: Weeks, event: Event, candidate: Candidate) -> bool:
    """Whether an event is the same as another change, or explains it."""
    change = event.change
    if candidate.metric == FAILED:
        return _is_same_failure(page, weeks, event, candidate)
    if change.is_up != candidate.is_up or change.metric == FAILED:
        return False
    family = _FAMILIES.get(candidate.metric, candidate.metric)
    if family != _FAMILIES.get(change.metric, change.metric):
        return _brings(change, candidate)
    if change.scope == candidate.scope:
        return True
    if change.is_total:
        return _is_part_of(page, weeks, event, candidate)
    if candidate.is_total:
        is_same_unit = (change.metric == "net_sales") == (candidate.metric == "net_sales")
        return is_same_unit and abs(change.excess) >= abs(candidate.excess) / 2
    if change.dimension == candidate.dimension:
        return False
    return _is_mostly_of(page, weeks, change, candidate)


def _is_part_of(page: PageContext, weeks: Weeks, event: Event, candidate: Candidate) -> bool:
    """Whether a value changed with the whole, or with the value that changed the whole."""
    if abs(candidate.compared.change) <= OWN_CHANGE * abs(event.change.compared.change):
        return True
    mover = event.mover
    if mover is None or mover.scope == candidate.scope:
        return mover is not None
    if mover.dimension == candidate.dimension and len(mover.scope) == 1:
        return False
    return _is_mostly_of(page, weeks, mover, candidate)


def _brings(change: Candidate, candidate: Candidate) -> bool:
    """Whether additional visits explain the orders, or additional orders the engagement."""
    pair = (change.metric, candidate.metric)
    is_wider = change.is_total or change.scope == candidate.scope
    return is_wider and pair in {("visits", "conversions"), ("conversion_rate", "engaged_rate")}


def _is_mostly_of(page: PageContext, weeks: Weeks, other: Candidate, candidate: Candidate) -> bool:
    """Whether at least half of a value's change is in visits of another value, too."""
    scopes = (*candidate.scope, *other.scope)
    if not all(DIMENSIONS[dimension].is_filter for dimension, _ in scopes):
        return False
    metric = "conversions" if candidate.metric in ORDERS else "visits"
    if candidate.metric in OF_SHOP:
        metric = candidate.metric
        if not {dimension for dimension, _ in scopes} <= MONEY.visit_dimensions:
            return False
    alone = page.view.with_filter(candidate.dimension, candidate.value)
    both = alone
    for dimension, value in other.scope:
        both = both.with_filter(dimension, value)
    moved = _excess(page, weeks, metric, both)
    of = candidate.excess if candidate.metric == metric else _excess(page, weeks, metric, alone)
    return moved / of >= 0.5 if of else False


def _excess(page: PageContext, weeks: Weeks, metric: str, view: View) -> float:
    """Return how many more visits or orders than usual a view has."""
    names = SALES if metric in OF_SHOP else tuple(dict.fromkeys(("visits", metric)))
    return ask_weeks(page, weeks, names, filters=view.filters)[()][metric].excess(weeks)


def _is_same_failure(page: PageContext, weeks: Weeks, event: Event, candidate: Candidate) -> bool:
    """Whether another page failed in the same hours."""
    if event.change.metric != FAILED:
        return False
    mine, theirs = (find_failure(page, weeks, each.value) for each in (candidate, event.change))
    return mine.first <= theirs.last and theirs.first <= mine.last


def _without_causes(events: Sequence[Event]) -> Iterator[Event]:
    """Leave out errors that another sentence names as its cause."""
    causes = {event.cause.value for event in events if event.cause}
    named: set[str] = set()
    for event in events:
        if event.change.metric == FAILED and event.change.value in causes:
            continue
        cause = event.cause if event.cause and event.cause.value not in named else None
        named |= {cause.value} if cause else set()
        yield replace(event, cause=cause)


def find_sentences(page: PageContext) -> Findings:
    """Describe the events of the page's range and filters in at most three sentences."""
    changes = page.once(find_changes)
    if changes.weeks is None:
        return Findings([], changes.reason)
    if all(candidate.is_beside_others for candidate in changes.candidates):
        return Findings([], describe_too_few(page))
    events = select(page, changes)
    sentences = [put_in_words(page, changes.weeks, event) for event in events]
    basis = describe_basis(page, changes.weeks)
    if not sentences:
        return Findings([], f"{_no_event(page, changes)}{_errors_anyway(page)}", basis)
    rule_change = _rule_change(page, changes.weeks)
    return Findings(sentences, "", " ".join(filter(None, (basis, rule_change))))


def _no_event(page: PageContext, changes: Changes) -> str:
    """State that no change is clear, or that only numbers without their own sentence changed."""
    if any(not candidate.is_beside_others for candidate in changes.unusual):
        return "Some numbers below are more or less than usual."
    days = page.period.days
    if page.view.range == "today":
        return "No clear change so far today."
    if page.view.range == "yesterday":
        return "No clear change yesterday."
    if days == 1:
        return "No clear change this day."
    if days == 7:
        return "No clear change this week."
    return page.formats.plural(
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
