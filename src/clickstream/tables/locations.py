"""The table of candidates for a new café. `plan_locations` of clickstream_locations writes it."""

from __future__ import annotations

from dataclasses import replace

from clickstream.tables.columns import CURRENCY, DATE_AT, EVENT_DATE
from clickstream.tables.table_type import Column, Table, key

_RESULT = "{} of what it earns in a month, in hundredths; null without a rent or a margin."

LOCATION_CANDIDATES = Table(
    "location_candidates",
    "one candidate for a new café in the plan of a UTC date",
    (
        EVENT_DATE,
        DATE_AT,
        key("run_id", "string", "Id of the run that planned."),
        key("planned_at", "timestamp", "When it was planned, UTC."),
        key("first_date", "date", "First UTC date whose orders the plan read."),
        key("last_date", "date", "Last UTC date whose orders the plan read."),
        key("rank", "long", "Place in the ranking, from 1."),
        key("name", "string", "Name of the candidate."),
        key("place", "string", "Nearest town with visits and inhabitants."),
        key("latitude", "double", "Latitude of the candidate, in degrees north."),
        key("longitude", "double", "Longitude of the candidate, in degrees east."),
        Column("rent_cents", "long", "Rent of a month, in hundredths, as entered."),
        key("opening_cents", "long", "What opening costs once, in hundredths, as entered."),
        key("payback_months", "long", "Months over which the opening cost is spread."),
        Column("margin", "double", "Share of sales that remains after other costs, as entered."),
        key("attraction", "double", "Attraction in comparison with own cafés, as entered."),
        key("competition", "double", "Other cafés at the place, as entered."),
        replace(CURRENCY, required=False),
        key("orders_low", "double", "5 % point of the orders gained in a month."),
        key("orders_middle", "double", "Median of the orders gained in a month."),
        key("orders_high", "double", "95 % point of the orders gained in a month."),
        key("own_share", "double", "Share of its orders that own cafés lose."),
        key("top_share", "double", "How often it is among the first five, from 0 to 1."),
        Column("result_low_cents", "double", _RESULT.format("5 % point")),
        Column("result_middle_cents", "double", _RESULT.format("Median")),
        Column("result_high_cents", "double", _RESULT.format("95 % point")),
        Column("break_even", "double", "How often it earns 0 or more, from 0 to 1."),
        key("flags", "string", "What limits its result, with semicolons between them."),
        key("is_by_money", "boolean", "Whether the plan ranks by money, and not by orders."),
        key("beats_people", "boolean", "Whether orders predict better than the number of people."),
        key("notes", "string", "What limits the plan and what it can't know, a sentence a line."),
    ),
    ("rank",),
    since=7,
)
