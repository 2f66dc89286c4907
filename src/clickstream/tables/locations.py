"""The table of candidates for a new café. `plan_locations` of clickstream_locations writes it."""

from __future__ import annotations

from clickstream.tables.columns import DATE_AT, EVENT_DATE
from clickstream.tables.table_type import Table, key

LOCATION_CANDIDATES = Table(
    "location_candidates",
    "one candidate for a new café in the plan of a UTC date",
    (
        EVENT_DATE,
        DATE_AT,
        key("run_id", "string", "Id of the run that planned."),
        key("planned_at", "timestamp", "When it was planned, UTC."),
        key("first_date", "date", "UTC date of the first order that the plan read."),
        key("last_date", "date", "UTC date of the last order that the plan read."),
        key("rank", "long", "Place in the ranking, from 1."),
        key("name", "string", "Name of the candidate."),
        key("place", "string", "Nearest town with visits and inhabitants."),
        key("latitude", "double", "Latitude of the candidate, in degrees north."),
        key("longitude", "double", "Longitude of the candidate, in degrees east."),
        key("attraction", "double", "Attraction in comparison with own cafés, as entered."),
        key("competition", "double", "Other cafés at the place, as entered."),
        key("orders_low", "double", "5 % point of the web orders of a month that would move."),
        key("orders_middle", "double", "Median of the web orders of a month that would move."),
        key(
            "orders_high",
            "double",
            "95 % point of the web orders of a month that would move.",
        ),
        key("own_share", "double", "Share of its orders that own cafés lose."),
        key("top_share", "double", "How often it is among the first five, from 0 to 1."),
        key("flags", "string", "What limits its result, with semicolons between them."),
        key("beats_people", "boolean", "Whether orders predict better than the number of people."),
        key("notes", "string", "What limits the plan and what it can't know, a sentence a line."),
    ),
    ("rank",),
)
