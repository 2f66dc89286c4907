"""Incidents of DAGs whose scheduled runs fail: one for all red tasks, until a run succeeds.

Airflow's callbacks call this, for scheduled runs whose tasks were not cleared.
"""

from __future__ import annotations

from datetime import datetime

from clickstream.alerts.deliver import Notified, change_and_send
from clickstream.alerts.incidents import Incidents, Rule
from clickstream.alerts.senders import channels_of
from clickstream.alerts.store import LakeStore
from clickstream.alerts.texts import code_of, without_lines
from clickstream.core.errors import AwsUnavailable
from clickstream.lake import Lake, pull_states

OF_SOURCES = ("CS-2", "CS-8")
"""How the codes of errors about hosts and their logs, and about shops, begin."""


def report_failed_task(
    lake: Lake, now: datetime, dag_id: str, run_id: str, logical_date: datetime, text: str
) -> Notified:
    """Open the incident of a DAG, or extend it to this run, and send what is due.

    `text` ends with a code. A task that failed because AWS, a host or a shop can't be reached opens
    no incident: the outage, the host and the shop are incidents of their own.
    """
    if code_of(text) == AwsUnavailable.code or _is_of_source(lake, text):
        return Notified()
    sentence = f"Run {run_id} failed: {without_lines(text)}"

    def extend(before: Incidents) -> Incidents:
        return before.hold(Rule.FAILED_RUN, dag_id, sentence, now, logical_date)

    return change_and_send(lake.settings, LakeStore(lake), channels_of(lake), extend, now)


def _is_of_source(lake: Lake, text: str) -> bool:
    """Whether the state of a host or shop has this failure, which a rule of its own reads."""
    if not code_of(text).startswith(OF_SOURCES):
        return False
    failures = [state.failure for state in pull_states.pull_states(lake)]
    failures += [failure for _, failure in pull_states.unreadable_shops(lake).values()]
    stored = [failure.rpartition(" (")[0] for failure in failures]
    return any(failure and text.startswith(" ".join(failure.split())) for failure in stored)


def report_run_succeeded(
    lake: Lake, now: datetime, dag_id: str, logical_date: datetime
) -> Notified:
    """Close the incident of a DAG if this run is not older than the failed one."""
    channels = channels_of(lake)

    def close(before: Incidents) -> Incidents:
        incident = before.find(Rule.FAILED_RUN, dag_id)
        if incident is None or (incident.run_at is not None and logical_date < incident.run_at):
            return before
        return before.close(incident, now, channels)

    return change_and_send(lake.settings, LakeStore(lake), channels, close, now)
