"""Words of the sentences about events; each number links to the view that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.view import CHARTED, Tab, View
from clickstream.dashboard.changes.candidates import Candidate
from clickstream.dashboard.changes.days import Days
from clickstream.dashboard.changes.failures import FAILED, Failure, find_failure, step_of
from clickstream.dashboard.changes.verdicts import Changes
from clickstream.dashboard.changes.wording import (
    describe_growth,
    describe_interval,
    describe_verdict,
    list_weeks,
)
from clickstream.dashboard.sentences.causes import Event
from clickstream.dashboard.sentences.parts import Sentence, SentencePart, compose
from clickstream.dashboard.widgets.addresses import address_on
from clickstream.dashboard.widgets.lists import shorten_name, value_name, value_title
from clickstream.dashboard.widgets.page import PageContext

_BROUGHT = {
    "channel": "{number} came through {name}",
    "source": "{number} came from {name}",
    "campaign": "{number} came through the campaign {name}",
    "referrer": "{number} came from {name}",
    "landing_page": "{number} began on {name}",
    "country": "{number} came from {name}",
    "city": "{number} came from {name}",
    "device": "{number} were made on devices of the kind {name}",
    "browser": "{number} were made with {name}",
    "os": "{number} were made with {name}",
    "page": "{name} was seen {number}",
    "bot_class": "Bots of the class {name} made {number}",
    "goal": "{number} met the goal {name}",
}
"""Phrases for visits, views and requests of a value, by dimension."""

_SOLD = {
    "channel": "Net sales through {name} were {number}",
    "campaign": "Net sales through the campaign {name} were {number}",
}
"""Phrases for net sales of a value, by dimension."""

_MOVED = {
    "channel": "{part} came through {name}",
    "source": "{part} came from {name}",
    "campaign": "{part} came through the campaign {name}",
    "referrer": "{part} came from {name}",
    "landing_page": "{part} began on {name}",
    "country": "{part} came from {name}",
    "city": "{part} came from {name}",
    "device": "{part} came with devices of the kind {name}",
    "browser": "{part} came with {name}",
    "os": "{part} came with {name}",
    "bot_class": "{part} was the class {name}",
    "goal": "{part} was the goal {name}",
}
_LOST = {
    "landing_page": "{part} is visits that begin on {name}",
    "campaign": "{part} is the campaign {name}",
}
_LOST_OTHERWISE = "{part} is {name}"
_PAIR = "{part} is {name} with {other}"

_WHOLES = {
    "visits": "There were {number}",
    "conversions": "There were {number}",
    "orders": "There were {number}",
    "net_sales": "Net sales were {number}",
    "bot_requests": "Bots made {number}",
    "late_lines": "{number} came late",
    "rejected": "{number} could not be read",
}
_RATES = {
    "conversion_rate": (
        "{now} of the visits met the goal {goal}, usually {usual}",
        "{now} of the visits of {name} met the goal {goal}, usually {usual}",
    ),
    "engaged_rate": (
        "{now} of the visits are engaged, usually {usual}",
        "{now} of the visits of {name} are engaged, usually {usual}",
    ),
}
_FAILURES = {
    True: (
        "The step {page} answered {status} to {people} {when}",
        "the step {page} answered {status} to {people} {when}",
    ),
    False: (
        "The page {page} answered {status} to {people} {when}",
        "the page {page} answered {status} to {people} {when}",
    ),
}
"""Phrases for a failed funnel step or page: as a sentence, and as the end of one."""

_STEPS = {
    False: (
        "{step} times as many as usual ({usual})",
        "{step} more than usual ({usual})",
        "{step} fewer than usual ({usual})",
    ),
    True: (
        "{step} times as much as usual ({usual})",
        "{step} more than usual ({usual})",
        "{step} less than usual ({usual})",
    ),
}
"""Phrases for changes of counts, and of amounts: by at least a factor of two, up, and down."""

_ORDER_RATES = (
    "The order rate is {now}, usually {usual}",
    "The order rate of {name} is {now}, usually {usual}",
)
_BESIDE_OTHERS = {
    True: "{now} of {number} by the campaign {name} ordered, and {usual} of all other visits",
    False: (
        "{now} of {number} by the campaign {name} met the goal {goal}, and {usual} of "
        "all other visits"
    ),
}
"""Whether the main goal is the order, and the phrase for a campaign."""

_UNITS = {
    "visits": ("{number} visit", "{number} visits"),
    "conversions": ("{number} visit with {goal}", "{number} visits with {goal}"),
    "goal_visits": ("{number} visit", "{number} visits"),
    "orders": ("{number} order", "{number} orders"),
    "views": ("{number} time", "{number} times"),
    "bot_requests": ("{number} request", "{number} requests"),
    "late_lines": ("{number} line", "{number} lines"),
    "rejected": ("{number} line", "{number} lines"),
}
_ORDERS = ("{number} order", "{number} orders")
_VISITS_WITH_ORDER = ("{number} visit with an order", "{number} visits with an order")
_PANELS: Mapping[str, tuple[Tab, str]] = {
    "bot_requests": ("machines", "purposes"),
    "late_lines": ("trust", "hours"),
    "rejected": ("trust", "rejects"),
}
"""The tab and the panel that show a metric that is not about visits."""


def put_in_words(page: PageContext, changes: Changes, event: Event) -> Sentence:
    """Write the sentence of an event."""
    change, days = event.change, changes.days
    assert days is not None  # noqa: S101  an event has days to compare with
    if change.metric == FAILED:
        parts = _failure(page, days, change)
    elif change.metric in _RATES:
        parts = _rate(page, change)
    else:
        parts = _count(page, change)
    if event.mover:
        parts += [SentencePart("; "), *_mover(page, event.mover, event.part)]
    if event.cause:
        parts += [SentencePart("; "), *_failure(page, days, event.cause, is_clause=True)]
    parts.append(SentencePart(_whole(page, changes, change)))
    good = METRICS[change.metric].good
    is_good = None if good == "neither" else (good == "up") == change.is_up
    return Sentence([*parts, SentencePart(".")], "up" if change.is_up else "down", is_good)


def _whole(page: PageContext, changes: Changes, change: Candidate) -> str:
    """State the verdict on the whole beside a part that changed otherwise."""
    whole = None if change.is_total or change.is_beside_others else changes.find(change.metric)
    if whole is None or whole.verdict == change.verdict:
        return ""
    metric = page.metric(change.metric)
    return f". {metric.label} in all: {describe_verdict(page, whole, metric)}"


def describe_trend(page: PageContext, candidate: Candidate) -> Sentence:
    """Write the sentence of a number that grows or falls steadily."""
    metric, is_up = page.metric(candidate.metric), candidate.compared.growth > 0
    named = [_labelled(page, *part) for part in candidate.scope]
    parts = [SentencePart(metric.label)]
    for part in named:
        parts += [SentencePart(" ("), part, SentencePart(")")]
    value = SentencePart(
        page.formats.brief(metric, candidate.compared.value), _href(page, candidate)
    )
    weeks = list_weeks(page, candidate)
    parts += [
        SentencePart(
            f" {describe_growth(page, candidate, 'grow fall')}: {f'{weeks}, ' if weeks else ''}"
        )
    ]
    good = None if metric.good == "neither" else (metric.good == "up") == is_up
    return Sentence([*parts, value, SentencePart(".")], "up" if is_up else "down", good)


def _count(page: PageContext, change: Candidate) -> list[SentencePart]:
    number = SentencePart(_number(page, change), _href(page, change))
    by_value = _SOLD if change.metric == "net_sales" else _BROUGHT
    message = _WHOLES[change.metric] if change.is_total else by_value[change.dimension]
    stem = compose(message, {"number": number, "name": _name(page, change)})
    return [*stem, SentencePart(", "), *_change(page, change)]


def _number(page: PageContext, change: Candidate) -> str:
    """Format the observed count with its unit, or the observed amount."""
    if METRICS[change.metric].format == "cents":
        return page.formats.brief(METRICS[change.metric], change.compared.value)
    units = _UNITS[change.metric]
    if change.metric == "conversions" and page.is_main_goal_order:
        units = _VISITS_WITH_ORDER if page.has_shop else _ORDERS
    return page.formats.plural(*units, round(change.compared.value), goal=page.main_goal)


def _change(page: PageContext, change: Candidate) -> list[SentencePart]:
    """Describe how much more or less that is than usual."""
    compared, formats = change.compared, page.formats
    least = 10 if change.dimension in ("country", "city") else 1  # smaller groups are not shown
    if round(compared.usual) < least:
        return [SentencePart("usually hardly any")]
    usual_value = formats.brief(METRICS[change.metric], compared.usual)
    usual = SentencePart("; ".join(filter(None, [usual_value, describe_interval(page, change)])))
    many, more, fewer = _STEPS[METRICS[change.metric].format == "cents"]
    if compared.change >= 0.95:
        step, message = SentencePart(formats.decimal(compared.change + 1)), many
    else:
        step = SentencePart(formats.share(abs(compared.change), 0))
        message = more if change.is_up else fewer
    return compose(message, {"step": step, "usual": usual})


def _rate(page: PageContext, change: Candidate) -> list[SentencePart]:
    whole, of_value = _RATES[change.metric]
    formats = page.formats
    if change.metric == "conversion_rate" and page.is_main_goal_order:
        whole, of_value = _ORDER_RATES
    if change.is_beside_others:
        of_value = _BESIDE_OTHERS[page.is_main_goal_order]
    parts = {
        "now": SentencePart(formats.share(change.compared.value), _href(page, change)),
        "usual": SentencePart(formats.share(change.compared.usual)),
        "name": _name(page, change),
        "number": SentencePart(formats.plural(*_UNITS["visits"], round(change.compared.trials))),
        "goal": SentencePart(page.main_goal, is_name=True),
    }
    return compose(whole if change.is_total else of_value, parts)


def _mover(page: PageContext, mover: Candidate, share: float) -> list[SentencePart]:
    message = _MOVED[mover.dimension]
    if not mover.is_up:
        message = _LOST.get(mover.dimension, _LOST_OTHERWISE)
    part = SentencePart(_part_of(mover, share), _href(page, mover))
    parts = {"part": part, "name": _name(page, mover)}
    if len(mover.scope) == 1:
        return compose(message, parts)
    names = [_labelled(page, dimension, value) for dimension, value in mover.scope]
    return compose(_PAIR, {"part": part, "name": names[0], "other": names[1]})


def _labelled(page: PageContext, dimension: str, value: str) -> SentencePart:
    """Return a value with the label of its dimension, such as “Device: mobile”."""
    label = DIMENSIONS[dimension].label
    return SentencePart(
        f"{label}: {shorten_name(value_name(page, dimension, value))}", is_name=True
    )


def _part_of(mover: Candidate, share: float) -> str:
    """Describe a share of a rise or fall in words."""
    parts = {
        0.95: "all",
        0.85: "nearly all",
        0.71: "three quarters",
        0.59: "two thirds",
        0.42: "half",
        0.0: "a third",
    }
    part = next(text for least, text in parts.items() if share >= least)
    return f"{part} of the {'rise' if mover.is_up else 'fall'}"


def _failure(
    page: PageContext, days: Days, change: Candidate, is_clause: bool = False
) -> list[SentencePart]:
    failure = find_failure(page, days, change.value)
    step = step_of(page.settings, change.value)
    people = page.formats.plural("{number} person", "{number} people", failure.people)
    parts = {
        "page": SentencePart(step, is_name=True) if step else _name(page, change),
        "status": SentencePart(str(failure.status)),
        "people": SentencePart(people, _href_of_failure(page, change, failure)),
        "when": SentencePart(_when(page, days, failure)),
    }
    return compose(_FAILURES[bool(step)][is_clause], parts)


def _when(page: PageContext, days: Days, failure: Failure) -> str:
    """Describe the time span, with the day if the range has several."""
    formats = page.formats
    first, last = formats.time(failure.first), formats.time(failure.last)
    if not failure.is_burst:
        when = formats.moment(failure.first)
        return f"again and again, first on {when}"
    if days.checked.days == 1:
        return f"from {first} to {last}"
    day = formats.day(failure.first.date(), with_weekday=True)
    return f"on {day} from {first} to {last}"


def _href_of_failure(page: PageContext, change: Candidate, failure: Failure) -> str:
    """Return the view with the errors of visits on the day of a burst, or in the range."""
    view = page.view.with_filter(change.dimension, change.value)
    if failure.is_burst:
        day = failure.first.date()
        view = view.with_days(day, day)
    return _linked(page, "orders", view, "failures")


def _name(page: PageContext, change: Candidate) -> SentencePart:
    if change.is_total:
        return SentencePart("")
    name, title = (
        describe(page, change.dimension, change.value) for describe in (value_name, value_title)
    )
    return SentencePart(shorten_name(name), is_name=True, title="" if title == name else title)


def _href(page: PageContext, change: Candidate) -> str:
    """Return the view that shows a number; empty if the reader may not open it."""
    if panel := _PANELS.get(change.metric):
        tab, anchor = panel
        return _linked(page, tab, page.view, anchor)
    view = page.view
    for dimension, value in change.scope:
        view = view.with_filter(dimension, value)
    if change.metric in CHARTED:
        view = replace(view, metric=change.metric)
    return _linked(page, "overview", view, "pages" if change.metric == "views" else "trend")


def _linked(page: PageContext, tab: Tab, view: View, anchor: str) -> str:
    address = address_on(page, tab, view)
    return "" if address is None else f"{address}#{anchor}"
