"""What advertising costs and brings: costs, orders and net sales by one model, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clickstream.clean.channels import arrival
from clickstream.clean.urls import CampaignTags
from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.fact_views import SPEND
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import ROWS
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.questions.view import ACQUISITION_BY, Filter
from clickstream.dashboard.tabs.marketing.credit_notes import (
    chosen_model,
    describe_credit,
    known_paths,
)
from clickstream.dashboard.tabs.marketing.panels import COSTS, CREDITED, of_model
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.lists import MODEL_LABELS, value_name
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.credit_interval import credit_interval
from clickstream.step_config import channel_rules

Key = tuple[str | None, ...]
_NOTHING = 1e-6
"""Sums of shares may differ from whole numbers by that much."""

WITH_VISIT = Filter("credited_method", ("none",), is_excluded=True)


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
            *(self.net + other.net, self.orders + other.orders, self.new + other.new),
            *(self.cost + other.cost, self.squares + other.squares, self.cubes + other.cubes),
        )

    @property
    def has_something(self) -> bool:
        """Whether it has an amount, a cost or a share of an order."""
        return max(abs(self.net), abs(self.orders), self.cost) > _NOTHING

    @property
    def without_moments(self) -> CreditLine:
        """The line without an interval: customers of several rows would count several times."""
        return replace(self, squares=0, cubes=0)


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
    model = chosen_model(page)
    lines = _credits(page, by, model)
    costs = _costs(page, by)
    for key, cost in costs.items():
        lines[key] = replace(lines.get(key, CreditLine()), cost=cost)
    if not lines:
        return None
    untagged = lines.pop((None,), CreditLine()) if by == ("campaign",) else CreditLine()
    lines = {key: one for key, one in lines.items() if one.has_something}
    in_order = sorted(lines, key=lambda key: (-lines[key].net, -lines[key].cost, str(key)))
    shown, rest = in_order[:ROWS], in_order[ROWS:]
    widths = bar_widths([max(lines[key].net, 0) for key in shown])
    whole = _whole(page, sum(costs.values()))
    return CreditTable(
        DIMENSIONS[by[0]].label,
        page.formats.text(MODEL_LABELS[model]),
        [
            _row(page, _name(page, by, key), lines[key], width, _query(page, by, key))
            for key, width in zip(shown, widths, strict=True)
        ],
        _below(page, _sum(lines[key] for key in rest), untagged, whole, _sum(lines.values())),
        replace(_row(page, page.formats.text(mark("All orders")), whole), returned=NO_VALUE),
        bool(costs),
        describe_credit(page, known_paths(page), has_costs=bool(costs)),
        bool(rest),
    )


def _credits(page: PageContext, by: Sequence[str], model: str) -> dict[Key, CreditLine]:
    """Return the lines of the orders with a visit. Campaigns that differ in case are one."""
    filters = (*page.view.filters, of_model(model), WITH_VISIT)
    plain = page.question(CREDITED, by, filters=filters)
    customers = page.question(CREDITED, (*by, "credited_customer"), filters=filters)
    found: dict[Key, CreditLine] = {}
    for row in page.ask(_with_moments(plain, customers)).records():
        one = CreditLine(
            *(row["credited_sales"], row["credited_orders"], row["new_customers"]),
            squares=row["squares"],
            cubes=row["cubes"],
        )
        key = _plain_key(by, tuple(row[name] for name in by))
        found[key] = found.get(key, CreditLine()).plus(one)
    return found


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
    keys = ", ".join(str(place) for place in range(1, len(question.dimensions) + 1))
    inner = customers.sql
    sql = f"select {', '.join(columns)}\nfrom (\n{inner}\n) as by_customer\ngroup by {keys}"
    metrics = (*question.metrics, "squares", "cubes")
    return replace(customers, sql=sql, dimensions=question.dimensions, metrics=metrics)


def _costs(page: PageContext, by: Sequence[str]) -> dict[Key, int]:
    """Return the costs by the rows of their tags: the arrivals that links with them would be."""
    if any(one.dimension not in SPEND.visit_dimensions for one in page.view.filters):
        return {}
    metrics, tags = COSTS.parts(page.view)
    rules = channel_rules(page.settings)
    found: Counter[Key] = Counter()
    for row in page.answer(metrics, tags).records():
        campaign, source, medium = (row[name] for name in tags)
        came = arrival(None, CampaignTags(source, medium, campaign), rules)
        values = {"channel": came.channel, "source": came.source, "medium": came.medium}
        values["campaign"] = campaign
        found[_plain_key(by, tuple(values[name] for name in by))] += int(row["spend"])
    return dict(found)


def _plain_key(by: Sequence[str], key: Key) -> Key:
    """Return a key as it is compared: tags of campaigns in lower case, without spaces around."""
    return tuple(one and one.strip().lower() for one in key) if by == ("campaign",) else key


def _name(page: PageContext, by: Sequence[str], key: Key) -> str:
    pairs = zip(by, key, strict=True)
    return " / ".join(value_name(page, name, one) for name, one in pairs if name == by[0] or one)


def _query(page: PageContext, by: Sequence[str], key: Key) -> str:
    """Return the query that filters by a row; none for campaigns, whose case may differ."""
    if by == ("campaign",):
        return ""
    view = page.view
    for name, value in zip(by, key, strict=True):
        view = view.with_filter(name, value)
    return view.query


def _whole(page: PageContext, cost: int) -> CreditLine:
    row = page.answer(("orders", "net_sales")).single()
    filters = (*page.view.filters, of_model("linear"))
    new = page.answer(("credited_sales", "new_customers"), filters=filters).single()
    return CreditLine(row["net_sales"], row["orders"], new["new_customers"] or 0, cost)


def _below(
    page: PageContext, rest: CreditLine, untagged: CreditLine, whole: CreditLine, known: CreditLine
) -> list[CreditRow]:
    """Return the rows below the list, with which it sums to all orders."""
    of_visits = known.plus(untagged)
    unknown = CreditLine(
        whole.net - of_visits.net, whole.orders - of_visits.orders, whole.new - of_visits.new
    )
    named = [
        (mark("All others"), rest),
        (mark("Visits without a campaign"), untagged),
        (mark("No visit known"), unknown),
    ]
    return [_row(page, page.formats.text(name), one) for name, one in named if one.has_something]


def _sum(some: Iterable[CreditLine]) -> CreditLine:
    found = CreditLine()
    for one in some:
        found = found.plus(one)
    return found.without_moments


def _row(
    page: PageContext, name: str, one: CreditLine, width: float = 0, query: str = ""
) -> CreditRow:
    has_both = one.cost and one.squares
    interval = credit_interval(one.net, one.squares, one.cubes) if one.squares else None
    low_and_high = [one.net / one.cost] if one.cost else []
    low_and_high += [limit / one.cost for limit in interval or () if one.cost]
    returned, *limits = [page.formats.decimal(number) for number in low_and_high] or [""]
    return CreditRow(
        name,
        width,
        _money(page, one.cost) if one.cost else NO_VALUE,
        _orders(page, one.orders),
        _orders(page, one.new),
        _money(page, one.net),
        " – ".join(page.formats.whole_money(limit) for limit in interval or ()),
        _money(page, one.cost / one.orders) if has_both and one.orders > _NOTHING else NO_VALUE,
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
