"""The fact views that questions read."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.dashboard.questions.computed_rows import CURRENT_DEMOGRAPHICS, ITEM_PAIRS


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
            *("channel", "source", "medium", "campaign", "referrer", "landing_page", "device"),
            *("country", "region", "city"),
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
    *(SESSIONS, PAGE_VIEWS, GOALS, SESSION_ERRORS),
    *(HOURS, SOURCES, BOTS, BOT_PAGES, ERRORS, REJECTS, PLACES, PEOPLE, COHORTS, AGENTS),
    *(SALES, MONEY, CREDITS, ITEMS, SPEND),
)
