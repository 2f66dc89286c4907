"""The metrics of the search for suspected machines: see docs/people.md."""

from __future__ import annotations

from clickstream.dashboard.questions.fact_views import COHORTS, PEOPLE
from clickstream.dashboard.questions.metric_type import Metric
from clickstream.dashboard.texts import mark

_BY_DATE = mark("A visitor who comes on two dates counts on both.")

PEOPLE_METRICS = (
    Metric(
        "searched_dates",
        PEOPLE,
        mark("Dates"),
        "count(visitors)",
        mark("Number of UTC dates whose visitors were searched for suspected machines."),
        mark("Which dates were searched for machines?"),
        good="neither",
        is_additive=True,
    ),
    Metric(
        "people_by_date",
        PEOPLE,
        mark("People"),
        "coalesce(sum(visitors - suspected), 0)",
        mark("Visitors of each searched date who are not suspected to be machines."),
        mark("How many people came?"),
        _BY_DATE,
        is_additive=True,
    ),
    Metric(
        "fewest_people",
        PEOPLE,
        mark("At least"),
        "coalesce(sum(lowest), 0)",
        mark("Lower end of the 95 % interval of the number of people of each searched date."),
        mark("How few people can it have been?"),
        _BY_DATE,
        is_additive=True,
    ),
    Metric(
        "most_people",
        PEOPLE,
        mark("At most"),
        "coalesce(sum(highest), 0)",
        mark("Upper end of the 95 % interval of the number of people of each searched date."),
        mark("How many people can it have been?"),
        _BY_DATE,
        is_additive=True,
    ),
    Metric(
        "suspected_machines",
        COHORTS,
        mark("Left out"),
        "coalesce(sum(suspected), 0)",
        mark("Visitors of the cohort who are left out of all figures of people."),
        mark("Which visitors are probably machines?"),
        _BY_DATE,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "cohort_members",
        COHORTS,
        mark("Visitors"),
        "coalesce(sum(visitors), 0)",
        mark("Visitors who have the properties of the cohort, and no more proof than it names."),
        mark("How large is the group?"),
        _BY_DATE,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "cohort_proved",
        COHORTS,
        mark("Proved"),
        "coalesce(sum(proved), 0)",
        mark("Visitors who arrived in the same way and have proved to be people."),
        mark("How many people came in the same way?"),
        _BY_DATE,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "cohort_explained",
        COHORTS,
        mark("Explained"),
        "coalesce(sum(explained), 0)",
        mark("Members of the cohort that these people explain: they stay in all figures."),
        mark("How many of the group can be people?"),
        _BY_DATE,
        good="neither",
        is_additive=True,
    ),
    Metric(
        "undecided_dates",
        COHORTS,
        mark("Undecided"),
        "count(*) filter (where not is_decided)",
        mark("Dates on which people could also explain the cohort."),
        mark("Which groups can be people?"),
        good="neither",
        is_additive=True,
    ),
)
