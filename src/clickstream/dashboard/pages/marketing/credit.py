"""What advertising costs and brings: costs, orders and net sales by one model, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from clickstream.clean.channels import arrival
from clickstream.clean.urls import CampaignTags
from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.fact_views import SPEND
from clickstream.dashboard.ask.intervals import known_share
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import ROWS
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.ask.view import ACQUISITION_BY, CHOICES
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.pages.marketing.panels import (
    COSTS,
    CREDIT,
    CREDITED,
    PATHS,
    PATHS_BEFORE_ORDERS,
    of_model,
)
from clickstream.dashboard.widgets.lists import MODEL_LABELS, value_name
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.credit import FROM_DATA, LEAST_ORDERS
from clickstream.insight.credit_interval import LEAST_EQUAL_CUSTOMERS, credit_interval
from clickstream.step_config import channel_rules

# Sentences about the credits: which orders the model shares, and what credit can't say.


@dataclass(frozen=True)
class KnownPaths:
    """Orders with a visit, those after a single one, and those with perhaps earlier ones.

    `modelled` are the orders for which the models that are worked out from data have shares.
    """

    orders: int
    single: int
    cut: int
    modelled: int

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> KnownPaths:
        """Return the sums of some rows of the metrics PATHS."""
        listed = [*rows]
        return cls(*(int(sum(row[name] or 0 for row in listed)) for name in PATHS))


def known_paths(page: PageContext) -> KnownPaths:
    """Ask for the paths of all orders of the page."""
    metrics, by = PATHS_BEFORE_ORDERS.parts(page.view)
    answer = page.answer(metrics, by, filters=PATHS_BEFORE_ORDERS.filters(page.view))
    return KnownPaths.of(answer.records())


def describe_credit(
    page: PageContext, paths: KnownPaths, *, has_costs: bool, is_lacking: bool
) -> list[str]:
    """Return the sentences below the table; `is_lacking` is whether it shows another model."""
    notes = [_lacking(page, paths)] if is_lacking else []
    notes += [] if page.view.filters else _paths(page, paths)
    if _hides_costs(page):
        notes.append("Costs are of whole campaigns, so the page's filter hides them.")
    elif not has_costs:
        notes.append("No costs of campaigns are known in this range.")
    returns = f", and returns from {_LEAST_ORDERS_OF_A_RETURN} orders on" if has_costs else ""
    notes.append(f"Intervals are shown from about {LEAST_EQUAL_CUSTOMERS} customers on{returns}.")
    notes.append(
        "A person with two devices counts as two visitors, so credit goes to the visits of one of "
        "them. Credit is not cause: it tells who was on the way to an order, not who made it "
        "happen. In simulated worlds with known causes, the models gave 32 to 41 % to "
        "channels that cause nothing."
    )
    return notes


def _hides_costs(page: PageContext) -> bool:
    """Whether a filter has a dimension that costs lack, so that no costs are shown."""
    return any(filter_.dimension not in SPEND.visit_dimensions for filter_ in page.view.filters)


def _lacking(page: PageContext, paths: KnownPaths) -> str:
    formats = page.formats
    return (
        f"Markov and Shapley need {formats.count(LEAST_ORDERS)} orders with a known visit "
        f"in the 30 days before an order. {formats.count(paths.orders - paths.modelled)} "
        f"of the {formats.count(paths.orders)} orders here have fewer, so the table shows "
        "the last arrival that is not direct."
    )


def _paths(page: PageContext, paths: KnownPaths) -> list[str]:
    """State for how many orders all models agree, and how many may have unknown visits."""
    formats, days = page.formats, page.settings.orders.attribution_days
    single, cut = (known_share(orders, paths.orders) for orders in (paths.single, paths.cut))
    if single is None or cut is None:
        return []
    notes = [
        (
            f"{formats.share(single, 0)} of the orders with a known visit came after one visit in "
            f"{formats.count(days)} days: for these, all models agree."
        )
    ]
    if paths.cut:
        notes.append(
            f"For {formats.share(cut, 0)}, earlier visits may be unknown, because visitor "
            f"keys change every {formats.count(page.key_days)} days or an hour is incomplete."
        )
    return notes


Key = tuple[str | None, ...]
_NOTHING = 1e-6
"""Sums of shares may differ from whole numbers by that much."""

_LEAST_ORDERS_OF_A_RETURN = 10
"""The least number of orders by which a campaign has a return: with fewer, one order decides it."""


@dataclass(frozen=True)
class CreditLine:
    """What one row has: the amounts in hundredths, and its sums of squares and cubes."""

    net: float = 0
    orders: float = 0
    new: float = 0
    cost: int = 0
    squares: float = 0
    cubes: float = 0

    def plus(self, other: CreditLine) -> CreditLine:
        """Return the sums of both."""
        return CreditLine(
            self.net + other.net,
            self.orders + other.orders,
            self.new + other.new,
            self.cost + other.cost,
            self.squares + other.squares,
            self.cubes + other.cubes,
        )

    @property
    def has_something(self) -> bool:
        """Whether it has an amount, a cost or a share of an order."""
        return max(abs(self.net), abs(self.orders), self.cost) > _NOTHING


@dataclass(frozen=True)
class CreditRow:
    """A row as texts. `query` filters by it; empty if visits can't be filtered by it."""

    name: str
    width: float
    cost: str
    orders: str
    new_customers: str
    net_sales: str
    interval: str
    cost_per_order: str
    returned: str
    returned_range: str = ""
    query: str = ""


@dataclass(frozen=True)
class CreditTable:
    """The largest rows, the rest and all orders.

    `model` is the name of the model, and `notes` are the sentences below the table.
    """

    head: str
    model: str
    rows: Sequence[CreditRow]
    below: Sequence[CreditRow]
    whole: CreditRow
    has_costs: bool
    notes: Sequence[str]
    has_more: bool


def build_credit(page: PageContext) -> CreditTable | None:
    """Ask for the credits and costs of the panel's choice; None without a credit or a cost."""
    by = ACQUISITION_BY[page.view.choice("credit_by")]
    model, paths = _model(page)
    records = _records(page, by, model)
    lines = _lines(by, [record for record in records if record["credited_visit"]])
    uncredited = _sum(_line(record) for record in records if not record["credited_visit"])
    costs = _costs(page, by)
    for key, cost in costs.items():
        lines[key] = replace(lines.get(key, CreditLine()), cost=cost)
    lines = {key: line for key, line in lines.items() if line.has_something}
    if not lines and not uncredited.has_something:
        return None
    rows, below, whole = _table(page, by, lines, uncredited)
    notes = describe_credit(
        page,
        paths or KnownPaths.of(records),
        has_costs=bool(costs),
        is_lacking=model != page.view.choice(CREDIT.name),
    )
    label, name = DIMENSIONS[by[0]].label, MODEL_LABELS[model]
    has_more = len(lines) > len(rows) + (_untagged(by) in lines)
    return CreditTable(label, name, rows, below, whole, bool(costs), notes, has_more)


def _untagged(by: Sequence[str]) -> Key:
    """Return the key of the visits without a campaign, which is below the list; else no key."""
    return (None,) if by == ("campaign",) else ()


def _table(
    page: PageContext, by: Sequence[str], lines: Mapping[Key, CreditLine], uncredited: CreditLine
) -> tuple[list[CreditRow], list[CreditRow], CreditRow]:
    """Return the largest rows, those below the list, and all orders."""
    untagged = _untagged(by)
    in_order = sorted(
        (key for key in lines if key != untagged),
        key=lambda key: (-lines[key].net, -lines[key].cost, str(key)),
    )
    shown, rest = in_order[:ROWS], _sum(lines[key] for key in in_order[ROWS:])
    widths = bar_widths([max(lines[key].net, 0) for key in shown])
    rows = [
        _row(page, _name(page, by, key), lines[key], width, _query(page, by, key))
        for key, width in zip(shown, widths, strict=True)
    ]
    below = [
        ("All others", rest),
        ("Visits without a campaign", lines.get(untagged, CreditLine())),
        ("Not credited to a visit", uncredited),
    ]
    whole = _row(page, "All orders", _sum([*lines.values(), uncredited]))
    return (
        rows,
        [_row(page, name, line) for name, line in below if line.has_something],
        replace(whole, returned=NO_VALUE),
    )


def _model(page: PageContext) -> tuple[str, KnownPaths | None]:
    """Return the model to show: the default one if orders lack the chosen one, and their paths.

    The answer of a model by rules has the paths, too, so they are not asked for.
    """
    chosen = page.view.choice(CREDIT.name)
    if chosen not in FROM_DATA:
        return chosen, None
    paths = known_paths(page)
    is_lacking = paths.modelled < paths.orders
    return CHOICES[CREDIT.name][0] if is_lacking else chosen, paths


def _records(page: PageContext, by: Sequence[str], model: str) -> list[dict[str, Any]]:
    """Return the credits of the orders and refunds, and apart those that no visit gets."""
    filters = (*page.view.filters, of_model(model))
    metrics, groups = (*CREDITED, *PATHS), (*by, "credited_visit")
    plain = page.question(metrics, groups, filters=filters)
    customers = page.question(metrics, (*groups, "credited_customer"), filters=filters)
    return page.ask(_with_moments(plain, customers)).records()


def _lines(by: Sequence[str], records: Iterable[Mapping[str, Any]]) -> dict[Key, CreditLine]:
    """Return the lines by key. Campaigns whose tags differ in case are one."""
    lines: dict[Key, CreditLine] = {}
    for row in records:
        key = _plain_key(by, tuple(row[name] for name in by))
        lines[key] = lines.get(key, CreditLine()).plus(_line(row))
    return lines


def _line(row: Mapping[str, Any]) -> CreditLine:
    return CreditLine(
        row["credited_sales"],
        row["credited_orders"],
        row["new_customers"],
        squares=row["squares"],
        cubes=row["cubes"],
    )


def _with_moments(question: Question, customers: Question) -> Question:
    """Return a question whose answer also has the squares and cubes of each group's credits.

    `customers` is the same question, by the customers, too. `squares` and `cubes` are sums over
    customers, for `insight.credit_interval`.
    """
    cents = f"cast({CREDITED[0]} as double)"
    columns = [
        *question.dimensions,
        *(f"sum({name}) as {name}" for name in question.metrics),
        f"sum({cents} * {cents}) as squares",
        f"sum({cents} * {cents} * {cents}) as cubes",
    ]
    keys = ", ".join(str(column) for column in range(1, len(question.dimensions) + 1))
    inner = customers.sql
    sql = f"select {', '.join(columns)}\nfrom (\n{inner}\n) as by_customer\ngroup by {keys}"
    metrics = (*question.metrics, "squares", "cubes")
    return replace(customers, sql=sql, dimensions=question.dimensions, metrics=metrics)


def _costs(page: PageContext, by: Sequence[str]) -> dict[Key, int]:
    """Return the costs by the rows of their tags: the arrivals that links with them would be."""
    if _hides_costs(page):
        return {}
    metrics, tags = COSTS.parts(page.view)
    rules = channel_rules(page.settings)
    costs: Counter[Key] = Counter()
    for row in page.answer(metrics, tags).records():
        campaign, source, medium = (row[name] for name in tags)
        came = arrival(None, CampaignTags(source, medium, campaign), rules)
        values = {"channel": came.channel, "source": came.source, "medium": came.medium}
        values["campaign"] = campaign
        costs[_plain_key(by, tuple(values[name] for name in by))] += int(row["ad_cost"])
    return dict(costs)


def _plain_key(by: Sequence[str], key: Key) -> Key:
    """Return a key as it is compared: tags of campaigns in lower case, without spaces around."""
    return tuple(value and value.strip().lower() for value in key) if by == ("campaign",) else key


def _name(page: PageContext, by: Sequence[str], key: Key) -> str:
    pairs = zip(by, key, strict=True)
    return " / ".join(
        value_name(page, name, value) for name, value in pairs if name == by[0] or value
    )


def _query(page: PageContext, by: Sequence[str], key: Key) -> str:
    """Return the query that filters by a row; none for campaigns, whose case may differ."""
    if by == ("campaign",):
        return ""
    view = page.view
    for name, value in zip(by, key, strict=True):
        view = view.with_filter(name, value)
    return view.query


def _sum(lines: Iterable[CreditLine]) -> CreditLine:
    """Return the sums without an interval: customers of several rows would count several times."""
    total = reduce(CreditLine.plus, lines, CreditLine())
    return replace(total, squares=0, cubes=0)


def _row(
    page: PageContext, name: str, line: CreditLine, width: float = 0, query: str = ""
) -> CreditRow:
    has_both = line.cost and line.squares
    interval = credit_interval(line.net, line.squares, line.cubes)
    has_return = line.cost and line.orders > _LEAST_ORDERS_OF_A_RETURN - _NOTHING
    low_and_high = [line.net / line.cost] if has_return else []
    low_and_high += [limit / line.cost for limit in interval or () if has_return]
    returned, *limits = [page.formats.decimal(number) for number in low_and_high] or [""]
    return CreditRow(
        name,
        width,
        _money(page, line.cost) if line.cost else NO_VALUE,
        _orders(page, line.orders),
        _orders(page, line.new),
        _money(page, line.net),
        " – ".join(page.formats.whole_money(limit) for limit in interval or ()),
        _money(page, line.cost / line.orders) if has_both and line.orders > _NOTHING else NO_VALUE,
        f"{returned}×" if returned else NO_VALUE,
        f"{limits[0]} – {limits[1]}" if limits else "",
        query,
    )


def _money(page: PageContext, cents: float) -> str:
    return page.shown(METRICS["credited_sales"], round(cents))


def _orders(page: PageContext, number: float) -> str:
    """Format a number of shared orders: with a decimal if the model has cut one."""
    is_whole = abs(number - round(number)) < _NOTHING
    return page.formats.count(number) if is_whole else page.formats.decimal(number)
