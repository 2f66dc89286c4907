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
from clickstream.dashboard.changes.days import Days, ask_days
from clickstream.dashboard.changes.failures import FAILED, find_failure, step_of
from clickstream.dashboard.changes.history import SALES, describe_basis, describe_too_few
from clickstream.dashboard.changes.looks import KEY_FIGURES, MONEY_FIGURES, WHOLE
from clickstream.dashboard.changes.verdicts import WITH_ERRORS, Changes, find_changes
from clickstream.dashboard.sentences.causes import CLARITY, OF_SHOP, ORDERS, Event, explain
from clickstream.dashboard.sentences.parts import Findings
from clickstream.dashboard.sentences.words import describe_trend, put_in_words
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
    """Select at most three events from the changes of a page that has days to compare with."""
    days = changes.days
    assert days is not None  # noqa: S101  the caller's condition
    reported = [candidate for candidate in changes.clear if candidate.is_reported]
    weights = dict(_WEIGHTS)
    if reported:
        weights |= _weights_of_orders(page, days, reported)
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
        is_covered = any(_covers(page, days, event, candidate) for event in events)
        if not is_covered and is_shown(page, candidate):
            events.append(explain(page, days, candidate, changes))
    return list(_without_causes(events))


def _weights_of_orders(
    page: PageContext, days: Days, reported: Sequence[Candidate]
) -> Mapping[str, float]:
    """Return the weights of orders and of a hundredth of the currency, in visits."""
    visits = _visits_of_an_order(page, days)
    weights = dict.fromkeys((*ORDERS, "orders"), visits)
    if any(candidate.metric == "net_sales" for candidate in reported):
        sold = ask_days(page, days, SALES)[()]
        orders, net = (sold[name].mean(days) for name in ("orders", "net_sales"))
        weights["net_sales"] = MONEY_FIRST * visits * orders / net if net > 0 else 0.0
    return weights


def _visits_of_an_order(page: PageContext, days: Days) -> float:
    """Return how many visits an order usually takes."""
    series = ask_days(page, days, WHOLE)[()]
    visits, orders = (series[name].mean(days) for name in ("visits", "conversions"))
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


def _covers(page: PageContext, days: Days, event: Event, other: Candidate) -> bool:
    """Whether an event is the same as another change, or explains it."""
    change = event.change
    if other.metric == FAILED:
        return _is_same_failure(page, days, event, other)
    if change.is_up != other.is_up or change.metric == FAILED:
        return False
    family = _FAMILIES.get(other.metric, other.metric)
    if family != _FAMILIES.get(change.metric, change.metric):
        return _causes_other_metric(change, other)
    if change.scope == other.scope:
        return True
    if change.is_total:
        return _is_part_of(page, days, event, other)
    if other.is_total:  # a part covers the whole if it makes at least half of its change
        is_same_unit = (change.metric == "net_sales") == (other.metric == "net_sales")
        return is_same_unit and abs(change.excess) >= abs(other.excess) / 2
    if change.dimension == other.dimension:
        return False
    return _is_mostly_of(page, days, change, other)


def _is_part_of(page: PageContext, days: Days, event: Event, candidate: Candidate) -> bool:
    """Whether a value changed with the whole, or with the value that changed the whole."""
    if abs(candidate.compared.change) <= OWN_CHANGE * abs(event.change.compared.change):
        return True
    mover = event.mover
    if mover is None or mover.scope == candidate.scope:
        return mover is not None
    if mover.dimension == candidate.dimension and len(mover.scope) == 1:
        return False
    return _is_mostly_of(page, days, mover, candidate)


def _causes_other_metric(change: Candidate, candidate: Candidate) -> bool:
    """Whether additional visits explain the orders, or additional orders the engagement."""
    pair = (change.metric, candidate.metric)
    is_wider = change.is_total or change.scope == candidate.scope
    return is_wider and pair in {("visits", "conversions"), ("conversion_rate", "engaged_rate")}


def _is_mostly_of(page: PageContext, days: Days, other: Candidate, candidate: Candidate) -> bool:
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
    moved = _excess(page, days, metric, both)
    of = candidate.excess if candidate.metric == metric else _excess(page, days, metric, alone)
    return moved / of >= 0.5 if of else False


def _excess(page: PageContext, days: Days, metric: str, view: View) -> float:
    """Return how many more visits or orders than usual a view has."""
    names = SALES if metric in OF_SHOP else tuple(dict.fromkeys(("visits", metric)))
    return ask_days(page, days, names, filters=view.filters)[()][metric].excess(days)


def _is_same_failure(page: PageContext, days: Days, event: Event, candidate: Candidate) -> bool:
    """Whether another page failed in the same hours."""
    if event.change.metric != FAILED:
        return False
    mine, theirs = (find_failure(page, days, change.value) for change in (candidate, event.change))
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
    if changes.days is None:
        return Findings([], changes.reason)
    if all(candidate.is_beside_others for candidate in changes.candidates):
        return Findings([], describe_too_few(page))
    events = sorted(select(page, changes), key=lambda event: event.change.is_beside_others)
    growth = [describe_trend(page, candidate) for candidate in _select_growth(changes)]
    is_standing = [event.change.is_beside_others for event in events]
    number = is_standing.count(False)  # what stands out beside others ranks after all changes
    said = [put_in_words(page, changes, event) for event in events]
    sentences = [*said[:number], *growth, *said[number:]][:MOST_SENTENCES]
    basis = describe_basis(page, changes.days)
    if not sentences:
        return Findings([], f"{_no_event(page, changes)}{_errors_anyway(page)}", basis)
    rule_change = _rule_change(page, changes.days)
    return Findings(sentences, "", " ".join(filter(None, (basis, rule_change))))


def _select_growth(changes: Changes) -> list[Candidate]:
    """Return the reported numbers that grow or fall steadily; parts only if the whole does not."""
    growing = [c for c in changes.candidates if c.verdict == "growth" and c.is_reported]
    wholes = {growth.metric for growth in growing if growth.is_total}
    parts = [growth for growth in growing if growth.is_total or growth.metric not in wholes]
    return sorted(parts, key=lambda part: (not part.is_total, -abs(part.excess), part.scope))


_PERIODS = {1: "This day", 7: "This week"}


def _no_event(page: PageContext, changes: Changes) -> str:
    """State which key figures are as usual, and which ones may have changed."""
    if any(not candidate.is_beside_others for candidate in changes.clear):
        return "Some numbers below are more or less than usual."
    span = _PERIODS.get(page.period.days) or page.formats.plural(
        "This {number} day", "These {number} days", page.period.days
    )
    if page.view.range in ("today", "yesterday"):
        span = "So far today" if page.view.range == "today" else "Yesterday"
    labels: dict[str, list[str]] = {}
    for name in (*MONEY_FIGURES, *KEY_FIGURES):
        if candidate := changes.find(name):
            label = page.metric(name).label
            labels.setdefault(candidate.verdict, []).append(label[:1].lower() + label[1:])
    said = [
        f"{words}: {', '.join(labels[verdict])}"
        for verdict, words in _SUMMARIES.items()
        if verdict in labels
    ]
    return f"{span}, {'; '.join(said)}." if said else f"{span}: no clear change."


_SUMMARIES = {"usual": "as usual", "unclear": "no clear change", "unknown": "can't tell yet"}


def _errors_anyway(page: PageContext) -> str:
    """Report hours with many server errors that may affect too few visits to change a number."""
    bursts = find_bursts(page) if page.view.tab in WITH_ERRORS else ()
    return "".join(
        f" Yet the log has {note.text} on {page.formats.day(note.at.date())}." for note in bursts
    )


def _rule_change(page: PageContext, days: Days) -> str:
    """State since when hours are built by another version or other settings than before."""
    question = build_question(("first_hour",), ("library", "settings"), days.span)
    rules = sorted(page.ask(question).rows, key=lambda row: row[-1])
    if len(rules) < 2:
        return ""
    when = page.formats.moment(to_local(rules[-1][-1], page.zone))
    return f"Hours since {when} were built with other settings, which may be the reason."
