"""Estimate how many of a date's visitors are people, and label the cohorts that are machines.

All functions are pure. Bots with a verdict are not looked at; this package finds the machines that
have a browser's user agent and an address of their own.

    visitors = visitors_of_date(parts)              # session parts of the date
    habit = history.habit(event_date)               # a SiteHistory of earlier dates
    suspicion = find_suspects(visitors, habit)
    history.add(event_date, visitors, suspicion.visitors["share"])  # for later dates

See docs/people.md for the method.
"""

from clickstream.people.counts import COUNT_COLUMNS, Counts, count_kinds
from clickstream.people.estimate import PeopleEstimate
from clickstream.people.habits import Habit
from clickstream.people.learning import SiteHistory, learn_habit
from clickstream.people.suspicion import (
    SuspectedCohort,
    Suspicion,
    choose_suspected,
    find_suspects,
)
from clickstream.people.visitors import PART_COLUMNS, Proof, visitors_of_date, visitors_of_dates

__all__ = [
    "COUNT_COLUMNS",
    "PART_COLUMNS",
    "Counts",
    "Habit",
    "PeopleEstimate",
    "Proof",
    "SiteHistory",
    "SuspectedCohort",
    "Suspicion",
    "choose_suspected",
    "count_kinds",
    "find_suspects",
    "learn_habit",
    "visitors_of_date",
    "visitors_of_dates",
]
