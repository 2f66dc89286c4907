"""The fact views that questions read."""

from __future__ import annotations

from dataclasses import dataclass

# Rows that questions compute from those of a fact view: pairs of items, and current demographics.
#
# `{where}` chooses the rows of the fact view. The SQL runs unchanged on Athena and on DuckDB.

LEAST_LIFT = 1.2
"""Minimum lift of a pair that is shown: the number to expect is an approximation."""

STANDARD_ERRORS = 4
"""Minimum difference to chance in standard errors, because many pairs are compared."""

ITEM_PAIRS = f"""(
  with lines as (
    select distinct sales_source || ' ' || order_id as ordered, name
    from item_facts
    where {{where}}
  ),
  sizes as (select ordered, count(*) as items from lines group by ordered),
  ends as (
    select lines.name, cast(sum(sizes.items - 1) as double) as number
    from lines
    join sizes on lines.ordered = sizes.ordered
    where sizes.items > 1
    group by lines.name
  ),
  of_all as (select sum(number) as number from ends),
  weights as (
    select ends.name, ends.number / (of_all.number - ends.number) as weight
    from ends
    cross join of_all
  ),
  squares as (select sum(weight) * sum(weight) - sum(weight * weight) as number from weights),
  pairs as (
    select one.name, other.name as other_name, count(*) as orders
    from lines one
    join lines other on one.ordered = other.ordered and one.name < other.name
    group by one.name, other.name
  ),
  compared as (
    select
      pairs.*,
      of_all.number * of_one.weight * of_other.weight / squares.number as expected
    from pairs
    join weights of_one on pairs.name = of_one.name
    join weights of_other on pairs.other_name = of_other.name
    cross join of_all
    cross join squares
  )
  select name, other_name, orders, orders / expected as lift
  from compared
  where
    orders >= {LEAST_LIFT} * expected
    and orders - expected > {STANDARD_ERRORS} * sqrt(cast(orders as double))
) as item_pairs"""  # noqa: S608  no value comes from a reader
"""One row is a pair of items that is in more orders than by chance, so in at least 17.

By chance, the pairs of all orders would be spread over the items by how many pairs each item is in:
its weight is the odds of it. An item without a pair is in orders of one item only, which say
nothing about pairs. Names are compared, as the shop sold them.
"""

CURRENT_DEMOGRAPHICS = """(
  with versions as (
    select
      *,
      row_number() over (
        partition by sales_source, place_id, year, measure order by event_date desc
      ) as version
    from demographic_facts
    where {where}
  ),
  stored as (
    select *, max(year) over (partition by sales_source, place_id, measure) as newest_year
    from versions
    where version = 1 and not is_removed
  )
  select * from stored where year = newest_year
) as current_demographics"""
"""One row is the current value of a measure of a place, of the newest year that is stored."""


@dataclass(frozen=True)
class FactView:
    """A fact view that questions can read.

    `dated_by` is its UTC date column, by which Athena skips files. Filters of visits apply to the
    views that have a `session_id`.
    `visit_dimensions` are dimensions of visits that a view without sessions has as columns, so
    these filters apply to its rows. With `has_orders`, they choose its rows by the orders of
    MONEY. Groups that are too small are counted by `counted`. `rows` is a SELECT that computes
    the rows, without it they are those of the view.
    """

    name: str
    dated_by: str
    has_sessions: bool
    visit_dimensions: frozenset[str] = frozenset()
    counted: str = "visitor_id"
    has_orders: bool = False
    rows: str = ""


IS_SUSPECTED = "is_suspected"
"""The column of views of sessions that tells suspected machines from people."""

SESSIONS = FactView("session_facts", "session_date", has_sessions=True)
PAGE_VIEWS = FactView("page_view_facts", "session_date", has_sessions=True)
GOALS = FactView("goal_facts", "session_date", has_sessions=True)
SESSION_ERRORS = FactView("session_error_facts", "session_date", has_sessions=True)
HOURS = FactView("hour_facts", "event_date", has_sessions=False)
SOURCES = FactView("source_facts", "event_date", has_sessions=False)
BOTS = FactView("bot_facts", "event_date", has_sessions=False)
BOT_PAGES = FactView("bot_page_facts", "event_date", has_sessions=False)
ERRORS = FactView("error_facts", "event_date", has_sessions=False)
REJECTS = FactView("reject_facts", "event_date", has_sessions=False)
PEOPLE = FactView("people_facts", "event_date", has_sessions=False)
COHORTS = FactView("cohort_facts", "event_date", has_sessions=False)
PLACES = FactView("place_facts", "event_date", has_sessions=False)
AGENTS = FactView("agent_facts", "session_date", has_sessions=False)
SALES = FactView("sales_facts", "event_date", has_sessions=False)
MONEY = FactView(
    "money_facts",
    "event_date",
    has_sessions=False,
    visit_dimensions=frozenset(
        (
            "channel",
            "source",
            "medium",
            "campaign",
            "referrer",
            "landing_page",
            "device",
            "country",
            "region",
            "city",
        )
    ),
    counted="coalesce(order_id, refund_id)",
)
"""Orders and refunds. An order has the arrival and the place of its visit."""

CREDITS = FactView(
    "attribution",
    "event_date",
    has_sessions=False,
    visit_dimensions=MONEY.visit_dimensions,
    counted="coalesce(order_id, refund_id)",
)
"""Credits of visits for orders and refunds, by several models: a question needs a filter by one."""

TIMED_ORDERS = (MONEY, CREDITS)
"""The views of orders that have the hour of an order; others have only its date."""

ITEMS = FactView("item_facts", "event_date", has_sessions=False, has_orders=True)
PAIRS = FactView("item_pairs", "event_date", has_sessions=False, has_orders=True, rows=ITEM_PAIRS)
OF_ORDERS = (MONEY, CREDITS, ITEMS, PAIRS)
"""The views of orders: some filters of visits choose their rows, by the visit of the order."""

ORDERS = FactView("order_facts", "event_date", has_sessions=False)
"""Orders alone, for plans of locations; the questions of the pages read MONEY."""

DEMOGRAPHICS = FactView(
    "current_demographics", "event_date", has_sessions=False, rows=CURRENT_DEMOGRAPHICS
)

SPEND = FactView(
    "spend_facts",
    "event_date",
    has_sessions=False,
    visit_dimensions=frozenset(("campaign", "source", "medium")),
)
"""What campaigns cost, by the tags of their links."""

NEED_SHOP = (*OF_ORDERS, SPEND)
"""The views of which only sites with a shop have rows, in the currency of the shop."""

ALL = (
    SESSIONS,
    PAGE_VIEWS,
    GOALS,
    SESSION_ERRORS,
    HOURS,
    SOURCES,
    BOTS,
    BOT_PAGES,
    ERRORS,
    REJECTS,
    PLACES,
    PEOPLE,
    COHORTS,
    AGENTS,
    SALES,
    MONEY,
    CREDITS,
    ITEMS,
    SPEND,
)
