"""`clickstream watch`: checks outside Airflow, which also notice that Airflow or AWS is gone.

The incidents of the lake can't be read while AWS is unreachable. So this outage is an incident in
a file of this machine, and its messages are sent from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from clickstream.alerts.check import check_alerts
from clickstream.alerts.deliver import Notified, change_and_send
from clickstream.alerts.incidents import LAKE, Conditions, Incidents, Rule
from clickstream.alerts.machine import ask_airflow
from clickstream.alerts.observations import AirflowObservation
from clickstream.alerts.senders import channels_of
from clickstream.alerts.store import FileStore
from clickstream.core.errors import ClickstreamError, SettingsError, with_code
from clickstream.lake import Lake, refer_to_lake
from clickstream.settings import Settings

_log = logging.getLogger("clickstream")


@dataclass(frozen=True)
class Watched:
    """The result of one check: what was sent, and the error if the lake could not be read."""

    delivered: Notified
    error: ClickstreamError | None = None


@dataclass
class Watch:
    """Checks again and again.

    `load` reads the settings for each check, which uses the last ones that could be used.
    `open_lake` opens their lake, and fails while AWS is unreachable. Raises SettingsError if the
    settings can't be used at the start.
    """

    load: Callable[[], Settings]
    open_lake: Callable[[Settings], Lake]
    lake: Lake | None = None
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        """Load the settings."""
        self.settings = self.load()

    def check(self, now: datetime) -> Watched:
        """Check once, as of `now`, an aware time."""
        settings_problem = self._reload()
        store = FileStore.open(self.settings.resolve(self.settings.alerts.directory))
        airflow = self._ask_airflow(store, now)
        error: ClickstreamError | None = None
        delivered = Notified()
        try:
            self.lake = self.lake or self.open_lake(self.settings)
            delivered = check_alerts(self.lake, now, airflow, settings_problem)
        except ClickstreamError as problem:
            error = problem
        except Exception as problem:  # the watch must outlive any fault
            _log.exception("The check failed.")
            error = ClickstreamError(f"Unexpected {type(problem).__name__}: {problem}.")
        outage = self._report_outage(store, now, error)
        attempts = delivered.attempts + outage.attempts
        return Watched(Notified(attempts, delivered.open + outage.open), error)

    def _reload(self) -> str:
        """Load the settings again; return why they can't be used, and keep the last ones then."""
        try:
            loaded = self.load()
        except SettingsError as error:
            return error.printed
        if loaded != self.settings:
            self.settings, self.lake = loaded, None
        return ""

    def _ask_airflow(self, store: FileStore, now: datetime) -> AirflowObservation | None:
        url = self.settings.alerts.airflow_url
        if not url:
            return None
        state, limit = store.state, timedelta(minutes=self.settings.alerts.outage_minutes)
        is_new = state.checked_at is None or now - state.checked_at > limit
        since = now if is_new or state.watched_since is None else state.watched_since
        observed = ask_airflow(url, now, state.airflow_silent_since, since)
        silent = observed.silent_since
        store.write(
            replace(state, airflow_silent_since=silent, watched_since=since, checked_at=now)
        )
        return observed

    def _report_outage(
        self, store: FileStore, now: datetime, error: ClickstreamError | None
    ) -> Notified:
        """Open the incident of AWS when the lake could not be read for long enough, or close it."""
        since = (store.state.lake_silent_since or now) if error else None
        store.write(replace(store.state, lake_silent_since=since))
        limit = timedelta(minutes=self.settings.alerts.outage_minutes)
        holds: Mapping[str, str] = {}
        if error and since and (store.state.incidents.open or now - since >= limit):
            text = f"The lake can't be read since {since:%Y-%m-%d %H:%M} UTC: {error}"
            holds = {LAKE: with_code(text, error.code)}
        verdict = Conditions(Rule.AWS_UNREACHABLE, holds)

        channels = channels_of(self.lake or refer_to_lake(self.settings))

        def observe(before: Incidents) -> Incidents:
            return before.observe([verdict], now, channels)

        return change_and_send(self.settings, store, channels, observe, now)
