"""Words of the sentences about events; each number links to the view that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clickstream.dashboard.changes.candidates import Candidate
from clickstream.dashboard.changes.failures import FAILED, Failure, find_failure, step_of
from clickstream.dashboard.changes.weeks import Weeks
from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.view import CHARTED, Tab, View
from clickstream.dashboard.sentences.causes import Event
from clickstream.dashboard.sentences.parts import Sentence, SentencePart, compose
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.addresses import address_on
from clickstream.dashboard.widgets.lists import value_name, value_title
from clickstream.dashboard.widgets.page import PageContext

LONGEST_NAME = 60

_BROUGHT = {
    "channel": mark("%(number)s came through %(name)s"),
    "source": mark("%(number)s came from %(name)s"),
    "campaign": mark("%(number)s came through the campaign %(name)s"),
    "referrer": mark("%(number)s came from %(name)s"),
    "landing_page": mark("%(number)s began on %(name)s"),
    "country": mark("%(number)s came from %(name)s"),
    "city": mark("%(number)s came from %(name)s"),
    "device": mark("%(number)s were made on devices of the kind %(name)s"),
    "browser": mark("%(number)s were made with %(name)s"),
    "os": mark("%(number)s were made with %(name)s"),
    "page": mark("%(name)s was seen %(number)s"),
    "bot_class": mark("Bots of the class %(name)s made %(number)s"),
    "goal": mark("%(number)s met the goal %(name)s"),
}
"""Phrases for visits, views and requests of a value, by dimension."""

_SOLD = {
    "channel": mark("Net sales through %(name)s were %(number)s"),
    "campaign": mark("Net sales through the campaign %(name)s were %(number)s"),
}
"""Phrases for net sales of a value, by dimension."""

_MOVED = {
    "channel": mark("%(part)s came through %(name)s"),
    "source": mark("%(part)s came from %(name)s"),
    "campaign": mark("%(part)s came through the campaign %(name)s"),
    "referrer": mark("%(part)s came from %(name)s"),
    "landing_page": mark("%(part)s began on %(name)s"),
    "country": mark("%(part)s came from %(name)s"),
    "city": mark("%(part)s came from %(name)s"),
    "device": mark("%(part)s came with devices of the kind %(name)s"),
    "browser": mark("%(part)s came with %(name)s"),
    "os": mark("%(part)s came with %(name)s"),
    "bot_class": mark("%(part)s was the class %(name)s"),
    "goal": mark("%(part)s was the goal %(name)s"),
}
_LOST = {
    "landing_page": mark("%(part)s is visits that begin on %(name)s"),
    "campaign": mark("%(part)s is the campaign %(name)s"),
}
_LOST_OTHERWISE = mark("%(part)s is %(name)s")
_PAIR = mark("%(part)s is %(name)s with %(other)s")

_WHOLES = {
    "visits": mark("There were %(number)s"),
    "conversions": mark("There were %(number)s"),
    "orders": mark("There were %(number)s"),
    "net_sales": mark("Net sales were %(number)s"),
    "bot_requests": mark("Bots made %(number)s"),
    "late_lines": mark("%(number)s came late"),
    "rejected": mark("%(number)s could not be read"),
}
_RATES = {
    "conversion_rate": (
        mark("%(now)s of the visits met the goal %(goal)s, usually %(usual)s"),
        mark("%(now)s of the visits of %(name)s met the goal %(goal)s, usually %(usual)s"),
    ),
    "engaged_rate": (
        mark("%(now)s of the visits are engaged, usually %(usual)s"),
        mark("%(now)s of the visits of %(name)s are engaged, usually %(usual)s"),
    ),
}
_FAILURES = {
    True: (
        mark("The step %(page)s answered %(status)s to %(people)s %(when)s"),
        mark("the step %(page)s answered %(status)s to %(people)s %(when)s"),
    ),
    False: (
        mark("The page %(page)s answered %(status)s to %(people)s %(when)s"),
        mark("the page %(page)s answered %(status)s to %(people)s %(when)s"),
    ),
}
"""Phrases for a failed funnel step or page: as a sentence, and as the end of one."""

_STEPS = {
    False: (
        mark("%(step)s times as many as usual (%(usual)s)"),
        mark("%(step)s more than usual (%(usual)s)"),
        mark("%(step)s fewer than usual (%(usual)s)"),
    ),
    True: (
        mark("%(step)s times as much as usual (%(usual)s)"),
        mark("%(step)s more than usual (%(usual)s)"),
        mark("%(step)s less than usual (%(usual)s)"),
    ),
}
"""Phrases for changes of counts, and of amounts: by at least a factor of two, up, and down."""

_ORDER_RATES = (
    mark("The order rate is %(now)s, usually %(usual)s"),
    mark("The order rate of %(name)s is %(now)s, usually %(usual)s"),
)
_BESIDE_OTHERS = {
    True: mark(
        "%(now)s of %(number)s by the campaign %(name)s ordered, and %(usual)s of all other visits"
    ),
    False: mark(
        "%(now)s of %(number)s by the campaign %(name)s met the goal %(goal)s, and %(usual)s of "
        "all other visits"
    ),
}
"""Whether the main goal is the order, and the phrase for a campaign."""

_UNITS = {
    "visits": ("%(number)s visit", "%(number)s visits"),
    "conversions": ("%(number)s visit with %(goal)s", "%(number)s visits with %(goal)s"),
    "goal_visits": ("%(number)s visit", "%(number)s visits"),
    "orders": ("%(number)s order", "%(number)s orders"),
    "views": ("%(number)s time", "%(number)s times"),
    "bot_requests": ("%(number)s request", "%(number)s requests"),
    "late_lines": ("%(number)s line", "%(number)s lines"),
    "rejected": ("%(number)s line", "%(number)s lines"),
}
_ORDERS = ("%(number)s order", "%(number)s orders")
_VISITS_WITH_ORDER = ("%(number)s visit with an order", "%(number)s visits with an order")
_PLACES: Mapping[str, tuple[Tab, str]] = {
    "bot_requests": ("machines", "purposes"),
    "late_lines": ("trust", "hours"),
    "rejected": ("trust", "rejects"),
}
"""The tab and the panel that show a metric that is not about visits."""


def put_in_words(page: PageContext, weeks: Weeks, event: Event) -> Sentence:
    """Write the sentence of an event."""
    one = event.change
    if one.metric == FAILED:
        parts = _failure(page, weeks, one)
    elif one.metric in _RATES:
        parts = _rate(page, one)
    else:
        parts = _count(page, one)
    if event.mover:
        parts += [SentencePart("; "), *_mover(page, event.mover, event.part)]
    if event.cause:
        parts += [SentencePart("; "), *_failure(page, weeks, event.cause, is_clause=True)]
    good = METRICS[one.metric].good
    is_good = None if good == "neither" else (good == "up") == one.is_up
    return Sentence([*parts, SentencePart(".")], "up" if one.is_up else "down", is_good)


def _count(page: PageContext, one: Candidate) -> list[SentencePart]:
    number = SentencePart(_number(page, one), _href(page, one))
    by_value = _SOLD if one.metric == "net_sales" else _BROUGHT
    message = _WHOLES[one.metric] if one.is_total else by_value[one.dimension]
    stem = compose(page.formats, message, {"number": number, "name": _name(page, one)})
    return [*stem, SentencePart(", "), *_change(page, one)]


def _number(page: PageContext, one: Candidate) -> str:
    """Format the observed count with its unit, or the observed amount."""
    if METRICS[one.metric].format == "cents":
        return page.formats.brief(METRICS[one.metric], one.compared.observed)
    units = _UNITS[one.metric]
    if one.metric == "conversions" and page.is_main_goal_order:
        units = _VISITS_WITH_ORDER if page.has_shop else _ORDERS
    return page.formats.plural(*units, round(one.compared.observed), goal=page.main_goal)


def _change(page: PageContext, one: Candidate) -> list[SentencePart]:
    """Describe how much more or less that is than usual."""
    compared, formats = one.compared, page.formats
    if round(compared.expected) < _least_shown(one):
        return [SentencePart(formats.text(mark("usually hardly any")))]
    usual = SentencePart(formats.brief(METRICS[one.metric], compared.expected))
    many, more, fewer = _STEPS[METRICS[one.metric].format == "cents"]
    if compared.change >= 1:
        step, message = SentencePart(formats.decimal(compared.change + 1)), many
    else:
        step = SentencePart(formats.share(abs(compared.change), 0))
        message = more if one.is_up else fewer
    return compose(formats, message, {"step": step, "usual": usual})


def _least_shown(one: Candidate) -> int:
    """Return the minimum usual number to name, because smaller groups are not shown."""
    return 10 if one.dimension in ("country", "city") else 1


def _rate(page: PageContext, one: Candidate) -> list[SentencePart]:
    whole, of_value = _RATES[one.metric]
    formats = page.formats
    if one.metric == "conversion_rate" and page.is_main_goal_order:
        whole, of_value = _ORDER_RATES
    if one.is_beside_others:
        of_value = _BESIDE_OTHERS[page.is_main_goal_order]
    parts = {
        "now": SentencePart(formats.share(one.compared.observed), _href(page, one)),
        "usual": SentencePart(formats.share(one.compared.expected)),
        "name": _name(page, one),
        "number": SentencePart(formats.plural(*_UNITS["visits"], round(one.compared.size))),
        "goal": SentencePart(page.main_goal, is_name=True),
    }
    return compose(formats, whole if one.is_total else of_value, parts)


def _mover(page: PageContext, mover: Candidate, share: float) -> list[SentencePart]:
    message = _MOVED[mover.dimension]
    if not mover.is_up:
        message = _LOST.get(mover.dimension, _LOST_OTHERWISE)
    part = SentencePart(_part_of(page, mover, share), _href(page, mover))
    parts = {"part": part, "name": _name(page, mover)}
    if len(mover.scope) == 1:
        return compose(page.formats, message, parts)
    names = [_labelled(page, dimension, value) for dimension, value in mover.scope]
    return compose(page.formats, _PAIR, {"part": part, "name": names[0], "other": names[1]})


def _labelled(page: PageContext, dimension: str, value: str) -> SentencePart:
    """Return a value with the label of its dimension, such as “Device: mobile”."""
    label = page.formats.text(DIMENSIONS[dimension].label)
    return SentencePart(f"{label}: {_shortened(value_name(page, dimension, value))}", is_name=True)


def _part_of(page: PageContext, mover: Candidate, share: float) -> str:
    """Describe a share of a rise or fall in words."""
    up = [
        (0.95, mark("all of the rise")),
        (0.85, mark("nearly all of the rise")),
        (0.71, mark("three quarters of the rise")),
        (0.59, mark("two thirds of the rise")),
        (0.42, mark("half of the rise")),
        (0.0, mark("a third of the rise")),
    ]
    down = [
        (0.95, mark("all of the fall")),
        (0.85, mark("nearly all of the fall")),
        (0.71, mark("three quarters of the fall")),
        (0.59, mark("two thirds of the fall")),
        (0.42, mark("half of the fall")),
        (0.0, mark("a third of the fall")),
    ]
    words = up if mover.is_up else down
    return page.formats.text(next(text for least, text in words if share >= least))


def _failure(
    page: PageContext, weeks: Weeks, one: Candidate, is_clause: bool = False
) -> list[SentencePart]:
    failure = find_failure(page, weeks, one.value)
    step = step_of(page.settings, one.value)
    people = page.formats.plural("%(number)s person", "%(number)s people", failure.people)
    parts = {
        "page": SentencePart(step, is_name=True) if step else _name(page, one),
        "status": SentencePart(str(failure.status)),
        "people": SentencePart(people, _href_of_failure(page, one, failure)),
        "when": SentencePart(_when(page, weeks, failure)),
    }
    return compose(page.formats, _FAILURES[bool(step)][is_clause], parts)


def _when(page: PageContext, weeks: Weeks, failure: Failure) -> str:
    """Describe the time span, with the day if the range has several."""
    formats = page.formats
    first, last = formats.time(failure.first), formats.time(failure.last)
    if not failure.is_burst:
        when = formats.moment(failure.first)
        return formats.text(mark("again and again, first on %(when)s"), when=when)
    if weeks.checked.days == 1:
        return formats.text(mark("from %(first)s to %(last)s"), first=first, last=last)
    day = formats.day(failure.first.date(), with_weekday=True)
    text = mark("on %(day)s from %(first)s to %(last)s")
    return formats.text(text, day=day, first=first, last=last)


def _href_of_failure(page: PageContext, one: Candidate, failure: Failure) -> str:
    """Return the view with the errors of visits on the day of a burst, or in the range."""
    view = page.view.with_filter(one.dimension, one.value)
    if failure.is_burst:
        day = failure.first.date()
        view = view.with_days(day, day)
    return _linked(page, "orders", view, "failures")


def _name(page: PageContext, one: Candidate) -> SentencePart:
    if one.is_total:
        return SentencePart("")
    name, title = (each(page, one.dimension, one.value) for each in (value_name, value_title))
    return SentencePart(_shortened(name), is_name=True, title="" if title == name else title)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _href(page: PageContext, one: Candidate) -> str:
    """Return the view that shows a number; empty if the reader may not open it."""
    if place := _PLACES.get(one.metric):
        tab, anchor = place
        return _linked(page, tab, page.view, anchor)
    view = page.view
    for dimension, value in one.scope:
        view = view.with_filter(dimension, value)
    if one.metric in CHARTED:
        view = replace(view, metric=one.metric)
    return _linked(page, "overview", view, "pages" if one.metric == "views" else "trend")


def _linked(page: PageContext, tab: Tab, view: View, anchor: str) -> str:
    address = address_on(page, tab, view)
    return "" if address is None else f"{address}#{anchor}"
