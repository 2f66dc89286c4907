"""The tables of people and of suspected machines, whose rows are replaced by date."""

from __future__ import annotations

from clickstream.tables.columns import DATE_AT, EVENT_DATE, VISITOR
from clickstream.tables.table_type import Column, Table, key

_COHORT = key("cohort", "string", "Label of the suspected cohort: docs/people.md.")

PEOPLE_ESTIMATES = Table(
    "people_estimates",
    "one UTC date whose visitors were searched for suspected machines",
    (
        EVENT_DATE,
        DATE_AT,
        Column(
            "visitors",
            "long",
            "Visitors without a bot verdict and with a page view.",
        ),
        key("suspected", "long", "Visitors in suspected_visitors."),
        Column("lowest", "double", "Lower end of the 95 % interval of the number of people."),
        Column("highest", "double", "Upper end of the 95 % interval of the number of people."),
        key("history_dates", "long", "Earlier dates that the site's habit was learned from."),
        key(
            "parts_version",
            "string",
            "Digest of the published hours of the date, and of the cohorts that are kept.",
        ),
        key("habit_version", "string", "Digest of the site's habit."),
        key("numbers_version", "string", "Digest of the numbers of this row."),
        key("suspects_version", "string", "Digest of the date's suspected visitors."),
        key("library_version", "string", "Version of the library that searched."),
    ),
    ("event_date",),
    (
        "event_date",
        "hour_at",
        "parts_version",
        "habit_version",
        "numbers_version",
        "suspects_version",
    ),
)

SUSPECTED_COHORTS = Table(
    "suspected_cohorts",
    "one cohort of visitors of a UTC date that are probably machines",
    (
        EVENT_DATE,
        DATE_AT,
        key("place", "long", "Place by the strength of the evidence, from 1."),
        _COHORT,
        key("visitors", "double", "Visitors that were members when it was found."),
        key("proved", "double", "Visitors with more proof that arrive like the members."),
        key("explained", "double", "Members that these explain."),
        key("suspected", "long", "Rows of suspected_visitors with this cohort."),
        key("is_decided", "boolean", "Whether people can't explain the members."),
        key("reason", "string", "The evidence, as a sentence."),
    ),
    ("event_date", "place"),
)

SUSPECTED_VISITORS = Table(
    "suspected_visitors",
    "one visitor of a UTC date who is left out of the people",
    (EVENT_DATE, DATE_AT, VISITOR, _COHORT),
    ("visitor_id",),
)

VISITOR_COUNTS = Table(
    "visitor_counts",
    "the people of a UTC date with one device, channel and value of a field of action, by proof",
    (
        EVENT_DATE,
        DATE_AT,
        key("device", "string", "Kind of device; empty if unknown."),
        key("channel", "string", "Channel; Direct without one."),
        key("field", "string", "Field of action, or all: docs/people.md."),
        key("value", "string", "Value of the field."),
        key("none", "double", "Expected number of people without proof."),
        key("weak", "double", "Expected number of people with weak proof."),
        key("strong", "double", "Expected number of people with strong proof."),
    ),
    ("device", "channel", "field", "value"),
)

OF_DATES = (SUSPECTED_VISITORS, SUSPECTED_COHORTS, VISITOR_COUNTS, PEOPLE_ESTIMATES)
"""Tables whose rows are replaced by date, in the order of the commits: the estimate is last."""
