"""All dimensions by which numbers are broken down and filtered, each defined once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clickstream.dashboard.ask.fact_views import (
    AGENTS,
    BOT_PAGES,
    BOTS,
    COHORTS,
    CREDITS,
    DEMOGRAPHICS,
    ERRORS,
    GOALS,
    HOURS,
    ITEMS,
    MONEY,
    PAGE_VIEWS,
    PAIRS,
    PLACES,
    REJECTS,
    SALES,
    SESSION_ERRORS,
    SESSIONS,
    SOURCES,
    SPEND,
    FactView,
)
from clickstream.dashboard.ask.operators import OPERATOR_SQL, SENDER_SQL
from clickstream.insight.place_names import CITY_SQL, REGION_SQL


@dataclass(frozen=True)
class Dimension:
    """One way to break a number down, and to filter by.

    `facts` is None for dimensions of every fact view: the site's local date and hour. `order` is by
    the first metric, the largest first, or by the dimension's own values. `is_filter` means that
    visits can be filtered by it. Groups of fewer visitors than `smallest_group` are left out, see
    docs/privacy.md.

    `history_sql` is a column that `sql` needs and that depends on the visitor's earlier visits. It
    reads all visits with the visitor's id, or with `is_of_chosen` only those that the filters
    choose. `definition` explains the label.
    """

    name: str
    facts: FactView | None
    label: str
    sql: str
    order: Literal["metric", "value"] = "metric"
    is_filter: bool = True
    smallest_group: int = 0
    history_sql: str = ""
    is_of_chosen: bool = False
    definition: str = ""


PLACE_MINIMUM = 10
"""A place with fewer visitors is not shown, as in the view visits_by_place."""


def _dimensions(*dimensions: Dimension) -> dict[str, Dimension]:
    return {dimension.name: dimension for dimension in dimensions}


def _time(name: str, facts: FactView | None, label: str, sql: str) -> Dimension:
    return Dimension(name, facts, label, sql, "value", is_filter=False)


def _plain(name: str, facts: FactView, label: str, sql: str) -> Dimension:
    return Dimension(name, facts, label, sql, is_filter=False)


def _operator(name: str, facts: FactView) -> Dimension:
    definition = (
        "The company or organisation that runs the program, by the name of the program. A program "
        "that is not in the list of operators has an unknown operator."
    )
    return Dimension(name, facts, "Operator", OPERATOR_SQL, is_filter=False, definition=definition)


def _place(name: str, label: str, sql: str) -> Dimension:
    return Dimension(name, SESSIONS, label, sql, smallest_group=PLACE_MINIMUM)


def _yes_or_no(condition: str) -> str:
    return f"case when {condition} then 'yes' else 'no' end"


_WEEKDAY = "date_diff('day', date '1970-01-05', local_date) % 7 + 1"
"""1 for Monday to 7 for Sunday; the engines' functions for weekdays differ, so this uses none."""

SUSPICION = "suspicion"
"""The dimension that has suspected machines as one value, and people as the other."""

OF_SUSPICION = frozenset((SUSPICION, "cohort"))
"""Without a filter by one of these dimensions, questions are about people only."""

DIMENSIONS = _dimensions(
    Dimension("channel", SESSIONS, "Channel", "channel"),
    Dimension("source", SESSIONS, "Source", "source"),
    Dimension("medium", SESSIONS, "Medium", "medium"),
    Dimension("campaign", SESSIONS, "Campaign", "utm_campaign"),
    Dimension("content", SESSIONS, "Content", "utm_content"),
    Dimension("term", SESSIONS, "Term", "utm_term"),
    Dimension("referrer", SESSIONS, "Referrer", "referrer_domain"),
    Dimension("landing_page", SESSIONS, "Landing page", "landing_page"),
    Dimension("exit_page", SESSIONS, "Exit page", "exit_page"),
    Dimension("device", SESSIONS, "Device", "device"),
    Dimension("browser", SESSIONS, "Browser", "browser"),
    Dimension("os", SESSIONS, "System", "os"),
    _place("country", "Country", "country"),
    _place("region", "Region", REGION_SQL),
    _place("city", "City", CITY_SQL),
    Dimension(
        "visitor_kind",
        SESSIONS,
        "New or returning",
        "case when local_date > first_seen then 'returning' else 'new' end",
        history_sql="min(local_date) over (partition by visitor_id) as first_seen",
        definition=(
            "A visit is returning if the person also came on an earlier day; otherwise it is "
            "new. A person is recognized only until the visitor keys change, so some "
            "returning visits are counted as new."
        ),
    ),
    Dimension(
        "first_week",
        SESSIONS,
        "Week of the first visit",
        "cast(date_trunc('week', first_date) as date)",
        "value",
        is_filter=False,
        history_sql="min(local_date) over (partition by visitor_id) as first_date",
        is_of_chosen=True,
        definition=(
            "Week, from Monday, of the person's first known visit among those that the "
            "filters select. Visits before the last change of the visitor keys are not "
            "known."
        ),
    ),
    Dimension(
        "furthest_step",
        SESSIONS,
        "Furthest step",
        "cast(coalesce(funnel_steps, 0) as varchar)",
        order="value",
    ),
    Dimension(
        SUSPICION,
        SESSIONS,
        "People or machines",
        "case when is_suspected then 'machine' else 'person' end",
        definition=(
            "Suspected machines have a browser's user agent and an address of their own, but come "
            "in groups that people do not explain. Figures leave them out."
        ),
    ),
    Dimension("cohort", SESSIONS, "Cohort of machines", "suspected_cohort"),
    Dimension("met_goal", SESSIONS, "Met a goal", _yes_or_no("conversions > 0")),
    Dimension("met_error", SESSIONS, "Met an error", _yes_or_no("errors > 0")),
    Dimension("start_weekday", SESSIONS, "Weekday", "cast(local_weekday as varchar)", "value"),
    Dimension("start_hour", SESSIONS, "Hour", "cast(local_hour as varchar)", "value"),
    Dimension("page", PAGE_VIEWS, "Page", "page"),
    Dimension(
        "host",
        PAGE_VIEWS,
        "Host",
        "host",
        definition=(
            "The virtual host of the request, such as www.example.com. It is known only if the "
            "format of the log has it."
        ),
    ),
    Dimension(
        "next_page",
        PAGE_VIEWS,
        "Next page",
        "next_page",
        is_filter=False,
        definition=(
            "The page that was viewed next in the same visit. After the last page of a "
            "visit, the person left the site."
        ),
    ),
    Dimension(
        "error",
        SESSION_ERRORS,
        "Error",
        "cast(status as varchar) || coalesce(' ' || page, '')",
        definition="The status of the answer and the page, such as 404 /old-menu.",
    ),
    Dimension("failed_page", SESSION_ERRORS, "Page with an error", "page"),
    Dimension("failed_status", SESSION_ERRORS, "Status", "status", order="value", is_filter=False),
    Dimension(
        "step_of_failed",
        SESSION_ERRORS,
        "Furthest step",
        "cast(coalesce(funnel_steps, 0) as varchar)",
        order="value",
        is_filter=False,
    ),
    Dimension("goal", GOALS, "Goal", "goal"),
    _time("day", None, "Day", "local_date"),
    _time("week", None, "Week", "cast(date_trunc('week', local_date) as date)"),
    _time("hour", None, "Hour", "local_hour"),
    _time("weekday", None, "Weekday", _WEEKDAY),
    _plain("bot_class", BOTS, "Purpose", "bot_class"),
    _plain("bot_reason", BOTS, "Reason", "bot_reason"),
    _plain("agent", BOTS, "Program", "agent"),
    _operator("operator", BOTS),
    _operator("crawl_operator", BOT_PAGES),
    _plain("crawl_class", BOT_PAGES, "Purpose", "bot_class"),
    _plain("crawl_reason", BOT_PAGES, "Reason", "bot_reason"),
    _plain("crawl_agent", BOT_PAGES, "Program", "agent"),
    _plain("crawl_page", BOT_PAGES, "Page", "page"),
    _plain("crawl_path", BOT_PAGES, "Path", "path"),
    Dimension(
        "sender",
        SESSIONS,
        "Sent by",
        SENDER_SQL,
        definition=(
            "The operator of the search engine, the AI assistant or the network that a visit came "
            "from, without advertisements."
        ),
    ),
    _plain("suspected_as", COHORTS, "Suspected machines", "cohort"),
    _plain("signed_agent", AGENTS, "Agent", "agent"),
    _plain("agent_goal", AGENTS, "Goal", "goal"),
    _time("agent_step", AGENTS, "Step", "step"),
    _plain("error_page", ERRORS, "Page", "page"),
    _plain("status", ERRORS, "Status", "status"),
    _plain("reject_reason", REJECTS, "Reason", "reason"),
    _plain("log_source", SOURCES, "Source", "source"),
    _plain("place_country", PLACES, "Country", "country"),
    _plain("place_city", PLACES, "City", CITY_SQL),
    _time("sales_source", SALES, "Source", "sales_source"),
    _time("currency", SALES, "Currency", "currency"),
    _time("sales_rejected", SALES, "Rejected because", "reject_reasons"),
    _time("differing_order", SALES, "Orders that differ most", "differing_order_ids"),
    _time("differing_refund", SALES, "Refunds that differ", "differing_refund_ids"),
    _plain("why_none", MONEY, "Without a visit because", "why_none"),
    _plain("sold_by", MONEY, "Sold by", "sold_by"),
    _plain("refund_kind", MONEY, "Kind of refund", "refund_kind"),
    Dimension(
        "customer_kind",
        MONEY,
        "New or returning customer",
        "case when customer_key is null then 'unknown' "
        "when coalesce(ordered_on, local_date) > first_ordered_on then 'returning' else 'new' end",
        is_filter=False,
        history_sql="min(case when orders = 1 then local_date end) "
        "over (partition by customer_key) as first_ordered_on,\n  "
        "min(case when orders = 1 then local_date end) "
        "over (partition by sales_source, order_id) as ordered_on",
        definition=(
            "A customer is returning on an order if they had one on an earlier date, as far back "
            "as the facts are kept. An order without an id or a mail address of its customer is "
            "of an unknown one."
        ),
    ),
    _plain("model", CREDITS, "Model", "model"),
    _plain("credited_visit", CREDITS, "Visit", "case when touch > 0 then 'known' end"),
    _plain(
        "credited_customer",
        CREDITS,
        "Customer",
        "coalesce(customer_key, sales_source || ' ' || coalesce(order_id, refund_id))",
    ),
    _plain("item", ITEMS, "Item", "name"),
    _plain("pair_item", PAIRS, "Item", "name"),
    _plain("other_item", PAIRS, "With", "other_name"),
    _plain("measured_place", DEMOGRAPHICS, "Place", "name"),
    _plain("measured_region", DEMOGRAPHICS, "Region", "region"),
    _plain("measured_country", DEMOGRAPHICS, "Country", "country"),
    _plain("measure", DEMOGRAPHICS, "Measure", "measure"),
    _plain("ad_platform", SPEND, "Platform", "platform"),
    _plain("ad_campaign_id", SPEND, "Id of the campaign", "campaign_id"),
    _plain("ad_source", SPEND, "Source", "source"),
    _plain("ad_medium", SPEND, "Medium", "medium"),
    _plain("ad_campaign", SPEND, "Campaign", "campaign"),
    _time("hour_at", HOURS, "Hour", "hour_at"),
    _time("source_hour", SOURCES, "Hour", "hour_at"),
    _time("settings", HOURS, "Settings", "settings_digest"),
    _time("library", HOURS, "Version", "library_version"),
    _time("missing_sources", HOURS, "Missing servers", "missing_sources"),
    _time("visitor_key", HOURS, "Visitor key", "visitor_key"),
)
"""Each dimension by its name."""

FILTERS = tuple(name for name, dimension in DIMENSIONS.items() if dimension.is_filter)
"""The dimensions that visits can be filtered by."""
