"""One check: observe, compare with the open incidents, store the change, and send what is due."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from clickstream.alerts.deliver import Notified, change_and_send
from clickstream.alerts.incidents import Incidents
from clickstream.alerts.machine import observe_machine
from clickstream.alerts.observations import AirflowObservation, Observations, observe_lake
from clickstream.alerts.rules import find_verdicts
from clickstream.alerts.senders import channels_of
from clickstream.alerts.store import LakeStore, note_check
from clickstream.lake import Lake


def check_alerts(
    lake: Lake,
    now: datetime,
    airflow: AirflowObservation | None = None,
    settings_problem: str | None = None,
) -> Notified:
    """Open and close the incidents of a lake as of `now`, an aware time, and send what is due.

    Without `airflow`, incidents about Airflow stay as they are, and without `settings_problem`
    those about settings; it is empty if the settings can be used. Several processes may check at
    the same time; one of them sends. Raises the errors of the lake.
    """
    began = time.monotonic()
    machine = observe_machine(lake.settings)
    seen = Observations(now, observe_lake(lake, now), machine, airflow, settings_problem)
    verdicts = find_verdicts(seen, lake.settings.alerts)

    channels = channels_of(lake)

    def observe(before: Incidents) -> Incidents:
        return before.observe(verdicts, now, channels)

    note_check(lake, now)
    sent_at = now + timedelta(seconds=time.monotonic() - began)
    return change_and_send(lake.settings, LakeStore(lake), channels, observe, sent_at)
