"""Estimate how many of a date's visitors are people, and label the cohorts that are machines.

All functions are pure. Bots with a verdict are not looked at; this package finds the machines that
have a browser's user agent and an address of their own.

    visitors = visitors_of_date(parts)              # session parts of the date with their evidence
    habit = learn_habit(history, event_date)        # counts of earlier dates
    suspicion = find_suspects(visitors, habit)
    counts = count_kinds(event_date, visitors, suspicion.visitors["share"])  # for later dates

See docs/people.md for the method.
"""

from clickstream.people.columns import PART_EVIDENCE, STORED_BEFORE
from clickstream.people.estimate import PeopleEstimate
from clickstream.people.evidence import RequestOrigins, part_evidence
from clickstream.people.habits import COUNT_COLUMNS, Habit, count_kinds, learn_habit
from clickstream.people.network_ids import network_ids
from clickstream.people.suspicion import SuspectedCohort, Suspicion, find_suspects
from clickstream.people.visitors import Proof, visitors_of_date

__all__ = [
    "COUNT_COLUMNS",
    "PART_EVIDENCE",
    "STORED_BEFORE",
    "Habit",
    "PeopleEstimate",
    "Proof",
    "RequestOrigins",
    "SuspectedCohort",
    "Suspicion",
    "count_kinds",
    "find_suspects",
    "learn_habit",
    "network_ids",
    "part_evidence",
    "visitors_of_date",
]
